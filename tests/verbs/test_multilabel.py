"""Several labels a row, from lists or columns of 0 and 1 to chosen labels, and refused where a row has but one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from ml_engineer.errors import InputError, UnsupportedTaskError
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.statistics.label_sets import membership
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.guardrails import GuardrailReport
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.training import TrainingRun

LABELS = ("calm", "fast", "loud")


def songs(rows: int = 600, *, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Songs whose three labels follow tempo and volume, each by itself; and the true chance of each label."""
    rng = np.random.default_rng(seed)
    tempo, volume, noise = rng.normal(size=(3, rows))
    chances = 1 / (1 + np.exp(-np.column_stack([-1 - 2 * volume, 2 * tempo - 1.5, 2 * volume + tempo])))
    has = rng.random(chances.shape) < chances
    table = pd.DataFrame({"tempo": tempo, "volume": volume, "noise": noise, "kind": rng.choice(["a", "b"], rows)})
    for place, label in enumerate(LABELS):
        table[label] = has[:, place].astype(int)
    return table, chances


def listed(table: pd.DataFrame, separator: str = "|") -> pd.DataFrame:
    """The same with one column of lists instead of a column a label."""
    cells = [separator.join(label for label in LABELS if row[label]) for _, row in table.iterrows()]
    return table.drop(columns=list(LABELS)).assign(moods=cells)


def test_labels_are_learned_judged_and_chosen(tmp_path: Path, call: Callable[..., Any]) -> None:
    data, root = tmp_path / "songs.csv", str(tmp_path / "ml")
    table, _ = songs()
    listed(table).to_csv(data, index=False)
    framed = call("frame_problem", data=str(data), target="moods", project_dir=root)
    assert (framed.task_type, framed.primary_metric) == ("multilabel", "average_precision")
    assert any("with '|' between them" in told for told in framed.warnings)
    assert any("count as rows without any label" in told for told in framed.warnings)
    assert framed.baseline.value == pytest.approx(table[list(LABELS)].mean().mean(), abs=0.03)
    layout = ProjectLayout(tmp_path / "ml")
    folds = pd.read_parquet(layout.folds)["fold"].to_numpy()
    has = membership(pd.read_parquet(layout.development)["moods"], LABELS)
    shares = [has[folds == fold].mean(axis=0) for fold in np.unique(folds)]
    assert np.ptp(shares, axis=0).max() < 0.1, "every fold holds every label in about its share"

    call("scaffold_project", project_dir=root, features=["serving", "monitoring"])
    candidates = ["linear", "extra_trees", "neighbours", "boosting"]
    trained = call("train", project_dir=root, budget_evaluations=24, candidates=candidates)
    evaluated = call("evaluate", project_dir=root)
    assert evaluated.verdict == "better_than_baseline"
    assert set(evaluated.metrics) >= {"average_precision", "micro_f1", "subset_accuracy", "hamming_loss"}
    report = load_record(layout, EvaluationReport)
    assert {one.label for one in report.labels} == set(LABELS)
    assert all(one.average_precision and one.average_precision.value > one.share for one in report.labels)
    assert report.decision_threshold == 0.5
    page = Path(evaluated.artifacts["report"]).read_text(encoding="utf-8")
    assert "Label by label, held-out rows" in page

    fresh, chances = songs(2000, seed=1)
    output = tmp_path / "told.csv"
    fresh.drop(columns=list(LABELS)).to_csv(tmp_path / "fresh.csv", index=False)
    call("predict", project_dir=root, data=str(tmp_path / "fresh.csv"), output=str(output))
    told = pd.read_csv(output)
    said = told[[f"probability_{label}" for label in LABELS]].to_numpy()
    assert np.abs(said - chances).mean() < 0.1
    best, ours = (average_precision_score(fresh[list(LABELS)], one, average="macro") for one in (chances, said))
    assert ours > best - 0.04
    assert trained.score.value == pytest.approx(ours, abs=0.06)
    for cell, row in zip(told["prediction"], said, strict=True):
        chosen = [label for label, chance in zip(LABELS, row, strict=True) if chance >= report.decision_threshold]
        assert json.loads(cell) == chosen

    checked = call("check_guardrails", project_dir=root, stage="deploy")
    assert checked.verdict in {"pass", "warn"}
    findings = {one.code: one for one in load_record(layout, GuardrailReport).findings}
    assert findings["LEA014"].found.startswith("asked of each of 3 labels")
    assert findings["FAI002"].outcome == "not_applicable"
    verified = call("verify", project_dir=root, full=True)
    assert verified.verdict == "valid", verified.summary


