"""How the model's error follows the features: small trees that are learned from out-of-fold errors."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor

TREES, DEPTH, RATE = 50, 3, 0.1
COLUMNS_A_SPLIT, SMALLEST_LEAF = 20, 20
MOST_CATEGORIES, ROWS_BEFORE = 50, 10
LEAST, MOST = 0.4, 2.5
FAR = 1e30


def learn_spread(features: pd.DataFrame, predicted: np.ndarray, errors: np.ndarray) -> dict[str, Any]:
    """Learn how many times its usual size an error is, by gradient boosting of the roots of errors.

    Parameters
    ----------
    features : pandas.DataFrame
        Rows, of which 2,000 are enough; columns that are neither numbers nor categories of at most fifty values are left out.
    predicted, errors : numpy.ndarray of shape (n,)
        Predictions, and sizes of their errors in any unit, not negative.

    Returns
    -------
    dict
        The trees as numbers, with the columns that they ask about.
    """
    roots = np.sqrt(errors)
    roots = roots / max(float(roots.mean()), float(np.finfo(float).tiny))
    numbers = [str(name) for name in features.columns if pd.api.types.is_numeric_dtype(features[name])]
    categories = {
        str(name): _means(features[name], roots)
        for name in features.columns
        if str(name) not in numbers and _is_category(features[name])
    }
    cells = _cells(features, predicted, numbers, categories)
    model = GradientBoostingRegressor(
        n_estimators=TREES,
        max_depth=DEPTH,
        learning_rate=RATE,
        subsample=0.5,
        min_samples_leaf=SMALLEST_LEAF,
        max_features=min(COLUMNS_A_SPLIT, cells.shape[1]),
        random_state=0,
    )
    model.fit(cells, roots)
    trees = [one.tree_ for one in model.estimators_[:, 0]]
    asked = set(np.concatenate([tree.feature[tree.feature >= 0] for tree in trees]).tolist())
    places = {old: new for new, old in enumerate([0, *sorted(asked - {0})])}
    return {
        "numbers": [name for place, name in enumerate(numbers, 1) if place in asked],
        "categories": {
            name: values for place, (name, values) in enumerate(categories.items(), 1 + len(numbers)) if place in asked
        },
        "start": 1.0,
        "trees": [_written(tree, places) for tree in trees],
        "least": LEAST,
        "most": MOST,
    }


def spread_of(spread: dict[str, Any], features: pd.DataFrame, predicted: np.ndarray) -> np.ndarray:
    """Tell how many times the usual width the interval of each row is."""
    cells = _cells(features, predicted, spread["numbers"], spread["categories"])
    total = np.full(len(cells), spread["start"], dtype=float)
    everyone = np.arange(len(cells))
    for tree in spread["trees"]:
        column, threshold = np.array(tree["column"]), np.array(tree["threshold"])
        left, right = np.array(tree["left"]), np.array(tree["right"])
        node = np.zeros(len(cells), dtype=int)
        for _ in range(DEPTH):
            below = np.where(cells[everyone, column[node]] <= threshold[node], left[node], right[node])
            node = np.where(left[node] >= 0, below, node)
        total += np.array(tree["value"])[node]
    return np.clip(total, spread["least"], spread["most"]) ** 2


def _is_category(column: pd.Series) -> bool:
    if not (isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(column.dtype)):
        return False
    return bool(column.nunique() <= MOST_CATEGORIES)


def _means(column: pd.Series, roots: np.ndarray) -> dict[str, float]:
    """Give the mean root of each category, drawn to the mean of all, which is 1, as if ten more rows had that."""
    known = column.notna().to_numpy()
    groups = pd.Series(roots[known]).groupby(column[known].astype(str).to_numpy())
    means = (groups.sum() + ROWS_BEFORE) / (groups.count() + ROWS_BEFORE)
    return {str(name): float(value) for name, value in means.items()}


def _cells(
    features: pd.DataFrame, predicted: np.ndarray, numbers: list[str], categories: dict[str, dict[str, float]]
) -> np.ndarray:
    """Put the prediction beside the columns that are looked at; a gap lies far below all numbers."""
    named = {str(name): features[name] for name in features.columns}
    columns = [predicted]
    columns += [named[name].to_numpy(dtype=float, na_value=np.nan) for name in numbers]
    for name, values in categories.items():
        known = named[name].notna().to_numpy()
        cells = named[name].astype(object).astype(str).map(values).fillna(1.0).to_numpy(dtype=float)
        columns.append(np.where(known, cells, np.nan))
    table = np.column_stack(columns)
    return np.nan_to_num(np.clip(table, -FAR, FAR), nan=-FAR).astype("float32")


def _written(tree: Any, places: dict[int, int]) -> dict[str, list[float]]:
    """Write a tree node by node."""
    return {
        "column": [places.get(int(place), 0) for place in tree.feature],
        "threshold": tree.threshold.tolist(),
        "left": tree.children_left.tolist(),
        "right": tree.children_right.tolist(),
        "value": (RATE * tree.value[:, 0, 0]).tolist(),
    }
