"""Whether feature code gives a row the same features whatever rows are around it, shown by running it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ml_engineer.errors import UserCodeError
from ml_engineer.vocabulary.code_trial import MovedColumn

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

__all__ = ["WAYS", "check_row_local", "line_naming", "moved_columns"]

BuildFeatures = Callable[["pd.DataFrame"], "pd.DataFrame"]

WAYS = (
    "other rows were left out",
    "the order was reversed",
    "the row stood alone",
    "other rows were changed",
    "later rows were left out",
    "the code ran again",
    "other rows were left out and cells were empty",
)
"""What is done to the rows around a row."""

_REMEDY = "Compute a row's features from that row alone; what is learned from many rows belongs into a pipeline in candidates.py"
_MOST_ALONE = 4
_MOST_EXAMPLES = 4
_EMPTIED = 0.2


def moved_columns(
    build_features: BuildFeatures,
    rows: pd.DataFrame,
    features: pd.DataFrame,
    *,
    path: Path,
    time_column: str | None = None,
) -> list[MovedColumn]:
    """Features of `rows` that change when only the rows around them do.

    Means, ranks, counts and encodings over all rows carry knowledge of the test part of each fold into its training part,
    and of the future into the past.

    Parameters
    ----------
    build_features : callable
        The feature code.
    rows, features : pandas.DataFrame of shape (n, ...)
        Some rows, and what the code made of all of them together.
    path : pathlib.Path
        features.py, to find the line.
    time_column : str, optional
        Column by which later rows are left out.

    Returns
    -------
    list of MovedColumn
        One for each column that moved, in the first way that moved it.
    """
    found: dict[str, MovedColumn] = {}
    if len(rows) < 2:
        return []
    for way, shown in _variants(rows, time_column):
        try:
            given = build_features(shown)
        except UserCodeError:
            if way != "other rows were changed":
                raise
            continue  # made-up values may be what the code rightly refuses
        for moved in _compare(features, given, way, path):
            found.setdefault(moved.column, moved)
    for moved in _with_empty_cells(build_features, rows, path):
        found.setdefault(moved.column, moved)
    return list(found.values())


def _with_empty_cells(build_features: BuildFeatures, rows: pd.DataFrame, path: Path) -> list[MovedColumn]:
    """What is filled in from other rows shows only where cells are empty, so some are emptied."""
    import numpy as np
    from pandas.api.types import is_bool_dtype, is_integer_dtype

    emptied = rows.copy()
    for place, name in enumerate(rows.columns):
        if is_bool_dtype(rows[name].dtype):
            continue
        if is_integer_dtype(rows[name].dtype):
            emptied[name] = rows[name].astype(float)
        emptied[name] = emptied[name].mask(np.random.default_rng(place).random(len(rows)) < _EMPTIED)
    try:
        together, some = build_features(emptied), build_features(emptied.iloc[_some(len(rows))])
    except UserCodeError:
        return []  # code need not take empty cells where the table has none
    return list(_compare(together, some, WAYS[6], path))


def check_row_local(build_features: BuildFeatures, rows: pd.DataFrame, features: pd.DataFrame, *, path: Path) -> None:
    """Refuse feature code whose result for a row depends on the other rows; a quick look, for every run of the code.

    Parameters
    ----------
    build_features, rows, features, path
        As in `moved_columns`.

    Raises
    ------
    UserCodeError
        Naming the first column that differs, and its line where one names it.
    """
    if len(rows) < 2:
        return
    some = rows.iloc[_some(len(rows))]
    for moved in _compare(features, build_features(some), WAYS[0], path):
        if not moved.column:
            raise UserCodeError(
                f"build_features in {path} gives other columns when it is given fewer rows", remedy=_REMEDY
            )
        where = "" if moved.line is None else f", which line {moved.line} names"
        raise UserCodeError(
            f"build_features in {path} gives a row another value when other rows are absent",
            found=f"column {moved.column!r}{where}",
            remedy=_REMEDY,
        )


def line_naming(column: str, path: Path) -> int | None:
    """First line of the file where a text or a keyword is the column's name; None if there is none."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None
    lines = [
        node.lineno if isinstance(node, ast.Constant) else node.value.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Constant) and node.value == column)
        or (isinstance(node, ast.keyword) and node.arg == column)
    ]
    return min(lines, default=None)


def _some(rows: int) -> slice:
    """About twenty places, neither the first row nor neighbours among them."""
    return slice(1, None, max(2, rows // 20))


def _variants(rows: pd.DataFrame, time_column: str | None) -> Iterator[tuple[str, pd.DataFrame]]:
    """Ways to put rows before the code, each with the rows that it is given."""
    if len(rows) < 2:
        return
    yield WAYS[0], rows.iloc[_some(len(rows))]
    yield WAYS[1], rows.iloc[::-1]
    for place in range(0, len(rows), max(1, len(rows) // _MOST_ALONE)):
        yield WAYS[2], rows.iloc[[place]]
    yield WAYS[3], _with_others_changed(rows)
    if time_column is not None and time_column in rows.columns:
        yield WAYS[4], rows[rows[time_column] <= rows[time_column].quantile(0.5, interpolation="lower")]
    yield WAYS[5], rows


def _with_others_changed(rows: pd.DataFrame) -> pd.DataFrame:
    """Every other row replaced by made-up values under a number of its own, so that it is not compared."""
    import pandas as pd
    from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

    changed = rows.iloc[1::2].copy()
    for name in changed.columns:
        column = changed[name]
        if is_bool_dtype(column.dtype):
            changed[name] = ~column
        elif is_numeric_dtype(column.dtype):
            changed[name] = (column * -3 + 1_000).astype(column.dtype)
        elif is_datetime64_any_dtype(column.dtype):
            changed[name] = column - pd.Timedelta(days=4_000)
        else:
            changed[name] = column.sample(frac=1, random_state=0).to_numpy()
    first = int(rows.index.max()) + 1
    changed.index = pd.RangeIndex(first, first + len(changed))
    return pd.concat([rows.iloc[::2], changed])


def _compare(expected: pd.DataFrame, given: pd.DataFrame, way: str, path: Path) -> Iterator[MovedColumn]:
    if list(given.columns) != list(expected.columns):
        yield MovedColumn(column="", when=way, rows=len(given))
        return
    common = given.index[given.index.isin(expected.index)]
    for name in expected.columns:
        other = ~_same(expected[name].loc[common], given[name].loc[common])
        if other.any():
            yield MovedColumn(
                column=str(name),
                when=way,
                rows=int(other.sum()),
                example_rows=tuple(int(row) for row in common[other][:_MOST_EXAMPLES]),
                line=line_naming(str(name), path),
            )


def _same(first: pd.Series, second: pd.Series) -> npt.NDArray[np.bool_]:
    import numpy as np
    from pandas.api.types import is_numeric_dtype

    if is_numeric_dtype(first) and is_numeric_dtype(second):
        numbers = first.to_numpy(float), second.to_numpy(float)
        return np.asarray(np.isclose(*numbers, rtol=1e-9, atol=1e-12, equal_nan=True), dtype=bool)
    same = (first == second) | (first.isna() & second.isna())
    return np.asarray(same.fillna(False), dtype=bool)
