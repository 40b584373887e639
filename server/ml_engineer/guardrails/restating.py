"""LEA, continued: columns that are the target in other words: computed from it, summing to it, or averaging it."""

from __future__ import annotations

from itertools import chain
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import chi2

from ml_engineer.guardrails.cells import is_number
from ml_engineer.guardrails.check import ALL_STAGES, Answer, Observation, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.leakage import LeakageCheck
from ml_engineer.guardrails.wording import quoted, quoted_list
from ml_engineer.statistics.predictive_power import Target
from ml_engineer.vocabulary.guardrails import Stage

__all__ = ["LEA007", "LEA008", "LEA009"]

Floats = npt.NDArray[np.float64]

_FEWEST_STEPS: Final = 10
"""So many different values do not come in the order of the target by chance: there are millions of other orders."""


class LEA007(LeakageCheck):
    """A column computed from the target: a copy, a code, a band, a threshold.

    Such a column has one value for each class, or cuts the sorted numbers into runs without one exception.
    """

    title = "Column computed from the target"
    of_one_answer = True
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    fewest_rows: ClassVar[int] = 50
    glance_rows: ClassVar[int] = 2_000
    fewest_in_run: ClassVar[int] = 5
    """A run this short can be chance, unless the column is numeric and follows the target throughout."""

    def find(self, evidence: Evidence) -> Answer:
        """Compare each input with the target, exactly."""
        if len(evidence.frame) < self.fewest_rows:
            return passed(f"too few rows to tell a copy from chance ({len(evidence.frame)})")
        seen = []
        for name in map(str, evidence.inputs.columns):
            how = self._how(evidence, evidence.inputs[name])
            if how:
                seen.append(Observation("forbids" if how != "groups" else "question", self._text(name, how), (name,)))
        if not seen:
            return passed(f"none of {evidence.inputs.shape[1]:,} columns is computed from the target alone")
        return observed(
            seen,
            remedy="Frame again with after_the_fact or exclude_columns naming it; if it is known in time, the answer is too, "
            "and no model is needed",
        )

    @staticmethod
    def _text(name: str, how: str) -> str:
        return {
            "renames": f"{quoted(name)} has a value of its own for each class, in every row",
            "groups": f"{quoted(name)} has one and the same value in all rows of each class",
            "bands": f"{quoted(name)} cuts the target into bands without an exception",
            "follows": f"{quoted(name)} rises or falls with the target without an exception",
        }[how]

    def _how(self, evidence: Evidence, column: pd.Series) -> str:
        """How the column hangs on the target: 'renames', 'groups', 'bands', 'follows', or not at all."""
        rows = len(column)
        if rows > 2 * self.glance_rows:
            # What does not hold on some rows does not hold on all, and most columns are done with here.
            some = np.linspace(0, rows - 1, self.glance_rows).astype(np.intp)
            if not self._relation(evidence.target.take(some), column.iloc[some], fewest_in_run=1):
                return ""
        return self._relation(evidence.target, column, fewest_in_run=self.fewest_in_run)

    def _relation(self, target: Target, column: pd.Series, *, fewest_in_run: int) -> str:
        codes, values = pd.factorize(column, use_na_sentinel=False)
        if len(values) < 2:
            return ""
        if target.classes:
            pairs = len(np.unique(codes * target.classes + target.values))
            if pairs != len(np.unique(target.values)):
                return ""
            return "renames" if len(values) == pairs else "groups"
        return _relation_to_number(target.values, column, codes, fewest_in_run=fewest_in_run)


def _relation_to_number(ranks: Floats, column: pd.Series, codes: npt.NDArray[np.intp], *, fewest_in_run: int) -> str:
    """Whether the column cuts the ranks into runs, or rises or falls with them, without an exception."""
    order = np.lexsort((codes, ranks))
    sizes = np.bincount(codes)
    runs = int((np.diff(codes[order]) != 0).sum()) + 1
    if runs == len(sizes) and sizes.min() >= fewest_in_run:
        return "bands"
    if is_number(column) and column.notna().all() and len(sizes) >= min(_FEWEST_STEPS, len(codes) / 2):
        values = column.to_numpy(dtype=float)
        steps = np.diff(values[np.lexsort((values, ranks))])
        falls = np.diff(values[np.lexsort((-values, ranks))])
        if (steps >= 0).all() or (falls <= 0).all():
            return "follows"
    return ""


