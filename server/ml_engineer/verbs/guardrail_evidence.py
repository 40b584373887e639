"""Gathering what the checks look at: the one place that knows where each fact lies."""

from __future__ import annotations

import ast
import json
import platform
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import platformdirs

from ml_engineer.errors import MlEngineerError
from ml_engineer.evaluation.groups import group_labels
from ml_engineer.guardrails import ChampionFiles, Evidence, LedgerFacts, ServingFacts, TrackingFacts
from ml_engineer.project.code_trial import try_code
from ml_engineer.project.contract_yaml import load_contract
from ml_engineer.project.definition import load_problem, refuse_redealt
from ml_engineer.project.development import Development, load_development
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record, load_record
from ml_engineer.project.rendered_files import read_rendering, same_as_rendered
from ml_engineer.project.user_code import load_features
from ml_engineer.seal import count_looks, known_held_out_rows, ledger_problems
from ml_engineer.statistics.label_sets import chosen_columns, membership
from ml_engineer.verbs.champion import load_champion
from ml_engineer.verbs.forecasting.refit import refit_forecast_fold
from ml_engineer.verbs.forecasting.series import only_known
from ml_engineer.verbs.passports.claim_evidence import gather_claims
from ml_engineer.verbs.training.refitted_fold import refit_one_fold
from ml_engineer.verbs.unsupervised.refit import refit_without_target
from ml_engineer.vocabulary.code_trial import CodeTrial
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.guardrails import Stage, Waiver, Waivers
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.records import StoredRecord
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["gather_evidence", "load_waivers"]

_MOST_FITTED_ROWS = 5_000


def load_waivers(layout: ProjectLayout) -> tuple[Waiver, ...]:
    """Overrides in force, oldest first."""
    record = find_record(layout, Waivers)
    return () if record is None else record.waivers


def gather_evidence(
    layout: ProjectLayout,
    *,
    stage: Stage,
    features: pd.DataFrame | None = None,
    development: Development | None = None,
) -> Evidence:
    """Read what the checks of a stage look at.

    Parameters
    ----------
    layout : ProjectLayout
        The project.
    stage : {'train', 'deploy', 'production'}
        What is about to be done; before training only the problem, the rows, the features and the ledger are read.
    features : pandas.DataFrame, optional
        Output of features.py on the development rows, if the caller has it already; otherwise the code is run here.
    development : Development, optional
        The development rows, if the caller has them already.

    Raises
    ------
    ProjectStateError
        If the project was not framed, a record cannot be read, or problem.yaml no longer fits the deal.
    DefinitionError
        If problem.yaml or data/contract.yaml is not valid.
    UserCodeError
        If features.py fails.
    """
    problem = load_problem(layout)
    split = load_record(layout, SplitPlan)
    refuse_redealt(problem, split)
    profile = load_record(layout, DataProfile)
    development = development or load_development(layout, split)
    # The target is not shown to feature code, here as everywhere.
    rows, code = _shown_to_code(problem, development.frame), None
    if layout.features_py.exists() and not (stage == "train" and features is not None and _as_rendered(layout)):
        code = _tried(layout, problem, profile, rows, _target(problem, development.frame))
    if features is None and code is not None and not code.failure:
        features = load_features(layout)(rows)
    later = {} if stage == "train" else _after_training(layout, problem, profile, split)
    if "training" in later and not (code and code.failure) and problem.forecast is not None:
        later["refit"] = refit_forecast_fold(layout, later["training"])
    elif "training" in later and not (code and code.failure):
        later["fitted"] = _fitted(layout, development.frame)
        refit = refit_one_fold if problem.learns_target else refit_without_target
        later["refit"] = refit(layout, problem, split, later["training"], development)
    return Evidence(
        problem=problem,
        profile=profile,
        split=split,
        frame=development.frame,
        folds=development.folds,
        features=features,
        code=code,
        groups=_groups(problem, development.frame),
        ledger=_ledger(layout, split),
        contract=load_contract(layout),
        seed=split.definition.seed,
        **later,
    )


def _target(problem: ProblemDefinition, frame: pd.DataFrame) -> pd.DataFrame:
    """What candidates are tried with; where nothing is learned from a target, all rows have the same one."""
    if problem.form == "multilabel":
        has = membership(frame[problem.target], problem.classes)
        return pd.DataFrame(has, index=frame.index, columns=[f"label {code}" for code in range(has.shape[1])])
    target = frame[problem.target] if problem.learns_target else pd.Series(0.0, index=frame.index)
    return target.to_frame("target")


def _shown_to_code(problem: ProblemDefinition, frame: pd.DataFrame) -> pd.DataFrame:
    """What features.py may see: everything but the target or, in forecasting, what is known in advance alone."""
    if problem.forecast is not None:
        return only_known(frame, problem.forecast)
    return frame.drop(columns=problem.target, errors="ignore")


def _as_rendered(layout: ProjectLayout) -> bool:
    """Whether the project's code is what we rendered: `train` spends no seconds of its budget on trying that."""
    try:
        hashes = read_rendering(layout.experiments / "scaffold.json").hashes
    except MlEngineerError:
        return False
    return all(
        same_as_rendered(path, hashes.get(layout.relative(path), ""))
        for path in (layout.features_py, layout.candidates_py)
    )


