"""LEA022: sums, counts and extremes of the target over the rows of one thing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.stats import f as f_distribution
from scipy.stats import poisson

from ml_engineer.guardrails.cells import is_number
from ml_engineer.guardrails.check import ALL_STAGES, Answer, Observation, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.leakage import LeakageCheck
from ml_engineer.guardrails.set_totals import RowSets, outcome_columns, repeated_values, spread_of_totals
from ml_engineer.guardrails.wording import quoted
from ml_engineer.vocabulary.guardrails import Stage

__all__ = ["LEA022"]

Floats = npt.NDArray[np.float64]


class LEA022(LeakageCheck):
    """A numeric column that holds the target's sum, count or extreme over the rows of one thing, this row included.

    Such a column has one value for each value of another one (the thing). If it is a total over all rows, the outcomes of the rows
    at hand leave only what the held-out rows add, far less than chance leaves of a total that was known before. Totals and extremes
    of numbers are also met to the last digit wherever a thing has no held-out row, which honest numbers hardly ever are.
    """

    title = "Target totals computed on all rows"
    of_one_answer = True
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    too_close: ClassVar[float] = 0.6
    """Share of the chance variance that a total made from these rows may leave. Where a fifth of the rows is held out,
    between 0.2 and 0.5 is expected; an honest total leaves 1 or more."""
    as_by_chance: ClassVar[float] = 0.8
    """Outcomes of sets that vary less than this by themselves were drawn by set (SPL014), and say nothing of a column."""
    chance: ClassVar[float] = 1e-5
    """Of totals lying as close as they do, in one column; tables have thousands of pairs of columns."""
    fewest_hits: ClassVar[int] = 8
    fewest_share: ClassVar[float] = 0.05

    def find(self, evidence: Evidence) -> Answer:
        """Hold each numeric column that is the same for all rows of a thing against what these rows' targets add up to."""
        numbers = {
            str(name): column.to_numpy(dtype=np.float64, na_value=np.nan)
            for name, column in evidence.inputs.items()
            if is_number(column)
        }
        found: dict[str, tuple[str, str]] = {}
        for key, sets in repeated_values(evidence):
            for name, what in self._seen(evidence, key, sets, numbers):
                # A column's own values are the thing only as long as no other column is.
                if name not in found or found[name][0] == name:
                    found[name] = (key, what)
        if not found:
            return passed(
                f"none of {len(numbers):,} numeric columns holds a total of the target over rows of one thing"
            )
        return observed(
            [Observation("forbids", f"{quoted(name)} holds {what}", (name,)) for name, (_, what) in found.items()],
            remedy="Take the column out with exclude_columns, or compute it from earlier rows alone; if the total is really known "
            "before the row's own outcome, a person may waive this with the reason",
        )

    def _seen(
        self, evidence: Evidence, key: str, sets: RowSets, numbers: dict[str, Floats]
    ) -> Iterator[tuple[str, str]]:
        """Columns that hold such a number per value of `key`, and what each holds."""
        targets = [values[sets.rows] for values in outcome_columns(evidence)]
        for name, column in numbers.items():
            if name == key and evidence.target.classes:
                continue  # several things may have the same count
            each = sets.value_of_each(column)
            if each is None or len(np.unique(each[np.isfinite(each)])) < 3 or not np.isfinite(each).all():
                continue
            per = "rows that share its value" if name == key else f"all rows with the same {quoted(key)}"
            what = "" if evidence.target.classes else self._exact(sets, targets[0], each)
            if what:
                yield name, f"{what} of the target over {per}"
            elif name != key and (share := self._closest(sets, targets, each)) < self.too_close:
                yield (
                    name,
                    (
                        f"the target's total over {per}: knowing it leaves {share:.2f} times the variance of their outcomes "
                        "that chance would leave"
                    ),
                )

    def _closest(self, sets: RowSets, targets: list[Floats], each: Floats) -> float:
        """The least share of the chance variance that the column leaves of the totals of a target; 1 if it is no wonder."""
        shares = [1.0]
        for values in targets:
            within = sets.spread_within(values)
            if within <= 0 or spread_of_totals(sets, values) < self.as_by_chance * within:
                continue
            share = spread_of_totals(sets, values, each) / within
            freedom = (len(sets.sizes) - 2, len(values) - len(sets.sizes))
            if float(f_distribution.cdf(share, *freedom)) < self.chance:
                shares.append(share)
        return min(shares)

    def _exact(self, sets: RowSets, values: Floats, each: Floats) -> str:
        """Which number of the sets' rows the column meets to the last digit more often than chance; empty if none."""
        spread = float(np.sqrt(sets.spread_within(values)))
        digits = _digits(np.concatenate([values, each]))
        if spread <= 0 or digits is None:
            return ""
        unit = 10.0**-digits
        largest, smallest = np.full(len(each), -np.inf), np.full(len(each), np.inf)
        np.maximum.at(largest, sets.codes, values)
        np.minimum.at(smallest, sets.codes, values)
        # The chance of a hit is the height of a density times the unit; extremes of a few rows vary somewhat less than the rows.
        everywhere = np.ones_like(each)
        for what, wanted, height in (
            ("the sum", sets.totals(values), 0.4 / np.sqrt(sets.sizes)),
            ("the largest value", largest, everywhere),
            ("the smallest value", smallest, everywhere),
        ):
            met = np.abs(each - wanted) < unit / 2 + 1e-9 * np.abs(wanted)
            # Many things may share one value, such as a limit: it counts once.
            hits = len(np.unique(each[met]))
            expected = float(np.minimum(height * unit / spread, 1.0).sum())
            often = hits >= max(self.fewest_hits, self.fewest_share * len(each))
            if often and float(poisson.sf(hits - 1, expected)) < self.chance:
                return what
        return ""


def _digits(values: Floats, *, most: int = 6) -> int | None:
    """Decimals with which numbers are written, of which whole tens and thousands have less than none; None if more than `most`."""
    some = values[:: max(1, len(values) // 5_000)]
    for digits in range(-6, most + 1):
        scaled = some * 10.0**digits
        if (
            np.abs(scaled - np.round(scaled)) < 1e-6 * np.maximum(1.0, np.abs(scaled)) * 10 ** -max(0, digits - 3)
        ).all():
            return digits
    return None
