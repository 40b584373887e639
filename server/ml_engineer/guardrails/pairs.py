"""LEA, continued: columns none of which tells the target alone, and that tell it together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.guardrails.cells import is_number
from ml_engineer.guardrails.check import ALL_STAGES, Answer, Observation, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.leakage import LeakageCheck
from ml_engineer.guardrails.wording import quoted, quoted_list, rows_text
from ml_engineer.statistics.predictive_power import Target, best_power, bin_codes, power_alone
from ml_engineer.vocabulary.guardrails import Stage

__all__ = ["LEA010", "LEA011"]

_TOGETHER: Final = (
    "Ask how these columns come about and when they are known; if any of them is made with or after the outcome, frame again "
    "with after_the_fact naming it. If all are known in time, the rule is the answer and no model is needed"
)

_MOST_CLASSES: Final = 5

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


class LEA010(LeakageCheck):
    """Two columns that give the target away together: a difference, a ratio, a code split in two.

    Every pair of (at most 30) columns is laid out as a table of coarse bins and scored out of fold. A pair that says far more
    than either of its columns is fitted with trees; if it gives the target nearly without fault, and the model falls
    without it, it is the answer.
    """

    title = "Pair of columns that gives the target"
    of_one_answer = True
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    cost = "models"
    most_columns: ClassVar[int] = 30
    most_rows: ClassVar[int] = 10_000
    rows_per_cell: ClassVar[int] = 20
    screen: ClassVar[float] = 0.8
    """Share of the way from chance to certainty that the binned pair must go."""
    synergy: ClassVar[float] = 0.3
    """How much of that way neither column goes alone."""
    exact: ClassVar[float] = 0.99
    small_synergy: ClassVar[float] = 0.05
    """Less synergy is enough where the pair leaves (nearly) nothing open, and a fifth at most of what a column leaves."""
    nearly_all: ClassVar[float] = 0.95
    most: ClassVar[float] = 0.85
    """Of the way from chance to certainty; between the two it is a question."""
    fall: ClassVar[float] = 0.15
    small_fall: ClassVar[float] = 0.03
    sharper: ClassVar[float] = 5.0
    """A small fall counts if the pair takes away four fifths of what the others leave open."""
    most_fitted: ClassVar[int] = 4

    def find(self, evidence: Evidence) -> Answer:
        """Screen pairs by their binned table, then fit the best ones; of several classes, each against the rest."""
        columns = self._columns(evidence)
        seen = [found for target, of in _targets(evidence) for found in self._given_away(evidence, columns, target, of)]
        if seen:
            return observed(seen, remedy=_TOGETHER)
        pairs = len(columns) * (len(columns) - 1) // 2
        return passed(
            f"none of {pairs:,} pairs of columns gives the target together ({len(columns)} columns looked at)"
        )

    def _given_away(self, evidence: Evidence, columns: list[str], target: Target, of: str) -> Iterator[Observation]:
        probe = evidence.probe
        screened = self._screened(evidence, columns, target)
        full = probe.together_for(target) if screened else 0.0
        for names, (binned, alone) in list(screened.items())[: self.most_fitted]:
            trees = probe.together_for(target, without=frozenset(probe.alone) - set(names))
            without = probe.together_for(target, without=frozenset(names))
            both = max(trees, binned)
            if self._share(target, both) >= self.most and self._falls(target, max(full, both), without):
                sure = target.classes and self._share(target, both) >= self.nearly_all
                yield Observation(
                    "forbids" if sure else "question",
                    f"{quoted_list(names)} give {of} with a {target.measure} of {both:.3f} together, {alone[0]:.2f} and "
                    f"{alone[1]:.2f} alone, and a quick model falls from {full:.3f} to {without:.3f} without them",
                    names,
                )

    def _falls(self, target: Target, full: float, without: float) -> bool:
        left, left_without = (1 - self._share(target, power) for power in (full, without))
        gone = left_without - left
        return gone >= self.fall or (gone >= self.small_fall and left_without >= self.sharper * left)

    def _columns(self, evidence: Evidence) -> list[str]:
        """The strongest half, and a spread of the rest: two halves of a code are nothing alone."""
        names = sorted(evidence.probe.alone, key=lambda name: -evidence.probe.alone[name])
        if len(names) <= self.most_columns:
            return names
        strong, rest = names[: self.most_columns // 2], names[self.most_columns // 2 :]
        places = np.linspace(0, len(rest) - 1, self.most_columns - len(strong)).astype(int)
        return [*strong, *(rest[place] for place in places)]

    def _screened(
        self, evidence: Evidence, names: list[str], target: Target
    ) -> dict[tuple[str, str], tuple[float, tuple[float, float]]]:
        """Pairs that are worth fitting, strongest first: their power, and that of each column alone."""
        rows = np.linspace(0, len(evidence.inputs) - 1, min(len(evidence.inputs), self.most_rows)).astype(np.intp)
        target, folds = target.take(rows), evidence.folds[rows]
        bins = int(np.clip(np.sqrt(len(rows) / self.rows_per_cell), 3, 16))
        sample = {name: evidence.inputs[name].iloc[rows] for name in names}
        codes = {name: _coarse(sample[name], bins) for name in names}
        single = {name: best_power(sample[name], target, folds) for name in names}
        found = {}
        for first, second in combinations(names, 2):
            power = power_alone(codes[first] * bins + codes[second], bins * bins, target, folds)
            for made in _combined(sample[first], sample[second]):
                power = max(power, best_power(made, target, folds))
            share = self._share(target, power)
            alone = max(self._share(target, single[name]) for name in (first, second))
            exact = share >= self.exact and 1 - alone >= self.sharper * (1 - share)
            if share > self.screen and share - alone > (self.small_synergy if exact else self.synergy):
                found[(first, second)] = (power, (single[first], single[second]))
        return dict(sorted(found.items(), key=lambda item: -item[1][0]))

    @staticmethod
    def _share(target: Target, power: float) -> float:
        """Power as a share of the way from chance to certainty."""
        return (power - target.chance) / (1 - target.chance)


def _targets(evidence: Evidence) -> Iterator[tuple[Target, str]]:
    """The target and what to call it; of several classes, each of the (at most five) commonest against the rest."""
    target = evidence.target
    if target.classes <= 2:
        yield target, "the target"
        return
    labels = evidence.labels
    for code in target.judged[:_MOST_CLASSES]:
        yield Target(values=(target.values == code).astype(np.intp), classes=2), f"class {quoted(labels[code])}"


def _coarse(column: pd.Series, bins: int) -> Ints:
    """Codes from 0 to `bins` - 1: numbers by quantile, categories by frequency, the rare ones together."""
    codes, count = bin_codes(column)
    if count <= bins:
        return codes
    if isinstance(column.dtype, pd.StringDtype) or column.dtype == object:
        order = np.argsort(np.argsort(-np.bincount(codes, minlength=count), kind="stable"), kind="stable")
        return np.minimum(order[codes], bins - 1)
    ranks = pd.Series(codes).rank(method="average", pct=True).to_numpy()
    return np.minimum((ranks * bins).astype(np.intp), bins - 1)


def _combined(first: pd.Series, second: pd.Series) -> Iterator[pd.Series]:
    """Difference, sum and ratio of numbers, and the time between two times, which a table of bins sees only roughly."""
    if is_number(first) and is_number(second):
        yield first - second
        yield first + second
        if second.min() > 0:
            yield first / second
    elif pd.api.types.is_datetime64_any_dtype(first.dtype) and pd.api.types.is_datetime64_any_dtype(second.dtype):
        yield (first - second).dt.total_seconds()


class LEA011(LeakageCheck):
    """Columns whose plain sum decides the class (nearly) without a fault: votes, partial scores, parts of a total.

    Least squares says which columns weigh, and with which sign. If their sum, unit for unit, parts a class from the rest
    without one error (or hardly one, which is a question), columns are dropped as long as it still does. Honest measurements that part
    the classes weigh differently, so that their plain sum does not.
    """

    title = "Columns that together decide the class"
    of_one_answer = True
    forms = frozenset({"binary", "multiclass"})
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    rows_per_column: ClassVar[int] = 10
    fewest_rows: ClassVar[int] = 200
    fewest_per_class: ClassVar[int] = 20
    most_columns: ClassVar[int] = 100
    most_rows: ClassVar[int] = 5_000
    fewest_parts: ClassVar[int] = 3
    """Pairs are another check's business."""
    weighs: ClassVar[tuple[float, ...]] = (0.2, 0.4, 0.6)
    """Least weight per standard deviation, as a share of the largest, from generous to strict."""
    tolerated: ClassVar[float] = 0.04
    """Errors, as a share of the rarer side, up to which it is asked about."""
    most_parts: ClassVar[int] = 12
    """Sums of more parts come close to many things."""

    def find(self, evidence: Evidence) -> Answer:
        """Sum the columns that weigh, class by class."""
        numbers, rows = self._numbers(evidence)
        if numbers.shape[1] < self.fewest_parts or len(numbers) < max(
            self.fewest_rows, self.rows_per_column * numbers.shape[1]
        ):
            return passed("too few complete rows or numeric columns to decide the class by their sum")
        labels = evidence.labels
        for code in range(evidence.target.classes) if evidence.target.classes > 2 else (1,):
            wanted = evidence.target.values[rows] == code
            if min(wanted.sum(), (~wanted).sum()) < self.fewest_per_class:
                continue
            columns, errors = self._parts(numbers, wanted)
            if len(columns) >= self.fewest_parts:
                text = (
                    f"the plain sum of {quoted_list(columns)} parts {quoted(labels[code])} from the rest with {errors:,} errors in "
                    f"{rows_text(len(numbers))}"
                )
                return observed([Observation("question" if errors else "forbids", text, columns)], remedy=_TOGETHER)
        return passed(f"no plain sum of {numbers.shape[1]:,} numeric columns decides a class")

    def _numbers(self, evidence: Evidence) -> tuple[pd.DataFrame, Ints]:
        """Complete rows of the columns of numbers and truth values that vary, and their positions."""
        names = [name for name in evidence.inputs.columns if pd.api.types.is_numeric_dtype(evidence.inputs[name].dtype)]
        frame = evidence.inputs[names[: self.most_columns]].astype(float).replace([np.inf, -np.inf], np.nan)
        frame = frame.loc[:, frame.notna().mean() > 0.5]
        rows = np.flatnonzero(frame.notna().all(axis=1).to_numpy())
        rows = rows[:: max(1, len(rows) // self.most_rows)]
        frame = frame.iloc[rows]
        return frame.loc[:, frame.min() < frame.max()], rows

    def _parts(self, numbers: pd.DataFrame, wanted: npt.NDArray[np.bool_]) -> tuple[tuple[str, ...], int]:
        """Columns of the smallest plain sum that dropping one at a time leads to, and its errors; none if there is none."""
        matrix = numbers.to_numpy(dtype=float)
        scaled = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
        weights = np.linalg.lstsq(scaled, wanted - wanted.mean(), rcond=None)[0]
        strength, signed = np.abs(weights), matrix * np.sign(weights)
        for least in self.weighs:
            keep = [int(place) for place in np.argsort(strength) if strength[place] >= least * strength.max()]
            errors = _errors(signed[:, keep].sum(axis=1), wanted)
            if errors <= self.tolerated * min(wanted.sum(), (~wanted).sum()):
                keep = _fewest(signed, keep, wanted, most=errors)
                if errors and len(keep) > self.most_parts:
                    continue
                return tuple(str(numbers.columns[place]) for place in sorted(keep)), errors
        return (), 0


def _fewest(signed: Floats, keep: list[int], wanted: npt.NDArray[np.bool_], *, most: int) -> list[int]:
    """Columns that are left after dropping one at a time, the weakest first, as long as the sum errs no more often."""
    for place in list(keep):
        fewer = [other for other in keep if other != place]
        if fewer and _errors(signed[:, fewer].sum(axis=1), wanted) <= most:
            keep = fewer
    return keep


def _errors(score: Floats, wanted: npt.NDArray[np.bool_]) -> int:
    """Rows on the wrong side of the best bound; equal scores are on one side."""
    order = np.argsort(score, kind="stable")
    above = wanted.sum() - np.cumsum(wanted[order])
    below = np.cumsum(~wanted[order])
    last = np.append(score[order][1:] != score[order][:-1], True)
    right = np.append((above + below)[last], wanted.sum())
    return int(len(wanted) - right.max())