class LEA008(LeakageCheck):
    """Columns that together restate a numeric target: components that sum to it, or factors of it.

    The target is fitted exactly, by sums and (on logarithms) by products, on nine rows in ten at least; then columns are dropped
    as long as the fit stays exact, so that those named are the ones needed.
    """

    title = "Columns that together restate the target"
    forms = frozenset({"regression"})
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    unexplained: ClassVar[float] = 1e-5
    """Share of variance that rounding may leave."""
    most_rows: ClassVar[int] = 5_000
    most_columns: ClassVar[int] = 200
    trimmings: ClassVar[int] = 6
    kept: ClassVar[float] = 0.9
    """Rows that must fit; the others may be corrections or mistakes."""

    def find(self, evidence: Evidence) -> Answer:
        """Fit sums, then products."""
        numbers = self._numbers(evidence)
        target = evidence.frame[evidence.problem.target].loc[numbers.index].to_numpy(dtype=float)
        if numbers.shape[1] == 0 or len(numbers) < 10 + 3 * numbers.shape[1]:
            return passed("too few complete rows or numeric columns to restate the target exactly")
        for how, columns, wanted in self._attempts(numbers, target):
            rows = self._rows_that_fit(columns, wanted)
            names = self._needed(columns[rows], wanted[rows])
            if names:
                share = "all" if rows.all() else f"{int(rows.sum()):,} of"
                text = f"{quoted(evidence.problem.target)} is {how} {quoted_list(names)} on {share} {len(columns):,} rows looked at"
                return observed(
                    [Observation("forbids", text, tuple(names))],
                    remedy="Ask which of them are known at the prediction moment; frame again with after_the_fact naming "
                    "the others. If all are known, the formula is the answer and no model is needed",
                )
        return passed(f"no sum or product of {numbers.shape[1]:,} numeric columns gives the target")

    def _numbers(self, evidence: Evidence) -> pd.DataFrame:
        """Complete rows of the numeric inputs that vary, at most 5,000 of them, evenly spaced."""
        names = [str(name) for name in evidence.inputs.columns if is_number(evidence.inputs[name])]
        frame = evidence.inputs[names[: self.most_columns]].astype(float)
        frame = frame.loc[:, frame.notna().mean() > 0.5].replace([np.inf, -np.inf], np.nan).dropna()
        frame = frame.iloc[:: max(1, len(frame) // self.most_rows)]
        return frame.loc[:, frame.max() > frame.min()]

    @staticmethod
    def _attempts(numbers: pd.DataFrame, target: Floats) -> list[tuple[str, pd.DataFrame, Floats]]:
        attempts = [("a weighted sum of", numbers, target)]
        positive = numbers.loc[:, (numbers > 0).all()]
        if (target > 0).all() and positive.shape[1]:
            logarithms = pd.DataFrame(np.log(positive.to_numpy()), index=positive.index, columns=positive.columns)
            attempts.append(("a product or ratio of", logarithms, np.log(target)))
        return attempts

    def _rows_that_fit(self, columns: pd.DataFrame, target: Floats) -> npt.NDArray[np.bool_]:
        """All rows if they fit exactly, else the nine in ten that fit best (least trimmed squares, Rousseeuw 1984)."""
        matrix = np.column_stack([np.ones(len(columns)), columns.to_numpy(dtype=float)])
        rows = np.ones(len(target), dtype=bool)
        for _ in range(self.trimmings):
            misses = np.abs(target - matrix @ np.linalg.lstsq(matrix[rows], target[rows], rcond=None)[0])
            if (misses[rows] ** 2).sum() <= self.unexplained * ((target - target.mean()) ** 2).sum() and rows.all():
                break
            rows = misses <= np.quantile(misses, self.kept)
        return rows

    def _needed(self, columns: pd.DataFrame, target: Floats) -> list[str]:
        """Columns of the smallest exact fit that dropping one at a time leads to; empty if there is none."""
        matrix = columns.to_numpy(dtype=float)
        spread = matrix.std(axis=0)
        matrix = (matrix - matrix.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        wanted = target - target.mean()
        keep = list(range(matrix.shape[1]))
        weights, left = _fit(matrix, wanted)
        if left > self.unexplained:
            return []
        for place in np.argsort(np.abs(weights)):
            fewer = [other for other in keep if other != place]
            if fewer and _fit(matrix[:, fewer], wanted)[1] <= self.unexplained:
                keep = fewer
        return [str(columns.columns[place]) for place in keep]


def _fit(matrix: Floats, wanted: Floats) -> tuple[Floats, float]:
    """Least squares: weights, and the share of variance left."""
    weights = np.asarray(np.linalg.lstsq(matrix, wanted, rcond=None)[0], dtype=np.float64)
    spread = float((wanted**2).sum())
    left = float(((wanted - matrix @ weights) ** 2).sum())
    return weights, left / spread if spread > 0 else 1.0


class LEA009(LeakageCheck):
    """A numeric column that holds target averages, taken over rows that include the one it stands in.

    If a column holds group means of the target, the mean target of the rows with a given value is that value. In an
    honest column (say, an earlier model's probability) it differs by sampling error; here it differs by less than half
    of that, because the rows themselves went into the average.
    """

    title = "Target averages computed on all rows"
    of_one_answer = True
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    fewest_values: ClassVar[int] = 8
    rows_per_value: ClassVar[float] = 2.0
    too_close: ClassVar[float] = 0.5
    chance: ClassVar[float] = 1e-6
    """Of means lying as close as they do, in one column; tables have thousands of columns times classes."""
    worth_a_look: ClassVar[float] = 0.05
    """Correlation with the target below which averages of it would be harmless."""

    def find(self, evidence: Evidence) -> Answer:
        """Hold each column with repeated values against the target's mean per value."""
        targets = self._targets(evidence)
        seen = []
        for name in map(str, evidence.inputs.columns):
            column = evidence.inputs[name]
            if not is_number(column) or not self._repeats(column):
                continue
            ratios = (self._closeness(column, target) for target in targets.values())
            closest = min(chain(ratios, [1.0]))
            if closest < self.too_close:
                text = (
                    f"{quoted(name)} equals the mean of the target over the rows that share its value, "
                    f"{1 / max(closest, 0.01):.0f} times as closely as chance allows"
                )
                seen.append(Observation("forbids", text, (name,)))
        if not seen:
            return passed("no numeric column holds averages of the target")
        return observed(
            seen,
            remedy="Take the column out with exclude_columns; if the average is wanted, put scikit-learn's TargetEncoder on "
            "the original category into a pipeline of candidates.py, where it is fitted inside the folds",
        )

    def _repeats(self, column: pd.Series) -> bool:
        """Whether there are values enough to compare, and rows enough for each."""
        known = column.to_numpy(dtype=float, na_value=np.nan)
        known = known[np.isfinite(known)]
        distinct = len(np.unique(known))
        return self.fewest_values <= distinct and len(known) >= self.rows_per_value * distinct

    @staticmethod
    def _targets(evidence: Evidence) -> dict[str, Floats]:
        """The number itself, or one 0/1 column per class and, of several, the numbers of the classes."""
        column = evidence.frame[evidence.problem.target]
        if not evidence.target.classes:
            return {evidence.problem.target: column.to_numpy(dtype=float)}
        codes = evidence.target.values
        single = {str(label): (codes == label).astype(float) for label in range(evidence.target.classes)}
        return single | ({"codes": codes.astype(float)} if evidence.target.classes > 2 else {})

    def _closeness(self, column: pd.Series, target: Floats) -> float:
        """Squared deviations of the group means from the column's value, over those that sampling error gives."""
        numbers = column.to_numpy(dtype=float)
        known = np.isfinite(numbers)
        if known.sum() < 3 or np.ptp(numbers[known]) == 0 or np.ptp(target[known]) == 0:
            return 1.0
        if abs(float(np.corrcoef(numbers[known], target[known])[0, 1])) < self.worth_a_look:
            return 1.0
        rows = pd.DataFrame({"value": numbers[known], "target": target[known]})
        groups = rows.groupby("value")["target"].agg(["mean", "size", "var"])
        if len(groups) < self.fewest_values or len(rows) < self.rows_per_value * len(groups):
            return 1.0
        values = groups.index.to_numpy(dtype=float)
        means, sizes = groups["mean"].to_numpy(), groups["size"].to_numpy(dtype=float)
        # A class may vary among the rows of some values alone, and a mean is as uncertain as its own rows vary.
        uncertain = groups["var"].fillna(groups["var"].mean()).to_numpy()
        within = float(uncertain.mean())
        if not within > 0:
            return 1.0
        # Averages of noise alone would pass for closeness if the column hardly varied against that noise.
        if np.average((values - np.average(values, weights=sizes)) ** 2, weights=sizes) < 0.1 * within / sizes.mean():
            return 1.0
        plain = float((sizes * (means - values) ** 2).mean() / within)
        # Averages may be written as percentages, or of classes that are numbered otherwise; a line fits more by chance.
        slope, level = np.polyfit(values, means, 1, w=np.sqrt(sizes))
        # Unequal variances are worth fewer groups (Satterthwaite 1946); that of few rows is itself uncertain.
        sure = 1 + 2 / np.maximum(sizes - 1, 1)
        left = max(uncertain.sum() ** 2 / (uncertain**2 / sure).sum() - 2, 1)
        scaled = float((sizes * (means - level - slope * values) ** 2).sum() / uncertain.sum())
        return min(plain, scaled if chi2.cdf(scaled * left, left) < self.chance else 1.0)
