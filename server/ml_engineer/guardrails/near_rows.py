"""SPL009: rows that are nearly the same, on both sides of a fold."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.guardrails.cells import is_number, is_text, row_hashes
from ml_engineer.guardrails.check import ALL_STAGES, Answer, Observation, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.split import SplitCheck
from ml_engineer.guardrails.wording import percent, rows_text
from ml_engineer.vocabulary.guardrails import Stage

__all__ = ["SPL009"]

Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


class SPL009(SplitCheck):
    """Rows that differ in next to nothing, in several folds: one thing measured twice, a record saved again, a spun text.

    Numbers are scaled, so that units do not matter, and each row's nearest neighbour is looked up (at most 20,000 rows).
    Neighbours many times closer than is usual, and alike in all else, are near-duplicates. Texts are compared without case,
    digits and punctuation. A quick model is then scored with near-duplicates apart, and together: the difference is what they
    flatter. Held-out rows were dealt by the same rule, so that what holds between folds holds for them.
    """

    title = "Near-duplicates across folds"
    of_single_rows = True
    of_one_answer = True
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    cost = "models"
    most_rows: ClassVar[int] = 20_000
    fewest_numbers: ClassVar[int] = 3
    """With fewer measured columns, neighbours are close by chance."""
    closer: ClassVar[float] = 25.0
    """Times closer than usual: in three dimensions 1 row in 20,000 is, by chance."""
    fewest_share: ClassVar[float] = 0.01
    flattery: ClassVar[float] = 0.02
    forbidden_flattery: ClassVar[float] = 0.05

    def find(self, evidence: Evidence) -> Answer:
        """Link near rows, count those in several folds, and measure what they are worth."""
        positions = np.arange(len(evidence.inputs))
        if len(positions) > self.most_rows:
            positions = np.sort(np.random.default_rng(evidence.seed).choice(positions, self.most_rows, replace=False))
        inputs = evidence.inputs.iloc[positions]
        clusters = self._clusters(inputs)
        if clusters is None:
            return passed("too few measured columns or texts to tell near-duplicates from chance")
        folds = pd.Series(evidence.folds[positions])
        # Equal rows are another check's business.
        equal = row_hashes(inputs).duplicated(keep=False).to_numpy()
        apart = (folds.groupby(clusters).transform("nunique") > 1).to_numpy() & ~equal
        share = float(apart.mean()) if len(apart) else 0.0
        text = f"{rows_text(int(apart.sum()))} of {len(apart):,} looked at ({percent(share)}) have a near-duplicate in another fold"
        if share < self.fewest_share:
            return passed(text)
        everywhere = np.arange(len(evidence.inputs)) + len(positions)
        everywhere[positions] = clusters
        together = pd.Series(evidence.folds).groupby(everywhere).transform("first").to_numpy()
        stored, honest = evidence.probe.together(), evidence.probe.together_on(together)
        flatters = stored - honest
        text += f"; a quick model gets a {evidence.target.measure} of {stored:.3f}, and {honest:.3f} with them kept together"
        seen = Observation(
            "forbids" if flatters > self.forbidden_flattery else "issue" if flatters > self.flattery else "advice",
            text,
            rows=tuple(int(row) for row in self._examples(inputs.index, clusters, apart)),
        )
        return observed(
            [seen],
            remedy="Ask whether one thing was recorded several times; if so, frame again with group_columns naming its key, or leave "
            'the copies out with sql="SELECT ..."',
        )

    @staticmethod
    def _examples(index: pd.Index, clusters: Ints, apart: npt.NDArray[np.bool_]) -> pd.Index:
        """A first near pair and another."""
        first = clusters[apart][:1]
        return index[apart & np.isin(clusters, first)][:2].append(index[apart & ~np.isin(clusters, first)][:2])

    def _clusters(self, inputs: pd.DataFrame) -> Ints | None:
        """A number a row, shared by near rows; None where nearness means nothing."""
        texts = [name for name in inputs.columns if is_text(inputs[name]) and inputs[name].str.len().mean() > 30]
        numbers = [
            name for name in inputs.columns if is_number(inputs[name]) and inputs[name].nunique() > len(inputs) / 20
        ]
        links = [_same_text(inputs[name]) for name in texts]
        if len(numbers) >= self.fewest_numbers:
            rest = [name for name in inputs.columns if name not in numbers]
            links.append(self._near(inputs[numbers], inputs[rest]))
        return _components(len(inputs), np.concatenate(links)) if links else None

    def _near(self, numbers: pd.DataFrame, rest: pd.DataFrame) -> Ints:
        """Pairs of positions, shape (m, 2), that are neighbours in all numbers and equal in the rest."""
        from scipy.spatial import cKDTree

        scaled = _squeezed(numbers)
        points = _projected(scaled)
        found = cKDTree(points).query(points, k=2)
        farther, pairs = np.asarray(found[0])[:, 1], np.asarray(found[1], dtype=np.intp)
        usual = _usual_distance(scaled)
        close = farther <= usual / self.closer
        kinds = row_hashes(rest).to_numpy() if rest.shape[1] else np.zeros(len(numbers), dtype=np.uint64)
        alike = kinds[pairs[:, 0]] == kinds[pairs[:, 1]]
        near: Ints = pairs[close & alike]
        return near


def _squeezed(numbers: pd.DataFrame) -> Floats:
    """Columns centred, in units of their spread, and squeezed between -1 and 1, so that near stays near; missing is -2."""
    values = numbers.to_numpy(dtype=float, na_value=np.nan)
    low, middle, high = np.nanquantile(values, [0.25, 0.5, 0.75], axis=0)
    spread = np.where(high > low, high - low, np.nanstd(values, axis=0))
    centred = (values - middle) / np.where(spread > 0, spread, 1.0)
    squeezed: Floats = np.nan_to_num(centred / (1 + np.abs(centred)), nan=-2.0)
    return squeezed


def _usual_distance(scaled: Floats) -> float:
    """Median distance to the nearest neighbour if columns were dealt anew: every row may have a near-duplicate as it is."""
    from scipy.spatial import cKDTree

    generator = np.random.default_rng(0)
    points = _projected(np.column_stack([generator.permutation(column) for column in scaled.T]))
    return float(np.median(np.asarray(cKDTree(points).query(points, k=2)[0])[:, 1]))


def _projected(scaled: Floats, *, dimensions: int = 8) -> Floats:
    """Random projection to a few dimensions, which keeps near points near; shape (n, at most `dimensions`)."""
    if scaled.shape[1] <= dimensions:
        return scaled
    directions = np.random.default_rng(0).normal(size=(scaled.shape[1], dimensions)) / np.sqrt(dimensions)
    projected: Floats = scaled @ directions
    return projected


def _same_text(column: pd.Series) -> Ints:
    """Pairs of positions whose texts are equal but for case, digits, space and punctuation; short ones left out."""
    plain = column.fillna("").str.casefold().str.replace(r"[\W\d_]+", "", regex=True)
    codes, _ = pd.factorize(plain.where(plain.str.len() >= 20))
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    same = (ordered[1:] == ordered[:-1]) & (ordered[1:] >= 0)
    return np.column_stack([order[:-1][same], order[1:][same]]).astype(np.intp)


def _components(rows: int, pairs: Ints) -> Ints:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(rows, rows))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.intp)
