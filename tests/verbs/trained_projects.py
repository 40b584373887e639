"""Projects that were framed and trained in a moment: real seal, records and model file, no search."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from ml_engineer import seal, splitting
from ml_engineer.evaluation.prediction import encode_target, make_outcomes, predict
from ml_engineer.modelling.model_files import save_model
from ml_engineer.profiling.contract import draft_contract
from ml_engineer.project.contract_yaml import contract_text
from ml_engineer.project.definition import load_problem, save_problem
from ml_engineer.project.development import save_development
from ml_engineer.project.files import write_text
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import save_record
from ml_engineer.sources import read_table, write_table
from ml_engineer.statistics.intervals import estimate
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.vocabulary.data import ColumnProfile, DataProfile, DataSource
from ml_engineer.vocabulary.estimates import Estimate, Metric
from ml_engineer.vocabulary.problem import (
    BaselineSummary,
    ProblemColumn,
    ProblemDefinition,
    SignalTest,
    SplitDefinition,
    TaskType,
)
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import (
    CandidateResult,
    Champion,
    Environment,
    Leaderboard,
    PredictionInterval,
    TrainingRun,
)

NOW = "2026-01-02T03:04:05+00:00"
_ASSUMED = Estimate(value=0.5, low=0.4, high=0.6, method="assumed", rows=10)
_METRIC: dict[TaskType, Metric] = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
_FEATURES_PY = '''"""The columns that the model sees."""

import pandas as pd


def build_features(rows: pd.DataFrame) -> pd.DataFrame:
    """Select the columns."""
    return rows[{names!r}]
'''


@dataclass(frozen=True)
class TrainedProject:
    """A project with a champion, and the rows that were sealed.

    Parameters
    ----------
    layout : ProjectLayout
        The project.
    data : pathlib.Path
        The table it was framed from.
    held_out : pandas.DataFrame
        The sealed rows, known to the test only.
    """

    layout: ProjectLayout
    data: Path
    held_out: pd.DataFrame

    @property
    def root(self) -> str:
        """The project's folder."""
        return str(self.layout.root)


