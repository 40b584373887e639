"""MOD, continued: whether the champion has learned too much, too little, or unevenly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import chi2

from ml_engineer.guardrails.check import Answer, Observation, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.model import ModelCheck
from ml_engineer.guardrails.row_losses import RowLosses, constant_losses, row_losses
from ml_engineer.guardrails.wording import percent, quoted, rows_text
from ml_engineer.statistics.predictive_power import Target, area
from ml_engineer.vocabulary.guardrails import Stage
from ml_engineer.vocabulary.problem import TaskType

__all__ = ["MOD012", "MOD013", "MOD014", "MOD015"]

Floats = npt.NDArray[np.float64]


class _FitCheck(ModelCheck):
    blocks_at: ClassVar[frozenset[Stage]] = frozenset()
    not_for: ClassVar[frozenset[TaskType]] = frozenset({"ranking", "survival"})
    """Scores of an order have no unit, so that a row has no error of its own."""


class MOD012(_FitCheck):
    """A model that knows the rows it learned from far better than others: it has learned them by heart.

    Trees of full depth do so by nature and may still generalise best, so that a gap alone is advice. It becomes an issue where
    hardly anything is left of the skill on rows that were not learned from.
    """

    title = "Learned by heart"
    of_single_rows = True
    of_one_answer = True
    needs = ("training", "predictions", "fitted")
    wide: ClassVar[float] = 0.3
    hardly: ClassVar[float] = 0.25

    def find(self, evidence: Evidence) -> Answer:
        """Compare losses on rows learned from with those on rows left out."""
        assert evidence.fitted is not None
        assert evidence.predictions is not None
        known, unknown = row_losses(evidence, evidence.fitted).skill, row_losses(evidence, evidence.predictions).skill
        text = (
            f"the champion takes away {percent(max(known, 0))} of the baseline's loss on rows that it learned from, and "
            f"{percent(max(unknown, 0))} out of fold"
        )
        if known - unknown <= self.wide:
            return passed(text)
        return observed(
            [Observation("issue" if unknown < self.hardly * known else "advice", text)],
            remedy="Believe out-of-fold and held-out scores alone. A simpler model, stronger regularisation, fewer columns or more "
            "rows narrow the gap; check_guardrails says whether columns name single rows (DAT008)",
        )


class MOD013(_FitCheck):
    """A champion that a quick model beats: the search stopped too early, or something is wrong with the pipeline."""

    title = "Learned too little"
    of_single_rows = True
    of_one_answer = True
    needs = ("training", "predictions")
    cost = "models"
    behind: ClassVar[float] = 0.03

    def find(self, evidence: Evidence) -> Answer:
        """Hold 60 small trees, fitted on the same folds, against the champion's out-of-fold predictions."""
        assert evidence.predictions is not None
        champion = _ordering(evidence, evidence.predictions)
        if champion is None:
            return does_not_apply("the champion gives no probabilities")
        quick = evidence.probe.together()
        text = f"{evidence.target.measure}: champion {champion:.3f}, a quick model of 60 small trees {quick:.3f}"
        if quick - champion <= self.behind:
            return passed(text)
        return observed(
            [Observation("issue", text)],
            remedy="Call train with more budget_seconds; if it stays so, look at candidates.py and at what features.py leaves out",
        )


def _ordering(evidence: Evidence, predictions: pd.DataFrame) -> float | None:
    """How well predictions order the rows, in the measure of the probe; None without probabilities."""
    judged = row_losses(evidence, predictions)
    target = evidence.target.take(judged.positions)
    if not target.classes:
        ranks = pd.Series(judged.predicted).rank().to_numpy()
        return float(np.corrcoef(ranks, target.values)[0, 1] ** 2) if np.ptp(judged.predicted) > 0 else 0.0
    if judged.probabilities is None:
        return None
    areas = [_area_of(judged.probabilities[:, label], target, label) for label in target.judged]
    known = [value for value in areas if value is not None]
    return float(np.mean(known)) if known else None


def _area_of(scores: Floats, target: Target, label: int) -> float | None:
    hits = (target.values == label).astype(float)
    return area(hits, 1 - hits, scores)


