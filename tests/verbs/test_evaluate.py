"""A look is counted before rows are read, gives aggregates only, and is not taken twice for one model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ml_engineer import seal
from ml_engineer.errors import MlEngineerError, ProjectStateError, SealError
from ml_engineer.modelling.ensemble import greedy_weights
from ml_engineer.project.candidate_predictions import read_candidate_predictions, write_candidate_predictions
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record, save_record
from ml_engineer.project.tally import count_run
from ml_engineer.seal.vault import Vault
from ml_engineer.verbs.champion import load_champion
from ml_engineer.verbs.evaluate import evaluate
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.problem import Costs
from ml_engineer.vocabulary.replies import EvaluateReply
from ml_engineer.vocabulary.requests import EvaluateRequest
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.tally import TallyRun
from ml_engineer.vocabulary.training import TrainingRun
from verbs.test_train import calm_and_wild, frame_table, train_here
from verbs.trained_projects import TrainedProject, churn, train_project

Call = Callable[..., Any]


def _leavers(folder: Path) -> TrainedProject:
    """Two classes, a sensitive column, an identifier."""
    return train_project(
        folder,
        churn(),
        target="left",
        task="binary",
        sensitive=("sex",),
        keys=("customer",),
        costs=Costs(false_positive=1, false_negative=4),
    )


@pytest.fixture
def leavers(tmp_path: Path) -> TrainedProject:
    """Not evaluated yet."""
    return _leavers(tmp_path)


@dataclass(frozen=True)
class Evaluated:
    """A project with its first look, only to be read."""

    project: TrainedProject
    reply: EvaluateReply
    report: EvaluationReport


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """Evaluated once for all tests that only read."""
    folder = tmp_path_factory.mktemp("evaluated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "state"))
        project = _leavers(folder)
        request = EvaluateRequest(project_dir=project.root, reason="the board meets")
        reply = evaluate(request, WorkContext(job_id="job_test", journal_dir=folder))
    return Evaluated(project, reply, load_record(project.layout, EvaluationReport))


def looks(project: TrainedProject) -> int:
    deal_id = load_record(project.layout, SplitPlan).deal_id
    return seal.count_looks(deal_id, project_ledger=project.layout.ledger)


def ledger(project: TrainedProject) -> list[dict[str, Any]]:
    return [json.loads(line) for line in project.layout.ledger.read_text(encoding="utf-8").splitlines()]


def test_scores_are_those_of_the_model_on_the_sealed_rows(evaluated: Evaluated) -> None:
    champion = load_champion(evaluated.project.layout)
    answers = champion.answer(evaluated.project.held_out)
    actual = (evaluated.project.held_out["left"] == "yes").to_numpy().astype(int)
    assert answers.probabilities is not None
    reply = evaluated.reply
    exact = {result.metric: result.model.value for result in evaluated.report.metrics}
    assert exact["roc_auc"] == pytest.approx(roc_auc_score(actual, answers.probabilities[:, 1]))
    assert exact["accuracy"] == pytest.approx(accuracy_score(actual, answers.predicted))
    assert exact["log_loss"] == pytest.approx(log_loss(actual, answers.probabilities))
    assert {name: found.value for name, found in reply.metrics.items()} == pytest.approx(exact, rel=1e-4)
    assert next(iter(reply.metrics)) == "roc_auc"
    assert {"precision", "recall", "f1", "average_precision", "brier", "expected_cost"} <= set(reply.metrics)
    assert all(found.low <= found.value <= found.high for found in reply.metrics.values())
    assert reply.baseline["roc_auc"] == 0.5
    assert reply.verdict == "better_than_baseline"
    assert np.sum(reply.confusion) == reply.held_out_rows == 100
    assert len(reply.model_dump_json()) < 2500


def test_look_is_written_down_before_the_score(evaluated: Evaluated) -> None:
    events = [(entry["event"], entry["why"]) for entry in ledger(evaluated.project)]
    assert events == [("deal", ""), ("look", "the board meets"), ("score", "")]
    assert ledger(evaluated.project)[-1]["metrics"]["roc_auc"] > 0.5


def test_same_model_asked_again_gets_the_stored_answer_and_no_new_look(leavers: TrainedProject, call: Call) -> None:
    first = call("evaluate", project_dir=leavers.root)
    lines = len(ledger(leavers))
    again = call("evaluate", project_dir=leavers.root)
    assert again.metrics == first.metrics
    assert (first.look, again.look, looks(leavers), len(ledger(leavers))) == (1, 1, 1, lines)
    assert "stored answer" in again.summary
    assert not load_record(leavers.layout, EvaluationReport).repeated


def test_a_stored_answer_that_was_edited_is_not_given_again(leavers: TrainedProject, call: Call) -> None:
    first = call("evaluate", project_dir=leavers.root)
    path = leavers.layout.records / "evaluation.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["metrics"][0]["model"]["value"] = 0.999
    path.write_text(json.dumps(record), encoding="utf-8")
    again = call("evaluate", project_dir=leavers.root)
    assert again.metrics == first.metrics
    assert (again.look, looks(leavers)) == (1, 1)
    assert any("not what the ledger holds (roc_auc 0.999" in warning for warning in again.warnings)
    assert "stored answer" not in again.summary


def test_another_model_is_another_look_at_a_stricter_level(leavers: TrainedProject, call: Call) -> None:
    call("evaluate", project_dir=leavers.root)
    champion = load_champion(leavers.layout)
    seal.open_held_out(
        champion.split.deal_id,
        project_ledger=leavers.layout.ledger,
        model_sha256="1" * 64,
        now="2026-01-03T00:00:00+00:00",
        who="test",
        why="another model",
    )
    (leavers.layout.records / "evaluation.json").unlink()
    reply = call("evaluate", project_dir=leavers.root)
    report = load_record(leavers.layout, EvaluationReport)
    assert reply.look == 2
    assert report.primary.difference is not None
    assert report.primary.difference.level == 0.975
    assert any("have now judged 2 models" in warning for warning in reply.warnings)


def test_report_page_and_pictures_lie_in_the_project(evaluated: Evaluated) -> None:
    reply = evaluated.reply
    report = evaluated.report
    assert {Path(plot.path).name for plot in report.plots} == {
        "roc.svg",
        "precision_recall.svg",
        "calibration.svg",
        "confusion.svg",
        "importance.svg",
    }
    assert all(Path(path).exists() for path in reply.artifacts.values())
    page = evaluated.project.layout.evaluation_html.read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert "sex: recall" in page
    assert [importance.feature for importance in report.importances][:2] in (["charge", "months"], ["months", "charge"])


def test_no_held_out_row_leaves_the_evaluation(evaluated: Evaluated) -> None:
    reply = evaluated.reply
    report = evaluated.report
    sealed = set(evaluated.project.held_out.index)
    assert report.worst_rows
    assert not sealed & {row.row for row in report.worst_rows}
    written = [
        path for path in evaluated.project.layout.root.rglob("*") if path.is_file() and path.suffix != ".parquet"
    ]
    everything = "".join(path.read_text(encoding="utf-8", errors="replace") for path in written)
    everything += reply.model_dump_json()
    assert not [name for name in evaluated.project.held_out["customer"] if name in everything]


def test_groups_are_measured_and_the_worst_is_named(evaluated: Evaluated) -> None:
    reply = evaluated.reply
    report = evaluated.report
    assert {result.group for result in report.groups} == {"female", "male"}
    assert {result.metric for result in report.groups} == {
        "accuracy",
        "selection_rate",
        "recall",
        "false_positive_rate",
        "precision",
    }
    assert reply.worst_group is None or reply.worst_group.startswith("sex = ")


def test_regression_gives_errors_coverage_and_development_scatter(tmp_path: Path, call: Call) -> None:
    frame = churn(500)
    frame["spend"] = 3 * frame["charge"] + frame["months"] + np.random.default_rng(1).normal(size=500) * 10
    project = train_project(
        tmp_path,
        frame.drop(columns="left"),
        target="spend",
        task="regression",
        keys=("customer",),
        sensitive=("months",),
    )
    answers = load_champion(project.layout).answer(project.held_out)
    reply = call("evaluate", project_dir=project.root)
    report = load_record(project.layout, EvaluationReport)
    mae = mean_absolute_error(project.held_out["spend"], answers.predicted)
    assert reply.metrics["mae"].value == pytest.approx(mae, rel=1e-4)
    assert reply.metrics["r2"].value == pytest.approx(r2_score(project.held_out["spend"], answers.predicted), rel=1e-4)
    assert report.interval_coverage is not None
    assert report.interval_coverage.low < 0.9 < report.interval_coverage.high
    assert {Path(plot.path).stem for plot in report.plots} == {"predicted_actual", "residuals", "importance"}
    assert report.confusion is None
    assert {result.metric for result in report.groups} == {"mae"}


def test_intervals_whose_widths_follow_the_features_hold_in_either_half_of_the_sealed_rows(
    tmp_path: Path, call: Call
) -> None:
    layout = frame_table(tmp_path / "home", calm_and_wild(2400), target="y")
    train_here(layout, tmp_path, budget_evaluations=5)
    interval = load_record(layout, TrainingRun).champion.interval
    assert interval is not None
    assert interval.spread is not None
    call("evaluate", project_dir=str(layout.root))
    covered = load_record(layout, EvaluationReport).interval_coverage
    assert covered is not None
    assert covered.low < 0.9 < covered.high

    sealed = Vault().load_held_out(load_record(layout, SplitPlan).deal_id)
    sealed.drop(columns="y").to_csv(tmp_path / "sealed.csv", index=False)
    reply = call("predict", project_dir=str(layout.root), data=str(tmp_path / "sealed.csv"))
    said = pd.read_csv(reply.output)
    truth = sealed["y"].to_numpy()
    inside = ((said["low_90"] <= truth) & (truth <= said["high_90"])).to_numpy()
    assert inside.mean() == pytest.approx(covered.value)
    width = (said["high_90"] - said["low_90"]).to_numpy()
    for halves in (sealed["x1"] > 0.5, sealed["kind"] == "wild"):
        wide = halves.to_numpy()
        assert inside[wide].mean() == pytest.approx(0.9, abs=0.06)
        assert inside[~wide].mean() == pytest.approx(0.9, abs=0.06)
        assert width[wide].mean() > 1.5 * width[~wide].mean()


def test_classes_that_training_never_saw_count_as_mistakes(tmp_path: Path, call: Call) -> None:
    frame = churn()
    frame["plan"] = np.where(frame["charge"] > 100, "gold", np.where(frame["months"] > 30, "silver", "bronze"))
    frame.loc[[0, 4, 8], "plan"] = "<b>platinum</b>"
    project = train_project(tmp_path, frame, target="plan", task="multiclass", keys=("customer", "left"))
    reply = call("evaluate", project_dir=project.root)
    assert reply.labels == ["bronze", "gold", "silver", "<b>platinum</b>"]
    assert sum(reply.confusion[3]) == 3
    assert any("3 held-out rows have a class that no development row has" in warning for warning in reply.warnings)
    assert "<b>platinum" not in project.layout.evaluation_html.read_text(encoding="utf-8")


def test_twelve_rows_of_one_class_give_a_sound_answer(tmp_path: Path, call: Call) -> None:
    frame = churn(200)
    one_class = np.flatnonzero(frame["left"] == "yes")[:12]
    project = train_project(
        tmp_path, frame, target="left", task="binary", keys=("customer",), held_out=np.isin(np.arange(200), one_class)
    )
    reply = call("evaluate", project_dir=project.root)
    report = load_record(project.layout, EvaluationReport)
    assert reply.held_out_rows == 12
    assert report.primary_metric == "log_loss"
    assert "roc_auc" not in reply.metrics
    assert report.cross_validated.value != load_record(project.layout, TrainingRun).champion.score.value
    assert any("roc_auc is undefined" in warning for warning in reply.warnings)


def test_grouped_rows_are_resampled_by_group(tmp_path: Path, call: Call) -> None:
    frame = churn()
    frame["household"] = np.arange(400) // 5
    project = train_project(
        tmp_path,
        frame,
        target="left",
        task="binary",
        keys=("customer", "household"),
        strategy="grouped",
        group_columns=("household",),
        held_out=np.arange(400) < 100,
    )
    reply = call("evaluate", project_dir=project.root)
    assert reply.metrics["accuracy"].method == "bootstrap of 20 groups, 1000 replicates"


def test_rows_in_time_are_resampled_by_block(tmp_path: Path, call: Call) -> None:
    frame = churn()
    frame["day"] = pd.date_range("2025-01-01", periods=400, freq="h").strftime("%Y-%m-%d %H:%M:%S")
    project = train_project(
        tmp_path,
        frame,
        target="left",
        task="binary",
        keys=("customer", "day"),
        strategy="time",
        time_column="day",
        held_out=np.arange(400) >= 300,
    )
    reply = call("evaluate", project_dir=project.root)
    assert reply.metrics["roc_auc"].method.startswith("moving-block bootstrap")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda project: next(project.layout.champion_dir.glob("model.*")).unlink(), "no model file"),
        (
            lambda project: next(project.layout.champion_dir.glob("model.*")).write_bytes(b"swapped"),
            "is not the model that was recorded",
        ),
        (lambda project: project.layout.champion_manifest.unlink(), "There is no"),
        (
            lambda project: project.layout.champion_manifest.write_text("{}", encoding="utf-8"),
            "not a champion's manifest",
        ),
        (
            lambda project: project.layout.champion_manifest.write_text('{"model_sha256": "abc"}', encoding="utf-8"),
            "names another model",
        ),
        (
            lambda project: project.layout.features_py.write_text(
                project.layout.features_py.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8"
            ),
            "not the feature code",
        ),
        (lambda project: (project.layout.records / "training.json").unlink(), "no training record"),
        (lambda project: project.layout.problem_yaml.unlink(), "problem.yaml"),
    ],
)
def test_what_does_not_belong_together_is_refused_and_spends_no_look(
    leavers: TrainedProject, call: Call, spoil: Callable[[TrainedProject], object], message: str
) -> None:
    spoil(leavers)
    with pytest.raises(ProjectStateError, match=message) as caught:
        call("evaluate", project_dir=leavers.root)
    assert caught.value.remedy
    assert looks(leavers) == 0


def test_stale_training_is_refused(leavers: TrainedProject, call: Call) -> None:
    split = load_record(leavers.layout, SplitPlan)
    save_record(leavers.layout, split.model_copy(update={"matched_rows": 1}))
    with pytest.raises(ProjectStateError, match="made from another split"):
        call("evaluate", project_dir=leavers.root)
    assert looks(leavers) == 0


def test_code_that_fails_spends_no_look(leavers: TrainedProject, call: Call) -> None:
    training = load_record(leavers.layout, TrainingRun)
    code = "def build_features(rows):\n    return rows[['left', 'charge']]\n"
    leavers.layout.features_py.write_text(code, encoding="utf-8")
    champion = training.champion.model_copy(update={"features_sha256": file_sha256(leavers.layout.features_py)})
    save_record(leavers.layout, training.model_copy(update={"champion": champion}))
    with pytest.raises(MlEngineerError, match="left"):
        call("evaluate", project_dir=leavers.root)
    assert looks(leavers) == 0


def test_edited_ledger_is_refused(leavers: TrainedProject, call: Call) -> None:
    text = leavers.layout.ledger.read_text(encoding="utf-8")
    leavers.layout.ledger.write_text(text.replace("test@here", "nobody@here"), encoding="utf-8")
    with pytest.raises(SealError):
        call("evaluate", project_dir=leavers.root)


def test_missing_out_of_fold_predictions_are_told_not_invented(leavers: TrainedProject, call: Call) -> None:
    leavers.layout.out_of_fold("run_test").unlink()
    reply = call("evaluate", project_dir=leavers.root)
    report = load_record(leavers.layout, EvaluationReport)
    assert report.worst_rows == ()
    assert report.importances
    assert any("out_of_fold.parquet" in warning for warning in reply.warnings)


def _candidates(project: TrainedProject, names: tuple[str, ...], *, seed: int, run_id: str) -> None:
    """Store guesses of several candidates for every development row, and count the run."""
    split = load_record(project.layout, SplitPlan)
    rng = np.random.default_rng(seed)
    chances = {name: rng.random(split.development_rows) for name in names}
    predictions = {name: np.c_[1 - chance, chance] for name, chance in chances.items()}
    write_candidate_predictions(project.layout, run_id, predictions)
    count_run(
        project.layout,
        TallyRun(
            run_id=run_id,
            at=f"2026-01-0{seed + 1}T00:00:00+00:00",
            deal_id=split.deal_id,
            development_sha256=split.development_sha256,
            metric="roc_auc",
            finished=len(names),
            failed=1,
        ),
    )


def test_candidates_of_all_runs_are_counted_and_their_luck_is_taken_off(leavers: TrainedProject, call: Call) -> None:
    for seed in range(3):
        _candidates(leavers, tuple(f"guess {place}" for place in range(20)), seed=seed, run_id=f"run_{seed}")
    reply = call("evaluate", project_dir=leavers.root)
    honest = load_record(leavers.layout, EvaluationReport).honest
    assert honest is not None
    assert (honest.compared, honest.tried, honest.runs, honest.looks_before) == (61, 63, 3, 0)
    assert honest.corrected is not None
    # Guesses are no rivals, so hardly any luck is taken off.
    assert honest.corrected.value == pytest.approx(honest.best.value, abs=0.02)
    assert (reply.candidates_tried, reply.corrected.value) == (63, pytest.approx(honest.corrected.value, rel=1e-4))
    assert "chosen among 63 candidates" in reply.summary
    page = leavers.layout.evaluation_html.read_text(encoding="utf-8")
    assert "cross-validation, the best of 63 candidates" in page
    assert "63 candidates in 3 training runs were tried" in page


def test_a_champion_that_was_lucky_among_many_alike_is_corrected(tmp_path: Path, call: Call) -> None:
    frame = churn(300)
    frame["left"] = np.random.default_rng(5).choice(["no", "yes"], len(frame))
    project = train_project(tmp_path, frame, target="left", task="binary", keys=("customer",))
    for seed in range(4):
        _candidates(project, tuple(f"guess {place}" for place in range(25)), seed=seed, run_id=f"run_{seed}")
    path = project.layout.out_of_fold("run_test")
    table = pd.read_parquet(path)
    best = read_candidate_predictions(project.layout, "run_2")
    assert best is not None
    rows = pd.read_parquet(project.layout.development)
    actual = (rows["left"] == "yes").to_numpy()
    luckiest = max(best.values(), key=lambda values: roc_auc_score(actual, values[:, 1]))
    table[["p0", "p1"]] = pd.DataFrame(luckiest, index=rows.index).loc[table["row"]].to_numpy()
    table.to_parquet(path, index=False)
    call("evaluate", project_dir=project.root)
    honest = load_record(project.layout, EvaluationReport).honest
    assert honest is not None
    assert honest.corrected is not None
    assert roc_auc_score(actual, luckiest[:, 1]) > 0.55
    assert honest.corrected.value == pytest.approx(0.5, abs=0.04)
    assert "were passed over" in honest.note


def test_an_average_whose_weights_fit_the_rows_that_score_it_is_corrected(tmp_path: Path, call: Call) -> None:
    frame = churn(300)
    frame["left"] = np.random.default_rng(5).choice(["no", "yes"], len(frame))
    project = train_project(tmp_path, frame, target="left", task="binary", keys=("customer",))
    names = tuple(f"guess {place}" for place in range(30))
    _candidates(project, names, seed=0, run_id="run_test")
    stored = read_candidate_predictions(project.layout, "run_test")
    assert stored is not None
    actual = (pd.read_parquet(project.layout.development)["left"] == "yes").to_numpy()
    weights = greedy_weights(list(stored.values()), actual.astype(int))
    average = np.asarray(sum(weight * each for weight, each in zip(weights, stored.values(), strict=True)))
    table = pd.read_parquet(project.layout.out_of_fold("run_test"))
    table[["p0", "p1"]] = average
    table.to_parquet(project.layout.out_of_fold("run_test"), index=False)
    run = load_record(project.layout, TrainingRun)
    parts = tuple(run.baseline.model_copy(update={"name": name, "family": "linear"}) for name in names)
    champion = run.champion.model_copy(update={"name": "ensemble", "family": "ensemble"})
    board = run.leaderboard.model_copy(update={"candidates": (*run.leaderboard.candidates, *parts)})
    save_record(project.layout, run.model_copy(update={"champion": champion, "leaderboard": board}))
    call("evaluate", project_dir=project.root)
    honest = load_record(project.layout, EvaluationReport).honest
    assert honest is not None
    assert honest.corrected is not None
    assert roc_auc_score(actual, average[:, 1]) > 0.58
    assert honest.corrected.value < 0.54
    assert "chosen anew for each fold" in honest.note


def test_a_champion_with_one_fold_is_compared_on_its_rows_alone(leavers: TrainedProject, call: Call) -> None:
    _candidates(leavers, ("a", "b"), seed=0, run_id="run_0")
    path = leavers.layout.out_of_fold("run_test")
    table = pd.read_parquet(path)
    table.loc[table["fold"] != table["fold"].iloc[0], "fold"] = -1
    table.to_parquet(path, index=False)
    call("evaluate", project_dir=leavers.root)
    honest = load_record(leavers.layout, EvaluationReport).honest
    assert honest is not None
    assert honest.corrected is not None
    assert honest.corrected.rows == (table["fold"] >= 0).sum()


def test_the_look_in_the_ledger_says_how_much_had_been_tried(leavers: TrainedProject, call: Call) -> None:
    _candidates(leavers, ("a", "b"), seed=0, run_id="run_0")
    call("evaluate", project_dir=leavers.root)
    look = next(entry for entry in ledger(leavers) if entry["event"] == "look")
    assert look["candidates"] == 3


def test_without_stored_predictions_it_says_so_and_gives_no_number(leavers: TrainedProject, call: Call) -> None:
    _candidates(leavers, ("a", "b"), seed=0, run_id="run_0")
    leavers.layout.candidate_predictions("run_0").unlink()
    reply = call("evaluate", project_dir=leavers.root)
    honest = load_record(leavers.layout, EvaluationReport).honest
    assert honest is not None
    assert (honest.corrected, reply.corrected, honest.tried) == (None, None, 3)
    assert "counted, but not corrected for" in honest.note


def test_the_next_model_is_compared_with_the_one_before_on_the_same_rows(tmp_path: Path, call: Call) -> None:
    first = _leavers(tmp_path / "first")
    call("evaluate", project_dir=first.root)
    second = train_project(
        tmp_path / "second",
        churn(),
        target="left",
        task="binary",
        keys=("customer", "charge"),
        costs=Costs(false_positive=1, false_negative=4),
    )
    reply = call("evaluate", project_dir=second.root)
    against = load_record(second.layout, EvaluationReport).against_champion
    assert against is not None
    assert against.model_sha256 == load_record(first.layout, TrainingRun).champion.model_sha256
    assert (against.verdict, against.promoted, against.gain.level) == ("worse", False, 0.975)
    assert reply.against_champion.value < 0
    assert "Against the model evaluated before: worse" in reply.summary
    assert "Worse than the model that was evaluated before it" in second.layout.evaluation_html.read_text("utf-8")


def test_a_model_that_says_nearly_the_same_is_no_evidence_of_improvement(tmp_path: Path, call: Call) -> None:
    call("evaluate", project_dir=_leavers(tmp_path / "first").root)
    other = make_pipeline(StandardScaler(), LogisticRegression(C=0.5))
    call("evaluate", project_dir=train_project(
        tmp_path / "second", churn(), target="left", task="binary", keys=("customer", "region", "sex"), model=other
    ).root)  # fmt: skip
    report = load_record(ProjectLayout(tmp_path / "second" / "ml"), EvaluationReport)
    assert report.against_champion is not None
    assert report.against_champion.verdict == "no_evidence"


def test_answers_for_single_sealed_rows_stay_in_the_vault(evaluated: Evaluated, private_state: Path) -> None:
    rows = set(evaluated.project.held_out.index)
    for path in evaluated.project.layout.root.rglob("*.parquet"):
        table = pd.read_parquet(path)
        held = set(table["row"]) if "row" in table else set(table.index) if "charge" in table else set()
        assert not rows & held, path
