"""Clustering and anomaly detection from the table to new rows, on simulated tables whose answer is known."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ml_engineer.errors import InputError, UnsupportedTaskError
from ml_engineer.independent_fits import InlineExecutor
from ml_engineer.modelling.executors import can_fork, make_executor
from ml_engineer.project.definition import load_problem
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.unsupervised.judging import Detectors, Groupings
from ml_engineer.unsupervised.options import Option
from ml_engineer.unsupervised.rows import LookedAt
from ml_engineer.unsupervised.search import Limits, try_options
from ml_engineer.verbs.check_guardrails import check_guardrails
from ml_engineer.verbs.evaluate import evaluate
from ml_engineer.verbs.frame_problem import frame_problem
from ml_engineer.verbs.predict import predict
from ml_engineer.verbs.train import train
from ml_engineer.verbs.verify import verify
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.replies import TrainReply
from ml_engineer.vocabulary.requests import (
    CheckGuardrailsRequest,
    EvaluateRequest,
    FrameProblemRequest,
    PredictRequest,
    TrainRequest,
    VerifyRequest,
)
from ml_engineer.vocabulary.training import TrainingRun
from modelling.tables import CountingJournal

FITS_AN_OPTION = 25


@pytest.fixture
def context(tmp_path: Path) -> WorkContext:
    return WorkContext("job_test", tmp_path / "journal")


def blobs(rows: int = 240) -> tuple[pd.DataFrame, np.ndarray]:
    """Three kinds of rows, told apart by two numbers and a category together."""
    rng = np.random.default_rng(0)
    kind = np.arange(rows) % 3
    centres = np.array([[0.0, 0.0], [8.0, 1.0], [4.0, 9.0]])
    frame = pd.DataFrame(centres[kind] + rng.normal(size=(rows, 2)), columns=["length", "width"])
    frame["colour"] = np.array(["red", "green", "blue"])[
        np.where(rng.random(rows) < 0.1, rng.integers(0, 3, rows), kind)
    ]
    return frame, kind


def frame_rows(data: pd.DataFrame, folder: Path, context: WorkContext, **arguments: object) -> str:
    path = folder / "rows.csv"
    data.to_csv(path, index=False)
    root = str(folder / "ml")
    frame_problem(FrameProblemRequest(data=str(path), project_dir=root, **arguments), context)
    return root


def train_few(root: str, context: WorkContext, *, options: int = 3, **arguments: object) -> TrainReply:
    request = TrainRequest(project_dir=root, budget_evaluations=FITS_AN_OPTION * options, **arguments)
    return train(request, context)


def test_three_kinds_of_rows_are_found_without_their_names_and_rows_to_come_are_put_among_them(
    tmp_path: Path, context: WorkContext
) -> None:
    data, kind = blobs()
    root = frame_rows(data, tmp_path, context, task_type="clustering")
    trained = train_few(root, context, options=2)
    run = load_record(ProjectLayout(Path(root)), TrainingRun)
    assert trained.champion == "k_means_3"
    assert trained.gain is not None
    assert trained.gain.low > 0
    assert run.structure is not None
    strength, rand = (measure.estimate for measure in run.structure.measures)
    assert strength.value > 0.9
    assert rand.value > 0.9
    looked = evaluate(EvaluateRequest(project_dir=root), context)
    assert looked.verdict == "better_than_baseline"
    report = load_record(ProjectLayout(Path(root)), EvaluationReport)
    assert report.structure is not None
    assert [group.rows for group in report.structure.groups] == sorted(
        (group.rows for group in report.structure.groups), reverse=True
    )
    assert all(group.typical for group in report.structure.groups)
    assert "purpose" in report.structure.cannot_be_known[0]
    answered = predict(PredictRequest(project_dir=root, data=str(tmp_path / "rows.csv")), context)
    groups = pd.read_csv(str(answered.output))
    assert adjusted_rand_score(groups["group"], kind) > 0.95
    assert groups["clearness"].between(0, 1).all()
    checked = check_guardrails(CheckGuardrailsRequest(project_dir=root), context)
    assert checked.verdict != "block"
    assert checked.not_applicable > 20
    proved = verify(VerifyRequest(project_dir=root, full=True), context)
    assert proved.verdict == "valid", proved.failed


def test_rows_without_groups_are_told_so_at_framing_and_again_on_sealed_rows(
    tmp_path: Path, context: WorkContext
) -> None:
    rng = np.random.default_rng(1)
    mixing = np.array([[1.0, 0.8, 0.0], [0.0, 0.6, 0.5], [0.0, 0.0, 1.0]])
    data = pd.DataFrame(rng.normal(size=(240, 3)) @ mixing, columns=["a", "b", "c"])
    root = frame_rows(data, tmp_path, context, task_type="clustering")
    problem = load_problem(ProjectLayout(Path(root)))
    assert problem.signal.verdict == "not_above_baseline"
    assert not problem.worth_building
    trained = train_few(root, context, options=1)
    assert any("No group structure above chance" in text for text in trained.warnings)
    looked = evaluate(EvaluateRequest(project_dir=root), context)
    assert looked.verdict != "better_than_baseline"


def test_a_number_of_groups_that_was_asked_for_is_kept(tmp_path: Path, context: WorkContext) -> None:
    root = frame_rows(blobs()[0], tmp_path, context, task_type="clustering", clusters=4)
    assert train_few(root, context, options=1).champion == "k_means_4"


def machines(rows: int = 400) -> tuple[pd.DataFrame, np.ndarray]:
    """Load and heat go together, but for every fortieth machine, whose heat runs against its load."""
    rng = np.random.default_rng(2)
    load = rng.normal(size=rows)
    heat = load + rng.normal(scale=0.1, size=rows)
    broken = np.arange(rows) % 40 == 7
    heat[broken] = -4 * np.sign(load[broken])
    frame = pd.DataFrame({"load": load * 10 + 50, "heat": heat * 5 + 20, "site": rng.choice(["north", "south"], rows)})
    return frame, broken


def test_planted_outliers_are_ranked_first_and_the_columns_that_make_them_so_are_named(
    tmp_path: Path, context: WorkContext
) -> None:
    data, broken = machines()
    root = frame_rows(data, tmp_path, context, task_type="anomaly_detection", expected_fraction=0.025)
    train_few(root, context, candidates=["tails", "cloud"], options=2)
    looked = evaluate(EvaluateRequest(project_dir=root), context)
    assert looked.verdict == "better_than_baseline"
    answered = predict(PredictRequest(project_dir=root, data=str(tmp_path / "rows.csv")), context)
    found = pd.read_csv(str(answered.output))
    assert answered.columns[-3:] == ["score", "flagged", "unusual"]
    assert set(found["score"].nlargest(broken.sum()).index) == set(np.flatnonzero(broken))
    assert found.loc[broken, "unusual"].str.contains("'heat' is").all()
    assert 0.01 < found["flagged"].mean() < 0.06
    report = load_record(ProjectLayout(Path(root)), EvaluationReport)
    assert report.structure is not None
    (share,) = [measure for measure in report.structure.measures if measure.name == "share flagged"]
    assert share.expected == 0.025
    assert share.estimate.rows == report.held_out_rows


def test_known_anomalies_judge_and_are_never_learned_from(tmp_path: Path, context: WorkContext) -> None:
    data, broken = machines()
    data["fault"] = np.where(broken, "yes", "no")
    root = frame_rows(data, tmp_path, context, task_type="anomaly_detection", target="fault")
    problem = load_problem(ProjectLayout(Path(root)))
    assert (problem.target, problem.positive_class, problem.primary_metric) == ("fault", "yes", "average_precision")
    assert "fault" not in [column.name for column in problem.features]
    assert problem.expected_fraction == pytest.approx(0.025, abs=0.01)
    trained = train_few(root, context, candidates=["tails", "cloud"], options=2)
    assert trained.champion == "cloud"
    assert trained.score is not None
    assert trained.score.value > 0.9
    looked = evaluate(EvaluateRequest(project_dir=root), context)
    assert list(looked.metrics)[:2] == ["average_precision", "roc_auc"]
    assert looked.metrics["roc_auc"].value > 0.95
    assert verify(VerifyRequest(project_dir=root, full=True), context).verdict == "valid"


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({}, InputError, "it is called 'target'.; only task_type='clustering'"),
        ({"task_type": "binary"}, InputError, "No column to predict is named"),
        ({"task_type": "clustering", "target": "colour"}, InputError, "Clustering has no target"),
        ({"task_type": "clustering", "metric": "roc_auc"}, InputError, "allowed: silhouette"),
        ({"task_type": "clustering", "expected_fraction": 0.1}, InputError, "expected_fraction does not fit"),
        ({"target": "colour", "clusters": 3}, InputError, "clusters is for clustering"),
        ({"task_type": "anomaly_detection", "positive_class": "red"}, InputError, "no column of known anomalies"),
        ({"task_type": "anomaly_detection", "target": "colour"}, UnsupportedTaskError, "does not mark anomalies"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_pointer_and_nothing_is_written(
    tmp_path: Path, context: WorkContext, arguments: dict[str, object], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        frame_rows(blobs(60)[0], tmp_path, context, **arguments)
    assert not (tmp_path / "ml" / "problem.yaml").exists()


def test_many_known_anomalies_point_to_a_model_that_learns_from_them(tmp_path: Path, context: WorkContext) -> None:
    data, broken = machines(2_400)
    data["fault"] = broken.astype(int)
    root = frame_rows(data, tmp_path, context, task_type="anomaly_detection", target="fault")
    assert any("task_type='binary'" in risk for risk in load_problem(ProjectLayout(Path(root))).risks)


def test_cancelled_with_a_finished_grouping_the_best_so_far_is_the_champion(
    tmp_path: Path, context: WorkContext
) -> None:
    root = frame_rows(blobs(120)[0], tmp_path, context, task_type="clustering")
    asked: list[bool] = []
    stopping = replace(context, keep_best=lambda: asked.append(True), asked_to_stop=lambda: bool(asked))
    reply = train_few(root, stopping, options=30)
    run = load_record(ProjectLayout(Path(root)), TrainingRun)
    assert run.stopped_early
    assert any("asked to stop" in warning for warning in reply.warnings)
    assert [one.status for one in run.leaderboard.candidates].count("finished") == len(asked) >= 1
    assert "asked to stop before it was tried" in run.leaderboard.candidates[-1].reason


@pytest.mark.parametrize(("argument", "value"), [("trial", "ratios"), ("price_milliseconds", 1.0)])
def test_an_argument_that_would_be_ignored_is_refused_by_name(
    tmp_path: Path, context: WorkContext, argument: str, value: object
) -> None:
    root = frame_rows(blobs(60)[0], tmp_path, context, task_type="clustering")
    with pytest.raises(InputError, match=f"{argument} is not there for clustering"):
        train_few(root, context, **{argument: value})


def test_a_cluster_that_does_the_fits_under_a_memory_limit_gives_the_same_champion(
    tmp_path: Path, context: WorkContext
) -> None:
    distributed = pytest.importorskip("distributed", reason="clusters come with the part 'dask'")
    root = frame_rows(blobs(120)[0], tmp_path, context, task_type="clustering")
    champions = []
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, protocol="tcp", dashboard_address=None
    ) as cluster:
        for number, address in enumerate((None, cluster.scheduler_address)):
            journal = tmp_path / f"journal {number}"
            journal.mkdir()
            train_few(root, replace(context, journal_dir=journal), executor=address, memory_limit_mb=4_000)
            champions.append(load_record(ProjectLayout(Path(root)), TrainingRun).champion)
    assert champions[0].name == champions[1].name
    assert champions[0].score == champions[1].score


@pytest.mark.skipif(not can_fork(), reason="fits are done in this process where forking is not safe")
def test_an_option_that_takes_too_much_memory_costs_only_itself() -> None:
    class Hoard(BaseEstimator):
        def fit(self, features: pd.DataFrame, y: None = None) -> None:
            self.kept = np.ones(75_000_000)
            threading.Event().wait()

    features = blobs(90)[0][["length", "width"]]
    folds = np.arange(90) % 3
    rows = LookedAt(
        features, [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(3)], (0, 1, 2)
    )
    usual = make_pipeline(StandardScaler(), KMeans(3, n_init=1, random_state=0))
    options = [
        Option("hoard", "user", make_pipeline(Hoard()), ""),
        Option("usual", "user", usual, ""),
    ]
    with make_executor(workers=1, memory_limit=500 * 2**20, imports=("ml_engineer.unsupervised.search",)) as executor:
        executor.load(rows)
        standings = try_options(
            options,
            rows,
            Groupings(),
            executor=executor,
            limits=Limits(lambda: 0.0, np.inf, evaluations=100),
            journal=CountingJournal(),
        )
    assert [one.status for one in standings] == ["failed", "finished"]
    assert "all fits together may take 500 MB" in standings[0].reason


def test_options_are_tried_anew_where_the_share_to_flag_or_the_groups_changed() -> None:
    features = blobs(60)[0][["length", "width"]]
    folds = np.arange(60) % 2
    pairs = [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(2)]
    rows = LookedAt(features, pairs, (0, 1))
    option = Option(
        "usual", "user", make_pipeline(StandardScaler(), IsolationForest(n_estimators=5, random_state=0)), ""
    )
    journal = CountingJournal()

    def kept(rows: LookedAt, fraction: float, folder: Path) -> int:
        """Options in the journal once it was tried so."""
        executor = InlineExecutor(folder=folder)
        executor.load(rows)
        limits = Limits(lambda: 0.0, np.inf, evaluations=100)
        try_options([option], rows, Detectors(fraction), executor=executor, limits=limits, journal=journal)
        return len(journal)

    clustered = replace(rows, clusters=np.arange(60) // 2)
    folder = Path()
    assert [kept(rows, 0.1, folder), kept(rows, 0.1, folder), kept(rows, 0.2, folder)] == [1, 1, 2]
    assert [kept(clustered, 0.2, folder), kept(clustered, 0.2, folder)] == [3, 3]
