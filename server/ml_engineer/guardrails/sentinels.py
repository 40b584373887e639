"""DAT012: values that stand for no value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.guardrails.cells import is_number
from ml_engineer.guardrails.check import Answer, Observation, Severity, observed, passed
from ml_engineer.guardrails.data_columns import ColumnCheck
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.wording import quoted, rows_text

__all__ = ["DAT012"]

Floats = npt.NDArray[np.float64]


class DAT012(ColumnCheck):
    """Codes among numbers and dates that mean "no value": -1, -9, -200, 999, 0 kelvin, 1900-01-01.

    A code repeats, and either it is the smallest or largest number of its column and stands apart from all others, or it
    lies among them and is many times as frequent as its neighbours. Zero is only asked about, because many things are
    honestly nothing; where no other value is nearly as small, a few rows of it are enough.
    """

    title = "Codes that mean 'no value'"
    low_codes: ClassVar[tuple[float, ...]] = (
        *(-1, -7, -8, -9, -77, -88, -99, -200, -273.15, -777, -888, -999, -9999, -99999, -999999),
    )
    high_codes: ClassVar[tuple[float, ...]] = (
        *(99, 777, 888, 999, 7777, 8888, 9999, 77777, 88888, 99999, 999999, 9999999),
    )
    dates: ClassVar[tuple[str, ...]] = (
        *("1900-01-01", "1899-12-30", "1899-12-31", "1901-01-01", "1970-01-01", "1753-01-01", "1111-11-11"),
        *("2099-12-31", "2100-01-01", "2199-12-31", "2262-04-11", "2999-12-31", "9999-12-31"),
    )
    fewest_rows: ClassVar[int] = 5
    fewest_share: ClassVar[float] = 0.002
    fewest_values: ClassVar[int] = 11
    """With fewer different values the numbers are codes themselves."""
    most_rows: ClassVar[int] = 50_000
    zero_gap: ClassVar[float] = 0.3
    zero_share: ClassVar[float] = 0.2
    """A zero more frequent than this is what most rows honestly are."""
    heap: ClassVar[float] = 8.0
    """Times as frequent as the most frequent of its twenty neighbours, for a code that does not stand apart."""

    def find(self, evidence: Evidence) -> Answer:
        """Look at both ends of each used numeric column, at heaps inside it, and at well-known dates."""
        frame = evidence.frame
        numeric = [name for name in evidence.used_names if is_number(frame[name])]
        times = [name for name in evidence.used_names if pd.api.types.is_datetime64_any_dtype(frame[name].dtype)]
        seen = [found for name in numeric for found in self._codes(frame[name], name)]
        seen += [found for name in times for found in self._dates(frame[name], name)]
        if not seen:
            return passed(f"none of {len(numeric) + len(times):,} used columns of numbers or dates holds such a code")
        return observed(
            seen,
            remedy="Ask what the value means; if it means 'no value', replace it in features.py: "
            "rows[NAME].replace(CODE, float('nan'))",
        )

    def _codes(self, column: pd.Series, name: str) -> Iterator[Observation]:
        column = column.iloc[:: max(1, len(column) // self.most_rows)]
        counts = column[np.isfinite(column)].value_counts().sort_index()
        if len(counts) < self.fewest_values:
            return
        values, rows = counts.index.to_numpy(dtype=float), counts.to_numpy()
        least = max(self.fewest_rows, self.fewest_share * len(column))
        for place in np.flatnonzero((rows >= least) | ((values == 0) & (rows >= self.fewest_rows))):
            severity = self._severity(values, rows, int(place), total=len(column))
            if severity is not None:
                yield self._observation(severity, column, name, values[place])

    def _severity(self, values: Floats, rows: npt.NDArray[np.integer], place: int, *, total: int) -> Severity | None:
        """Whether the value at `place` of the sorted distinct values is a code, and how sure that is."""
        value, inner = float(values[place]), values[1:-1]
        codes = self.low_codes if value < 0 else self.high_codes
        first, last = place == 0, place == len(values) - 1
        if value in codes and (first or last):
            neighbour = float(values[1] if first else values[-2])
            reach = float(np.quantile(inner, 0.95) - np.quantile(inner, 0.05))
            if abs(neighbour - value) > reach / 2 or (value < 0 <= neighbour):
                return "issue"
        if value in codes and self._heaps(rows, place):
            return "question"
        nothing = value == 0 and first and rows[0] <= self.zero_share * total
        return "question" if nothing and values[1] >= self.zero_gap * float(np.median(values[1:])) else None

    def _heaps(self, rows: npt.NDArray[np.integer], place: int) -> bool:
        around = np.r_[rows[max(0, place - 10) : place], rows[place + 1 : place + 11]]
        return len(around) > 0 and float(rows[place]) >= self.heap * float(around.max())

    @staticmethod
    def _observation(severity: Severity, column: pd.Series, name: str, value: float) -> Observation:
        rows = column.index[column == value]
        others = column[column != value]
        return Observation(
            severity,
            f"{quoted(name)} is {value:g} in {rows_text(len(rows))}, all others lie between {others.min():g} and "
            f"{others.max():g}",
            (name,),
            tuple(int(row) for row in rows[:3]),
        )

    def _dates(self, column: pd.Series, name: str) -> Iterator[Observation]:
        days = column.dt.strftime("%Y-%m-%d")
        counts = days.value_counts()
        for day in self.dates:
            rows = int(counts.get(day, 0))
            if self.fewest_rows <= rows < len(column.dropna()) and rows >= self.heap * float(counts.drop(day).max()):
                where = column.index[days == day]
                text = f"{quoted(name)} is {day} in {rows_text(rows)}"
                yield Observation("issue", text, (name,), tuple(int(row) for row in where[:3]))
