"""Finding the rows of a dealt table in another table, by the majority of their cells.

1. Columns are aligned by the values they share, names helping only where values leave a doubt.
2. A pilot on some thousand rows finds, for each row, the most similar earlier row; columns whose cells do not agree
   there (their values were changed or shuffled) are set aside. What is left must carry more than half of the evidence
   of the narrower table.
3. The rows are joined on all columns that are left. They must agree far more often than chance would have it:
   chance is how often two different rows of the earlier table agree with each other.
4. Rows that found nothing are looked up by several keys of fewer columns (bands), and take the row that agrees in
   most cells, if those are more than half of the evidence.

Evidence is counted in bits (entropy), at most eight a column: columns of few values, and row numbers and calendars,
which unrelated tables share, prove little or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml_engineer.seal.alignment import align_columns
from ml_engineer.seal.bands import band_keys, candidates, is_among, row_keys
from ml_engineer.seal.cell_tables import CellTable
from ml_engineer.seal.recognised import DEVELOPMENT, HELD_OUT, NEVER_SEEN

__all__ = ["Match", "match_rows"]

_PILOT_ROWS = 2_000
_SHIFTS = (7, 101, 1_009, 10_007)
_PAIRS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Match:
    """What was found of a dealt table.

    Parameters
    ----------
    side : numpy.ndarray
        (n,) int8: 1 held-out, 0 development, -1 not found.
    ambiguous : numpy.ndarray
        (n,) bool: rows that fit earlier rows of both sides.
    """

    side: np.ndarray
    ambiguous: np.ndarray

    @property
    def rows(self) -> int:
        """Rows that were found."""
        return int(np.sum(self.side != NEVER_SEEN))


@dataclass(frozen=True)
class _Aligned:
    """Two tables over the columns they share.

    Parameters
    ----------
    earlier, table : list of numpy.ndarray
        Cells of the dealt table, (m,) uint32 each, and of the table at hand, (n,) each, in the same order.
    weights : numpy.ndarray
        (q,) bits of evidence of each column; zero for counters.
    enough : float
        Half the evidence of the narrower table: agreement must exceed it.
    """

    earlier: list[np.ndarray]
    table: list[np.ndarray]
    weights: np.ndarray
    enough: float

    def only(self, kept: np.ndarray) -> _Aligned:
        """The columns at places `kept`."""
        return _Aligned([self.earlier[k] for k in kept], [self.table[k] for k in kept], self.weights[kept], self.enough)


def match_rows(earlier: CellTable, held_out: np.ndarray, table: CellTable) -> Match | None:
    """Find rows of `table` (n) among those of `earlier` (m), whose sides are `held_out` (m,) bool.

    Returns
    -------
    Match or None
        None if the tables have no more in common than chance would give.
    """
    aligned = _align(earlier, table)
    pilot = _pilot(aligned)
    if pilot is None:
        return None
    agreeing, similar = pilot
    earlier_keys, table_keys = row_keys(agreeing.earlier), row_keys(agreeing.table)
    if not _equal_beyond_chance(agreeing, earlier_keys, table_keys) and not _similar_beyond_chance(aligned, similar):
        return None
    match, taken = _join(earlier_keys, table_keys, held_out)
    match = _match_by_bands(agreeing, match, taken, held_out)
    # Where most rows could be of either side, the columns left do not tell rows apart, and sides mean nothing.
    return match if 2 * match.ambiguous.sum() < match.rows else None


def _align(earlier: CellTable, table: CellTable) -> _Aligned:
    pairs = align_columns(earlier, table)
    earlier_weights, table_weights = earlier.weights, table.weights
    for first, second in pairs:
        # A counter on one side is one on the other, where rows may be missing from the count.
        if earlier.columns[first].counter or table.columns[second].counter:
            earlier_weights[first] = table_weights[second] = 0.0
    weights = np.array([min(earlier_weights[first], table_weights[second]) for first, second in pairs])
    return _Aligned(
        [earlier.cells[first] for first, _ in pairs],
        [table.cells[second] for _, second in pairs],
        weights,
        enough=min(earlier_weights.sum(), table_weights.sum()) / 2,
    )


@dataclass(frozen=True)
class _Pairs:
    """Rows of a sample and the rows of a table that each of them resembles most.

    Parameters
    ----------
    sampled : int
        Rows of the sample.
    left, right : numpy.ndarray
        (pairs,) int: places in the sample and in the table.
    agree : numpy.ndarray
        (pairs, q) bool: the columns in which they agree.
    """

    sampled: int
    left: np.ndarray
    right: np.ndarray
    agree: np.ndarray

    @property
    def share(self) -> float:
        """Share of the sample that found a row, each row of the table found counting once."""
        return min(len(np.unique(self.left)), len(np.unique(self.right))) / max(self.sampled, 1)


def _pilot(aligned: _Aligned) -> tuple[_Aligned, float] | None:
    """Try some rows: which columns agree row by row, and how many rows find one they mostly agree with.

    Returns
    -------
    tuple of _Aligned and float, or None
        The columns that agree in at least half of the pairs found, and the share of rows that found one; none if these
        columns are too little evidence.
    """
    if aligned.weights.sum() <= aligned.enough:
        return None
    small, large = aligned.table, aligned.earlier
    if len(small[0]) > len(large[0]):
        small, large = large, small
    pairs = _closest_pairs(aligned, small, large, itself=False)
    kept = np.flatnonzero(pairs.agree.sum(axis=0) >= 0.5 * max(len(pairs.left), 1))
    if aligned.weights[kept].sum() <= aligned.enough:
        return None
    return aligned.only(kept), pairs.share


def _closest_pairs(aligned: _Aligned, small: list[np.ndarray], large: list[np.ndarray], *, itself: bool) -> _Pairs:
    """For a sample of the rows of `small`, the rows of `large` that agree in most evidence, if it is enough.

    With `itself` the two are the same table, and a row is not compared with itself.
    """
    sample = np.unique(np.linspace(0, len(small[0]) - 1, _PILOT_ROWS).astype("int64"))
    some = [cells[sample] for cells in small]
    found = [candidates(few, many) for few, many in band_keys(some, large, with_all_but_one=True)]
    flat = np.unique(np.concatenate([left * len(large[0]) + right for left, right in found]))
    left, right = flat // len(large[0]), flat % len(large[0])
    if itself:
        other = sample[left] != right
        left, right = left[other], right[other]
    agree = np.stack([some[k][left] == large[k][right] for k in range(len(some))], axis=1)
    score = agree @ aligned.weights
    best = np.zeros(len(sample))
    np.maximum.at(best, left, score)
    top = (score > aligned.enough) & (score >= best[left] - 1e-9)
    return _Pairs(sampled=len(sample), left=left[top], right=right[top], agree=agree[top])


def _equal_beyond_chance(aligned: _Aligned, earlier_keys: np.ndarray, table_keys: np.ndarray) -> bool:
    """Whether more rows are equal than two tables from the same source would share by chance."""
    keys, counts = np.unique(earlier_keys, return_counts=True)
    other, other_counts = np.unique(table_keys, return_counts=True)
    _, here, there = np.intersect1d(keys, other, assume_unique=True, return_indices=True)
    shared = int(np.minimum(counts[here], other_counts[there]).sum())
    if shared == len(earlier_keys) == len(table_keys):
        return True
    # How often a row finds a twin among the other rows; and, where a counter pins down the row it is compared with,
    # how often two rows agree in everything but the counter.
    twins = float(counts[counts > 1].sum()) / len(earlier_keys)
    telling = [cells for cells, weight in zip(aligned.earlier, aligned.weights, strict=True) if weight > 0]
    smaller = min(len(earlier_keys), len(table_keys))
    return _beyond_chance(shared / smaller, max(twins, _collisions(row_keys(telling))), rows=smaller)


def _similar_beyond_chance(aligned: _Aligned, share: float) -> bool:
    """Whether more rows mostly agree than rows of the earlier table mostly agree with one another.

    Counters are left out, for they differ between the rows of one table and are alike in unrelated ones. As they
    may pin a row to any other one, chance is also how often two rows taken at random mostly agree.
    """
    telling = aligned.only(np.flatnonzero(aligned.weights > 0))
    closest = _closest_pairs(telling, telling.earlier, telling.earlier, itself=True).share
    earlier_rows = len(aligned.earlier[0])
    left = np.tile(np.arange(min(earlier_rows, _PILOT_ROWS)), len(_SHIFTS))
    right = (left + np.repeat(_SHIFTS, len(left) // len(_SHIFTS))) % earlier_rows
    score = _agreement(telling.earlier, telling.earlier, telling.weights, left, right)
    at_random = float(np.mean(score[left != right] > aligned.enough)) if earlier_rows > 1 else 1.0
    rows = min(earlier_rows, len(aligned.table[0]), _PILOT_ROWS)
    return _beyond_chance(share, max(closest, at_random), rows=rows)


def _beyond_chance(share: float, chance: float, *, rows: int) -> bool:
    """Whether a share of `rows` is clearly more than chance: twice as much, or half of what chance leaves."""
    if chance > 0.9 or share * rows < min(10, (rows + 1) // 2):
        return False
    low = share - 3 * np.sqrt(chance * (1 - chance) / rows)
    return bool(low >= 2 * chance + 0.02 or low - chance >= 0.5 * (1 - chance))


def _collisions(keys: np.ndarray) -> float:
    """Probability that two different rows have the same key."""
    counts = np.unique(keys, return_counts=True)[1].astype("float64")
    return float((counts * (counts - 1)).sum() / max(len(keys) * (len(keys) - 1.0), 1.0))


def _join(earlier_keys: np.ndarray, table_keys: np.ndarray, held_out: np.ndarray) -> tuple[Match, np.ndarray]:
    """Match rows whose keys are equal; also which earlier rows, (m,) bool, were found."""
    keys, codes = np.unique(earlier_keys, return_inverse=True)
    total = np.bincount(codes, minlength=len(keys))
    held = np.bincount(codes[held_out], minlength=len(keys))
    found = is_among(table_keys, keys)
    place = np.searchsorted(keys, table_keys[found])
    side = np.full(len(table_keys), NEVER_SEEN, dtype="int8")
    side[found] = np.where(2 * held[place] >= total[place], HELD_OUT, DEVELOPMENT)
    ambiguous = np.zeros(len(table_keys), dtype=bool)
    ambiguous[found] = (held[place] > 0) & (held[place] < total[place])
    return Match(side=side, ambiguous=ambiguous), is_among(earlier_keys, np.sort(table_keys[found]))


def _match_by_bands(aligned: _Aligned, match: Match, taken: np.ndarray, held_out: np.ndarray) -> Match:
    """`match` with the rows that found nothing matched to earlier rows that nobody found, by most agreeing cells."""
    lost, free = np.flatnonzero(match.side == NEVER_SEEN), np.flatnonzero(~taken)
    if not len(lost) or not len(free):
        return match
    table = [cells[lost] for cells in aligned.table]
    earlier = [cells[free] for cells in aligned.earlier]
    pairs = [candidates(left, right) for left, right in band_keys(table, earlier)]
    flat = np.unique(np.concatenate([left * len(free) + right for left, right in pairs]))
    left, right = flat // len(free), flat % len(free)
    score = _agreement(table, earlier, aligned.weights, left, right)
    enough = score > aligned.enough
    left, right, score = left[enough], right[enough], score[enough]
    best = np.zeros(len(lost))
    np.maximum.at(best, left, score)
    top = score >= best[left] - 1e-9
    total = np.bincount(left[top], minlength=len(lost))
    held = np.bincount(left[top], weights=held_out[free][right[top]], minlength=len(lost))
    found = total > 0
    side, ambiguous = match.side.copy(), match.ambiguous.copy()
    side[lost[found]] = np.where(2 * held[found] >= total[found], HELD_OUT, DEVELOPMENT)
    ambiguous[lost[found]] = (held[found] > 0) & (held[found] < total[found])
    return Match(side=side, ambiguous=ambiguous)


def _agreement(
    table: list[np.ndarray], earlier: list[np.ndarray], weights: np.ndarray, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Evidence in which each pair of rows agrees, (pairs,) bits; a million pairs at a time."""
    score = np.zeros(len(left))
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        block = slice(start, start + _PAIRS_AT_ONCE)
        for k, weight in enumerate(weights):
            score[block] += weight * (table[k][left[block]] == earlier[k][right[block]])
    return score
