"""Columns as the quick model takes them, encoded without a look at any target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.vocabulary.problem import ProblemColumn
from ml_engineer.vocabulary.written_numbers import WrittenNumbers, written_among

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["MOST_TREE_COLUMNS", "Inputs", "encode_inputs"]

MOST_TREE_COLUMNS: Final = 300
_MOST_NATIVE_CATEGORIES: Final = 200
_MOST_LEVELS_LINEAR: Final = 20
_LINEAR_ROWS: Final = 5_000
_TEXT_BUCKETS: Final = 4096
_TEXT_BUCKETS_TREES: Final = 64

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Inputs:
    """Encoded columns of n rows.

    Parameters
    ----------
    trees : numpy.ndarray of shape (n, columns)
        Numbers with NaN for missing, categories as codes.
    categorical : tuple of int
        Columns of `trees` that hold codes.
    names : tuple of str
        Column of the table that each column of `trees` comes from.
    linear : scipy.sparse.csr_matrix of shape (n, features) or None
        Scaled numbers, indicator columns and hashed words; None where the linear model is left out.
    """

    trees: npt.NDArray[np.float32]
    categorical: tuple[int, ...]
    names: tuple[str, ...]
    linear: sparse.csr_matrix | None

    def only(self, column: str) -> Inputs:
        """The trees' inputs from one column."""
        return self.without(frozenset(self.names) - {column})

    def without(self, columns: frozenset[str]) -> Inputs:
        """The trees' inputs without some columns; the linear part is left out."""
        keep = [index for index, name in enumerate(self.names) if name not in columns]
        place = {index: new for new, index in enumerate(keep)}
        return Inputs(
            trees=self.trees[:, keep],
            categorical=tuple(place[index] for index in self.categorical if index in place),
            names=tuple(self.names[index] for index in keep),
            linear=None,
        )


def encode_inputs(frame: pd.DataFrame, columns: Sequence[ProblemColumn], *, linear: bool = True) -> Inputs:
    """Encode `columns` of `frame`, without looking at any target.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, at least the columns)
        Rows.
    columns : sequence of ProblemColumn
        What the model may see.
    linear : bool
        Whether to encode for the linear model too, where it is affordable or there is text.
    """
    trees: list[tuple[str, npt.NDArray[np.float32], bool]] = []
    flat: list[sparse.csr_matrix] = []
    has_text = any(column.role == "text" for column in columns)
    linear = linear and (has_text or (len(frame) <= _LINEAR_ROWS and len(columns) <= MOST_TREE_COLUMNS))
    for column in columns:
        values = frame[column.name]
        if column.role == "text":
            trees += [(column.name, part, False) for part in _text_parts(values)]
            if linear:
                flat.append(_hashed(values, _TEXT_BUCKETS))
            continue
        for part, coded in _parts(values, column):
            trees.append((column.name, part, coded))
            if linear:
                flat.append(_indicators(part) if coded else _scaled(part))
    matrix = np.column_stack([part for _, part, _ in trees]) if trees else np.zeros((len(frame), 0), np.float32)
    return Inputs(
        trees=matrix,
        categorical=tuple(index for index, (_, _, coded) in enumerate(trees) if coded),
        names=tuple(name for name, _, _ in trees),
        linear=_side_by_side(flat) if flat else None,
    )


def _side_by_side(parts: Sequence[sparse.csr_matrix]) -> sparse.csr_matrix:
    from scipy import sparse

    joined: sparse.csr_matrix = sparse.hstack(parts, format="csr")
    return joined


def _sparse(matrix: Floats) -> sparse.csr_matrix:
    # Imported where there is something to hold: of large tables the linear model is left out.
    from scipy import sparse

    return sparse.csr_matrix(matrix)


