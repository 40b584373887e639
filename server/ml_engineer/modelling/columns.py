"""Sorts feature columns by what a model must do with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from ml_engineer.vocabulary.cell_parts import find_parts

__all__ = ["CYCLES", "Columns", "sort_columns"]

MANY_CATEGORIES = 60
"""From this many different values on, one column each would be too many."""
_SKEW = 2.0
_NEARLY_ALWAYS = 0.9
_TEXT_WORDS = 4.0
_RARELY_REPEATED = 0.3
"""Different values per row from which on a whole cell says less than its parts."""
_LOOKED_AT = 100_000
_TEXTS_LOOKED_AT = 2_000
CYCLES: Mapping[str, float] = {"hours": 24.0, "weekdays": 7.0, "months": 12.0, "year_days": 366.0}
"""Kinds of numbers that begin again, and after how much."""
_CYCLE_NAMES: Final = re.compile(
    r"(?:^|[^a-z])(?:(?P<hours>hours?|hr)|(?P<weekdays>day_?of_?week|weekday|dow)|"
    r"(?P<months>months?|mnth)|(?P<year_days>day_?of_?year|yday|doy))$"
)


@dataclass(frozen=True)
class Columns:
    """Names of feature columns by kind, each in frame order.

    Parameters
    ----------
    even, skewed : tuple of str
        Numbers whose spread is about even, and numbers with a long tail.
    boolean : tuple of str
        True or false.
    categories, many_categories : tuple of str
        Strings with few, and with many, different values.
    text : tuple of str
        Running text.
    constant : tuple of str
        Columns without two different values: no model can use them.
    gaps : tuple of str
        Numbers of which some are missing; each is in `even` or `skewed` too.
    rare : tuple of str
        Numbers that are one value, or missing, in nearly all rows; each is in `even` or `skewed` too.
    hours, weekdays, months, year_days : tuple of str
        Numbers that begin again: after 23 comes 0; each is in `even` too.
    """

    even: tuple[str, ...] = ()
    skewed: tuple[str, ...] = ()
    boolean: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    many_categories: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()
    weekdays: tuple[str, ...] = ()
    months: tuple[str, ...] = ()
    year_days: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """Numbers of either kind."""
        return self.even + self.skewed

    @property
    def straight(self) -> tuple[str, ...]:
        """Evenly spread numbers that do not begin again and are not nearly always the same."""
        others = {*self.hours, *self.weekdays, *self.months, *self.year_days, *self.rare}
        return tuple(name for name in self.even if name not in others)

    @property
    def long_tailed(self) -> tuple[str, ...]:
        """Numbers with a long tail that are not nearly always the same."""
        return tuple(name for name in self.skewed if name not in self.rare)

    @property
    def usable(self) -> int:
        """Columns that a model can use."""
        return sum(map(len, (self.numbers, self.boolean, self.categories, self.many_categories, self.text)))


def sort_columns(features: pd.DataFrame, *, text_columns: frozenset[str] = frozenset()) -> Columns:
    """Sort the columns of `features` (n, p); looks at feature values only, never at a target.

    Parameters
    ----------
    features : pandas.DataFrame
        Numbers, booleans and strings.
    text_columns : frozenset of str
        Columns known to be running text; others are recognised by their words.
    """
    kinds: dict[str, list[str]] = {name: [] for name in Columns.__dataclass_fields__}
    for name in features.columns:
        kind = _kind(features[name], told_text=name in text_columns)
        kinds[kind].append(name)
        if kind in {"even", "skewed"} and features[name].isna().any():
            kinds["gaps"].append(name)
        if kind == "even" and (cycle := _cycle(str(name), features[name])):
            kinds[cycle].append(name)
        elif kind in {"even", "skewed"} and _most_common_share(features[name]) >= _NEARLY_ALWAYS:
            kinds["rare"].append(name)
    return Columns(**{kind: tuple(names) for kind, names in kinds.items()})


def _kind(column: pd.Series, *, told_text: bool) -> str:
    distinct = column.nunique()
    # One value beside missing cells still tells something: whether it is there.
    if distinct == 0 or (distinct == 1 and not column.isna().any()):
        return "constant"
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_numeric_dtype(column):
        return "skewed" if distinct > 20 and _skew(column) > _SKEW else "even"
    if told_text or _reads_as_text(column, distinct) or _reads_as_parts(column, distinct):
        return "text"
    return "many_categories" if distinct > MANY_CATEGORIES else "categories"


def _cycle(name: str, column: pd.Series) -> str | None:
    """Which cycle a number runs through, by the end of its name and by its values: all of one turn."""
    found = _CYCLE_NAMES.search(name.casefold())
    if found is None or found.lastgroup is None:
        return None
    values = column.dropna().to_numpy(dtype=float)
    # A part of a moment may lie between two; another number of hours that does is an amount of time.
    whole = "__" in name or not (values % 1).any()
    fits = whole and values.min() >= 0 and np.ptp(values) < CYCLES[found.lastgroup]
    return found.lastgroup if fits else None


def _looked_at(column: pd.Series) -> pd.Series:
    """Of very many rows, some at equal steps."""
    return column.iloc[:: 1 + len(column) // _LOOKED_AT]


def _most_common_share(column: pd.Series) -> float:
    """Share of the rows that hold the value that most rows hold; a missing one counts as a value."""
    return float(_looked_at(column).value_counts(normalize=True, dropna=False).iloc[0])


def _skew(column: pd.Series) -> float:
    """Absolute skewness after scaling, so that huge numbers do not overflow."""
    values = _looked_at(column).to_numpy(dtype=float, na_value=np.nan)
    values = values[np.isfinite(values)]
    largest = np.abs(values).max(initial=0.0)
    if largest == 0:
        return 0.0
    values = values / largest
    spread = values.std()
    return float(abs(np.mean((values - values.mean()) ** 3)) / spread**3) if spread > 1e-12 else 0.0


def _reads_as_text(column: pd.Series, distinct: int) -> bool:
    present = column.dropna()
    if distinct <= MANY_CATEGORIES or distinct < 0.5 * len(present):
        return False
    return float(present.head(_TEXTS_LOOKED_AT).str.count(r"\S+").mean()) >= _TEXT_WORDS


def _reads_as_parts(column: pd.Series, distinct: int) -> bool:
    """Lists and paths: cells that hardly repeat, made of parts that do."""
    present = column.dropna()
    if distinct <= MANY_CATEGORIES or distinct < _RARELY_REPEATED * len(present):
        return False
    return find_parts([str(cell) for cell in present.head(_TEXTS_LOOKED_AT)]) is not None
