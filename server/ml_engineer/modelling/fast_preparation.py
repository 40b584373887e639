"""A fitted preparation as arithmetic on arrays: what scikit-learn's steps compute, without what each call of them costs.

Nothing is learned or decided here. What a category becomes is asked of the fitted encoder once, for each value that
it knows, for one that it does not know, and for a missing one; numbers are filled and scaled by the fitted statistics.
Steps that are neither are asked as they are. What two models prepare alike is prepared once a prediction.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)

from ml_engineer.modelling.fast_rows import Levels, Rows, is_nan

__all__ = ["FastPreparation", "fast_preparation"]

Floats = npt.NDArray[np.float64]
_MOST_CELLS = 5_000_000
"""Larger tables of what categories become are not kept."""
_UNKNOWN = "\0 a value that no training row has"


@dataclass(frozen=True)
class Block:
    """Some of the prepared columns.

    Parameters
    ----------
    key : str
        The same for blocks that give the same.
    make : callable
        From rows to a matrix of shape (n, k).
    """

    key: str
    make: Callable[[Rows], Any]


@dataclass(frozen=True)
class FastPreparation:
    """What `fast_preparation` gives.

    Parameters
    ----------
    blocks : tuple of Block
        Columns from left to right.
    is_sparse : bool
        Whether the fitted transformer gives sparse rows.
    """

    blocks: tuple[Block, ...]
    is_sparse: bool

    @property
    def key(self) -> tuple[str, ...]:
        """The same for preparations that give the same."""
        return (str(self.is_sparse), *(block.key for block in self.blocks))

    def __call__(self, rows: Rows) -> Any:
        """The prepared rows, a matrix of shape (n, q); not to be written to."""
        return rows.once(self.key, lambda: self._stacked(rows))

    def _stacked(self, rows: Rows) -> Any:
        blocks = [rows.once(block.key, partial(block.make, rows)) for block in self.blocks]
        if not any(sparse.issparse(block) for block in blocks):
            dense = np.hstack(blocks).astype(np.float64, copy=False)
            return sparse.csr_matrix(dense) if self.is_sparse else dense
        stacked = sparse.hstack(blocks, format="csr")
        return stacked if self.is_sparse else stacked.toarray()


def fast_preparation(fitted: ColumnTransformer) -> FastPreparation | None:
    """The same preparation as arithmetic, or None if it is not known to be the same.

    Parameters
    ----------
    fitted : sklearn.compose.ColumnTransformer
        Its columns by name.
    """
    used = [(step, columns) for _, step, columns in fitted.transformers_ if not _is_dropped(step) and len(columns)]
    by_name = all(isinstance(columns, list) and all(isinstance(name, str) for name in columns) for _, columns in used)
    if not by_name or fitted.transformer_weights is not None:
        return None
    return FastPreparation(
        tuple(_block(step, columns) for step, columns in used), bool(getattr(fitted, "sparse_output_", False))
    )


def _is_dropped(step: Any) -> bool:
    return isinstance(step, str) and step == "drop"


def _block(step: Any, columns: Sequence[str]) -> Block:
    if isinstance(step, FunctionTransformer) and step.func is None:
        return Block(joblib.hash(("numbers", *columns)), lambda rows: rows.numbers(columns))
    key = _key(step, columns)
    return _of_categories(step, columns, key) or _filled_first(step, columns, key) or _asked(step, columns, key)


def _key(step: Any, columns: Sequence[str]) -> str:
    try:
        return str(joblib.hash((tuple(columns), step)))
    except (pickle.PicklingError, TypeError, AttributeError):  # a step of the user's that cannot be stored
        return f"only {id(step)}"


def _asked(step: Any, columns: Sequence[str], key: str) -> Block:
    """A step that is no more than asked."""

    def ask(rows: Rows) -> Any:
        given = step.transform(rows.frame[list(columns)])
        return given.to_numpy() if isinstance(given, pd.DataFrame) else given

    return Block(key, ask)


def _filled_first(step: Any, columns: Sequence[str], key: str) -> Block | None:
    """Numbers or texts that are filled, and then go through steps that take arrays."""
    if isinstance(step, MissingIndicator) and step.features == "all" and is_nan(step.missing_values):
        return Block(key, lambda rows: np.isnan(rows.numbers(columns)).astype(np.float64))
    first, *others = [one for _, one in step.steps] if isinstance(step, Pipeline) else [step]
    if not isinstance(first, SimpleImputer) or not is_nan(first.missing_values):
        return None
    texts = first.strategy == "constant" and isinstance(first.fill_value, str) and not first.add_indicator
    if not texts and (first.statistics_.dtype.kind != "f" or np.isnan(first.statistics_).any()):
        return None
    chain = [_on_array(one) for one in others]

    def make(rows: Rows) -> Any:
        values: Any
        values = rows.texts(columns, missing=first.fill_value) if texts else _filled(first, rows.numbers(columns))
        for each in chain:
            values = each(values)
        return values

    return Block(key, make)


def _filled(imputer: SimpleImputer, numbers: Floats) -> Floats:
    gaps = np.isnan(numbers)
    filled = np.where(gaps, imputer.statistics_, numbers)
    if imputer.indicator_ is None:
        return filled
    return np.hstack([filled, gaps[:, imputer.indicator_.features_]])


def _on_array(step: Any) -> Callable[[Any], Any]:
    if isinstance(step, StandardScaler):
        mean = 0.0 if not step.with_mean else step.mean_
        scale = 1.0 if not step.with_std else step.scale_
        return lambda values: (values - mean) / scale
    if isinstance(step, MinMaxScaler):
        low, high = step.feature_range if step.clip else (-np.inf, np.inf)
        return lambda values: np.clip(values * step.scale_ + step.min_, low, high)
    if isinstance(step, FunctionTransformer) and step.func is not None and not step.validate:
        return lambda values: step.func(values, **(step.kw_args or {}))
    return step.transform


def _of_categories(step: Any, columns: Sequence[str], key: str) -> Block | None:
    """Categories, each of which becomes what a table has for its value."""
    encoder = step.steps[0][1] if isinstance(step, Pipeline) else step
    if not isinstance(encoder, OneHotEncoder | OrdinalEncoder | TargetEncoder) or isinstance(encoder, Pipeline):
        return None
    if isinstance(step, Pipeline) and not all(isinstance(one, StandardScaler) for _, one in step.steps[1:]):
        return None
    known = [[value for value in values if isinstance(value, str)] for values in encoder.categories_]
    strange = any(
        not isinstance(value, str) and not is_nan(value) for values in encoder.categories_ for value in values
    )
    if strange or sum(len(values) + 2 for values in known) * len(columns) > _MOST_CELLS:
        return None
    levels = [
        Levels(
            name,
            {value: place for place, value in enumerate(values)},
            missing=len(values) + 1,
            unknown=len(values),
            key=joblib.hash((name, values)),
        )
        for name, values in zip(columns, known, strict=True)
    ]
    asked, starts = _every_value(columns, known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a value that is not known
        given: Any = step.transform(asked)
    if given.shape[0] * given.shape[1] > _MOST_CELLS:
        return None
    told = np.asarray(given.toarray() if hasattr(given, "toarray") else given, dtype=np.float64)
    tables = []
    for start, values in zip(starts, known, strict=True):
        part = told[start : start + len(values) + 2]
        # All other columns of these rows hold the unknown value, so that what changes belongs to this column.
        own = np.flatnonzero(~_all_alike(part))
        tables.append((own, part[:, own]))
    usual = told[starts[0] + len(known[0])]

    def make(rows: Rows) -> Floats:
        prepared = np.tile(usual, (len(rows), 1))
        for (own, table), one in zip(tables, levels, strict=True):
            if len(own):
                prepared[:, own] = table[rows.codes(one)]
        return prepared

    return Block(key, make)


def _every_value(columns: Sequence[str], known: Sequence[Sequence[str]]) -> tuple[pd.DataFrame, list[int]]:
    """Rows that hold each value of a column, then an unknown and a missing one, while all others are unknown."""
    starts = np.cumsum([0, *(len(values) + 2 for values in known)]).tolist()
    cells = {name: np.full(starts[-1], _UNKNOWN, dtype=object) for name in columns}
    for name, start, values in zip(columns, starts, known, strict=False):
        cells[name][start : start + len(values)] = values
        cells[name][start + len(values) + 1] = np.nan
    return pd.DataFrame(cells, columns=list(columns), dtype=object), starts[:-1]


def _all_alike(part: Floats) -> npt.NDArray[np.bool_]:
    """Which columns hold one value in all rows; NaN is like NaN."""
    return np.asarray(((part == part[0]) | (np.isnan(part) & np.isnan(part[0]))).all(axis=0))
