"""Planning how rows are dealt, and cutting development rows into folds."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.hashing import hash_rows
from ml_engineer.vocabulary.problem import SplitDefinition, SplitStrategy

__all__ = ["assign_folds", "fold_pairs", "group_codes", "plan_split"]

_USUAL_FRACTION = 0.2
_LARGEST_FRACTION = 0.4
_USEFUL_HELD_OUT_ROWS = 100
_USUAL_FOLDS = 5
_FEWEST_ROWS = 10
_FEWEST_GROUPS = 3
_RANGES = 10
_MOST_STRATA = 50


def plan_split(
    *,
    rows: int,
    stratify: bool,
    smallest_class_rows: int | None,
    group_columns: tuple[str, ...],
    groups: int | None,
    time_column: str | None,
    own_test_file: bool,
    requested: SplitStrategy | None,
    held_out_fraction: float | None,
    seed: int,
) -> SplitDefinition:
    """Choose how rows are dealt, from structure alone.

    The person's own test file comes first, then what was requested, then groups, time, and classes. A fifth of the
    rows is held out; of small tables more, up to 40 %, so that about 100 rows make a useful interval.

    Parameters
    ----------
    rows : int
        Rows with a target value.
    stratify : bool
        Whether sides and folds should hold the target in proportion.
    smallest_class_rows : int or None
        Rows of the rarest class; None for regression.
    group_columns : tuple of str
        Columns that together name a person or thing with several rows.
    groups : int or None
        How many groups there are.
    time_column : str or None
        Column that orders rows in time.
    own_test_file : bool
        Whether the person brought a test file.
    requested : str or None
        Strategy that the person asked for.
    held_out_fraction : float or None
        Share of rows that the person asked to seal.
    seed : int
        Seed of the deal and of the folds.

    Raises
    ------
    InputError
        If there are too few rows or groups, or the requested strategy lacks what it needs.
    """
    if rows < _FEWEST_ROWS:
        raise InputError(
            "There are too few rows to hold some out and cross-validate on the others",
            found=f"{rows} rows with a target value",
            remedy=f"Pass a table with at least {_FEWEST_ROWS} such rows",
        )
    strategy, reason = _choose_strategy(
        requested=requested,
        stratify=stratify,
        group_columns=group_columns,
        time_column=time_column,
        own_test_file=own_test_file,
    )
    fraction, fraction_reason = _choose_fraction(rows, held_out_fraction, own_test_file=strategy == "own_test_file")
    folds, folds_reason = _choose_folds(rows, smallest_class_rows, groups if group_columns else None, fraction)
    return SplitDefinition(
        strategy=strategy,
        group_columns=group_columns,
        time_column=time_column,
        held_out_fraction=fraction,
        folds=folds,
        seed=seed,
        reason=" ".join(part for part in (reason, fraction_reason, folds_reason) if part),
    )


def _choose_strategy(
    *,
    requested: SplitStrategy | None,
    stratify: bool,
    group_columns: tuple[str, ...],
    time_column: str | None,
    own_test_file: bool,
) -> tuple[SplitStrategy, str]:
    named = ", ".join(repr(column) for column in group_columns)
    lacking = {
        "grouped": ("group_columns", not group_columns),
        "time": ("time_column", time_column is None),
        "own_test_file": ("test_data", not own_test_file),
    }
    argument, lacks = lacking.get(requested or "", ("", False))
    if lacks:
        raise InputError(f"The split {requested!r} needs {argument}", remedy=f"Pass {argument}, or another split")
    if own_test_file and requested in {None, "own_test_file"}:
        return "own_test_file", "The rows of your own test file are held out, exactly as you gave them."
    if requested is not None:
        return requested, f"You asked for the split {requested!r}."
    if group_columns:
        ignored = f" The order of {time_column!r} is not used; split='time' would use it." if time_column else ""
        return "grouped", f"Several rows share {named}, so that whole groups stay on one side.{ignored}"
    if time_column is not None:
        return "time", f"Rows are ordered by {time_column!r}; the latest are held out, as a model will meet later rows."
    if stratify:
        return "stratified", "Rows look independent; each side holds the target in the same proportions."
    return "random", "Rows look independent; they are held out at random."


def _choose_fraction(rows: int, asked: float | None, *, own_test_file: bool) -> tuple[float, str]:
    if own_test_file:
        return asked or _USUAL_FRACTION, ""
    if asked is not None:
        return asked, f"You asked for {asked:.0%} of the rows to be held out."
    fraction = min(_LARGEST_FRACTION, max(_USUAL_FRACTION, _USEFUL_HELD_OUT_ROWS / rows))
    held_out = round(fraction * rows)
    if fraction > _USUAL_FRACTION:
        return fraction, f"{held_out} of {rows} rows are held out: with fewer, the interval of the score says little."
    return fraction, f"A fifth of the rows ({held_out}) is held out."


def _choose_folds(rows: int, smallest_class_rows: int | None, groups: int | None, fraction: float) -> tuple[int, str]:
    if groups is not None and groups < _FEWEST_GROUPS:
        raise InputError(
            "There are too few groups to hold some out and cross-validate on the others",
            found=f"{groups} groups",
            remedy="Pass group_columns that name at least three groups, or group_columns=[] if rows are independent",
        )
    if groups is not None:
        development_groups = min(groups - 1, round(groups * (1 - fraction)))
        if development_groups < _USUAL_FOLDS:
            folds = max(2, development_groups)
            return folds, f"There are {folds} folds, because there are only {groups} groups."
    rarest = rows if smallest_class_rows is None else round(smallest_class_rows * (1 - fraction))
    if rows * (1 - fraction) < 50 or rarest < _USUAL_FOLDS:
        small = "class" if rarest < _USUAL_FOLDS else "table"
        return 3, f"There are 3 folds, because the {'smallest ' if small == 'class' else ''}{small} has few rows."
    return _USUAL_FOLDS, ""


def group_codes(frame: pd.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    """The group of each row, (n,) int from 0; a row with a missing key is a group of its own.

    Parameters
    ----------
    frame : pandas.DataFrame
        n rows.
    columns : tuple of str
        Columns that together name a group; none at all makes each row its own group.

    Raises
    ------
    InputError
        If a column is not in the frame.
    """
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        raise InputError(f"There is no column {absent[0]!r} to group by", remedy="Name columns of the table")
    if not columns:
        return np.arange(len(frame))
    codes = frame.groupby(list(columns), sort=False, dropna=False).ngroup().to_numpy().astype("int64")
    missing = frame[list(columns)].isna().any(axis=1).to_numpy()
    codes[missing] = len(frame) + np.arange(int(missing.sum()))
    return np.asarray(np.unique(codes, return_inverse=True)[1], dtype="int64")


def assign_folds(
    frame: pd.DataFrame,
    definition: SplitDefinition,
    *,
    target: str,
    classification: bool,
    row_hashes: np.ndarray | None = None,
) -> np.ndarray:
    """The fold of each development row, decided by what rows hold and by the seed, never by where they stand.

    Rows that repeat exactly share a fold, as rows of one group do. With classes, each fold holds them in proportion,
    as far as whole groups allow; otherwise ranges of the target. By time, later folds hold later rows, rows of one
    moment stay together, and rows without a time are in the first.

    Parameters
    ----------
    frame : pandas.DataFrame
        Development rows, n.
    definition : SplitDefinition
        The rule; `definition.folds` folds are made, or as many as there are moments.
    target : str
        Column to predict.
    classification : bool
        Whether the target's values are classes.
    row_hashes : numpy.ndarray, optional
        (n,) uint64 from `hash_rows`, if they are known already.

    Returns
    -------
    numpy.ndarray
        (n,) int from 0.

    Raises
    ------
    InputError
        If there are too few rows, groups or moments for two folds.
    """
    if definition.strategy == "time":
        return _time_folds(frame, definition)
    grouped = bool(definition.group_columns) and definition.strategy in {"grouped", "own_test_file"}
    row_hashes = hash_rows(frame) if row_hashes is None else row_hashes
    units, hashes = _fold_units(frame, definition.group_columns if grouped else (), row_hashes)
    if len(hashes) < 2:
        raise InputError(
            "The development rows cannot be cut into folds",
            found=f"they are {len(hashes)} {'group' if grouped else 'different row'}",
            remedy="Pass group_columns that name more groups, or a table with more rows",
        )
    strata = _strata(frame[target], classification=classification)
    if definition.strategy == "random":
        strata = np.zeros(len(frame), dtype="int64")
    draws = _draws(hashes, definition.seed)
    return _balanced_folds(units, strata, draws, folds=min(definition.folds, len(hashes)))


def fold_pairs(folds: np.ndarray, definition: SplitDefinition) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions of training and test rows for each fold that is tested.

    By time, a fold is predicted by a model of all earlier folds, and the first only trains: there is one pair less than
    folds. Otherwise each fold is predicted by a model of all others.

    Parameters
    ----------
    folds : numpy.ndarray
        (n,) int, from `assign_folds`.
    definition : SplitDefinition
        The rule.
    """
    numbers = np.unique(folds)
    if definition.strategy == "time":
        return [(np.flatnonzero(folds < number), np.flatnonzero(folds == number)) for number in numbers[1:]]
    return [(np.flatnonzero(folds != number), np.flatnonzero(folds == number)) for number in numbers]


