"""DAT014: one column, several units."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from ml_engineer.guardrails.cells import is_number, is_text
from ml_engineer.guardrails.check import Answer, Observation, observed, passed
from ml_engineer.guardrails.data_columns import ColumnCheck
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.wording import listed, percent, quoted, rows_text

__all__ = ["DAT014", "unit_ratio"]

_MEASURE: Final = re.compile(
    r"^\s*(?P<before>[$€£¥])?\s*[-+]?\d[\d.,  ']*\s*(?P<unit>[^\W\d_]{1,8}|[%°$€£¥]|°[CFK])?\.?\s*$"
)
_RATIOS: Final[dict[str, float]] = {
    "a factor of 100, as between metres and centimetres": 100.0,
    "a factor of 1,000, as between kilograms and grams": 1e3,
    "a factor of 1,000,000": 1e6,
    "a factor of 2.54, as between inches and centimetres": 2.54,
    "a factor of 2.2, as between pounds and kilograms": 2.2046,
    "a factor of 1.6, as between miles and kilometres": 1.609,
    "a factor of 3.28, as between metres and feet": 3.2808,
}


def unit_ratio(factor: float) -> str:
    """Which usual factor between units this is, in words; an empty text if it is none."""
    return next((words for words, usual in _RATIOS.items() if _near(float(np.log10(factor)), usual)), "")


def _near(decades: float, factor: float) -> bool:
    """Whether so many decades are about the factor."""
    usual = float(np.log10(factor))
    return abs(decades - usual) <= min(0.15, 0.1 * usual)


@dataclass(frozen=True)
class _Clusters:
    """Numbers that fall into two heaps with an empty gap between them, on a scale of decades."""

    low: pd.Series
    high: pd.Series
    gap: float
    """Decades without a value."""
    apart: float
    """Decades between the medians."""
    spreads: tuple[float, float]
    """Decades from the 5th to the 95th percentile of each heap."""


class DAT014(ColumnCheck):
    """One column in several units: grams among kilograms, centimetres among inches, "5 kg" among "11 lb".

    In text the units are read. Among numbers two heaps of like shape with an empty gap between them are looked for, whose
    medians differ by a factor that lies between common units.
    """

    title = "Several units in one column"
    share_of_measures: ClassVar[float] = 0.9
    fewest_texts: ClassVar[int] = 15
    """Fewer different texts are categories, like '2 storey'."""
    most_units: ClassVar[int] = 12
    """More are no units but the letters of a code, as in postcodes."""
    fewest_rows: ClassVar[int] = 5
    fewest_share: ClassVar[float] = 0.01
    fewest_values: ClassVar[int] = 5
    most_rows: ClassVar[int] = 50_000

    def find(self, evidence: Evidence) -> Answer:
        """Read units in text, and look for heaps among numbers."""
        seen = []
        for name in evidence.used_names:
            column = evidence.frame[name].dropna()
            column = column.iloc[:: max(1, len(column) // self.most_rows)]
            if is_text(column):
                found = self._in_text(column, name)
            else:
                found = self._in_numbers(column, name) if is_number(column) else None
            if found is not None:
                seen.append(found)
        if not seen:
            return passed(f"none of {len(evidence.used_names):,} used columns mixes units")
        return observed(
            seen,
            remedy="Ask which unit was meant, and bring all values to one in features.py, from the text itself or by the size "
            "of the number",
        )

    def _in_text(self, column: pd.Series, name: str) -> Observation | None:
        if column.nunique() < self.fewest_texts:
            return None
        matches = column.map(_MEASURE.match)
        if matches.notna().mean() < self.share_of_measures:
            return None
        units = matches.map(lambda match: "" if match is None else (match["unit"] or match["before"] or "").casefold())
        counts = Counter(units[matches.notna()])
        if not any(counts.keys() - {""}) or len(counts) > self.most_units:
            return None
        named = [f"{rows_text(count)} in {quoted(unit) if unit else 'no unit'}" for unit, count in counts.most_common()]
        several = sum(count >= self.fewest_rows for count in counts.values()) > 1
        rare = units.index[units == counts.most_common()[-1][0]]
        return Observation(
            "issue" if several else "advice",
            f"{quoted(name)} holds numbers with units as text: {listed(named, limit=4)}",
            (name,),
            tuple(int(row) for row in rare[:3]),
        )

    def _in_numbers(self, column: pd.Series, name: str) -> Observation | None:
        heaps = self._clusters(column)
        if heaps is None:
            return None
        ratio = next((words for words, factor in _RATIOS.items() if self._fits(heaps, factor)), None)
        if ratio is None:
            return None
        rare = min(heaps.low, heaps.high, key=len)
        total = len(heaps.low) + len(heaps.high)
        return Observation(
            "question",
            f"{quoted(name)} falls into two heaps, around {heaps.low.median():g} and {heaps.high.median():g} "
            f"({percent(len(rare) / total)} of rows in the smaller), with nothing between them: {ratio}",
            (name,),
            tuple(int(row) for row in rare.index[:3]),
        )

    def _clusters(self, column: pd.Series) -> _Clusters | None:
        positive = column[(column > 0) & np.isfinite(column)].astype(float).sort_values()
        if len(positive) < max(50, len(column) / 2):
            return None
        logs = np.log10(positive.to_numpy())
        least = int(max(self.fewest_rows, self.fewest_share * len(positive)))
        inside = np.diff(logs)[least - 1 : len(logs) - least]
        if not len(inside):
            return None
        cut = int(np.argmax(inside)) + least
        low, high = positive.iloc[:cut], positive.iloc[cut:]
        if min(low.nunique(), high.nunique()) < self.fewest_values:
            return None
        spreads = tuple(float(np.ptp(np.quantile(part, [0.05, 0.95]))) for part in (logs[:cut], logs[cut:]))
        apart = float(np.median(logs[cut:]) - np.median(logs[:cut]))
        return _Clusters(low, high, float(inside.max()), apart, (spreads[0], spreads[1]))

    @staticmethod
    def _fits(heaps: _Clusters, factor: float) -> bool:
        """Whether the medians differ by the factor, the gap is wide, and the heaps are of like width."""
        decades = float(np.log10(factor))
        narrow, wide = sorted(heaps.spreads)
        share = min(len(heaps.low), len(heaps.high)) / (len(heaps.low) + len(heaps.high))
        return (
            # Two kinds of things often differ by a small factor; then both are common.
            (factor >= 100 or share <= 0.25)
            and _near(heaps.apart, factor)
            and heaps.gap >= 0.18 * decades
            and wide <= 2.5 * narrow + 0.05
        )
