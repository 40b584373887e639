"""Boosted trees by LightGBM's C library, called directly.

LightGBM's Python package imports scikit-learn, which costs more time than everything else that framing a small table
does. The calls below are those that ``lightgbm.train`` makes, so that the predictions are the same to the last bit.
C interface: https://lightgbm.readthedocs.io/en/stable/C-API.html
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ml_engineer.errors import MissingExtraError

__all__ = ["boosted_predictions"]

_FLOAT32: Final = 0  # C_API_DTYPE_FLOAT32
_PREDICT_NORMAL: Final = 0  # C_API_PREDICT_NORMAL
_ROW_MAJOR: Final = 1

Matrix = npt.NDArray[np.float32]


def boosted_predictions(
    train: Matrix,
    labels: npt.NDArray[Any],
    test: Matrix,
    *,
    categorical: tuple[int, ...],
    parameters: Mapping[str, object],
    rounds: int,
) -> npt.NDArray[np.float64]:
    """Learn from some rows and predict others.

    Parameters
    ----------
    train : numpy.ndarray of shape (n, columns)
        Rows to learn from; NaN is missing.
    labels : numpy.ndarray of shape (n,)
        Their target.
    test : numpy.ndarray of shape (m, columns)
        Rows to predict.
    categorical : tuple of int
        Columns that hold codes from 0.
    parameters : mapping of str to object
        LightGBM's parameters.
    rounds : int
        Trees (a class, where there are several).

    Returns
    -------
    numpy.ndarray of shape (m,), or (m, classes) where there are more than two
        Predictions; of classes, their probabilities.
    """
    told = {**parameters, "categorical_column": ",".join(map(str, categorical))} if categorical else parameters
    text = " ".join(f"{name}={value}" for name, value in told.items()).encode("ascii")
    with _dataset(train, labels, text) as data, _booster(data, text) as booster:
        finished = ctypes.c_int(0)
        for _ in range(rounds):
            _call("LGBM_BoosterUpdateOneIter", booster, ctypes.byref(finished))
            if finished.value:
                break
        return _predict(booster, test, text)


def _predict(booster: ctypes.c_void_p, rows: Matrix, text: bytes) -> npt.NDArray[np.float64]:
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    classes = ctypes.c_int(0)
    _call("LGBM_BoosterGetNumClasses", booster, ctypes.byref(classes))
    predicted = np.empty((len(rows), classes.value))
    written = ctypes.c_int64(0)
    _call(
        "LGBM_BoosterPredictForMat",
        booster,
        *_matrix(rows),
        ctypes.c_int(_PREDICT_NORMAL),
        ctypes.c_int(0),  # from the first tree
        ctypes.c_int(-1),  # to the last
        ctypes.c_char_p(text),
        ctypes.byref(written),
        predicted.ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
    )
    assert written.value == predicted.size, "one number a row and class"
    return predicted[:, 0] if classes.value == 1 else predicted


@contextmanager
def _dataset(rows: Matrix, labels: npt.NDArray[Any], text: bytes) -> Iterator[ctypes.c_void_p]:
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    wanted = np.ascontiguousarray(labels, dtype=np.float32)
    handle = ctypes.c_void_p()
    _call("LGBM_DatasetCreateFromMat", *_matrix(rows), ctypes.c_char_p(text), None, ctypes.byref(handle))
    try:
        _call(
            "LGBM_DatasetSetField",
            handle,
            ctypes.c_char_p(b"label"),
            wanted.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_int(len(wanted)),
            ctypes.c_int(_FLOAT32),
        )
        yield handle
    finally:
        _call("LGBM_DatasetFree", handle)


@contextmanager
def _booster(data: ctypes.c_void_p, text: bytes) -> Iterator[ctypes.c_void_p]:
    handle = ctypes.c_void_p()
    _call("LGBM_BoosterCreate", data, ctypes.c_char_p(text), ctypes.byref(handle))
    try:
        yield handle
    finally:
        _call("LGBM_BoosterFree", handle)


def _matrix(rows: Matrix) -> tuple[Any, ...]:
    """The arguments that stand for a matrix; `rows` must outlive the call."""
    place = rows.ctypes.data_as(ctypes.c_void_p)
    return place, ctypes.c_int(_FLOAT32), ctypes.c_int32(rows.shape[0]), ctypes.c_int32(rows.shape[1]), _ROW_MAJOR


def _call(function: str, *arguments: Any) -> None:
    library = _library()
    if getattr(library, function)(*arguments) != 0:
        raise RuntimeError(f"{function}: {library.LGBM_GetLastError().decode('utf-8', errors='replace')}")


@cache
def _library() -> ctypes.CDLL:
    """The library that comes with the Python package, found without importing that."""
    package = importlib.util.find_spec("lightgbm")
    folders = [Path(place) for place in (package.submodule_search_locations or ())] if package is not None else []
    found = [path for folder in folders for path in sorted(folder.glob("*/lib_lightgbm.*"))]
    if not found:
        raise MissingExtraError(
            "LightGBM's library is not where its Python package keeps it",
            found=f"looked in {', '.join(map(str, folders)) or 'no folder, as lightgbm is not installed'}",
            remedy="Install it again: pip install --force-reinstall lightgbm",
        )
    library = ctypes.CDLL(str(found[0]))
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library
