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
from ml_engineer.seal.cell_tables import CellTable
from ml_engineer.seal.cells import mix
from ml_engineer.seal.recognised import DEVELOPMENT, HELD_OUT, NEVER_SEEN

__all__ = ["Match", "match_rows"]

_PILOT_ROWS = 2_000
_MOST_CANDIDATES = 4
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
    aligned = _pilot(_align(earlier, table))
    if aligned is None:
        return None
    earlier_keys, table_keys = _keys(aligned.earlier), _keys(aligned.table)
    if not _beyond_chance(aligned, earlier_keys, table_keys):
        return None
    match, taken = _join(earlier_keys, table_keys, held_out)
    return _match_by_bands(aligned, match, taken, held_out)


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


def _pilot(aligned: _Aligned) -> _Aligned | None:
    """`aligned` without the columns whose cells do not agree row by row; none if too little evidence is left."""
    if aligned.weights.sum() <= aligned.enough:
        return None
    earlier_rows, table_rows = len(aligned.earlier[0]), len(aligned.table[0])
    table_is_small = table_rows <= earlier_rows
    small, large = (aligned.table, aligned.earlier) if table_is_small else (aligned.earlier, aligned.table)
    sample = np.unique(np.linspace(0, len(small[0]) - 1, _PILOT_ROWS).astype("int64"))
    some = [cells[sample] for cells in small]
    agreed = np.zeros(len(some))
    pairs = 0
    best = np.zeros(len(sample))
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for few_keys, many_keys in _band_keys(some, large, with_all_but_one=True):
        left, right = _candidates(few_keys, many_keys)
        agree = np.stack([some[k][left] == large[k][right] for k in range(len(some))], axis=1)
        score = agree @ aligned.weights
        enough = score > aligned.enough
        np.maximum.at(best, left[enough], score[enough])
        found.append((left[enough], agree[enough]))
    for left, agree in found:
        most = (agree @ aligned.weights) >= best[left] - 1e-9
        agreed += agree[most].sum(axis=0)
        pairs += int(most.sum())
    kept = np.flatnonzero(agreed >= 0.5 * pairs) if pairs else np.zeros(0, dtype="int64")
    return aligned.only(kept) if aligned.weights[kept].sum() > aligned.enough else None


def _keys(columns: list[np.ndarray]) -> np.ndarray:
    """One hash a row over all `columns`, (rows,) uint64."""
    total = np.zeros(len(columns[0]), dtype="uint64")
    for place, cells in enumerate(columns):
        total += _salted(cells, place)
    return total


def _salted(cells: np.ndarray, place: int) -> np.ndarray:
    return mix(cells.astype("uint64") ^ (np.uint64(place + 1) << np.uint64(32)))


