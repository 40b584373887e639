"""Series on one even grid of time: rows in, arrays out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = [
    "Floats",
    "Grid",
    "Layout",
    "empty_series",
    "join_features",
    "listed_categories",
    "make_grid",
    "series_keys",
    "unusable_values",
    "without_empty_series",
]

Floats = npt.NDArray[np.float64]
_MOST_CATEGORIES = 20


@dataclass(frozen=True)
class Layout:
    """Which column is what, and how far apart two moments are.

    Parameters
    ----------
    time, target : str
        Column of the time stamps (or whole numbers that count time), and the one to forecast.
    step : str or int
        Distance of two moments: a pandas offset alias such as ``MS`` or ``30min``, or a whole number.
    series : tuple of str
        Columns that together name a series; empty if there is only one.
    known, past : tuple of str
        Columns whose value is known in advance, and those of which only the past is known.
    categories : mapping of str to tuple of str
        Values that get an indicator each, for columns of text.
    floor : float, optional
        What no forecast may lie below, for a target that never did.
    """

    time: str
    target: str
    step: str | int
    series: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    floor: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The layout as JSON holds it; `from_json` is the way back."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Layout:
        """A layout from what `as_json` gave."""
        parts: dict[str, Any] = {name: tuple(stored[name]) for name in ("series", "known", "past")}
        categories = {name: tuple(values) for name, values in stored["categories"].items()}
        time, target, step = stored["time"], stored["target"], stored["step"]
        return cls(time, target, step, **parts, categories=categories, floor=stored["floor"])

    def moments(self, start: Any, periods: int) -> pd.Index:
        """`periods` moments from `start` on, a step apart."""
        if isinstance(self.step, int):
            return pd.RangeIndex(int(start), int(start) + self.step * periods, self.step)
        return pd.date_range(start, periods=periods, freq=self.step)


@dataclass(frozen=True)
class Grid:
    """S series at T moments; what is not known is NaN.

    Parameters
    ----------
    layout : Layout
        What the columns were.
    names : tuple of str
        Key of each series; one empty text if there is one series only.
    moments : pandas.Index of shape (T,)
        Time stamps, or whole numbers.
    values : numpy.ndarray of shape (S, T)
        The target.
    known, past : numpy.ndarray of shape (S, T, k)
        Columns known in advance, and those that are not; texts as indicators.
    rows : numpy.ndarray of shape (S, T), int
        Place of each cell's row in the table; -1 where there is none.
    """

    layout: Layout
    names: tuple[str, ...]
    moments: pd.Index
    values: Floats
    known: Floats
    past: Floats
    rows: npt.NDArray[np.int64]

    @property
    def length(self) -> int:
        """Moments, T."""
        return len(self.moments)

    def hidden_from(self, position: int) -> Grid:
        """The same without any target value or past column from moment number `position` on."""
        values, past = self.values.copy(), self.past.copy()
        values[:, position:], past[:, position:] = np.nan, np.nan
        return Grid(self.layout, self.names, self.moments, values, self.known, past, self.rows)

    def end_of_history(self) -> int:
        """Number of the moment after the last one at which any series has a value."""
        known = np.flatnonzero(np.isfinite(self.values).any(axis=0))
        return int(known[-1]) + 1 if len(known) else 0


def series_keys(rows: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series:
    """The key of each row's series as text."""
    if not columns:
        return pd.Series("", index=rows.index)
    return rows[list(columns)].astype(str).agg("\x1f".join, axis=1)


def unusable_values(rows: pd.DataFrame, layout: Layout) -> str:
    """What keeps these rows from being forecast, as a sentence: an infinite value, or none at all; else empty."""
    values = rows[layout.target].to_numpy(dtype="float64", na_value=np.nan)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        row = rows.iloc[infinite[0]]
        of = f" of the series {_named(row[list(layout.series)])}" if layout.series else ""
        return (
            f"{layout.target!r} is infinite in {len(infinite):,} rows, the first at {row[layout.time]}{of}; only finite "
            "numbers are forecast, and a missing one is a gap"
        )
    if not np.isfinite(values).any():
        return f"no row has a value of {layout.target!r}, so there is no history to go on from"
    return ""


