"""The rows of one prediction: their columns as arrays, and whatever several models ask of them, worked out once."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Levels", "NotFastError", "Rows", "is_nan"]


class NotFastError(Exception):
    """These rows, or this model, are none that can be predicted fast: the model itself must answer."""


@dataclass(frozen=True)
class Levels:
    """The values of one category that training saw.

    Parameters
    ----------
    column : str
        Its name.
    codes : dict
        Position of each value among those that training saw.
    missing : int
        Position of a missing value.
    unknown : int
        Position of all values that training did not see.
    key : str
        The same for the same levels.
    """

    column: str
    codes: dict[str, int]
    missing: int
    unknown: int
    key: str


class Rows:
    """Feature rows, shape (n, p), and what was made of them so far.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, p)
        As models take it.

    Raises
    ------
    NotFastError
        If it is no frame, or holds no row.
    """

    def __init__(self, frame: Any) -> None:
        if not isinstance(frame, pd.DataFrame) or not len(frame) or not frame.columns.is_unique:
            raise NotFastError
        self.frame = frame
        self._kept: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return len(self.frame)

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` gives; a second question with the same key is answered by the first answer."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def numbers(self, names: Sequence[str]) -> npt.NDArray[np.float64]:
        """Columns of numbers and of truth values, shape (n, k); not to be written to.

        Raises
        ------
        NotFastError
            If one is missing or holds something else. An infinite number is left to the model, which refuses it.
        """

        def gather() -> npt.NDArray[np.float64]:
            block = np.empty((len(self), len(names)), order="F")
            for place, name in enumerate(names):
                block[:, place] = self.once(("number", name), partial(self._number, name))
            if np.isinf(block).any():
                raise NotFastError
            return block

        block: npt.NDArray[np.float64] = self.once(("numbers", *names), gather)
        return block

    def texts(self, names: Sequence[str], *, missing: str) -> npt.NDArray[np.object_]:
        """Columns of text, shape (n, k), with `missing` for missing ones."""
        block = np.empty((len(self), len(names)), dtype=object)
        for place, name in enumerate(names):
            block[:, place] = [missing if is_nan(one) else one for one in self._column(name).tolist()]
        if not all(isinstance(one, str) for one in block.flat):
            raise NotFastError
        return block

    def codes(self, levels: Levels) -> npt.NDArray[np.intp]:
        """Positions of a column's values in `levels`, shape (n,)."""
        codes: npt.NDArray[np.intp] = self.once(("codes", levels.key), lambda: self._codes(levels))
        return codes

    def _column(self, name: str) -> pd.Series:
        try:
            return self.frame[name]
        except KeyError:
            raise NotFastError from None

    def _number(self, name: str) -> npt.NDArray[Any]:
        column = self._column(name)
        # A model computes with shorter numbers in their own precision, and so would answer a little otherwise.
        if column.dtype not in _NUMBERS:
            raise NotFastError
        return column.to_numpy()

    def _codes(self, levels: Levels) -> npt.NDArray[np.intp]:
        values = self._column(levels.column).tolist()
        known = levels.codes
        codes = np.array([known.get(value, -1) for value in values], dtype=np.intp)
        for place in np.flatnonzero(codes < 0):
            value = values[place]
            if isinstance(value, str):
                codes[place] = levels.unknown
            elif is_nan(value):
                codes[place] = levels.missing
            else:
                raise NotFastError
        return codes


def is_nan(value: Any) -> bool:
    """Whether a cell is missing, as texts and encoders mark it."""
    return isinstance(value, float) and math.isnan(value)


_NUMBERS = frozenset({np.dtype("float64"), np.dtype("int64"), np.dtype("bool")})