def _bands(columns: list[np.ndarray]) -> list[list[int]]:
    """Groups of column places, each able to tell rows apart; the columns of most values stand alone."""
    rows = len(columns[0])
    sample = slice(None, None, max(1, rows // 50_000))
    bits = np.array([_entropy(cells[sample]) for cells in columns])
    needed = np.log2(max(rows, 2))
    order = np.argsort(-bits, kind="stable")
    alone = [[int(k)] for k in order if bits[k] >= needed - 3][:5]
    bands: list[list[int]] = [[]]
    for k in order:
        if [int(k)] in alone:
            continue
        bands[-1].append(int(k))
        if bits[bands[-1]].sum() >= 1.3 * needed:
            bands.append([])
    # The last band may be too weak to tell rows apart: it strengthens the one before.
    weak = bands.pop()
    if bands:
        bands[-1] += weak
    elif weak:
        bands.append(weak)
    return alone + bands[:4]


def _entropy(cells: np.ndarray) -> float:
    shares = np.unique(cells, return_counts=True)[1] / max(len(cells), 1)
    return float(-(shares * np.log2(shares)).sum())


def _band_keys(
    few: list[np.ndarray], many: list[np.ndarray], *, with_all_but_one: bool = False
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Keys of each band in both tables; where bands are few, also keys over all columns but one."""
    bands = _bands(many)
    if with_all_but_one and len(bands) < 3:
        everything = list(range(len(many)))
        bands = [everything, *([k for k in everything if k != left_out] for left_out in everything), *bands]
    return [(_band_key(few, band), _band_key(many, band)) for band in bands if band]


def _band_key(columns: list[np.ndarray], band: list[int]) -> np.ndarray:
    total = np.zeros(len(columns[0]), dtype="uint64")
    for place in band:
        total += _salted(columns[place], place)
    return total


def _candidates(left_keys: np.ndarray, right_keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of places whose keys are equal, leaving out keys that more than four rows on the right share."""
    wanted = np.flatnonzero(_is_in(right_keys, np.sort(left_keys)))
    wanted = wanted[np.argsort(right_keys[wanted], kind="stable")]
    keys = right_keys[wanted]
    first = np.searchsorted(keys, left_keys, side="left")
    counts = np.searchsorted(keys, left_keys, side="right") - first
    counts[counts > _MOST_CANDIDATES] = 0
    left = np.repeat(np.arange(len(left_keys)), counts)
    within = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts)
    return left, wanted[np.repeat(first, counts) + within]


def _is_in(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Whether each of `values` is among `ordered`, which is sorted and may repeat."""
    if not len(ordered):
        return np.zeros(len(values), dtype=bool)
    places = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return np.asarray(ordered[places] == values)


def _beyond_chance(aligned: _Aligned, earlier_keys: np.ndarray, table_keys: np.ndarray) -> bool:
    """Whether the tables share more rows than two tables from the same source would share by chance."""
    keys, counts = np.unique(earlier_keys, return_counts=True)
    other, other_counts = np.unique(table_keys, return_counts=True)
    _, here, there = np.intersect1d(keys, other, assume_unique=True, return_indices=True)
    shared = int(np.minimum(counts[here], other_counts[there]).sum())
    smaller = min(len(earlier_keys), len(table_keys))
    if shared == len(earlier_keys) == len(table_keys):
        return True
    # How often a row finds a twin among the other rows; and, where a counter pins down the row it is compared with,
    # how often two rows agree in everything but the counter.
    twins = counts[counts > 1].sum() / len(earlier_keys)
    telling = [cells for cells, weight in zip(aligned.earlier, aligned.weights, strict=True) if weight > 0]
    chance = max(float(twins), _collisions(_keys(telling)))
    if chance > 0.9 or shared < min(10, (smaller + 1) // 2):
        return False
    overlap = shared / smaller - 3 * np.sqrt(chance * (1 - chance) / smaller)
    return bool(overlap >= 2 * chance + 0.02 or overlap - chance >= 0.5 * (1 - chance))


def _collisions(keys: np.ndarray) -> float:
    """Probability that two different rows have the same key."""
    counts = np.unique(keys, return_counts=True)[1].astype("float64")
    return float((counts * (counts - 1)).sum() / max(len(keys) * (len(keys) - 1.0), 1.0))


def _join(earlier_keys: np.ndarray, table_keys: np.ndarray, held_out: np.ndarray) -> tuple[Match, np.ndarray]:
    """Match rows whose keys are equal; also which earlier rows, (m,) bool, were found."""
    keys, codes = np.unique(earlier_keys, return_inverse=True)
    total = np.bincount(codes, minlength=len(keys))
    held = np.bincount(codes[held_out], minlength=len(keys))
    found = _is_in(table_keys, keys)
    place = np.searchsorted(keys, table_keys[found])
    side = np.full(len(table_keys), NEVER_SEEN, dtype="int8")
    side[found] = np.where(2 * held[place] >= total[place], HELD_OUT, DEVELOPMENT)
    ambiguous = np.zeros(len(table_keys), dtype=bool)
    ambiguous[found] = (held[place] > 0) & (held[place] < total[place])
    return Match(side=side, ambiguous=ambiguous), _is_in(earlier_keys, np.sort(table_keys[found]))


def _match_by_bands(aligned: _Aligned, match: Match, taken: np.ndarray, held_out: np.ndarray) -> Match:
    """`match` with the rows that found nothing matched to earlier rows that nobody found, by most agreeing cells."""
    lost, free = np.flatnonzero(match.side == NEVER_SEEN), np.flatnonzero(~taken)
    if not len(lost) or not len(free):
        return match
    table = [cells[lost] for cells in aligned.table]
    earlier = [cells[free] for cells in aligned.earlier]
    pairs = [_candidates(left, right) for left, right in _band_keys(table, earlier)]
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
