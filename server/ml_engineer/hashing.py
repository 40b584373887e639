"""Canonical hashes of cells and rows: the same value hashes the same, whatever file it was read from.

A cell is hashed without its column's name, so that a renamed column keeps its cells. A row is hashed with the
names, added up in no particular order: without them the rows (x=1, y=2) and (x=2, y=1) would be one row, and a
table of yes-and-no columns would fall into a few heaps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

__all__ = ["combine_cells", "hash_cells", "hash_group_keys", "hash_rows", "mix", "salt_cells"]

_NUMBER, _WHOLE_NUMBER, _TEXT, _MOMENT = (np.uint64(tag) for tag in (0x6E, 0x69, 0x74, 0x6D))
_MISSING = np.uint64(0x9AE16A3B2F90404F)
_EXACT_FLOATS = 2**53
_BLOCK = 1 << 15
# Fractions are compared to 40 bits (about 12 digits): programs that write 15 digits must not make other rows of them.
_DROPPED_BITS = 12
# A number as programs write it: no leading zeros (codes such as 007 stay text), no more digits than a float holds.
_PLAIN_NUMBER = r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?"


def _by_blocks(function: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> np.ndarray:
    """`function` of all `values` (n,), as uint64; what it makes on the way stays as small as a processor's cache."""
    hashes = np.empty(len(values), dtype="uint64")
    for start in range(0, len(values), _BLOCK):
        hashes[start : start + _BLOCK] = function(values[start : start + _BLOCK])
    return hashes


def mix(values: np.ndarray) -> np.ndarray:
    """Spread every bit of `values` (n,) uint64 over the whole word (finaliser of splitmix64; Steele et al. 2014)."""
    return _by_blocks(_mix, values)


