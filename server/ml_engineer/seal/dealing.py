"""Dealing rows into held-out and development: decided by what the rows hold, never by where they stand.

Each unit that must not be torn apart (a group, or a row with its exact repeats) draws a number by a keyed hash of
its content. The lowest numbers of each stratum are held out. So the same table gives the same deal on every
machine, and a table that grew gives nearly the same one, even where nothing is remembered of the first.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml_engineer.errors import InputError, SealError
from ml_engineer.hashing import hash_group_keys, hash_rows, mix
from ml_engineer.seal.recognised import DEVELOPMENT, HELD_OUT, NEVER_SEEN, Recognition
from ml_engineer.seal.strata import strata_codes
from ml_engineer.seal.time_order import latest_rows, time_values
from ml_engineer.vocabulary.problem import SplitDefinition

__all__ = ["deal", "deal_key", "draw_numbers", "held_by_draw"]

_TRIED_DEALS = 32


def deal_key(seed: int) -> str:
    """Key (hex) of a deal with this seed; of the seed alone, so that a lost vault can be rebuilt from the source."""
    return hashlib.sha256(f"ml-engineer deal, format 1, seed {seed}".encode("ascii")).hexdigest()


def draw_numbers(units: np.ndarray, key: str, *, trial: int = 0) -> np.ndarray:
    """The number that each unit, known by its hash (u,) uint64, draws under a key; (u,) uint64."""
    first, second = np.frombuffer(hashlib.sha256(f"{key}:{trial}".encode("ascii")).digest()[:16], dtype="<u8")
    return mix(mix(units ^ first) ^ second)


def held_by_draw(numbers: np.ndarray, fraction: float) -> np.ndarray:
    """Which units never seen before are held out by the number (u,) uint64 that they drew, (u,) bool."""
    return np.asarray(numbers < np.uint64(fraction * (2**64 - 2**11)))


def deal(
    frame: pd.DataFrame,
    definition: SplitDefinition,
    *,
    target: str,
    own_test: np.ndarray | None = None,
    recognition: Recognition | None = None,
    row_hashes: np.ndarray | None = None,
) -> np.ndarray:
    """Choose the rows to hold out.

    Rows known from an earlier deal keep their side, unless that deal breaks the promise of this definition (it tears
    groups or time apart): then all rows are dealt anew, which is free while no look was taken. Rows never seen go to
    their group's side, behind the time cut, or by a keyed hash. Exact repeats of a row share its side always, except
    where the person's own test file says otherwise.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table, n rows.
    definition : SplitDefinition
        The rule.
    target : str
        Column to predict; strata are its classes, or ten ranges of a number. Empty if nothing is kept in proportion.
    own_test : numpy.ndarray, optional
        (n,) bool, True for the rows of the person's own test file, which are held out as they are.
    recognition : Recognition, optional
        What `recognise` knows of the table; leave out to deal anew.
    row_hashes : numpy.ndarray, optional
        (n,) uint64 from `hash_rows`, if they are known already.

    Returns
    -------
    numpy.ndarray
        (n,) bool, True for held-out rows.

    Raises
    ------
    InputError
        If the rule leaves no held-out or no development rows, or names a column it cannot use.
    SealError
        If an earlier deal that was looked at breaks the promise of this definition.
    """
    _check_columns(frame, definition, target)
    if own_test is not None:
        return _checked(np.asarray(own_test, dtype=bool).copy(), definition)
    if definition.strategy == "own_test_file":
        raise InputError(
            "The split is the person's own test file, but there is none",
            remedy="Pass test_data, or another split",
        )
    units = _deal_units(frame, definition, target, hash_rows(frame) if row_hashes is None else row_hashes)
    if recognition is not None and _keeps_promise(recognition, frame, definition, units):
        return _checked(_deal_never_seen(recognition, frame, definition, units), definition)
    return _checked(_deal_afresh(frame, definition, units), definition)


@dataclass(frozen=True)
class _Units:
    """The indivisible parts of a table.

    Parameters
    ----------
    hashes : numpy.ndarray
        (u,) uint64, sorted: what identifies each unit.
    codes : numpy.ndarray
        (n,) int32, the unit of each row.
    rows : numpy.ndarray
        (u,) int, rows in each unit.
    strata : numpy.ndarray
        (n,) int, the stratum of each row.
    classes : bool
        Whether the strata are classes, each of which development must have.
    """

    hashes: np.ndarray
    codes: np.ndarray
    rows: np.ndarray
    strata: np.ndarray
    classes: bool

    def draw(self, key: str, *, trial: int = 0) -> np.ndarray:
        """The number each unit draws, (u,) uint64."""
        return draw_numbers(self.hashes, key, trial=trial)


def _deal_units(frame: pd.DataFrame, definition: SplitDefinition, target: str, hashes: np.ndarray) -> _Units:
    if definition.group_columns and definition.strategy == "grouped":
        hashes = hash_group_keys(frame, definition.group_columns, row_hashes=hashes)
    distinct, codes, rows = _counted(hashes)
    if target and definition.strategy in {"stratified", "grouped"}:
        strata = strata_codes(frame[target])
        return _Units(hashes=distinct, codes=codes, rows=rows, strata=strata.codes, classes=strata.classes)
    alike = np.zeros(len(frame), dtype="int32")
    return _Units(hashes=distinct, codes=codes, rows=rows, strata=alike, classes=False)


def _counted(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Different hashes, sorted (u,), the place of each row's among them, (n,) int32, and the rows of each, (u,).

    As `numpy.unique`, in half of its memory: the places of a few million rows are what dealing them takes most of.
    """
    order = np.argsort(hashes)
    ordered = hashes[order]
    first = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    codes = np.empty(len(ordered), dtype="int32")
    codes[order] = np.cumsum(first, dtype="int32") - np.int32(1)
    starts = np.flatnonzero(first)
    return ordered[first], codes, np.diff(starts, append=len(ordered)).astype("int32")


