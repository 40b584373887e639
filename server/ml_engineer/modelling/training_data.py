"""What a search learns from: features, target, folds, and how an outcome is judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.statistics.label_sets import called_labels
from ml_engineer.statistics.metrics import Outcomes, Task
from ml_engineer.statistics.ordinal import called_level
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.problem import Costs, TaskType

__all__ = ["ABSOLUTE", "FEW_ROWS", "FoldPair", "Loss", "Predictions", "TrainingData", "loss_for"]

FEW_ROWS = 1000
"""Below so many rows candidates are compared on several foldings, and simpler models are preferred."""

FoldPair = tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]
"""Positions of the rows to fit on and of the rows to predict."""
Predictions = npt.NDArray[np.float64]
"""Class probabilities of shape (n, k), or numbers of shape (n,)."""
ABSOLUTE: frozenset[Metric] = frozenset({"mae", "median_absolute_error"})
"""Metrics that the median serves best."""
_OF_LIKELIEST: frozenset[Metric] = frozenset({"log_loss", "accuracy", "balanced_accuracy"})


@dataclass(frozen=True)
class Loss:
    """What candidates are compared and averaged by.

    Parameters
    ----------
    kind : str
        Of probabilities 'log_loss', 'ranked' or, of several labels a row, 'labels'; of numbers any of the others.
    level : float
        The quantile of 'pinball'.
    """

    kind: Literal["log_loss", "ranked", "labels", "squared", "absolute", "poisson", "pinball"] = "log_loss"
    level: float = 0.5


def loss_for(task: TaskType, metric: Metric, *, quantile: float | None = None) -> Loss:
    """The loss for what the task is judged as, the metric that decides, and the quantile that is wanted."""
    if task == "regression":
        if quantile is not None:
            return Loss("pinball", quantile)
        return Loss("absolute" if metric in ABSOLUTE else "poisson" if metric == "poisson_deviance" else "squared")
    if task == "multilabel":
        return Loss("labels")
    return Loss("ranked" if task == "ordinal" and metric not in _OF_LIKELIEST else "log_loss")


@dataclass(frozen=True)
class TrainingData:
    """Development rows as a search takes them.

    Parameters
    ----------
    task : {'binary', 'multiclass', 'multilabel', 'regression'}
        Kind of task.
    metric : Metric
        What candidates are ordered by.
    features : pandas.DataFrame of shape (n, p)
        What features.py made; numbers, booleans and strings.
    target : numpy.ndarray of shape (n,)
        Labels as they stand in the data, places of ordered levels, or numbers; none missing. Of several labels a row 0
        and 1, of shape (n, k).
    pairs : tuple of FoldPair
        One per fold.
    fingerprint : str
        Changes whenever features, target or folds change; part of every journal key.
    text_columns : frozenset of str
        Features that hold running text.
    positive_class : str, optional
        Text of the positive label; binary tasks.
    costs : Costs, optional
        What errors cost; binary tasks.
    clusters : numpy.ndarray of shape (n,), optional
        Group of each row, if rows come in groups.
    time_order : numpy.ndarray of shape (n,), optional
        Positions of the rows from earliest to latest, if folds follow time.
    label_names : tuple of str
        Of several labels a row, what the columns of `target` are called.
    more_pairs : tuple of FoldPair
        Folds of further foldings, as many each as `pairs`: candidates are compared on them too, and nothing that is
        reported rests on them.
    counts : bool
        Whether numbers count things; they are never predicted below zero.
    quantile : float, optional
        The quantile to predict, instead of the expected number.
    weights : numpy.ndarray of shape (n,), optional
        What each row counts for in fitting, not negative. Scores count every row once.
    text_model : str
        Folder of a static embedding model that reads running text; empty if there is none.
    foundation_model : str
        File of a tabular foundation model's weights; empty if there is none.
    named : TaskType, optional
        What the task is judged as, where that is not how its outcomes look. The clusters of a ranking are its queries.
    """

    task: Task
    metric: Metric
    features: pd.DataFrame
    target: npt.NDArray[np.generic]
    pairs: tuple[FoldPair, ...]
    fingerprint: str
    text_columns: frozenset[str] = frozenset()
    positive_class: str | None = None
    costs: Costs | None = None
    clusters: npt.NDArray[np.integer] | None = None
    time_order: npt.NDArray[np.integer] | None = None
    more_pairs: tuple[FoldPair, ...] = ()
    weights: npt.NDArray[np.float64] | None = None
    named: TaskType | None = None
    label_names: tuple[str, ...] = ()
    counts: bool = False
    quantile: float | None = None
    text_model: str = ""
    foundation_model: str = ""

    @property
    def queries(self) -> npt.NDArray[np.integer] | None:
        """Query of each row, shape (n,); only rankings have queries."""
        return self.clusters if self.named == "ranking" else None

    @property
    def loss(self) -> Loss:
        """What candidates are compared and averaged by."""
        return loss_for(self.named or self.task, self.metric, quantile=self.quantile)

    @property
    def all_pairs(self) -> tuple[FoldPair, ...]:
        """Folds of every folding; a fold's position is its place here."""
        return (*self.pairs, *self.more_pairs)

    @property
    def by_order(self) -> bool:
        """Whether predictions are scores, of which only the order is judged: of rankings and survival."""
        return self.named in {"ranking", "survival"}

    @property
    def averages(self) -> bool:
        """Whether an average of models can be a champion.

        Scores have different scales, and scikit-learn has no vote of models that predict several labels a row.
        """
        return not self.by_order and self.task != "multilabel"

    @property
    def rows(self) -> int:
        """Number of rows n."""
        return len(self.target)

    @cached_property
    def classes(self) -> npt.NDArray[np.generic]:
        """Sorted labels, shape (k,); empty for regression."""
        return self._coded[1]

    @cached_property
    def actual(self) -> npt.NDArray[np.generic]:
        """Class codes or numbers, shape (n,)."""
        return self._coded[0]

    @cached_property
    def _coded(self) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]:
        """The target as models and metrics take it, and the labels."""
        if self.task == "regression":
            return self.target.astype(float), np.empty(0)
        if self.task == "multilabel":
            return self.target, np.array(self.label_names)
        if self.target.dtype.kind != "O":
            labels, codes = np.unique(self.target, return_inverse=True)
            return codes, labels
        # Hashed: comparing a million texts with each other takes seconds.
        codes, labels = pd.factorize(self.target, sort=True)
        return codes, np.asarray(labels)

    def with_features(self, features: pd.DataFrame) -> TrainingData:
        """The same rows with other features; what is known of the target is not worked out again."""
        other = replace(self, features=features)
        other.__dict__["_coded"] = self._coded
        return other

    @cached_property
    def fold_of_rows(self) -> npt.NDArray[np.integer]:
        """Position of the fold that predicts each row, shape (n,); -1 where none does."""
        folds = np.full(self.rows, -1)
        for position, (_, test) in enumerate(self.pairs):
            folds[test] = position
        return folds

    @property
    def target_type(self) -> Literal["binary", "multiclass", "multilabel", "continuous"]:
        """What scikit-learn calls this kind of target."""
        if self.task == "regression":
            return "continuous"
        if self.task == "multilabel":
            return "multilabel"
        return "binary" if len(self.classes) == 2 else "multiclass"

    @cached_property
    def positive(self) -> int:
        """Code of the positive class; binary tasks."""
        labels = [str(label) for label in self.classes]
        return labels.index(self.positive_class) if self.positive_class in labels else len(labels) - 1

    def empty_predictions(self) -> Predictions:
        """NaN for every row, in the shape of this task's predictions."""
        return np.full(self.rows if self.task == "regression" else (self.rows, len(self.classes)), np.nan)

    def outcomes(self, predictions: Predictions, *, threshold: float | None = None) -> Outcomes:
        """Out-of-fold predictions beside the truth, for the rows that have one.

        Parameters
        ----------
        predictions : numpy.ndarray of shape (n,) or (n, k)
            NaN where a row was never predicted.
        threshold : float, optional
            Probability from which the positive class is called; binary tasks, by default 0.5.
        """
        rows = self.predicted_rows(predictions)
        return self.outcomes_of(rows, predictions[rows], threshold=threshold)

    def outcomes_of(
        self, rows: npt.NDArray[np.integer], chosen: Predictions, *, threshold: float | None = None
    ) -> Outcomes:
        """Predictions for some rows, (m,) or (m, k), beside the truth.

        A row that was predicted in several foldings stands there several times, and is resampled as one.
        """
        classification = self.task != "regression"
        clusters = None if self.clusters is None else self.clusters[rows]
        if clusters is None and len(np.unique(rows)) < len(rows):
            clusters = rows
        return Outcomes(
            self.task,
            self.actual[rows],
            self.labels(chosen, threshold=threshold) if classification else chosen,
            probabilities=chosen if classification else None,
            n_classes=len(self.classes),
            positive=self.positive if self.task == "binary" else 1,
            costs=self.costs,
            clusters=clusters,
            blocks=self.time_order is not None,
            named=self.named,
            quantile=self.quantile,
        )

    def units(self, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """What each of some rows (m,) belongs to that says one thing: its group where there are groups, else the row, (m,)."""
        return rows if self.clusters is None else self.clusters[rows]

    def predicted_rows(self, predictions: Predictions) -> npt.NDArray[np.integer]:
        """Positions of the rows with a prediction; from earliest to latest where folds follow time."""
        order = np.arange(self.rows) if self.time_order is None else self.time_order
        first = predictions if predictions.ndim == 1 else predictions[:, 0]
        return order[np.isfinite(first[order])]

    def labels(self, probabilities: Predictions, *, threshold: float | None = None) -> npt.NDArray[np.integer]:
        """Class codes called from probabilities of shape (m, k), (m,); of several labels a row 0 and 1, (m, k)."""
        if self.task == "multilabel":
            return called_labels(probabilities, threshold)
        if self.named == "ordinal":
            return called_level(probabilities, self.metric)
        if self.task == "binary" and threshold is not None:
            called = probabilities[:, self.positive] >= threshold
            return np.where(called, self.positive, 1 - self.positive)
        return np.argmax(probabilities, axis=1)
