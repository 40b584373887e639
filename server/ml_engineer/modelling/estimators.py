"""The search as scikit-learn estimators, for those who only want a model.

They know nothing of projects: no held-out rows are sealed, nothing is tracked, nothing is refused.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d

from ml_engineer.modelling.tabular_estimator import TabularEstimator, check_lengths
from ml_engineer.statistics.conformal import IntervalRule, learn_interval
from ml_engineer.statistics.metrics import Task
from ml_engineer.vocabulary.estimates import Metric

__all__ = ["TabularClassifier", "TabularRegressor"]

_MOST_ERRORS = 20_000


class TabularClassifier(ClassifierMixin, TabularEstimator):
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
        Most that a prediction may take per row, in batches. Not held with `budget_evaluations`, under which the clock decides
        nothing.
    memory_limit_mb : int, optional
        Memory that all fits together may take; by default most of what is free.
    n_jobs : int, optional
        Fits at a time, each in a process of its own; by default one a core, and none for small tables with less than ten
        seconds. With 1, this process does everything.
    executor : str, optional
        Address of a Dask scheduler, like tcp://HOST:8786, whose workers do the fits; the rows are sent there.
    text_model : str or path, optional
        Folder of a static embedding model (model2vec) on this machine; running text is then read by its vectors too.
        Nothing is downloaded.
    foundation_model : str or path, optional
        Checkpoint of TabICL on this machine: a pretrained transformer is then tried too. It is slow, and wins only if
        `price_milliseconds` allows what its predictions take. Nothing is downloaded.
    random_state : int, default 0
        Seed of folds and models.

    Attributes
    ----------
    model_ : estimator
        The fitted champion: scikit-learn and boosters, nothing of ours but the classes that read a `text_model`
        or a `foundation_model`.
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, groups: Any = None) -> Self:  # noqa: N803  (scikit-learn's names)
        """Search, and fit the champion on all rows.

        Parameters
        ----------
        X : pandas.DataFrame or numpy.ndarray of shape (n, p)
            As it comes: numbers, text, categories, moments, missing cells.
        y : array of shape (n,)
            Labels.
        sample_weight : array of shape (n,), optional
            What each row counts for in every fit, not negative. Scores count each row once.
        groups : array of shape (n,), optional
            Rows of one group stay on one side of every fold.
        """
        if y is None:
            msg = "requires y to be passed, but the target y is None"
            raise ValueError(f"{type(self).__name__} {msg}")
        features = self._frame(X, reset=True)
        _refuse_missing_labels(y)
        _refuse_several_labels(y)
        target = column_or_1d(y, warn=True)
        check_classification_targets(target)
        check_lengths(features, target)
        self.classes_ = np.unique(target)
        if len(self.classes_) < 2:
            msg = f"There is only one class in y, {self.classes_.tolist()}: there is nothing to learn"
            raise ValueError(msg)
        self._search(self._data(features, target, groups, sample_weight))
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: N803  (scikit-learn's name)
        """Probability of each class, shape (n, k), in the order of `classes_`."""
        check_is_fitted(self, "model_")
        return np.asarray(self._fast.predict_proba(self._frame(X, reset=False)))

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803  (scikit-learn's name)
        """The likeliest label of each row, shape (n,)."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def _task(self) -> tuple[Task, Metric]:
        return ("binary", "roc_auc") if len(self.classes_) == 2 else ("multiclass", "log_loss")


