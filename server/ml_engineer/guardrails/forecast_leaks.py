"""Columns of a forecast that are said to be known in advance, and look as if they were not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pandas as pd

from ml_engineer.guardrails.cells import is_number
from ml_engineer.guardrails.check import ALL_STAGES, Answer, Observation, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.leakage import LeakageCheck
from ml_engineer.guardrails.wording import quoted
from ml_engineer.vocabulary.guardrails import Stage

__all__ = ["LEA030", "LEA031"]


class LEA030(LeakageCheck):
    """A column known in advance that moves with the target, step for step: it is made of what is to be forecast.

    Levels of two series that both grow always go together, so changes from one moment to the next are compared, within
    each series, by rank. A cause that is known in advance explains much of them, and never nearly all.
    """

    title = "Column known in advance that moves with the target"
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    forbidden: ClassVar[float] = 0.95
    doubtful: ClassVar[float] = 0.85
    fewest_rows: ClassVar[int] = 30

    def find(self, evidence: Evidence) -> Answer:
        """Compare changes of each such column with those of the target."""
        plan = evidence.problem.forecast
        if plan is None:
            return does_not_apply("only forecasts have columns known in advance")
        if not plan.known_in_advance:
            return does_not_apply("no column is said to be known in advance")
        ordered = evidence.frame.sort_values(plan.time_column, kind="stable")
        keys = [name for name in plan.series_columns if name in ordered.columns]
        codes = ordered.groupby(keys, dropna=False).ngroup() if keys else pd.Series(0, index=ordered.index)
        target = _changes(ordered[evidence.problem.target], codes)
        found = {
            name: _rank_correlation(_changes(ordered[name], codes), target, fewest=self.fewest_rows)
            for name in plan.known_in_advance
            if name in ordered.columns and is_number(ordered[name])
        }
        seen = [
            Observation(
                "forbids" if strength >= self.forbidden else "question",
                f"changes of {quoted(name)} and of the target have a rank correlation of {strength:.2f}",
                (name,),
            )
            for name, strength in found.items()
            if strength >= self.doubtful
        ]
        if seen:
            return observed(
                seen,
                remedy="Frame again with known_in_advance without the column: its past is used then. If it is truly known "
                "when the forecast is made, let a person say so with waive_finding",
            )
        strongest = f"; the strongest correlation is {max(found.values()):.2f}" if found else ""
        return passed(f"no column known in advance moves with the target, step for step{strongest}")


class LEA031(LeakageCheck):
    """A column known in advance whose name speaks of something that can only be measured, as weather is."""

    title = "Column known in advance that can only be measured"
    measured: ClassVar[re.Pattern[str]] = re.compile(
        r"(?<![a-z])(temp|temperature|humidity|hum|rain|rainfall|precipitation|wind|windspeed|snow|weather|pressure|sunshine"
        r"|actual|measured|observed)(?![a-z])",
        re.IGNORECASE,
    )

    def find(self, evidence: Evidence) -> Answer:
        """Read the names."""
        plan = evidence.problem.forecast
        if plan is None:
            return does_not_apply("only forecasts have columns known in advance")
        named = list(_speaking(plan.known_in_advance, self.measured))
        if not named:
            return passed(f"none of {len(plan.known_in_advance)} columns known in advance sounds measured")
        return observed(
            [Observation("question", f"{quoted(name)} sounds as if it were measured", (name,)) for name in named],
            remedy="Ask whether the rows hold what had been forecast of it at the time. If they hold what was measured, "
            "backtests flatter: bring the forecasts, or frame again with known_in_advance without it",
        )


def _speaking(names: tuple[str, ...], pattern: re.Pattern[str]) -> Iterator[str]:
    for name in names:
        if pattern.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)):
            yield name


def _changes(column: pd.Series, codes: pd.Series) -> pd.Series:
    return column.astype(float).groupby(codes).diff()


def _rank_correlation(one: pd.Series, other: pd.Series, *, fewest: int) -> float:
    """Spearman's, without its sign, over moments at which either moved; zero where there are too few."""
    both = one.notna() & other.notna() & ((one != 0) | (other != 0))
    if both.sum() < fewest or one[both].nunique() < 3:
        return 0.0
    found = float(np.corrcoef(one[both].rank(), other[both].rank())[0, 1])
    return abs(found) if np.isfinite(found) else 0.0