def _parts(values: pd.Series, column: ProblemColumn) -> list[tuple[npt.NDArray[np.float32], bool]]:
    """Columns for the trees, each with whether it holds codes."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        stamps = values.to_numpy().astype("datetime64[us]").astype(np.int64).astype(float)
        days = np.where(values.isna(), np.nan, stamps / 86_400e6)
        parts = (days, values.dt.month, values.dt.day_of_week, values.dt.hour)
        return [(np.asarray(part, dtype=np.float32), False) for part in parts]
    if isinstance(values.dtype, pd.StringDtype):
        written = written_among(values.dropna().unique())
        inside = [] if written is None else [(part, False) for part in _written(values, written)]
        return inside if inside and column.role == "numeric" else [_codes(values), *inside]
    numbers = values.to_numpy(dtype=float)
    numbers = np.where(np.isfinite(numbers), numbers, np.nan).astype(np.float32)
    if column.role == "categorical" and not pd.api.types.is_bool_dtype(values.dtype):
        return [_codes(values)]
    return [(numbers, False)]


def _written(values: pd.Series, written: WrittenNumbers) -> Iterator[npt.NDArray[np.float32]]:
    """The numbers that stand inside texts, as features.py reads them."""
    numbers = values.str.extract(written.pattern).replace(["P", "p"], "1").astype("float64")
    for factors in written.parts.values():
        yield numbers.mul(list(factors)).sum(axis=1, min_count=1).to_numpy(dtype=np.float32)


def _codes(values: pd.Series) -> tuple[npt.NDArray[np.float32], bool]:
    """Codes in order of frequency; beyond what trees split natively, that order is all they see."""
    codes, levels = pd.factorize(values)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    rank = np.empty(len(levels), dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(levels))
    ranked = np.where(codes < 0, np.nan, rank[codes]) if len(levels) else np.full(len(codes), np.nan)
    return ranked.astype(np.float32), len(levels) <= _MOST_NATIVE_CATEGORIES


def _text_parts(values: pd.Series) -> list[npt.NDArray[np.float32]]:
    """Length, words, share of digits and capitals, and counts of hashed words."""
    texts = values.fillna("").astype(object)
    length = texts.map(len).to_numpy(dtype=np.float32)
    safe = np.maximum(length, 1)
    digits = texts.map(lambda text: sum(map(str.isdigit, text))).to_numpy(dtype=np.float32) / safe
    capitals = texts.map(lambda text: sum(map(str.isupper, text))).to_numpy(dtype=np.float32) / safe
    hashed = _hashed(values, _TEXT_BUCKETS_TREES).toarray().astype(np.float32)
    return [length, digits, capitals, *hashed.T]


def _hashed(values: pd.Series, buckets: int) -> sparse.csr_matrix:
    from sklearn.feature_extraction.text import HashingVectorizer

    # Hashing learns nothing, so that no fold can see another's words.
    vectorizer = HashingVectorizer(n_features=buckets, alternate_sign=False, norm="l2")
    hashed: sparse.csr_matrix = vectorizer.transform(str(text) for text in values.fillna(""))
    return hashed


def _scaled(values: npt.NDArray[np.float32]) -> sparse.csr_matrix:
    """Centred and scaled, clipped at three deviations, with an indicator of missing cells."""
    missing = np.isnan(values)
    present = values[~missing].astype(float)
    centre = float(np.median(present)) if len(present) else 0.0
    spread = float(np.std(np.clip(present, *np.percentile(present, [1, 99])))) if len(present) else 0.0
    scaled = np.where(missing, 0.0, np.clip((np.where(missing, 0.0, values) - centre) / (spread or 1.0), -3, 3))
    parts = [scaled, missing.astype(float)] if missing.any() else [scaled]
    return _sparse(np.column_stack(parts))


def _indicators(codes: npt.NDArray[np.float32]) -> sparse.csr_matrix:
    """One column for each of the most frequent values."""
    levels = np.arange(min(_MOST_LEVELS_LINEAR, int(np.nanmax(codes, initial=-1)) + 1))
    return _sparse((codes[:, None] == levels[None, :]).astype(float))