@pytest.mark.parametrize("target", ["calm,fast,loud", "calm, fast , loud"])
def test_columns_of_0_and_1_are_one_target(tmp_path: Path, call: Callable[..., Any], target: str) -> None:
    data, root = tmp_path / "songs.csv", str(tmp_path / "ml")
    songs(300)[0].to_csv(data, index=False)
    framed = call("frame_problem", data=str(data), target=target, project_dir=root)
    assert framed.task_type == "multilabel"
    problem = load_record(ProjectLayout(tmp_path / "ml"), ProblemDefinition)
    assert (problem.target, problem.classes, problem.label_columns) == ("labels", LABELS, LABELS)
    assert {column.name for column in problem.features} == {"tempo", "volume", "noise", "kind"}
    assert sum(problem.label_rows) > 0
    again = call("frame_problem", data=str(data), target="labels", project_dir=root)
    assert again.task_type == "multilabel", "framing again remembers the columns"


def test_both_forms_of_the_same_labels_make_the_same_problem(tmp_path: Path, call: Callable[..., Any]) -> None:
    table, _ = songs(300)
    framed = []
    for name, made, target in (("flags", table, "calm,fast,loud"), ("lists", listed(table), "moods")):
        data = tmp_path / f"{name}.parquet"
        made.to_parquet(data)
        call("frame_problem", data=str(data), target=target, project_dir=str(tmp_path / name))
        framed.append(load_record(ProjectLayout(tmp_path / name), ProblemDefinition))
    assert framed[0].classes == framed[1].classes
    assert framed[0].baseline.score.value == pytest.approx(framed[1].baseline.score.value, abs=0.05)


def test_a_leak_of_one_label_is_found_among_many(tmp_path: Path, call: Callable[..., Any]) -> None:
    data, root = tmp_path / "songs.csv", str(tmp_path / "ml")
    table, _ = songs(500)
    table["editor_note"] = np.where(table["fast"] == 1, 7.0, 3.0)
    table.to_csv(data, index=False)
    call("frame_problem", data=str(data), target="calm,fast,loud", project_dir=root)
    problem = load_record(ProjectLayout(tmp_path / "ml"), ProblemDefinition)
    column = problem.column("editor_note")
    assert not column.used
    assert "of the label 'fast'" in column.reason


def test_a_total_of_one_label_over_all_rows_is_found(tmp_path: Path, call: Callable[..., Any]) -> None:
    data, root = tmp_path / "songs.csv", str(tmp_path / "ml")
    table, _ = songs(1200)
    # A total of something else beside it would be met by no label.
    table["studio"] = np.arange(1200) % 240
    table["fast_of_studio"] = table.groupby("studio")["fast"].transform("sum")
    table["hours_of_studio"] = np.random.default_rng(1).poisson(2.0, 240)[table["studio"]]
    table.to_csv(data, index=False)
    call("frame_problem", data=str(data), target="calm,fast,loud", group_columns=[], project_dir=root)
    call("check_guardrails", project_dir=root, stage="train")
    findings = {one.code: one for one in load_record(ProjectLayout(tmp_path / "ml"), GuardrailReport).findings}
    assert findings["LEA022"].columns == ("fast_of_studio",)
    assert "label 'fast'" in findings["LEA022"].found


