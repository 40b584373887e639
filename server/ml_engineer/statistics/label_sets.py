"""Sets of labels: one text a row in tables, one column of 0 and 1 a label where something is computed.

In a table a set is a JSON list of its labels in sorted order, ``["comedy", "drama"]``: it holds any label, and tells a row
without labels, ``[]``, from one of which nothing is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = [
    "USUAL_THRESHOLD",
    "as_matrix",
    "called_labels",
    "chosen_columns",
    "chosen_labels",
    "holds_label_sets",
    "labels_in",
    "membership",
    "rarest_label",
    "set_as_text",
    "text_as_set",
]

Floats = npt.NDArray[np.float64]

USUAL_THRESHOLD = 0.5


def set_as_text(labels: Iterable[str]) -> str:
    """A set of labels as a cell holds it; each label once, in sorted order."""
    return json.dumps(sorted(set(labels)), ensure_ascii=False)


def text_as_set(cell: str) -> list[str]:
    """The labels of a cell."""
    return [str(label) for label in json.loads(cell)]


def holds_label_sets(column: pd.Series) -> bool:
    """Whether every filled cell is a set of labels as `set_as_text` writes it."""
    if not isinstance(column.dtype, pd.StringDtype):
        return False
    distinct = column.dropna().unique()
    if not len(distinct) or not all(cell.startswith("[") for cell in distinct):
        return False
    try:
        return all(set_as_text(text_as_set(cell)) == cell for cell in distinct)
    except (ValueError, TypeError):
        return False


def labels_in(column: pd.Series) -> tuple[str, ...]:
    """Every label that some row has, in sorted order."""
    return tuple(sorted({label for cell in column.dropna().unique() for label in text_as_set(cell)}))


def membership(column: pd.Series, labels: Sequence[str]) -> npt.NDArray[np.int64]:
    """Which row has which label: cells (n,) to 0 and 1, shape (n, k); labels that are not asked for are passed over."""
    place = {label: code for code, label in enumerate(labels)}
    codes, cells = pd.factorize(column)
    known = np.zeros((len(cells) + 1, len(labels)), dtype=np.int64)
    for row, cell in enumerate(cells):
        known[row, [place[label] for label in text_as_set(cell) if label in place]] = 1
    return np.asarray(known[codes])  # the last row serves empty cells


def rarest_label(column: pd.Series) -> npt.NDArray[np.int64]:
    """The stratum of each row, (n,) from 0: the rarest of its labels, after all of them rows without any.

    What is kept in proportion is then exactly that of the labels that are hardest to spread, as iterative stratification
    does it (Sechidis, Tsoumakas and Vlahavas 2011, On the stratification of multi-label data), and nearly that of the
    others, which are shared out with the strata of rarer ones. A row's stratum depends on no other row's fold, so that
    rows keep their side when a table is read again.
    """
    has = membership(column, labels_in(column))
    order = np.argsort(has.sum(axis=0), kind="stable")
    first = np.argmax(has[:, order], axis=1)
    stratum = np.where(has.any(axis=1), first, len(order))
    return np.asarray(np.unique(stratum, return_inverse=True)[1], dtype=np.int64)


def as_matrix(given: Any, classes: Any = None) -> Floats:
    """What a model of several labels says as probabilities of shape (n, k).

    Parameters
    ----------
    given : numpy.ndarray of shape (n, k), or list of k arrays of shape (n, 1 or 2)
        What ``predict_proba`` gave: scikit-learn's forests and neighbours give a list, its other models a matrix.
    classes : list of k arrays, optional
        ``classes_`` of the model, where it gave a list: a label that no row, or every row, of training had has one class.
    """
    if not isinstance(given, list):
        return np.asarray(given, dtype=float)
    columns = []
    for place, part in enumerate(given):
        known = [0, 1] if classes is None else [int(one) for one in classes[place]]
        columns.append(np.asarray(part, dtype=float)[:, known.index(1)] if 1 in known else np.zeros(len(part)))
    return np.column_stack(columns)


def called_labels(probabilities: Floats, threshold: float | None) -> npt.NDArray[np.int64]:
    """Which labels are chosen, 0 and 1 of shape (n, k): those with at least this probability, by default one half."""
    return (probabilities >= (USUAL_THRESHOLD if threshold is None else threshold)).astype(np.int64)


def chosen_columns(predicted: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    """Chosen labels, 0 and 1 of shape (n, k), as columns of a table: ``predicted``, their number, and ``c0`` to ``c{k-1}``."""
    return {"predicted": predicted.sum(axis=1)} | {f"c{code}": predicted[:, code] for code in range(predicted.shape[1])}


def chosen_labels(table: pd.DataFrame, labels: int) -> npt.NDArray[np.int64]:
    """What `chosen_columns` put into a table."""
    return table[[f"c{code}" for code in range(labels)]].to_numpy().astype(np.int64)