class TabularRegressor(RegressorMixin, TabularEstimator):
    """The best regressor for a table within a time, found by racing many and averaging the best.

    Parameters and attributes are those of `TabularClassifier`; the default metric is the root mean squared error, and
    `out_of_fold_` has shape (n,).

    A saved regressor holds up to 20,000 of the rows it was trained on, features and target: widths of intervals are learned from
    them at the first `predict_interval` of a level.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = TabularRegressor(budget_evaluations=8, n_jobs=1).fit(X, y)
    >>> model.predict_interval(X.head(1)).shape
    (1, 2)
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, groups: Any = None) -> Self:  # noqa: N803  (scikit-learn's names)
        """Search, and fit the champion on all rows.

        Parameters
        ----------
        X : pandas.DataFrame or numpy.ndarray of shape (n, p)
            As it comes: numbers, text, categories, moments, missing cells.
        y : array of shape (n,)
            Finite numbers.
        sample_weight : array of shape (n,), optional
            What each row counts for in every fit, not negative. Scores count each row once.
        groups : array of shape (n,), optional
            Rows of one group stay on one side of every fold.
        """
        if y is None:
            msg = "requires y to be passed, but the target y is None"
            raise ValueError(f"{type(self).__name__} {msg}")
        features = self._frame(X, reset=True)
        target = np.asarray(check_array(column_or_1d(y, warn=True), ensure_2d=False, dtype="float64", input_name="y"))
        check_lengths(features, target)
        _refuse_unfit_metric(self.metric, target)
        data = self._data(features, target, groups, sample_weight)
        self._search(data)
        self._keep_errors(features, target, data.fold_of_rows)
        return self

    def predict(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: N803  (scikit-learn's name)
        """Predictions, shape (n,)."""
        check_is_fitted(self, "model_")
        return np.asarray(self._fast.predict(self._frame(X, reset=False)), dtype=float)

    def predict_interval(self, X: Any, *, level: float = 0.9) -> npt.NDArray[np.float64]:  # noqa: N803  (scikit-learn's name)
        """Lower and upper ends of prediction intervals, shape (n, 2): conformal, wide where the model errs much.

        Widths follow the prediction, and the features too where that makes better intervals of rows that were not learned from.

        Parameters
        ----------
        X : pandas.DataFrame or numpy.ndarray of shape (n, p)
            Rows.
        level : float
            Share of such rows that the intervals are to hold.

        Raises
        ------
        ValueError
            If the rows that were trained on are too few for the level, or an earlier version saved the model, which kept other errors.
        """
        check_is_fitted(self, "model_")
        if not hasattr(self, "_errors"):
            msg = "An earlier version of ml-engineer saved this model without what intervals are learned from: fit it again"
            raise ValueError(msg)
        features = self._frame(X, reset=False)
        predicted = np.asarray(self._fast.predict(features), dtype=float)
        if level not in self._rules:
            actual, out_of_fold, folds, seen = self._errors
            enough = 0 < level < 1
            rule = learn_interval(actual, out_of_fold, folds, level=level, features=seen) if enough else None
            if rule is None:
                msg = f"{len(actual)} out-of-fold errors are too few for intervals at {level:.0%}"
                raise ValueError(msg)
            self._rules[level] = rule
        return np.column_stack(self._rules[level].ends(predicted, features))

    def _keep_errors(
        self, features: pd.DataFrame, target: npt.NDArray[np.float64], folds: npt.NDArray[np.integer]
    ) -> None:
        """Keep what intervals are learned from when they are asked for; of many rows a sample, for the model is saved with it."""
        rows = np.flatnonzero(np.isfinite(self.out_of_fold_))
        if len(rows) > _MOST_ERRORS:
            chosen = np.random.default_rng(self.random_state).choice(rows, _MOST_ERRORS, replace=False)
            rows = np.sort(chosen)
        self._errors = (target[rows], self.out_of_fold_[rows], folds[rows], features.iloc[rows])
        self._rules: dict[float, IntervalRule] = {}

    def _task(self) -> tuple[Task, Metric]:
        return "regression", "rmse"


def _refuse_unfit_metric(metric: Metric | None, target: npt.NDArray[np.float64]) -> None:
    """Refuse a metric of numbers that means nothing for what is predicted, or for this target."""
    if metric == "pinball":
        msg = (
            "metric is 'pinball', which judges a quantile, and this estimator predicts the expected value: pass another metric "
            "and use predict_interval, or frame a problem with the quantile (frame_problem with quantile=0.9)"
        )
        raise ValueError(msg)
    if metric == "poisson_deviance" and target.min() < 0:
        msg = (
            f"metric is 'poisson_deviance', which judges counts, and {int((target < 0).sum())} values of y lie below zero, the "
            f"least at {target.min():g}: pass another metric"
        )
        raise ValueError(msg)


def _refuse_missing_labels(y: Any) -> None:
    """Refuse rows without a label: what sorts labels would say only that text and nothing cannot be compared."""
    labels = np.asarray(y, dtype=object)
    missing = int(pd.isna(labels).sum())
    if missing:
        msg = f"Input y contains NaN: {missing:,} of {labels.size:,} labels are missing; leave these rows out, or give them a label of their own"
        raise ValueError(msg)


def _refuse_several_labels(y: Any) -> None:
    if type_of_target(y, input_name="y").startswith("multilabel"):
        msg = (
            f"y holds several labels a row (shape {np.shape(y)}), and this estimator learns one. Fit one for each label, with "
            "sklearn.multiclass.OneVsRestClassifier(TabularClassifier(...)), or frame a multilabel problem (frame_problem with "
            "the columns of labels, with commas between, as target), which searches for all labels together"
        )
        raise ValueError(msg)
