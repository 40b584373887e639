"""The search as scikit-learn estimators, for those who only want a model.

They know nothing of projects: no held-out rows are sealed, nothing is tracked, nothing is refused.
"""

from __future__ import annotations

import os
import time
import warnings
from abc import ABC, abstractmethod
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d, validate_data

from ml_engineer.modelling.executors import make_executor
from ml_engineer.modelling.feature_frame import feature_frame
from ml_engineer.modelling.portfolio import baseline_candidate, build_portfolio
from ml_engineer.modelling.results import candidate_result
from ml_engineer.modelling.search import SearchResult, search
from ml_engineer.modelling.search_plan import SearchPlan
from ml_engineer.modelling.training_data import FEW_ROWS, FoldPair, TrainingData
from ml_engineer.modelling.tuning import Tuner
from ml_engineer.statistics.conformal import learn_interval
from ml_engineer.statistics.metrics import Task
from ml_engineer.vocabulary.estimates import Metric

__all__ = ["TabularClassifier", "TabularRegressor"]

_ONE_FIT_ROWS = 100_000
_MOST_WORKERS = 8
_REPEATS = 3
"""Foldings where rows are few."""


class _ForgetfulJournal:
    """Finished fits are not kept: a fit of an estimator is not resumed."""

    def find(self, key: str) -> None:
        """Nothing."""

    def keep(self, key: str, arrays: object) -> None:
        """Forget."""


class _Tabular(BaseEstimator, ABC):
    """What the estimators share: parameters, the frame, the search."""

    def __init__(
        self,
        *,
        budget_seconds: float = 60.0,
        budget_evaluations: int | None = None,
        metric: Metric | None = None,
        folds: int = 5,
        champion: Literal["best", "simplest-within-noise"] = "best",
        price_milliseconds: float = 10.0,
        memory_limit_mb: int | None = None,
        n_jobs: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.budget_seconds = budget_seconds
        self.budget_evaluations = budget_evaluations
        self.metric = metric
        self.folds = folds
        self.champion = champion
        self.price_milliseconds = price_milliseconds
        self.memory_limit_mb = memory_limit_mb
        self.n_jobs = n_jobs
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    @property
    def leaderboard_(self) -> pd.DataFrame:
        """Every candidate, best first: score with interval, times, and what was decided about it."""
        check_is_fitted(self, "_board")
        return self._board

    def _frame(self, X: Any, *, reset: bool) -> pd.DataFrame:  # noqa: N803  (scikit-learn's name)
        """The checked feature frame."""
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=reset, skip_check_array=True)
            if reset and len(X) < 2:
                msg = f"Found array with {len(X)} sample(s) (shape={X.shape}) while a minimum of 2 is required"
                raise ValueError(msg)
            table: Any = X
        else:
            table = validate_data(
                self,
                X,
                reset=reset,
                dtype=None,
                ensure_all_finite="allow-nan" if _is_numeric(X) else False,
                ensure_min_samples=2 if reset else 1,
            )
            if table.dtype.kind == "c":
                check_array(table)
        return feature_frame(table, names=[f"x{place}" for place in range(table.shape[1])])

    def _search(self, features: pd.DataFrame, target: npt.NDArray[Any], groups: npt.NDArray[Any] | None) -> None:
        data = self._data(features, target, groups)
        started = time.monotonic()
        workers = 0 if self.n_jobs == 1 else min(_cores() if self.n_jobs in {None, -1} else self.n_jobs, _MOST_WORKERS)
        memory = None if self.memory_limit_mb is None else self.memory_limit_mb * 2**20
        large = data.rows >= _ONE_FIT_ROWS
        with make_executor(workers=workers, memory_limit=memory) as executor:
            executor.load(data)
            threads = max(1, workers) if large else 1
            executor.workers = 1 if large else executor.workers
            result = search(
                baseline_candidate(data),
                build_portfolio(data, seed=self.random_state, threads=threads),
                data,
                executor=executor,
                plan=SearchPlan(
                    float("inf") if self.budget_evaluations else started + self.budget_seconds - 0.1,
                    budget_evaluations=self.budget_evaluations,
                    seed=self.random_state,
                    price_milliseconds=float("inf") if self.budget_evaluations else self.price_milliseconds,
                    champion=self.champion,
                ),
                clock=time.monotonic,
                journal=_ForgetfulJournal(),
                report=_tell_nobody,
                tuner=Tuner(seed=self.random_state),
            )
        self._keep(result, data)

    def _keep(self, result: SearchResult, data: TrainingData) -> None:
        self.model_ = result.model
        self.champion_ = result.champion.candidate.name
        self.out_of_fold_ = result.champion.predictions(data)
        self._folds = data.fold_of_rows
        self.decisions_ = result.decisions
        self._board: pd.DataFrame = _board(result, data, seed=self.random_state)

    def _data(self, features: pd.DataFrame, target: npt.NDArray[Any], groups: npt.NDArray[Any] | None) -> TrainingData:
        task, metric = self._task()
        clusters = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
        foldings = [
            _pairs(task, target, clusters, folds=self.folds, seed=self.random_state + repeat)
            for repeat in range(_REPEATS if len(target) < FEW_ROWS else 1)
        ]
        return TrainingData(
            task=task,
            metric=self.metric or metric,
            features=features,
            target=target,
            pairs=foldings[0],
            fingerprint="",
            clusters=clusters,
            more_pairs=tuple(pair for folding in foldings[1:] for pair in folding),
        )

    @abstractmethod
    def _task(self) -> tuple[Task, Metric]:
        """Kind of task, and what its candidates are ordered by unless the caller says otherwise."""


