"""Keys by which rows are looked up: hashes over all columns, or over bands of a few that can tell rows apart."""

from __future__ import annotations

import numpy as np

from ml_engineer.hashing import mix

__all__ = ["band_keys", "candidates", "is_among", "row_keys"]

_MOST_CANDIDATES = 4


def row_keys(columns: list[np.ndarray]) -> np.ndarray:
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


def band_keys(
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


def candidates(left_keys: np.ndarray, right_keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of places whose keys are equal, leaving out keys that more than four rows on the right share."""
    wanted = np.flatnonzero(is_among(right_keys, np.sort(left_keys)))
    wanted = wanted[np.argsort(right_keys[wanted], kind="stable")]
    keys = right_keys[wanted]
    first = np.searchsorted(keys, left_keys, side="left")
    counts = np.searchsorted(keys, left_keys, side="right") - first
    counts[counts > _MOST_CANDIDATES] = 0
    left = np.repeat(np.arange(len(left_keys)), counts)
    within = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts)
    return left, wanted[np.repeat(first, counts) + within]


def is_among(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Whether each of `values` is among `ordered`, which is sorted and may repeat."""
    if not len(ordered):
        return np.zeros(len(values), dtype=bool)
    places = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return np.asarray(ordered[places] == values)