def _deal_afresh(frame: pd.DataFrame, definition: SplitDefinition, units: _Units) -> np.ndarray:
    if definition.strategy == "time":
        return latest_rows(_times(frame, definition), fraction=definition.held_out_fraction)
    if definition.strategy == "grouped":
        return _deal_groups(definition, units)
    return _deal_strata(definition, units)


def _deal_strata(definition: SplitDefinition, units: _Units) -> np.ndarray:
    """Hold out the lowest draws of each stratum, up to its share of rows."""
    draws = units.draw(deal_key(definition.seed))
    # Exact repeats include the target, so a unit lies in one stratum.
    stratum_of_unit = np.zeros(len(units.hashes), dtype="int32")
    stratum_of_unit[units.codes] = units.strata
    quotas = _shares(np.bincount(units.strata), definition.held_out_fraction)
    held_units = np.zeros(len(units.hashes), dtype=bool)
    order = np.lexsort((draws, stratum_of_unit))
    starts = np.flatnonzero(np.diff(stratum_of_unit[order], prepend=-1))
    for members in np.split(order, starts[1:]):
        quota = quotas[stratum_of_unit[members[0]]]
        # The highest draw always stays in development, so that no class is lost to it.
        candidates = members[:-1]
        candidates = candidates[units.rows[candidates] <= quota]
        held_units[candidates[: _closest_prefix(units.rows[candidates], quota)]] = True
    return np.asarray(held_units[units.codes])


def _shares(rows: np.ndarray, fraction: float) -> np.ndarray:
    """Whole numbers of held-out rows per stratum, (s,), that add up to the whole share (largest remainder)."""
    exact = rows * fraction
    quotas = np.floor(exact).astype("int64")
    left = round(float(exact.sum())) - int(quotas.sum())
    largest = np.argsort(-(exact - quotas), kind="stable")[: max(left, 0)]
    quotas[largest] += 1
    return quotas


def _closest_prefix(rows: np.ndarray, quota: float) -> int:
    """How many leading units have rows that together come closest to `quota`."""
    filled = np.concatenate([[0], np.cumsum(rows)])
    return int(np.argmin(np.abs(filled - quota)))


def _deal_groups(definition: SplitDefinition, units: _Units) -> np.ndarray:
    """Hold out whole groups: of several keyed orders, the one whose held-out part resembles the whole most."""
    key = deal_key(definition.seed)
    counts = _unit_strata_counts(units)
    totals = counts.sum(axis=0)
    quota = definition.held_out_fraction * len(units.codes)
    candidates = np.flatnonzero(units.rows <= max(1.5 * quota, units.rows.min()))
    best: tuple[float, np.ndarray] = (np.inf, candidates[:0])
    # Thousands of groups balance themselves.
    for trial in range(_TRIED_DEALS if len(units.hashes) <= 10_000 else 1):
        order = candidates[np.argsort(units.draw(key, trial=trial)[candidates], kind="stable")]
        chosen = order[: max(1, _closest_prefix(units.rows[order], quota))]
        held = counts[chosen].sum(axis=0)
        gap = held - definition.held_out_fraction * totals
        cost = float((gap**2 / np.maximum(totals, 1)).sum() + gap.sum() ** 2 / len(units.codes))
        if units.classes:
            # A deal that loses a class to the held-out side is worse than any that does not.
            cost += len(units.codes) * int(np.sum((held == totals) & (totals > 0)))
        if cost < best[0]:
            best = (cost, chosen)
    held_units = np.zeros(len(units.hashes), dtype=bool)
    held_units[best[1]] = True
    return np.asarray(_free_lost_classes(held_units, units, units.draw(key))[units.codes])