class TabularClassifier(ClassifierMixin, _Tabular):
    """The best classifier for a table within a time, found by racing many and averaging the best.

    Parameters
    ----------
    budget_seconds : float, default 60
        Wall time of `fit`.
    budget_evaluations : int, optional
        Number of fits instead of a time; the same data and seed then give the same model on any machine.
    metric : str, optional
        What candidates are ordered by; by default ROC AUC for two classes, log loss for more.
    folds : int, default 5
        Folds of the cross-validation; fewer are used where the time is short.
    champion : {'best', 'simplest-within-noise'}
        Whether the best is taken, or the simplest whose difference to the best may be chance.
    price_milliseconds : float, default 10
        Most that a prediction may take per row, in batches.
    memory_limit_mb : int, optional
        Memory that all fits together may take; by default most of what is free.
    n_jobs : int, optional
        Fits at a time, each in a process of its own; by default one a core. With 1, this process does everything.
    random_state : int, default 0
        Seed of folds and models.

    Attributes
    ----------
    model_ : estimator
        The fitted champion: scikit-learn and boosters, nothing of ours.
    champion_ : str
        Its name.
    leaderboard_ : pandas.DataFrame
        Every candidate that was tried, best first.
    out_of_fold_ : numpy.ndarray of shape (n, k)
        The champion's probabilities for rows that it was not fitted on; NaN where there are none.
    decisions_ : tuple of str
        What the search decided as a whole, and why.
    classes_ : numpy.ndarray of shape (k,)
        Labels.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = TabularClassifier(budget_evaluations=8, n_jobs=1).fit(X, y)
    >>> model.predict(X.head(1)).tolist()
    [0]
    """

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> Self:  # noqa: N803  (scikit-learn's names)
        """Search, and fit the champion on all rows.

        Parameters
        ----------
        X : pandas.DataFrame or numpy.ndarray of shape (n, p)
            As it comes: numbers, text, categories, moments, missing cells.
        y : array of shape (n,)
            Labels.
        groups : array of shape (n,), optional
            Rows of one group stay on one side of every fold.
        """
        if y is None:
            msg = "requires y to be passed, but the target y is None"
            raise ValueError(f"{type(self).__name__} {msg}")
        features = self._frame(X, reset=True)
        target = column_or_1d(y, warn=True)
        check_classification_targets(target)
        _check_lengths(features, target)
        self.classes_ = np.unique(target)
        if len(self.classes_) < 2:
            msg = f"There is only one class in y, {self.classes_.tolist()}: there is nothing to learn"
            raise ValueError(msg)
        self._search(features, target, groups)
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: N803  (scikit-learn's name)
        """Probability of each class, shape (n, k), in the order of `classes_`."""
        check_is_fitted(self, "model_")
        return np.asarray(self.model_.predict_proba(self._frame(X, reset=False)))

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803  (scikit-learn's name)
        """The likeliest label of each row, shape (n,)."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def _task(self) -> tuple[Task, Metric]:
        return ("binary", "roc_auc") if len(self.classes_) == 2 else ("multiclass", "log_loss")


class TabularRegressor(RegressorMixin, _Tabular):
    """The best regressor for a table within a time, found by racing many and averaging the best.

    Parameters and attributes are those of `TabularClassifier`; the default metric is the root mean squared error, and
    `out_of_fold_` has shape (n,).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = TabularRegressor(budget_evaluations=8, n_jobs=1).fit(X, y)
    >>> model.predict_interval(X.head(1)).shape
    (1, 2)
    """

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> Self:  # noqa: N803  (scikit-learn's names)
        """Search, and fit the champion on all rows.

        Parameters
        ----------
        X : pandas.DataFrame or numpy.ndarray of shape (n, p)
            As it comes: numbers, text, categories, moments, missing cells.
        y : array of shape (n,)
            Finite numbers.
        groups : array of shape (n,), optional
            Rows of one group stay on one side of every fold.
        """
        if y is None:
            msg = "requires y to be passed, but the target y is None"
            raise ValueError(f"{type(self).__name__} {msg}")
        features = self._frame(X, reset=True)
        target = np.asarray(check_array(column_or_1d(y, warn=True), ensure_2d=False, dtype="float64", input_name="y"))
        _check_lengths(features, target)
        self._search(features, target, groups)
        self._target: npt.NDArray[np.float64] = target
        return self

    def predict(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: N803  (scikit-learn's name)
        """Predictions, shape (n,)."""
        check_is_fitted(self, "model_")
        return np.asarray(self.model_.predict(self._frame(X, reset=False)), dtype=float)

    def predict_interval(self, X: Any, *, level: float = 0.9) -> npt.NDArray[np.float64]:  # noqa: N803  (scikit-learn's name)
        """Lower and upper ends of prediction intervals, shape (n, 2): conformal, wide where the model errs much.

        Parameters
        ----------
        X : pandas.DataFrame or numpy.ndarray of shape (n, p)
            Rows.
        level : float
            Share of such rows that the intervals are to hold.

        Raises
        ------
        ValueError
            If the rows that were trained on are too few for the level.
        """
        predicted = self.predict(X)
        known = np.isfinite(self.out_of_fold_)
        actual, out_of_fold = self._target[known], self.out_of_fold_[known]
        rule = learn_interval(actual, out_of_fold, self._folds[known], level=level) if 0 < level < 1 else None
        if rule is None:
            msg = f"{len(actual)} out-of-fold errors are too few for intervals at {level:.0%}"
            raise ValueError(msg)
        return np.column_stack(rule.ends(predicted))

    def _task(self) -> tuple[Task, Metric]:
        return "regression", "rmse"


def _tell_nobody(_message: str, _fraction: float | None) -> None:
    """Report to nobody."""


def _is_numeric(table: Any) -> bool:
    return np.asarray(table).dtype.kind in "biufc"


def _check_lengths(features: pd.DataFrame, target: npt.NDArray[Any]) -> None:
    if len(features) != len(target):
        msg = f"Found input variables with inconsistent numbers of samples: {[len(features), len(target)]}"
        raise ValueError(msg)


def _pairs(
    task: Task, target: npt.NDArray[Any], clusters: npt.NDArray[np.integer] | None, *, folds: int, seed: int
) -> tuple[FoldPair, ...]:
    """Folds: of whole groups where there are groups, with the classes in proportion where there are classes."""
    units = len(target) if clusters is None else len(np.unique(clusters))
    number = max(2, min(folds, units))
    if task == "regression":
        kind: Any = KFold if clusters is None else GroupKFold
    else:
        number = max(2, min(number, int(np.unique(target, return_counts=True)[1].max())))
        kind = StratifiedKFold if clusters is None else StratifiedGroupKFold
    splitter = kind(number, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class with fewer rows than folds is told by its score, not by the splitter.
        warnings.filterwarnings("ignore", message="The least populated class")
        return tuple(splitter.split(np.zeros(len(target)), target, clusters))


def _board(result: SearchResult, data: TrainingData, *, seed: int) -> pd.DataFrame:
    rows = []
    for standing in result.standings:
        one = candidate_result(standing, data, seed=seed)
        rows.append(
            {
                "candidate": one.name,
                "family": one.family,
                "status": one.status,
                "score": one.score.value if one.score else np.nan,
                "low": one.score.low if one.score else np.nan,
                "high": one.score.high if one.score else np.nan,
                "fit_seconds": one.fit_seconds,
                "predict_milliseconds_per_row": one.predict_milliseconds_per_row,
                "model_megabytes": one.model_megabytes,
                "explained_by": one.explained_by,
                "decisions": "; ".join(one.decisions),
            }
        )
    return pd.DataFrame(rows)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
