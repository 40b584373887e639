"""A fitted model's answers for prepared rows, by the shortest way that its library documents."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from ml_engineer.threads import available_cores

__all__ = ["Ask", "fast_model"]

Ask = Literal["predict", "predict_proba"]
_LONG = 500
"""Rows from which on a thread is worth its start."""
_FORESTS = (ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor)


def fast_model(model: Any, ask: Ask) -> Callable[[Any], npt.NDArray[Any]]:
    """From prepared rows, a matrix of shape (n, q), to what the fitted `model` answers: (n,) or (n, k).

    Parameters
    ----------
    model : estimator
        The last step of a pipeline, fitted.
    ask : {'predict', 'predict_proba'}
        What it is asked.
    """
    library = type(model).__module__.partition(".")[0]
    if library == "lightgbm":
        return lambda rows: getattr(model, ask)(rows, num_threads=_threads(rows))
    if library == "catboost":
        return lambda rows: getattr(model, ask)(_for_catboost(model, rows), thread_count=_threads(rows))
    if isinstance(model, _FORESTS) and model.n_outputs_ == 1 and (ask == "predict_proba") == hasattr(model, "classes_"):
        return _forest(model)
    if isinstance(model, KNeighborsClassifier | KNeighborsRegressor):
        side_by_side = getattr(copy.copy(model).set_params(n_jobs=available_cores()), ask)
        return lambda rows: side_by_side(rows) if _threads(rows) > 1 else getattr(model, ask)(rows)
    answer: Callable[[Any], npt.NDArray[Any]] = getattr(model, ask)
    return answer


def _threads(rows: Any) -> int:
    return available_cores() if rows.shape[0] >= _LONG else 1


def _for_catboost(model: Any, rows: Any) -> Any:
    """Rows as CatBoost learned them: codes of categories, which come first, are whole numbers."""
    coded = len(model.get_cat_feature_indices())
    if not coded:
        return rows
    names = model.feature_names_
    codes = pd.DataFrame(rows[:, :coded].astype(np.int32), columns=names[:coded])
    return pd.concat([codes, pd.DataFrame(rows[:, coded:], columns=names[coded:])], axis=1)


def _forest(model: Any) -> Callable[[Any], npt.NDArray[Any]]:
    """The mean over a forest's trees, added up in their order; a forest itself checks and unpacks each tree anew."""
    trees = [one.tree_ for one in model.estimators_]
    classes = hasattr(model, "classes_")

    def mean(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        total = np.zeros((len(rows), len(model.classes_) if classes else 1))
        for tree in trees:
            total += tree.predict(rows)
        return total / len(trees)

    def answer(rows: Any) -> npt.NDArray[Any]:
        if sparse.issparse(rows):
            return np.asarray(getattr(model, "predict_proba" if classes else "predict")(rows))
        short = np.ascontiguousarray(rows, dtype=np.float32)
        parts = np.array_split(short, min(_threads(short), len(short)))
        if len(parts) == 1:
            means = mean(short)
        else:
            with ThreadPoolExecutor(len(parts)) as pool:
                means = np.concatenate(list(pool.map(mean, parts)))
        return means if classes else means[:, 0]

    return answer