def _tried(
    layout: ProjectLayout,
    problem: ProblemDefinition,
    profile: DataProfile,
    rows: pd.DataFrame,
    target: pd.DataFrame,
) -> CodeTrial:
    """The project's code, tried where it can do no harm; what holds rows must not be read by it."""
    guarded = [
        layout.development.parent,
        layout.raw_manifest.parent,
        platformdirs.user_data_path("ml-engineer", appauthor=False),
        *map(Path, profile.report.files),
    ]
    return try_code(layout, rows, target, guarded=guarded, time_column=problem.split.time_column)


def _groups(problem: ProblemDefinition, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Group of each row by sensitive column, cut as in the evaluation."""
    return {name: group_labels(frame[name], frame[name]) for name in problem.sensitive_columns if name in frame.columns}


def _ledger(layout: ProjectLayout, split: SplitPlan) -> LedgerFacts:
    return LedgerFacts(
        problems=ledger_problems(split.deal_id, project_ledger=layout.ledger),
        looks=count_looks(split.deal_id, project_ledger=layout.ledger),
        known_held_out_rows=known_held_out_rows(split.deal_id),
    )


def _defines(path: Path, name: str) -> bool:
    """Whether a script is there and defines its entry point; an empty or broken file serves nobody."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return False
    names = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return name in names | {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def _after_training(
    layout: ProjectLayout, problem: ProblemDefinition, profile: DataProfile, split: SplitPlan
) -> dict[str, Any]:
    """The parts of the evidence that only exist once something was trained; a part that is not there is left out."""
    parts: dict[str, Any] = {
        "serving": ServingFacts(
            app_present=_defines(layout.serving_app, "app"),
            monitor_present=_defines(layout.monitor, "main"),
            logged_predictions=_logged_predictions(layout.prediction_log),
        )
    }
    training = find_record(layout, TrainingRun)
    if training is None:
        return parts
    evaluation = find_record(layout, EvaluationReport)
    records = [record for record in (problem, profile, split, training, evaluation) if record is not None]
    out_of_fold = layout.out_of_fold(training.run_id)
    return parts | {
        "training": training,
        "evaluation": evaluation,
        "claims": gather_claims(layout, split, evaluation),
        "stale": _stale(records),
        "predictions": pd.read_parquet(out_of_fold) if out_of_fold.exists() else None,
        "champion": _champion_files(layout, training),
        "tracking": _tracking(layout, training),
        "packages": _installed(training.environment.packages) | {"python": platform.python_version()},
    }


def _fitted(layout: ProjectLayout, frame: pd.DataFrame) -> pd.DataFrame | None:
    """What the champion says of at most 5,000 rows that it learned from; None if it cannot be loaded as it was trained."""
    rows = frame.iloc[:: max(1, len(frame) // _MOST_FITTED_ROWS)]
    try:
        answer = load_champion(layout).answer(rows)
    except MlEngineerError:
        return None  # why, other checks say: MOD004, RDY003, RDY005
    said = chosen_columns(answer.predicted) if answer.predicted.ndim == 2 else {"predicted": answer.predicted}
    table = {"row": rows.index.to_numpy(), **said}
    if answer.probabilities is not None:
        table |= {f"p{code}": answer.probabilities[:, code] for code in range(answer.probabilities.shape[1])}
    return pd.DataFrame(table)


def _stale(records: Sequence[StoredRecord]) -> dict[str, str]:
    """Records that were made from another version of a parent than the present one, and that parent."""
    hashes = {record.kind: record.content_hash() for record in records}
    return {
        record.kind: parent
        for record in records
        for parent, expected in record.parents.items()
        if hashes.get(parent, expected) != expected
    }


def _champion_files(layout: ProjectLayout, training: TrainingRun) -> ChampionFiles:
    return ChampionFiles(
        model_sha256=_hash_if_there(layout.root / training.champion.model_path),
        code_sha256=_hash_if_there(layout.champion_py),
        features_sha256=_hash_if_there(layout.features_py),
        manifest_model_sha256=_promised_model(layout.champion_manifest),
    )


def _hash_if_there(path: Path) -> str | None:
    return file_sha256(path) if path.is_file() else None


def _promised_model(manifest: Path) -> str | None:
    """Hash of the model file that the manifest names; None without a readable manifest."""
    try:
        promised = json.loads(manifest.read_text(encoding="utf-8"))["model_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return promised if isinstance(promised, str) else None


def _tracking(layout: ProjectLayout, training: TrainingRun) -> TrackingFacts:
    # Imported here: MLflow takes seconds, and the checks before training do not need it.
    from ml_engineer.tracking import run_summary

    summary = run_summary(layout, training.mlflow_run_id)
    return TrackingFacts(run_found=summary.run_found, missing=summary.missing, problem=summary.problem)


def _installed(packages: dict[str, str]) -> dict[str, str]:
    """Versions installed now of the packages that training recorded; 'not installed' where there is none."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _logged_predictions(path: Path) -> int | None:
    """Rows in the service's prediction log; None if there is no log that can be read."""
    if not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as log:
            return int(log.execute("SELECT count(*) FROM predictions").fetchone()[0])
    except sqlite3.Error:
        return None