def test_where_f1_decides_labels_are_chosen_to_be_found(tmp_path: Path, call: Callable[..., Any]) -> None:
    data, root = tmp_path / "songs.csv", str(tmp_path / "ml")
    songs(400)[0].to_csv(data, index=False)
    call("frame_problem", data=str(data), target="calm,fast,loud", metric="micro_f1", project_dir=root)
    call("scaffold_project", project_dir=root, features=[])
    call("train", project_dir=root, budget_evaluations=18, candidates=["linear"])
    champion = load_record(ProjectLayout(tmp_path / "ml"), TrainingRun).champion
    assert champion.decision_threshold is not None
    assert champion.decision_threshold < 0.5
    assert "the best F1 over all labels" in champion.threshold_reason


def test_groups_stay_whole(tmp_path: Path, call: Callable[..., Any]) -> None:
    data, root = tmp_path / "songs.csv", str(tmp_path / "ml")
    table, _ = songs(600)
    table["artist"] = np.arange(600) // 6
    table.to_csv(data, index=False)
    call("frame_problem", data=str(data), target="calm,fast,loud", group_columns=["artist"], project_dir=root)
    layout = ProjectLayout(tmp_path / "ml")
    rows, folds = pd.read_parquet(layout.development), pd.read_parquet(layout.folds)["fold"].to_numpy()
    assert pd.Series(folds).groupby(rows["artist"].to_numpy()).nunique().max() == 1
    has = membership(rows["labels"], LABELS)
    assert all(has[folds == fold].any(axis=0).all() for fold in np.unique(folds))


@pytest.mark.parametrize(
    ("make", "told", "refusal"),
    [
        (
            lambda t: t.assign(mood=np.where(t["fast"] == 1, "fast", "calm")),
            {"target": "mood", "task_type": "multilabel"},
            (UnsupportedTaskError, "has several labels"),
        ),
        (lambda t: t, {"target": "calm,fist"}, (InputError, "no column 'fist'")),
        (lambda t: t, {"target": "calm,tempo"}, (UnsupportedTaskError, "does not tell whether a row has a label")),
        (lambda t: t.head(30), {"target": "calm,fast,loud"}, (UnsupportedTaskError, "rows enough to be learned")),
        (lambda t: t, {"target": "calm,fast", "metric": "rmse"}, (InputError, "does not fit a multilabel task")),
        (lambda t: t, {"target": "calm,fast", "positive_class": "calm"}, (InputError, "positive_class does not fit")),
        (lambda t: t, {"target": "calm,fast", "roles": {"noise": "weight"}}, (InputError, "every row counting once")),
        (
            lambda t: t,
            {"target": "calm,fast", "false_positive_cost": 1, "false_negative_cost": 2},
            (InputError, "binary tasks"),
        ),
    ],
)
def test_what_is_not_several_labels_is_refused_with_a_pointer(
    tmp_path: Path,
    call: Callable[..., Any],
    make: Callable[[pd.DataFrame], pd.DataFrame],
    told: dict[str, Any],
    refusal: tuple[type[Exception], str],
) -> None:
    data = tmp_path / "songs.csv"
    make(songs(200)[0]).to_csv(data, index=False)
    with pytest.raises(refusal[0], match=refusal[1]):
        call("frame_problem", data=str(data), project_dir=str(tmp_path / "ml"), **told)
    assert not (tmp_path / "ml" / "problem.yaml").exists()


def test_a_column_whose_name_has_a_comma_is_one_column(tmp_path: Path, call: Callable[..., Any]) -> None:
    data = tmp_path / "songs.csv"
    songs(200)[0].rename(columns={"fast": "fast, really"}).to_csv(data, index=False)
    framed = call("frame_problem", data=str(data), target="fast, really", project_dir=str(tmp_path / "ml"))
    assert framed.task_type == "binary"
