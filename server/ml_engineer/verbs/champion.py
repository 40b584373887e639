"""The champion as it lies in a project, checked: what `evaluate` and `predict` ask for answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.errors import ProjectStateError
from ml_engineer.evaluation.prediction import Predictions, predict
from ml_engineer.modelling.fast_prediction import FastModel
from ml_engineer.modelling.model_files import load_model
from ml_engineer.project.definition import load_problem, refuse_redealt
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record, refuse_stale
from ml_engineer.project.user_code import load_features
from ml_engineer.statistics.conformal import rule_of
from ml_engineer.unsupervised.judging import anomaly_scores, group_labels
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["LoadedChampion", "load_champion"]


@dataclass(frozen=True)
class LoadedChampion:
    """A project's champion with everything it was made from, all of one piece.

    Parameters
    ----------
    layout : ProjectLayout
        The project.
    problem, split, training
        Its records; none is stale.
    model : estimator
        Fitted, read from the file that the training record names.
    build_features : callable
        The project's features.py, unchanged since training.
    """

    layout: ProjectLayout
    problem: ProblemDefinition
    split: SplitPlan
    training: TrainingRun
    model: Any
    build_features: Callable[[pd.DataFrame], pd.DataFrame]

    def answer(self, rows: pd.DataFrame) -> Predictions:
        """Predictions for cleaned rows, with the threshold in force; the target, if there, is not shown to the code."""
        features = self.build_features(self._seen(rows))
        if not self.problem.learns_target:
            ask = group_labels if self.problem.task_type == "clustering" else anomaly_scores
            return Predictions(ask(self.model, features))
        return predict(self._fast, features, self.problem, threshold=self.training.champion.decision_threshold)

    @cached_property
    def _fast(self) -> FastModel:
        """The model with a faster way to its answers."""
        return FastModel(self.model)

    def interval_ends(
        self, predicted: npt.NDArray[np.float64], rows: pd.DataFrame
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
        """Lower and upper ends of the intervals around n predicted numbers, (n,) each; None if there are none.

        `rows` are the n cleaned rows that were predicted, as `answer` takes them.
        """
        interval = self.training.champion.interval
        if interval is None:
            return None
        features = None if interval.spread is None else self.build_features(self._seen(rows))
        return rule_of(interval).ends(predicted, features)

    def _seen(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows.drop(columns=self.problem.target, errors="ignore")


def load_champion(layout: ProjectLayout) -> LoadedChampion:
    """Load the champion of a project.

    Raises
    ------
    ProjectStateError
        If there is none, if a record, features.py or the model file changed since training, or if the manifest
        beside the model names another one.
    UserCodeError
        If features.py cannot be loaded.
    """
    problem = load_problem(layout)
    split = load_record(layout, SplitPlan)
    refuse_redealt(problem, split)
    training = load_record(layout, TrainingRun)
    refuse_stale(layout, training, problem, split)
    champion = training.champion
    if champion.model_format == "json":
        raise ProjectStateError(
            "The champion is a forecaster, which answers for series and not for rows",
            remedy="Call predict with the history of the series",
        )
    _refuse_other_manifest(layout, champion.model_sha256)
    _refuse_changed_features(layout, champion.features_sha256)
    model = load_model(
        layout.root / champion.model_path, sha256=champion.model_sha256, model_format=champion.model_format
    )
    return LoadedChampion(layout, problem, split, training, model, load_features(layout))


def _refuse_other_manifest(layout: ProjectLayout, model_sha256: str) -> None:
    path = layout.champion_manifest
    remedy = "Call train again; it writes model, manifest and record together"
    try:
        named = json.loads(path.read_text(encoding="utf-8"))["model_sha256"]
    except FileNotFoundError as error:
        raise ProjectStateError(f"There is no {path}", remedy=remedy) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ProjectStateError(
            f"{path} is not a champion's manifest", found=str(error)[:100], remedy=remedy
        ) from error
    if named != model_sha256:
        raise ProjectStateError(
            f"{path} names another model than the training record",
            found=f"SHA-256 {str(named)[:12]}… instead of {model_sha256[:12]}…",
            remedy=remedy,
        )


def _refuse_changed_features(layout: ProjectLayout, recorded_sha256: str) -> None:
    path = layout.features_py
    if not path.exists() or file_sha256(path) != recorded_sha256:
        raise ProjectStateError(
            f"{path} is not the feature code that the champion was trained with",
            found="the file was changed or removed since",
            remedy="Call train again, or restore the file",
        )