def empty_series(rows: pd.DataFrame, layout: Layout) -> str:
    """Which series have no value, as a sentence; empty if all have one."""
    if not layout.series:
        return ""
    found = _has_values(rows, layout).any()
    empty = found.index[~found.to_numpy()]
    if not len(empty):
        return ""
    first = _named(empty[0] if len(layout.series) > 1 else [empty[0]])
    return f"{len(empty):,} of {len(found):,} series have no value of {layout.target!r}, the first of them {first}"


def without_empty_series(rows: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """The rows of series that have a value somewhere."""
    return rows[_has_values(rows, layout).transform("any")] if layout.series else rows


def _has_values(rows: pd.DataFrame, layout: Layout) -> Any:
    """Whether a row has a value, grouped by series."""
    return rows[layout.target].notna().groupby([rows[name] for name in layout.series], dropna=False, observed=True)


def _named(key: Iterable[Any]) -> str:
    return ", ".join(str(part) for part in key)


def join_features(rows: pd.DataFrame, features: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """The table that `make_grid` takes: time, series, target and past columns of the rows, beside their features.

    Raises
    ------
    ValueError
        If a feature has the name of one of these columns.
    """
    own = [layout.time, *layout.series, layout.target, *layout.past]
    taken = [name for name in features.columns if name in own]
    if taken:
        raise ValueError(f"the feature {taken[0]!r} has the name of a column of the data: give it another one")
    return pd.concat([rows.reindex(columns=own), features], axis=1)


def listed_categories(rows: pd.DataFrame, columns: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The most frequent values of each column of text, at most 20."""
    texts = [name for name in columns if not pd.api.types.is_numeric_dtype(rows[name])]
    return {
        name: tuple(str(value) for value in rows[name].dropna().astype(str).value_counts().index[:_MOST_CATEGORIES])
        for name in texts
    }


def make_grid(rows: pd.DataFrame, layout: Layout, *, steps_after: int = 0) -> Grid:
    """Put rows on the grid, which goes from the first to the last moment and `steps_after` further.

    Parameters
    ----------
    rows : pandas.DataFrame of shape (n, columns)
        One row a series and moment, in any order. The target may be missing where it is not known yet.
    layout : Layout
        What the columns are.
    steps_after : int
        Moments to add after the last row.

    Raises
    ------
    ValueError
        If a time stamp does not lie on the grid, or two rows are of the same series and moment.
    """
    times = rows[layout.time]
    periods = _periods(layout, times)
    moments = layout.moments(times.min(), periods + steps_after)
    columns = moments.get_indexer(pd.Index(times))
    if (columns < 0).any():
        found = times[columns < 0].iloc[0]
        raise ValueError(f"{layout.time!r} holds {found}, which is not a whole number of steps ({layout.step}) apart")
    keys = series_keys(rows, layout.series)
    names, lines = np.unique(keys.to_numpy(dtype=object).astype(str), return_inverse=True)
    shape = (len(names), len(moments))
    places = np.full(shape, -1, dtype=np.int64)
    places[lines, columns] = np.arange(len(rows))
    if (places >= 0).sum() != len(rows):
        raise ValueError(f"{layout.time!r} holds the same time stamp twice for one series")

    def spread(column: pd.Series) -> Floats:
        cells = np.full(shape, np.nan)
        cells[lines, columns] = column.to_numpy(dtype="float64", na_value=np.nan)
        return cells

    return Grid(
        layout,
        tuple(str(name) for name in names),
        moments,
        spread(rows[layout.target]),
        _stacked([spread(column) for column in _numbers(rows, layout.known, layout)], shape),
        _stacked([spread(column) for column in _numbers(rows, layout.past, layout)], shape),
        places,
    )


def _periods(layout: Layout, times: pd.Series) -> int:
    """How many moments lie between the first time stamp and the last, both included."""
    if isinstance(layout.step, int):
        return int(times.max() - times.min()) // layout.step + 1
    return len(pd.date_range(times.min(), times.max(), freq=layout.step))


def _numbers(rows: pd.DataFrame, columns: tuple[str, ...], layout: Layout) -> list[pd.Series]:
    """Columns as numbers: texts become an indicator for each listed value."""
    found = []
    for name in columns:
        if name in layout.categories:
            texts = rows[name].astype(str)
            found += [(texts == value).astype(float) for value in layout.categories[name]]
        else:
            found.append(pd.to_numeric(rows[name], errors="coerce"))
    return found


def _stacked(cells: list[Floats], shape: tuple[int, int]) -> Floats:
    return np.stack(cells, axis=2) if cells else np.empty((*shape, 0))