def _fold_units(frame: pd.DataFrame, columns: tuple[str, ...], hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that must share a fold, (n,) int codes, and a hash of the content of each such unit, (u,) uint64."""
    distinct, repeats = np.unique(hashes, return_inverse=True)
    if not columns:
        return repeats, distinct
    codes = group_codes(frame, columns)
    missing = frame[list(columns)].isna().any(axis=1).to_numpy()
    codes[missing] = len(frame) + repeats[missing]
    codes = np.unique(codes, return_inverse=True)[1]
    # A group is known by the sum of its rows, for its code follows the order of the file.
    sums = np.zeros(int(codes.max(initial=-1)) + 1, dtype="uint64")
    np.add.at(sums, codes, hashes)
    return codes, sums


def _draws(hashes: np.ndarray, seed: int) -> np.ndarray:
    """The number each unit draws, (u,) uint64: a hash of its content under the seed."""
    key = hashlib.blake2b(f"ml-engineer folds {seed}".encode("ascii"), digest_size=8).digest()
    return np.asarray(pd.util.hash_array(hashes ^ np.uint64(int.from_bytes(key, "little"))))


def _strata(target: pd.Series, *, classification: bool) -> np.ndarray:
    """The class or range of each row, (n,) int from 0; classes beyond the 50 most common are one stratum."""
    if classification:
        codes = pd.factorize(target, sort=True, use_na_sentinel=False)[0]
        order = np.argsort(-np.bincount(codes), kind="stable")
        place = np.empty(len(order), dtype="int64")
        place[order] = np.minimum(np.arange(len(order)), _MOST_STRATA - 1)
        return np.asarray(place[codes])
    ranks = target.rank(pct=True, na_option="top").to_numpy()
    ranges = max(1, min(_RANGES, len(target) // _RANGES))
    return np.asarray(np.maximum(np.ceil(ranks * ranges).astype("int64") - 1, 0))


def _balanced_folds(units: np.ndarray, strata: np.ndarray, draws: np.ndarray, *, folds: int) -> np.ndarray:
    """Put whole units into folds so that each fold gets its share of rows and of each stratum.

    Units of several rows first, the largest first, each into the fold that holds least of what it brings; then single
    rows in the order of their draws, levelling what is uneven.

    Parameters
    ----------
    units : numpy.ndarray
        (n,) int, the unit of each row.
    strata : numpy.ndarray
        (n,) int, the stratum of each row.
    draws : numpy.ndarray
        (u,) the number each unit drew; it decides between equals.
    folds : int
        How many.
    """
    n_strata = int(strata.max()) + 1
    sizes = np.bincount(units)
    fold_of_unit = np.zeros(len(sizes), dtype="int64")
    held = np.zeros((folds, n_strata))
    several = np.flatnonzero(sizes > 1)
    place = np.full(len(sizes), -1)
    place[several] = np.arange(len(several))
    rows = place[units] >= 0
    flat = np.bincount(place[units[rows]] * n_strata + strata[rows], minlength=len(several) * n_strata)
    counts = flat.reshape(len(several), n_strata)
    # Ranges of a target that takes few values may be empty.
    rarity = 1 / np.maximum(np.bincount(strata, minlength=n_strata), 1) + 1 / len(units)
    for one in np.lexsort((draws[several], -sizes[several])):
        fold = int(np.argmin((held * rarity) @ counts[one] + held.sum(axis=1) * counts[one].sum() / len(units)))
        fold_of_unit[several[one]] = fold
        held[fold] += counts[one]
    single_rows = np.flatnonzero(sizes[units] == 1)
    single_rows = single_rows[np.argsort(draws[units[single_rows]], kind="stable")]
    for stratum in range(n_strata):
        members = units[single_rows[strata[single_rows] == stratum]]
        added = _levelling(held[:, stratum], held.sum(axis=1), len(members))
        fold_of_unit[members] = np.repeat(np.arange(folds), added)
        held[:, stratum] += added
    return np.asarray(fold_of_unit[units])


def _levelling(held: np.ndarray, totals: np.ndarray, rows: int) -> np.ndarray:
    """How many of `rows` each fold gets, (folds,), so that what they hold is as level as can be."""
    order = np.lexsort((totals, held))
    added = np.zeros(len(held), dtype="int64")
    for lowest in range(1, len(held) + 1):
        chosen = order[:lowest]
        level = int(rows + held[chosen].sum()) // lowest
        if lowest == len(held) or level <= held[order[lowest]]:
            added[chosen] = level - held[chosen].astype("int64")
            left = rows - int(added.sum())
            added[chosen[np.argsort(totals[chosen], kind="stable")[:left]]] += 1
            break
    return added


def _time_folds(frame: pd.DataFrame, definition: SplitDefinition) -> np.ndarray:
    column = frame[definition.time_column]
    if pd.api.types.is_datetime64_any_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
        moments = column.rank(method="dense").to_numpy()
    else:
        raise InputError(
            f"The time column {definition.time_column!r} does not order rows in time",
            found=f"it holds {column.dtype}",
            remedy="Pass a time_column of time stamps or numbers",
        )
    timed = ~np.isnan(moments)
    codes = moments[timed].astype("int64") - 1
    counts = np.bincount(codes)
    if len(counts) < 2:
        raise InputError(
            "The development rows cannot be cut into folds by time",
            found=f"the time column {definition.time_column!r} holds {len(counts)} different values there",
            remedy="Pass another time_column, or split='stratified' if time does not matter",
        )
    # A moment belongs where its middle row stands among all rows.
    middles = (np.cumsum(counts) - counts / 2) / counts.sum()
    fold_of_moment = np.unique(np.floor(middles * definition.folds), return_inverse=True)[1]
    if fold_of_moment[-1] == 0:
        fold_of_moment[-1] = 1
    folds = np.zeros(len(frame), dtype="int64")
    folds[timed] = fold_of_moment[codes]
    return folds
