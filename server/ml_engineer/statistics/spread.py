"""How a model's error follows the features: small trees that are learned from out-of-fold errors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor

from ml_engineer.vocabulary.spread import FeatureSpread, SpreadTree

__all__ = ["learn_spread", "spread_of"]

Floats = npt.NDArray[np.float64]

_TREES, _DEPTH, _RATE = 50, 3, 0.1
_COLUMNS_A_SPLIT, _SMALLEST_LEAF = 20, 20
_MOST_CATEGORIES, _ROWS_BEFORE = 50, 10
_LEAST, _MOST = 0.4, 2.5
_FAR = 1e30


def learn_spread(features: pd.DataFrame, predicted: Floats, errors: Floats) -> FeatureSpread:
    """What the features and the prediction say of how large errors are.

    Parameters
    ----------
    features : pandas.DataFrame of shape (n, p)
        Rows, of which 2,000 are enough; columns that are neither numbers nor categories of at most fifty values are left out.
    predicted : numpy.ndarray of shape (n,)
        Predictions of a model that had not seen the rows.
    errors : numpy.ndarray of shape (n,)
        Size of its errors, not negative, in any unit.

    Notes
    -----
    The root of an error is learned, not the error, whose long tail would decide alone (Cressie and Hawkins 1980, Robust
    estimation of the variogram, for the power); by gradient boosting. Spreads lie between 0.16 and 6.25
    times that of the mean root, so that no row gets an interval of no width.
    """
    roots = np.sqrt(errors)
    mean = max(float(roots.mean()), float(np.finfo(float).tiny))
    roots = roots / mean
    numbers = tuple(str(name) for name in features.columns if pd.api.types.is_numeric_dtype(features[name]))
    categories = {
        str(name): _means(features[name], roots)
        for name in features.columns
        if str(name) not in numbers and _is_category(features[name])
    }
    cells = _cells(features, predicted, numbers, categories)
    model = GradientBoostingRegressor(
        n_estimators=_TREES,
        max_depth=_DEPTH,
        learning_rate=_RATE,
        subsample=0.5,
        min_samples_leaf=_SMALLEST_LEAF,
        max_features=min(_COLUMNS_A_SPLIT, cells.shape[1]),
        random_state=0,
    )
    model.fit(cells, roots)
    trees = [one.tree_ for one in model.estimators_[:, 0]]
    asked = np.unique(np.concatenate([tree.feature[tree.feature >= 0] for tree in trees]))
    return _described(trees, set(asked.tolist()), numbers, categories)


def spread_of(spread: FeatureSpread, features: pd.DataFrame, predicted: Floats) -> Floats:
    """How many times the usual width the interval of each of n rows is, (n,)."""
    cells = _cells(features, predicted, spread.numbers, spread.categories)
    total = np.full(len(cells), spread.start)
    everyone = np.arange(len(cells))
    for tree in spread.trees:
        column, threshold = np.array(tree.column), np.array(tree.threshold)
        left, right = np.array(tree.left), np.array(tree.right)
        node = np.zeros(len(cells), dtype=int)
        for _ in range(_DEPTH):
            below = np.where(cells[everyone, column[node]] <= threshold[node], left[node], right[node])
            node = np.where(left[node] >= 0, below, node)
        total += np.array(tree.value)[node]
    return np.asarray(np.clip(total, spread.least, spread.most) ** 2, dtype=float)


def _is_category(column: pd.Series) -> bool:
    if not (isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(column.dtype)):
        return False
    return bool(column.nunique() <= _MOST_CATEGORIES)


def _means(column: pd.Series, roots: Floats) -> dict[str, float]:
    """Mean root of each category, drawn to the mean of all, which is 1, as if ten more rows had that."""
    known = column.notna().to_numpy()
    groups = pd.Series(roots[known]).groupby(column[known].astype(str).to_numpy())
    means = (groups.sum() + _ROWS_BEFORE) / (groups.count() + _ROWS_BEFORE)
    return {str(name): float(value) for name, value in means.items()}


def _cells(
    features: pd.DataFrame, predicted: Floats, numbers: tuple[str, ...], categories: dict[str, dict[str, float]]
) -> npt.NDArray[np.float32]:
    """The prediction and the columns that are looked at, as trees read them; a gap lies far below all numbers."""
    named = {str(name): features[name] for name in features.columns}
    columns = [predicted]
    columns += [named[name].to_numpy(dtype=float, na_value=np.nan) for name in numbers]
    for name, values in categories.items():
        known = named[name].notna().to_numpy()
        cells = named[name].astype(object).astype(str).map(values).fillna(1.0).to_numpy(dtype=float)
        columns.append(np.where(known, cells, np.nan))
    table = np.column_stack(columns)
    return np.nan_to_num(np.clip(table, -_FAR, _FAR), nan=-_FAR).astype("float32")


def _described(
    trees: list[object], asked: set[int], numbers: tuple[str, ...], categories: dict[str, dict[str, float]]
) -> FeatureSpread:
    """The trees with the columns that they ask about alone."""
    kept_numbers = tuple(name for place, name in enumerate(numbers, 1) if place in asked)
    first = 1 + len(numbers)
    kept_categories = {name: values for place, (name, values) in enumerate(categories.items(), first) if place in asked}
    places = {old: new for new, old in enumerate([0, *sorted(asked - {0})])}
    return FeatureSpread(
        numbers=kept_numbers,
        categories=kept_categories,
        start=1.0,
        trees=tuple(_written(tree, places) for tree in trees),
        least=_LEAST,
        most=_MOST,
    )


def _written(tree: object, places: dict[int, int]) -> SpreadTree:
    told = ("feature", "threshold", "children_left", "children_right", "value")
    found: dict[str, Floats] = {name: np.asarray(getattr(tree, name)) for name in told}
    return SpreadTree(
        column=tuple(places.get(int(place), 0) for place in found["feature"]),
        threshold=tuple(found["threshold"].tolist()),
        left=tuple(found["children_left"].tolist()),
        right=tuple(found["children_right"].tolist()),
        value=tuple((_RATE * found["value"][:, 0, 0]).tolist()),
    )