def _mix(values: np.ndarray) -> np.ndarray:
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def hash_cells(column: pd.Series) -> np.ndarray:
    """Hash the cells of one column by value.

    Numbers are hashed by their value as float (3, 3.0 and the text "3" agree), text stripped of outer blanks with its
    case kept, booleans like the texts True and False, time stamps by their microsecond in UTC; all kinds of
    missing, and empty text, are one constant.

    Parameters
    ----------
    column : pandas.Series
        n cells of any dtype.

    Returns
    -------
    numpy.ndarray
        (n,) uint64.
    """
    dtype = column.dtype
    # Plain arrays are nearly all there is, and tables of ten thousand columns feel what pandas costs a column.
    if isinstance(dtype, np.dtype) and dtype.kind in "fiubM":
        return _hash_array(column.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype):
        return _hash_categories(column)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return _hash_array(column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    missing = column.isna().to_numpy()
    if pd.api.types.is_bool_dtype(dtype):
        cells = _hash_array(column.to_numpy(dtype="bool", na_value=False))
    elif pd.api.types.is_numeric_dtype(dtype):
        whole = pd.api.types.is_integer_dtype(dtype) and not missing.any()
        cells = _hash_array(column.to_numpy() if whole else column.to_numpy(dtype="float64", na_value=np.nan))
    else:
        cells = _hash_texts(column.astype("str"), missing)
    return np.where(missing, _MISSING, cells)


def hash_rows(frame: pd.DataFrame) -> np.ndarray:
    """Hash each row by its cells and the names they stand under, whatever the order of the columns; (n,) uint64."""
    return combine_cells(((str(name), hash_cells(column)) for name, column in frame.items()), rows=len(frame))


def hash_group_keys(frame: pd.DataFrame, columns: tuple[str, ...], *, row_hashes: np.ndarray) -> np.ndarray:
    """Hash the group each row belongs to; a row with a missing key is a group of its own (and of its exact repeats).

    Parameters
    ----------
    frame : pandas.DataFrame
        n rows.
    columns : tuple of str
        Columns that together name a group.
    row_hashes : numpy.ndarray
        (n,) uint64, from `hash_rows`.

    Returns
    -------
    numpy.ndarray
        (n,) uint64; equal for rows of one group.
    """
    # The place among the keys stands in for the name, so that a renamed key keeps its groups.
    keys = combine_cells(((str(place), hash_cells(frame[name])) for place, name in enumerate(columns)), rows=len(frame))
    missing = frame[list(columns)].isna().any(axis=1).to_numpy()
    return np.where(missing, mix(row_hashes), keys)


def combine_cells(cells: Iterable[tuple[str, np.ndarray]], *, rows: int) -> np.ndarray:
    """Add up hashed cells (rows,) under their names to one hash a row; one column at a time is held in memory."""
    total = np.zeros(rows, dtype="uint64")
    for name, column in cells:
        total += salt_cells(name, column)
    return total


def salt_cells(name: str, cells: np.ndarray) -> np.ndarray:
    """What cells (n,) uint64 of the column `name` add to the hashes of their rows."""
    salt = _name_salt(name)
    return _by_blocks(lambda block: _mix(block ^ salt), cells)


def _name_salt(name: str) -> np.uint64:
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def _hash_array(values: np.ndarray) -> np.ndarray:
    """Hash floats, whole numbers, booleans or moments, (n,)."""
    return _by_blocks(_hash_block, values)


def _hash_block(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f":
        return np.where(np.isnan(values), _MISSING, _hash_floats(values.astype("float64")))
    if values.dtype.kind == "b":
        return np.asarray(_hash_distinct(pd.Series(["False", "True"], dtype="str"))[values.astype("int8")])
    if values.dtype.kind == "M":
        moments = values.astype("datetime64[us]").view("int64").astype("uint64")
        return np.where(np.isnat(values), _MISSING, _mix(moments ^ _MOMENT))
    return _hash_integers(values)


def _hash_floats(values: np.ndarray) -> np.ndarray:
    # Adding zero makes -0.0 the same as 0.0.
    values = values + 0.0
    bits = values.view("uint64")
    whole = values == np.rint(values)
    half = np.uint64(1 << (_DROPPED_BITS - 1))
    kept = ~np.uint64((1 << _DROPPED_BITS) - 1)
    return _mix(np.where(whole, bits, (bits + half) & kept) ^ _NUMBER)


def _hash_integers(values: np.ndarray) -> np.ndarray:
    cells = _hash_floats(values.astype("float64"))
    if len(values) and (int(values.max()) > _EXACT_FLOATS or int(values.min()) < -_EXACT_FLOATS):
        # Long identifiers: as floats, neighbours would be one number.
        long = (values > _EXACT_FLOATS) | (values < -_EXACT_FLOATS)
        cells = np.where(long, _mix(values.astype("uint64") ^ _WHOLE_NUMBER), cells)
    return cells


def _hash_categories(column: pd.Series) -> np.ndarray:
    categories = hash_cells(pd.Series(column.cat.categories))
    codes = column.cat.codes.to_numpy()
    return np.where(codes < 0, _MISSING, np.append(categories, _MISSING)[codes])


def _hash_texts(texts: pd.Series, missing: np.ndarray) -> np.ndarray:
    """Hash `texts` (n,), most often through their few distinct values; `missing` (n,) bool is left to the caller."""
    if len(texts) > 1000 and texts.iloc[:1000].nunique() < 500:
        codes, distinct = pd.factorize(texts)
        cells = _hash_distinct(pd.Series(distinct, dtype="str"))
        return np.append(cells, _MISSING)[codes]
    return _hash_distinct(texts.mask(missing, ""))


def _hash_distinct(texts: pd.Series) -> np.ndarray:
    texts = texts.str.strip()
    for word in ("True", "False"):
        texts = texts.mask(texts.isin([word.lower(), word.upper()]), word)
    cells = mix(pd.util.hash_array(texts.to_numpy(dtype=object), categorize=False) ^ _TEXT)
    cells[(texts == "").to_numpy(dtype=bool)] = _MISSING
    numbers = texts.str.fullmatch(_PLAIN_NUMBER).to_numpy(dtype=bool)
    if numbers.any():
        cells[numbers] = _hash_floats(texts[numbers].astype("float64").to_numpy())
    return cells
