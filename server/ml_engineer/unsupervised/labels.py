"""A column of known anomalies, which is never learned from and only judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from ml_engineer.errors import InputError, UnsupportedTaskError
from ml_engineer.unsupervised.choosing import Labels

__all__ = ["MANY", "LabelReading", "labels_of", "read_labels"]

MANY: Final = 50
"""Known anomalies from which on a model that learns from them usually finds more."""

_MOST_SHARE: Final = 0.5


@dataclass(frozen=True)
class LabelReading:
    """What the column holds.

    Parameters
    ----------
    positive : str
        The value that marks an anomaly.
    values : tuple of str
        All values, in sorted order.
    positive_rows, known_rows : int
        Rows with it, and rows whose label is known.
    rest_is_normal : bool
        Whether only anomalies are marked, so that rows without a label are taken for usual ones.
    """

    positive: str
    values: tuple[str, ...]
    positive_rows: int
    known_rows: int
    rest_is_normal: bool


def read_labels(column: pd.Series, *, positive: str | None) -> LabelReading:
    """Which rows are known anomalies.

    Parameters
    ----------
    column : pandas.Series of shape (n,)
        The labels of all rows; they may be missing.
    positive : str, optional
        The value that marks an anomaly, if the person said.

    Raises
    ------
    InputError
        If nothing is marked, or `positive` is no value.
    UnsupportedTaskError
        If the column is no label of anomalies: more than two values, or as many anomalies as other rows.
    """
    texts = column.dropna().astype(str)
    counts = texts.value_counts()
    values = tuple(sorted(str(value) for value in counts.index))
    if not values:
        raise InputError(
            f"The column {column.name!r} marks no row",
            found="it is empty",
            remedy="Leave target out, or name a column that marks known anomalies",
        )
    if len(values) > 2:
        raise UnsupportedTaskError(
            f"The column {column.name!r} does not mark anomalies",
            found=f"{len(values)} different values, e.g. {', '.join(repr(value) for value in values[:4])}",
            remedy="Name a column with two values (or one, and missing elsewhere); to predict it, leave task_type out",
        )
    if positive is not None and positive not in values:
        raise InputError(
            f"There is no value {positive!r} in {column.name!r} (positive_class)",
            found=f"its values are {' and '.join(repr(value) for value in values)}",
            remedy="Pass one of them as positive_class",
        )
    rarer = min(values, key=lambda value: int(counts[value]))
    flags = {"1", "1.0", "True", "true", "yes", "y", "anomaly", "fraud", "outlier"}
    chosen = positive or next((value for value in values if value in flags), rarer)
    marked, alone = int(counts[chosen]), len(values) == 1
    known = len(column) if alone else len(texts)
    if marked > _MOST_SHARE * known or (alone and marked == len(column)):
        raise UnsupportedTaskError(
            f"{chosen!r} in {column.name!r} is no anomaly",
            found=f"{marked:,} of {known:,} rows have it",
            remedy="Pass positive_class with the rarer value, or leave task_type out to predict the column",
        )
    return LabelReading(chosen, values, marked, known, rest_is_normal=alone)


def labels_of(column: pd.Series, reading: LabelReading) -> Labels:
    """The label of each row."""
    known = np.ones(len(column), dtype=bool) if reading.rest_is_normal else column.notna().to_numpy()
    return Labels(known=known, positive=(column.astype(str) == reading.positive).to_numpy() & column.notna().to_numpy())
