"""Survival, from a table with times and events to chances over time, and refused where the data does not tell of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml_engineer.errors import DefinitionError, InputError, UnsupportedTaskError


def patients(rows: int = 600, *, seed: int = 0) -> pd.DataFrame:
    """Exponential times whose hazard doubles with each unit of risk; about a third were not followed to the event."""
    rng = np.random.default_rng(seed)
    risk, noise = rng.normal(size=rows), rng.normal(size=rows)
    treated = rng.integers(0, 2, rows)
    times = rng.exponential(100 / np.exp(np.log(2) * risk - 0.8 * treated))
    lost = rng.exponential(200, rows)
    return pd.DataFrame(
        {
            "risk": risk,
            "noise": noise,
            "arm": np.where(treated == 1, "drug", "placebo"),
            "days": np.ceil(np.minimum(times, lost)),
            "status": np.where(times <= lost, "dead", "alive"),
        }
    )


def test_survival_is_learned_judged_and_told_in_time(tmp_path: Path, call: Callable[..., Any]) -> None:
    data, root = tmp_path / "patients.csv", str(tmp_path / "ml")
    patients().to_csv(data, index=False)
    framed = call("frame_problem", data=str(data), target="days", event_column="status", project_dir=root)
    assert (framed.task_type, framed.primary_metric) == ("survival", "concordance")
    assert framed.baseline.value == 0.5
    assert any("'dead' of 'status' means that the event happened" in told for told in framed.warnings)
    kept = pd.read_parquet(tmp_path / "ml" / "data" / "processed" / "development.parquet")
    assert "status" not in kept.columns, "it is in the sign of the time, and no model may see it"

    trained = call("train", project_dir=root, budget_evaluations=14, candidates=["cox", "cox_boosting"])
    # The concordance of the true hazards on a large sample is 0.70.
    assert 0.64 < trained.score.value < 0.75
    assert trained.baseline.value == 0.5

    evaluated = call("evaluate", project_dir=root)
    assert evaluated.verdict == "better_than_baseline"
    assert set(evaluated.metrics) == {"concordance", "integrated_brier"}
    assert evaluated.metrics["integrated_brier"].value < evaluated.baseline["integrated_brier"]
    page = Path(evaluated.artifacts["report"]).read_text(encoding="utf-8")
    assert "Held-out rows in three groups by predicted risk" in page

    fresh, output = tmp_path / "fresh.csv", tmp_path / "told.csv"
    later = patients(400, seed=1)
    later.drop(columns=["days", "status"]).to_csv(fresh, index=False)
    call("predict", project_dir=root, data=str(fresh), output=str(output))
    told = pd.read_csv(output)
    chances = [name for name in told.columns if name.startswith("survival_")]
    assert len(chances) == 3
    assert (told[chances].diff(axis=1).iloc[:, 1:] <= 0).all(axis=None)
    hazard = np.exp(np.log(2) * later["risk"] - 0.8 * (later["arm"] == "drug")) / 100
    for name in chances:
        truth = np.exp(-hazard * float(name.removeprefix("survival_")))
        assert np.abs(told[name] - truth).mean() < 0.08
    known = told["median_time"].notna()
    assert np.corrcoef(np.log(told["median_time"][known]), np.log(np.log(2) / hazard[known]))[0, 1] > 0.9


@pytest.mark.parametrize(
    ("change", "told", "refusal"),
    [
        ({}, {"event_column": None, "task_type": "survival"}, (InputError, "in which rows the event happened")),
        ({}, {"task_type": "binary"}, (InputError, "event_column is for survival")),
        ({}, {"event_column": "days"}, (InputError, "named as target and as event_column")),
        ({"status": lambda frame: np.arange(len(frame)) % 3}, {}, (UnsupportedTaskError, "Of several kinds of event")),
        ({"status": "dead"}, {}, (UnsupportedTaskError, "1 different values")),
        ({"days": lambda frame: frame["arm"]}, {}, (UnsupportedTaskError, "holds no times")),
        (
            {"status": lambda frame: np.where(np.arange(len(frame)) < 5, "dead", "alive")},
            {},
            (UnsupportedTaskError, "in 5 rows only"),
        ),
        ({}, {"metric": "rmse"}, (InputError, "does not fit a survival task")),
        ({}, {"metric": "integrated_brier"}, (InputError, "only the champion of a survival task tells")),
    ],
)
def test_what_is_no_survival_is_refused_with_a_pointer(
    tmp_path: Path,
    call: Callable[..., Any],
    change: dict[str, Any],
    told: dict[str, Any],
    refusal: tuple[type[Exception], str],
) -> None:
    data = tmp_path / "patients.csv"
    patients(200).assign(**change).to_csv(data, index=False)
    request: dict[str, Any] = {"target": "days", "event_column": "status"}
    with pytest.raises(refusal[0], match=refusal[1]):
        call("frame_problem", data=str(data), project_dir=str(tmp_path / "ml"), **(request | told))
    assert not (tmp_path / "ml" / "problem.yaml").exists()


def test_framing_again_remembers_the_event(tmp_path: Path, call: Callable[..., Any]) -> None:
    data, root = tmp_path / "patients.csv", str(tmp_path / "ml")
    patients(200).to_csv(data, index=False)
    call("frame_problem", data=str(data), target="days", event_column="status", project_dir=root)
    again = call("frame_problem", data=str(data), target="days", project_dir=root)
    assert again.task_type == "survival"


def test_a_metric_that_cannot_choose_between_candidates_is_refused_when_it_is_written_into_the_problem(
    tmp_path: Path, call: Callable[..., Any]
) -> None:
    data, root = tmp_path / "patients.csv", tmp_path / "ml"
    patients(200).to_csv(data, index=False)
    call("frame_problem", data=str(data), target="days", event_column="status", project_dir=str(root))
    problem = root / "problem.yaml"
    text = problem.read_text(encoding="utf-8")
    problem.write_text(
        text.replace("primary_metric: concordance", "primary_metric: integrated_brier"), encoding="utf-8"
    )
    with pytest.raises(DefinitionError, match=r"'primary_metric' holds 'integrated_brier'.*allowed: concordance"):
        call("train", project_dir=str(root), budget_evaluations=2)