def _free_lost_classes(held_units: np.ndarray, units: _Units, draws: np.ndarray) -> np.ndarray:
    """`held_units` (u,) with, for each class that development would lack, its group of the highest draw given back."""
    held_units = held_units.copy()
    present = np.bincount(units.strata[~held_units[units.codes]], minlength=int(units.strata.max()) + 1) > 0
    for stratum in np.flatnonzero(~present) if units.classes else ():
        holders = np.unique(units.codes[units.strata == stratum])
        if held_units[holders].all():
            held_units[holders[np.argmax(draws[holders])]] = False
    return held_units


def _unit_strata_counts(units: _Units) -> np.ndarray:
    """Rows of each stratum in each unit, (u, s); strata beyond the 63 most common are counted as one."""
    common = np.argsort(-np.bincount(units.strata), kind="stable")[:63]
    place = np.full(int(units.strata.max()) + 1, len(common))
    place[common] = np.arange(len(common))
    width = len(common) + 1
    flat = np.bincount(units.codes.astype("int64") * width + place[units.strata], minlength=len(units.hashes) * width)
    return flat.reshape(len(units.hashes), width)


def _keeps_promise(recognition: Recognition, frame: pd.DataFrame, definition: SplitDefinition, units: _Units) -> bool:
    """Whether the known rows may keep their sides under `definition`; false only where dealing anew is free."""
    held, development = recognition.side == HELD_OUT, recognition.side == DEVELOPMENT
    if definition.strategy == "grouped":
        broken = len(np.intersect1d(units.codes[held], units.codes[development]))
        trouble = f"it tears {broken} of {len(units.hashes)} groups apart" if broken else ""
    elif definition.strategy == "time":
        times = _times(frame, definition)
        late = int(np.sum(times[development] >= _earliest(times[held])))
        trouble = f"{late} development rows are as late as held-out rows" if late else ""
    else:
        trouble = ""
    if trouble and recognition.looks:
        raise SealError(
            f"These rows were dealt before, and that deal does not fit the split {definition.strategy!r}",
            found=f"{trouble}; {recognition.looks} looks were taken at its held-out rows",
            remedy="Pass redeal=true to deal them anew; the looks stay counted",
        )
    return not trouble


def _deal_never_seen(
    recognition: Recognition, frame: pd.DataFrame, definition: SplitDefinition, units: _Units
) -> np.ndarray:
    """Keep the side of known rows, and deal the others one by one, so that each would land there again."""
    side = recognition.side
    new = side == NEVER_SEEN
    held = side == HELD_OUT
    known_held_units = np.zeros(len(units.hashes), dtype=bool)
    known_held_units[units.codes[held]] = True
    known_units = np.zeros(len(units.hashes), dtype=bool)
    known_units[units.codes[~new]] = True
    if definition.strategy == "time" and held.any():
        times = _times(frame, definition)
        fate = times >= _earliest(times[held])
    else:
        fate = held_by_draw(units.draw(recognition.key), definition.held_out_fraction)[units.codes]
        fate = _with_every_class(fate, new, held, units)
    of_known_unit = known_units[units.codes]
    return np.where(new, np.where(of_known_unit, known_held_units[units.codes], fate), held)


def _with_every_class(fate: np.ndarray, new: np.ndarray, held: np.ndarray, units: _Units) -> np.ndarray:
    """`fate` (n,) with new rows kept for development where a class would otherwise have none there."""
    developing = np.where(new, ~fate, ~held)
    present = np.bincount(units.strata[developing], minlength=int(units.strata.max()) + 1) > 0
    return np.asarray(fate & present[units.strata])


def _earliest(times: np.ndarray) -> float:
    return float(np.min(times[~np.isnan(times)], initial=np.inf))


def _times(frame: pd.DataFrame, definition: SplitDefinition) -> np.ndarray:
    if definition.time_column is None:
        raise InputError("The split is by time, but no time column is named", remedy="Pass time_column")
    return time_values(frame[definition.time_column])


def _check_columns(frame: pd.DataFrame, definition: SplitDefinition, target: str) -> None:
    time = () if definition.time_column is None else (definition.time_column,)
    for name in (*((target,) if target else ()), *definition.group_columns, *time):
        if name not in frame.columns:
            raise InputError(f"There is no column {name!r} to deal the rows by", remedy="Name a column of the table")
    if definition.strategy == "grouped" and not definition.group_columns:
        raise InputError("The split is by groups, but no group column is named", remedy="Pass group_columns")
    if len(frame) == 0:
        raise InputError("The table has no rows to deal", remedy="Pass a table with rows")


def _checked(held_out: np.ndarray, definition: SplitDefinition) -> np.ndarray:
    held = int(held_out.sum())
    if 0 < held < len(held_out):
        return held_out
    side = "development" if held else "held-out"
    if definition.strategy == "grouped":
        remedy = "Pass group_columns that name more groups of fewer rows, or group_columns=[] if rows are independent"
    else:
        remedy = "Pass more rows, another held_out_fraction or another split"
    raise InputError(
        f"The split {definition.strategy!r} leaves no {side} rows", found=f"{len(held_out)} rows in all", remedy=remedy
    )
