"""The fold of each development row, and which folds train for which."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.hashing import hash_rows
from ml_engineer.splitting.balance import balanced_folds
from ml_engineer.splitting.groups import group_codes
from ml_engineer.splitting.time_folds import time_folds
from ml_engineer.statistics.label_sets import holds_label_sets, rarest_label
from ml_engineer.vocabulary.problem import SplitDefinition

__all__ = ["assign_folds", "fold_pairs"]

_RANGES = 10
_MOST_STRATA = 50


def assign_folds(
    frame: pd.DataFrame,
    definition: SplitDefinition,
    *,
    target: str,
    classification: bool,
    row_hashes: np.ndarray | None = None,
    repeat: int = 0,
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
        Column to predict; empty if there is none.
    classification : bool
        Whether the target's values are classes.
    row_hashes : numpy.ndarray, optional
        (n,) uint64 from `hash_rows`, if they are known already.
    repeat : int
        Which of several foldings; by time there is but one.

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
        return time_folds(frame, definition)
    grouped = bool(definition.group_columns) and definition.strategy in {"grouped", "own_test_file"}
    row_hashes = hash_rows(frame) if row_hashes is None else row_hashes
    units, hashes = _fold_units(frame, definition.group_columns if grouped else (), row_hashes)
    if len(hashes) < 2:
        raise InputError(
            "The development rows cannot be cut into folds",
            found=f"they are {len(hashes)} {'group' if grouped else 'different row'}",
            remedy="Pass group_columns that name more groups, or a table with more rows",
        )
    strata = np.zeros(len(frame), dtype="int64")
    if target and definition.strategy != "random":
        strata = _strata(frame[target], classification=classification)
    draws = _draws(hashes, definition.seed, repeat)
    return balanced_folds(units, strata, draws, folds=min(definition.folds, len(hashes)))


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


def _draws(hashes: np.ndarray, seed: int, repeat: int) -> np.ndarray:
    """The number each unit draws, (u,) uint64: a hash of its content under the seed."""
    text = f"ml-engineer folds {seed}" + (f" repeat {repeat}" if repeat else "")
    key = hashlib.blake2b(text.encode("ascii"), digest_size=8).digest()
    return np.asarray(pd.util.hash_array(hashes ^ np.uint64(int.from_bytes(key, "little"))))


def _strata(target: pd.Series, *, classification: bool) -> np.ndarray:
    """The class or range of each row, (n,) int from 0; classes beyond the 50 most common are one stratum."""
    if classification:
        labelled = holds_label_sets(target)
        codes = rarest_label(target) if labelled else pd.factorize(target, sort=True, use_na_sentinel=False)[0]
        order = np.argsort(-np.bincount(codes), kind="stable")
        place = np.empty(len(order), dtype="int64")
        place[order] = np.minimum(np.arange(len(order)), _MOST_STRATA - 1)
        return np.asarray(place[codes])
    ranks = target.rank(pct=True, na_option="top").to_numpy()
    ranges = max(1, min(_RANGES, len(target) // _RANGES))
    return np.asarray(np.maximum(np.ceil(ranks * ranges).astype("int64") - 1, 0))
