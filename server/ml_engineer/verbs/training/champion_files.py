"""Everything that a training leaves behind: staged in the run's own folder, put in place at the end.

Until the last files are moved, the earlier champion lies untouched. They are moved one right after the
other: model, manifest, code, record.
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import skops.io

from ml_engineer.errors import ProjectStateError
from ml_engineer.modelling.model_files import SavedModel, save_model
from ml_engineer.modelling.training_data import Predictions
from ml_engineer.modelling.versions import installed_versions
from ml_engineer.project.files import replacing, write_text
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import save_record
from ml_engineer.statistics.label_sets import chosen_columns
from ml_engineer.threads import available_cores
from ml_engineer.verbs.training.rows import TrainingRows
from ml_engineer.vocabulary.training import Environment, TrainingRun

__all__ = [
    "StagedRun",
    "describe_environment",
    "forget_dead_runs",
    "model_requirements",
    "stage_run",
]

_PACKAGES = (
    "catboost",
    "cloudpickle",
    "lightgbm",
    "ml-engineer",
    "mlflow",
    "numpy",
    "pandas",
    "scikit-learn",
    "scipy",
    "skops",
    "xgboost-cpu",
)
_MODEL_PACKAGES = ("catboost", "lightgbm", "numpy", "pandas", "scikit-learn", "scipy", "skops", "xgboost-cpu")
_BOOSTERS = {"catboost": "catboost", "lightgbm": "lightgbm", "xgboost-cpu": "xgboost"}
_TEXT_PACKAGE = "model2vec"
_FOUNDATION_PACKAGES = ("tabicl", "torch")
_CHECKED_ROWS = 200
_SERVED = {"level", "at", "below", "above", "least", "spread"}
"""What a service needs to know of intervals."""
_BY_HAND = "by-hand"


@dataclass(frozen=True)
class StagedRun:
    """A run whose files are written, but not yet in place.

    Parameters
    ----------
    layout : ProjectLayout
        The project.
    run_id : str
        The run.
    saved : SavedModel
        The model file in the staging folder.
    """

    layout: ProjectLayout
    run_id: str
    saved: SavedModel

    @property
    def folder(self) -> Path:
        """Where champion files wait."""
        return self.layout.run_dir(self.run_id) / "champion"

    def write_code(self, text: str) -> None:
        """Stage champion.py."""
        write_text(self.folder / "champion.py", text)

    def write_manifest(self, record: TrainingRun, rows: TrainingRows) -> None:
        """Stage what serving needs to know."""
        code = (self.folder / "champion.py").read_text(encoding="utf-8")
        manifest = _manifest(record, rows, self.saved, self.folder / self.saved.file_name, code)
        write_text(self.folder / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")

    def publish(self, record: TrainingRun) -> None:
        """Put the champion in place.

        Raises
        ------
        ProjectStateError
            If a file cannot be moved.
        """
        layout = self.layout
        write_text(layout.run_dir(self.run_id) / "record.json", record.model_dump_json(indent=2) + "\n")
        try:
            layout.champion_dir.mkdir(parents=True, exist_ok=True)
            layout.training_dir.mkdir(parents=True, exist_ok=True)
            (self.folder / self.saved.file_name).replace(layout.champion_dir / self.saved.file_name)
            (self.folder / "manifest.json").replace(layout.champion_manifest)
            (self.folder / "champion.py").replace(layout.champion_py)
            save_record(layout, record)
            for name in {"model.skops", "model.pkl"} - {self.saved.file_name}:
                (layout.champion_dir / name).unlink(missing_ok=True)
            shutil.rmtree(self.folder, ignore_errors=True)
        except OSError as error:
            raise ProjectStateError(
                f"Cannot put the champion into {layout.root}",
                found=error.strerror or str(error),
                remedy="Make the folder writable, then call train again",
            ) from error


def stage_run(
    rows: TrainingRows, run_id: str, model: Any, *, predictions: Predictions, labels: np.ndarray | None
) -> StagedRun:
    """Write the fitted model and the out-of-fold predictions into the run's folder.

    Parameters
    ----------
    rows : TrainingRows
        What the model was trained on.
    run_id : str
        The run.
    model : estimator
        Fitted on all development rows.
    predictions : numpy.ndarray of shape (n,) or (n, k)
        Out of fold; NaN where a row was never predicted.
    labels : numpy.ndarray of shape (n,) or (n, k), optional
        Class codes as they are called at the threshold; of several labels a row 0 and 1. Classification.
    """
    layout = rows.layout
    staging = layout.run_dir(run_id) / "champion"
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise ProjectStateError(
            f"Cannot write {staging}", found=error.strerror or str(error), remedy="Make the folder writable"
        ) from error
    with replacing(layout.out_of_fold(run_id)) as temporary:
        _out_of_fold(rows, predictions, labels).to_parquet(temporary, index=False)
    saved = save_model(model, staging, check=rows.data.features.head(_CHECKED_ROWS))
    return StagedRun(layout, run_id, saved)


def forget_dead_runs(layout: ProjectLayout) -> None:
    """Remove what killed trainings left: run folders without a record. The caller is the only writer."""
    runs = layout.run_dir("x").parent
    for folder in runs.iterdir() if runs.is_dir() else ():
        if folder.is_dir() and folder.name != _BY_HAND and not (folder / "record.json").exists():
            shutil.rmtree(folder, ignore_errors=True)


def describe_environment(*, text_model: bool = False, foundation_model: bool = False) -> Environment:
    """What this process computes with; what reads a text model only where there is one."""
    more = [*([_TEXT_PACKAGE] if text_model else []), *(_FOUNDATION_PACKAGES if foundation_model else [])]
    return Environment(
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        cores=available_cores(),
        packages=installed_versions([*_PACKAGES, *more]),
    )


def model_requirements(saved: SavedModel, code: str) -> list[str]:
    """What must be installed to load the model that `code` builds, pinned."""
    names: Sequence[str] = (*_MODEL_PACKAGES, "cloudpickle")
    if saved.model_format == "skops":
        names = [name for name in _MODEL_PACKAGES if f"from {_BOOSTERS.get(name, '')}" in code]
    return [f"{name}=={version}" for name, version in installed_versions([*names, *_own_packages(code)]).items()]


def _own_packages(code: str) -> list[str]:
    """Packages that champion.py loads a text model or a foundation model with, if it has one."""
    text = [_TEXT_PACKAGE] if f"from {_TEXT_PACKAGE} " in code else []
    return [*text, *(_FOUNDATION_PACKAGES if f"from {_FOUNDATION_PACKAGES[0]} " in code else ())]


def _out_of_fold(rows: TrainingRows, predictions: Predictions, labels: np.ndarray | None) -> pd.DataFrame:
    numbers = predictions[:, None] if predictions.ndim == 1 else predictions
    known = np.flatnonzero(np.isfinite(numbers[:, 0]))
    said = predictions if labels is None else labels
    predicted = np.full((rows.data.rows, *said.shape[1:]), np.nan)
    predicted[known] = said[known]
    table = {
        "row": rows.development.frame.index.to_numpy("int64"),
        "fold": rows.fold_numbers(known),
        **(chosen_columns(predicted) if predicted.ndim == 2 else {"predicted": predicted}),
    }
    if labels is not None:
        table |= {f"p{code}": numbers[:, code] for code in range(numbers.shape[1])}
    return pd.DataFrame(table)


def _manifest(record: TrainingRun, rows: TrainingRows, saved: SavedModel, path: Path, code: str) -> dict[str, Any]:
    champion, problem = record.champion, rows.problem
    trusted = sorted(skops.io.get_untrusted_types(file=path)) if saved.model_format == "skops" else []
    return {
        "run_id": record.run_id,
        "model_file": saved.file_name,
        "model_sha256": saved.sha256,
        "model_format": saved.model_format,
        "trusted_types": trusted,
        "task_type": problem.judged_as,
        "target": problem.target,
        "classes": list(problem.classes),
        "positive_class": problem.positive_class,
        "decision_threshold": champion.decision_threshold
        if champion.flag_threshold is None
        else champion.flag_threshold,
        "interval": None if champion.interval is None else champion.interval.model_dump(include=_SERVED),
        **({} if champion.survival is None else {"survival": champion.survival.model_dump(mode="json")}),
        "metric": record.leaderboard.metric,
        "score": {"value": champion.score.value, "low": champion.score.low, "high": champion.score.high},
        "features_sha256": champion.features_sha256,
        "feature_columns": list(record.feature_columns),
        "trained_at": record.started_at,
        "packages": installed_versions([*_MODEL_PACKAGES, *_own_packages(code)]),
    }