class MOD014(_FitCheck):
    """Probabilities that do not come true: of rows given 80 %, another share than 80 % happens.

    Rows are sorted into ten bins by predicted probability (out of fold); Hosmer and Lemeshow's statistic says whether the
    differences are more than chance, and their mean whether they matter.
    """

    title = "Calibration"
    of_one_answer = True
    forms = frozenset({"binary", "multiclass"})
    needs = ("training", "predictions")
    bins: ClassVar[int] = 10
    fewest_rows: ClassVar[int] = 200
    matters: ClassVar[float] = 0.05
    chance: ClassVar[float] = 0.001

    def find(self, evidence: Evidence) -> Answer:
        """Compare predicted with observed shares, class by class."""
        assert evidence.predictions is not None
        judged = row_losses(evidence, evidence.predictions)
        if judged.probabilities is None:
            return does_not_apply("the champion gives no probabilities")
        if len(judged.positions) < self.fewest_rows:
            return does_not_apply(f"{rows_text(len(judged.positions))} are too few to judge probabilities")
        values = evidence.target.values[judged.positions]
        labels = evidence.labels
        seen, gaps = [], []
        for code in range(evidence.target.classes) if evidence.target.classes > 2 else (1,):
            gap, worst, surprising = self._judge(judged.probabilities[:, code], values == code)
            gaps.append(gap)
            if gap > self.matters and surprising:
                seen.append(Observation("issue", f"class {quoted(labels[code])}: mean gap {gap:.3f}; {worst}"))
        if not seen:
            return passed(
                f"predicted and observed shares differ by {max(gaps):.3f} on average ({len(values):,} rows out of fold)"
            )
        return observed(
            seen,
            remedy="Do not read the probabilities as such until they are calibrated: add a candidate wrapped in scikit-learn's "
            "CalibratedClassifierCV in candidates.py and train again; the order of rows is not touched by this",
        )

    def _judge(self, predicted: Floats, happened: npt.NDArray[np.bool_]) -> tuple[float, str, bool]:
        """Mean gap, the worst bin in words, and whether gaps are more than chance."""
        edges = np.unique(np.quantile(predicted, np.linspace(0, 1, self.bins + 1)[1:-1]))
        places = np.searchsorted(edges, predicted, side="right")
        sizes = np.bincount(places, minlength=len(edges) + 1).astype(float)
        filled = sizes > 0
        expected = np.bincount(places, weights=predicted, minlength=len(sizes))[filled] / sizes[filled]
        observed_share = (
            np.bincount(places, weights=happened.astype(float), minlength=len(sizes))[filled] / sizes[filled]
        )
        sizes = sizes[filled]
        gap = float(np.average(np.abs(expected - observed_share), weights=sizes))
        variance = np.maximum(expected * (1 - expected), 1e-4) / sizes
        statistic = float(((expected - observed_share) ** 2 / variance).sum())
        worst = int(np.argmax(np.abs(expected - observed_share)))
        text = (
            f"of {rows_text(int(sizes[worst]))} given {percent(float(expected[worst]))} on average, "
            f"{percent(float(observed_share[worst]))} were"
        )
        return gap, text, bool(chi2.sf(statistic, max(len(sizes) - 1, 1)) < self.chance)


class MOD015(_FitCheck):
    """A part of the rows on which the model is worse than knowing nothing but that part's average.

    Every value (or quarter) of every column makes a part. Knowing nothing is the loss of the part's own class shares or mean;
    the difference is tested with allowance for the number of parts looked at.
    """

    title = "Parts that the model fails on"
    of_single_rows = True
    of_one_answer = True
    needs = ("training", "predictions")
    fewest_rows: ClassVar[int] = 50
    surprise: ClassVar[float] = 4.0
    some_skill: ClassVar[float] = 0.1
    """Without any skill overall, every part fails, and other checks say so."""
    most_columns: ClassVar[int] = 200
    most_values: ClassVar[int] = 20

    def find(self, evidence: Evidence) -> Answer:
        """Compare losses in each part with those of a constant there."""
        assert evidence.predictions is not None
        judged = row_losses(evidence, evidence.predictions)
        if judged.skill < self.some_skill:
            return does_not_apply("the model has little skill anywhere")
        target = (
            evidence.target.values
            if evidence.target.classes
            else evidence.frame[evidence.problem.target].to_numpy(float)
        )
        seen, parts = [], 0
        for name in evidence.used_names[: self.most_columns]:
            for part, inside in self._parts(evidence.frame[name].iloc[judged.positions]):
                parts += 1
                text = self._failing(judged, target[judged.positions][inside], inside, classes=evidence.target.classes)
                if text:
                    rows = evidence.frame.index[judged.positions[inside]]
                    where = f"where {quoted(name)} is {part} ({rows_text(len(rows))}), {text}"
                    seen.append(Observation("issue", where, (name,), tuple(int(row) for row in rows[:3])))
        if not seen:
            return passed(f"the model beats a constant, or ties with it, in each of {parts:,} parts looked at")
        return observed(
            seen,
            remedy="Look at the example rows and ask what is special about this part; until that is mended, answer there with the "
            "average, or hand such rows to a person",
        )

    def _failing(
        self, judged: RowLosses, actual: npt.NDArray[np.generic], inside: npt.NDArray[np.bool_], *, classes: int
    ) -> str:
        """What is wrong in a part, in words; empty if nothing."""
        graded = judged.probabilities is not None or not classes
        known = constant_losses(actual, classes, graded=graded)
        excess = judged.losses[inside] - known
        error = float(excess.std(ddof=1)) / np.sqrt(len(excess))
        if excess.mean() <= self.surprise * error or known.mean() <= 0:
            return ""
        more = excess.mean() / known.mean()
        return f"the model's loss is {percent(float(more))} above that of the part's own average"

    def _parts(self, column: pd.Series) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
        """Values, or quarters, with at least 50 rows and not nearly all."""
        codes, labels = _labelled(column, self.most_values)
        sizes = np.bincount(codes, minlength=len(labels))
        for code, label in enumerate(labels):
            if self.fewest_rows <= sizes[code] <= 0.9 * len(codes):
                yield label, codes == code


def _labelled(column: pd.Series, most: int) -> tuple[npt.NDArray[np.intp], list[str]]:
    """Codes of the commonest values or of quarters, and what to call each; rare values share the last code."""
    if column.nunique() <= most or not pd.api.types.is_numeric_dtype(column.dtype):
        shown = column.astype("str").fillna("missing")
        common = shown.value_counts().index[:most]
        codes = common.get_indexer(pd.Index(shown))
        return np.where(codes < 0, len(common), codes), [*(quoted(value) for value in common), "any other value"]
    quarters = column.quantile([0.25, 0.5, 0.75]).to_numpy(dtype=float)
    codes = np.searchsorted(quarters, column.to_numpy(dtype=float, na_value=np.nan), side="right")
    codes = np.where(column.isna(), 4, codes)
    low, middle, high = (f"{value:.3g}" for value in quarters)
    names = [f"below {low}", f"{low} to {middle}", f"{middle} to {high}", f"{high} or more", "missing"]
    return codes.astype(np.intp), names
