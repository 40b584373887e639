"""Projects that predict nothing pass their own tests, keep their own style and reproduce what was recorded, without us."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from generated.conftest import Run
from ml_engineer.verbs.frame_problem import frame_problem
from ml_engineer.verbs.replay import replay
from ml_engineer.verbs.train import train
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.requests import FrameProblemRequest, ReplayRequest, TrainRequest

ONE_OPTION = 25


def birds(folder: Path) -> Path:
    """Two kinds of birds, told apart by sizes and colour, with gaps and days."""
    rng = np.random.default_rng(0)
    kind = np.arange(240) % 2
    frame = pd.DataFrame(
        {
            "length (mm)": rng.normal(40 + 12 * kind, 2).round(1),
            'the "weight"': pd.Series(rng.normal(3000 + 900 * kind, 150).round()).mask(
                pd.Series(rng.random(240) < 0.1)
            ),
            "colour": np.where(rng.random(240) < 0.9, np.array(["grey", "black"])[kind], "white"),
            "seen": pd.date_range("2024-01-01", periods=240, freq="7h").astype(str),
            "ringed": rng.random(240) < 0.5,
            "odd": np.where(np.arange(240) % 30 == 3, "yes", "no"),
        }
    )
    frame.loc[frame["odd"] == "yes", "length (mm)"] += 40
    path = folder / "birds.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.mark.full
@pytest.mark.parametrize(
    ("task", "target", "left_out"), [("clustering", "", ["odd"]), ("anomaly_detection", "odd", None)]
)
def test_a_trained_project_passes_its_own_tests_keeps_its_style_and_reproduces_its_score(
    task: str, target: str, left_out: list[str] | None, run: Run, tmp_path: Path
) -> None:
    context, root = WorkContext("job_test", tmp_path / "journal"), tmp_path / "ml"
    framing = FrameProblemRequest(
        data=str(birds(tmp_path)),
        target=target,
        task_type=task,
        project_dir=str(root),
        exclude_columns=left_out,
        time_column="",
    )
    frame_problem(framing, context)
    train(TrainRequest(project_dir=str(root), budget_evaluations=ONE_OPTION), context)
    for arguments in (
        ("-m", "pytest", "-q", "-p", "no:cacheprovider"),
        ("-m", "ruff", "check", "--no-cache", "."),
        ("-m", "ruff", "format", "--no-cache", "--diff", "."),
        ("-m", "mypy", "--cache-dir", str(tmp_path / "types")),
        ("models/training/train.py", "--save"),
        ("models/evaluation/evaluate.py", "--replicates", "20"),
    ):
        result = run(root, *arguments)
        assert result.returncode == 0, (arguments, result.stdout[-4000:], result.stderr[-2000:])
    assert replay(ReplayRequest(run="champion", project_dir=str(root)), context).verdict == "reproduced"
    assert "The recorded run is reproduced." in run(root, "models/training/train.py", "--no-track").stdout