def churn(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """Customers who leave if they pay much and came lately; the region says nothing."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "customer": [f"C{number:04d}" for number in range(rows)],
            "charge": np.round(rng.gamma(4, 20, rows), 2),
            "months": rng.integers(1, 60, rows),
            "region": rng.choice(["north", "south", "west"], rows),
            "sex": rng.choice(["female", "male"], rows),
        }
    )
    logit = 0.03 * (frame["charge"] - 80) - 0.06 * (frame["months"] - 30) + rng.normal(size=rows)
    frame["left"] = np.where(logit > 0, "yes", "no")
    return frame


def train_project(
    folder: Path,
    frame: pd.DataFrame,
    *,
    target: str,
    task: TaskType,
    held_out: np.ndarray | None = None,
    metric: Metric | None = None,
    sensitive: tuple[str, ...] = (),
    keys: tuple[str, ...] = (),
    strategy: str = "stratified",
    group_columns: tuple[str, ...] = (),
    time_column: str | None = None,
    model: Any = None,
    **problem_fields: Any,
) -> TrainedProject:
    """Frame, seal and fit without searching.

    Parameters
    ----------
    folder : pathlib.Path
        Gets ``data.csv`` and the project ``ml``.
    frame : pandas.DataFrame
        All rows.
    target, task, metric
        What is predicted, and how it is judged.
    held_out : numpy.ndarray of shape (n,), optional
        Rows to seal; by default every fourth.
    sensitive, keys : tuple of str
        Columns of that kind; keys are not features.
    strategy, group_columns, time_column
        The deal.
    model : estimator, optional
        Unfitted; by default linear with imputation and one-hot coding.
    **problem_fields
        Other fields of the problem.
    """
    layout, data = ProjectLayout(folder / "ml"), folder / "data.csv"
    write_table(frame, data)
    table = read_table(DataSource(path=str(data)))
    frame = table.frame
    definition = SplitDefinition(
        strategy=strategy,
        group_columns=group_columns,
        time_column=time_column,
        held_out_fraction=0.25,
        folds=3,
        reason="set by the test",
    )
    sealed = np.arange(len(frame)) % 4 == 0 if held_out is None else held_out
    receipt = seal.seal(
        frame,
        sealed,
        definition=definition,
        target=target,
        project_ledger=layout.ledger,
        recognition=None,
        redeal=False,
        now=NOW,
        who="test@here",
    )
    development = frame[~sealed]
    development = development[development[target].notna()]
    folds = splitting.assign_folds(development, definition, target=target, classification=task != "regression")
    save_development(layout, development, folds)
    split = SplitPlan(
        deal_id=receipt.deal_id,
        definition=definition,
        target=target,
        table_sha256=receipt.table_sha256,
        development_rows=len(development),
        held_out_rows=int(sealed.sum()),
        development_sha256=receipt.development_sha256,
        held_out_sha256=receipt.held_out_sha256,
        fold_rows=tuple(np.bincount(folds).tolist()),
    )
    save_record(layout, split)
    profile = DataProfile(
        source=DataSource(path=str(data)),
        fingerprint=seal.fingerprint_table(frame, files=table.files),
        report=table.report,
        rows=len(frame),
        development_rows=len(development),
        duplicate_rows=0,
        missing_fraction=0.0,
        columns=tuple(_profile(development[name], place) for place, name in enumerate(development.columns)),
    )
    save_record(layout, profile)
    classes = () if task == "regression" else tuple(str(label) for label in np.unique(development[target]))
    chosen = metric or _METRIC[task]
    unused = {target, *keys}
    fields: dict[str, Any] = {
        "title": "Trained in a moment",
        "business_goal": "Know the outcome early",
        "goal_given": False,
        "task_type": task,
        "task_reason": "set by the test",
        "target": target,
        "classes": classes,
        "positive_class": classes[1] if task == "binary" else None,
        "primary_metric": chosen,
        "metric_reason": "set by the test",
        "prediction_moment": "before the outcome",
        "prediction_moment_given": False,
        "columns": tuple(
            ProblemColumn(
                name=name,
                role="target" if name == target else "identifier" if name in keys else _role(development[name]),
                used=name not in unused,
                sensitive=name in sensitive,
                reason="set by the test",
            )
            for name in frame.columns
        ),
        "split": definition,
        "baseline": BaselineSummary(rule="constant", metric=chosen, score=_ASSUMED),
        "signal": SignalTest(verdict="learnable", gain=_ASSUMED, explanation="set by the test"),
        "worth_building": True,
        "deal_id": receipt.deal_id,
    }
    save_problem(layout, ProblemDefinition.model_validate(fields | problem_fields))
    problem = load_problem(layout)
    gaps = frozenset(frame.columns[frame.isna().any()])
    contract = draft_contract(problem.columns, profile.columns, development, with_gaps=gaps)
    write_text(layout.contract_yaml, contract_text(contract))
    _fit(layout, problem, split, development=development, folds=folds, model=model)
    return TrainedProject(layout, data, frame[sealed])


def _role(column: pd.Series) -> str:
    return "numeric" if pd.api.types.is_numeric_dtype(column) else "categorical"


def _profile(column: pd.Series, place: int) -> ColumnProfile:
    present = column.dropna()
    text = not pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_datetime64_any_dtype(column)
    few = text and present.nunique() <= 50
    numeric = pd.api.types.is_numeric_dtype(column) and len(present) > 0
    return ColumnProfile(
        name=str(column.name),
        position=place,
        storage="string" if text else "float" if numeric else "datetime",
        rows=len(column),
        missing_rows=int(column.isna().sum()),
        distinct_values=int(present.nunique()),
        categories=tuple(str(value) for value in present.unique()) if few else None,
        minimum=float(present.min()) if numeric else None,
        maximum=float(present.max()) if numeric else None,
    )


def _pipeline(features: pd.DataFrame, task: TaskType) -> Any:
    text = [name for name in features.columns if not pd.api.types.is_numeric_dtype(features[name])]
    prepare = (
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), text),
            remainder=SimpleImputer(),
        )
        if text
        else SimpleImputer()
    )
    last = LinearRegression() if task == "regression" else LogisticRegression(max_iter=2000)
    return make_pipeline(prepare, last)


def _interval(outcomes: Outcomes) -> PredictionInterval:
    width = float(np.quantile(np.abs(outcomes.actual.astype(float) - outcomes.predicted.astype(float)), 0.9))
    return PredictionInterval(
        level=0.9, at=(0.0,), below=(width,), above=(width,), mean_width=2 * width, constant_width=2 * width
    )


def _fit(
    layout: ProjectLayout,
    problem: ProblemDefinition,
    split: SplitPlan,
    *,
    development: pd.DataFrame,
    folds: np.ndarray,
    model: Any,
) -> None:
    names = [column.name for column in problem.features]
    layout.features_py.parent.mkdir(parents=True, exist_ok=True)
    layout.features_py.write_text(_FEATURES_PY.format(names=names), encoding="utf-8")
    features, target = development[names], development[problem.target].to_numpy()
    model = _pipeline(features, problem.task_type) if model is None else model
    pairs = splitting.fold_pairs(folds, split.definition)
    parts = []
    for train, test in pairs:
        fitted = model.fit(features.iloc[train], target[train])
        answers = predict(fitted, features.iloc[test], problem, threshold=0.5)
        parts.append((test, answers))
    order = np.concatenate([test for test, _ in parts])
    table = {
        "row": development.index.to_numpy()[order],
        "fold": folds[order],
        "predicted": np.concatenate([answers.predicted for _, answers in parts]),
    }
    if problem.classes:
        probabilities = np.concatenate([answers.probabilities for _, answers in parts])  # type: ignore[misc]  # classifiers of these tests all have them
        table |= {f"p{code}": probabilities[:, code] for code in range(len(problem.classes))}
    run_id = "run_test"
    layout.run_dir(run_id).mkdir(parents=True)
    pd.DataFrame(table).to_parquet(layout.out_of_fold(run_id), index=False)
    outcomes = make_outcomes(
        problem,
        encode_target(development[problem.target].iloc[order], problem),
        type(parts[0][1])(table["predicted"], probabilities if problem.classes else None),
    )
    score = estimate(problem.primary_metric, outcomes, replicates=200)
    layout.champion_dir.mkdir(parents=True)
    saved = save_model(model.fit(features, target), layout.champion_dir, check=features.head(20))
    champion = Champion(
        name="linear",
        family="linear",
        score=score,
        model_path=layout.relative(layout.champion_dir / saved.file_name),
        model_sha256=saved.sha256,
        model_format=saved.model_format,
        code_path="models/training/champion.py",
        code_sha256="0" * 64,
        features_sha256=hashlib.sha256(layout.features_py.read_bytes()).hexdigest(),
        decision_threshold=0.5 if problem.task_type == "binary" else None,
        interval=_interval(outcomes) if problem.task_type == "regression" else None,
    )
    result = CandidateResult(name="linear", family="linear", status="finished", score=score)
    save_record(
        layout,
        TrainingRun(
            parents={record.kind: record.content_hash() for record in (problem, split)},
            run_id=run_id,
            mlflow_run_id="0" * 32,
            started_at=NOW,
            seconds=1,
            budget_seconds=1,
            seed=0,
            development_sha256=split.development_sha256,
            leaderboard=Leaderboard(metric=problem.primary_metric, candidates=(result,)),
            baseline=CandidateResult(name="baseline", family="baseline", status="finished", score=score),
            champion=champion,
            gain=_ASSUMED,
            out_of_fold_path=layout.relative(layout.out_of_fold(run_id)),
            feature_columns=tuple(names),
            environment=Environment(python="3.11", platform="test", cores=1, packages={}),
        ),
    )
    layout.champion_manifest.write_text(json.dumps({"model_sha256": saved.sha256}), encoding="utf-8")
