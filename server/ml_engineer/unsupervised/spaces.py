"""The space in which rows are near or far: numbers on one scale, categories as far apart as two usual numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, PowerTransformer, StandardScaler

__all__ = ["Block", "Space", "blocks_of", "build_space"]

_SKEWED: Final = 2.0
_MOST_CATEGORIES: Final = 12

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Space:
    """How features become a space.

    Parameters
    ----------
    transformer : ColumnTransformer
        Unfitted.
    lists : dict of str to list of str
        The columns that its parts take, by the name that generated code gives the list.
    """

    transformer: ColumnTransformer
    lists: dict[str, list[str]]


@dataclass(frozen=True)
class Block:
    """Prepared columns that stem from one feature.

    Parameters
    ----------
    columns : numpy.ndarray of int
        Their places.
    numeric : bool
        Whether it is one number, and not the indicators of a category.
    """

    columns: npt.NDArray[np.intp]
    numeric: bool


def build_space(features: pd.DataFrame, *, flags_are_words: bool) -> Space:
    """Choose how each feature enters.

    Numbers get mean 0 and variance 1, strongly skewed ones after a power transform (Yeo and Johnson 2000), so that a few
    large values do not make the distance. A category becomes indicators: two rows with different ones lie as far apart as
    two usual values of a number.

    Parameters
    ----------
    features : pandas.DataFrame of shape (n, d)
        What features.py made of development rows: numbers, truth values or texts.
    flags_are_words : bool
        Whether numbers with two values count as categories; otherwise a rare one is a far value, as a search for
        anomalies needs it.
    """
    lists: dict[str, list[str]] = {"NUMBERS": [], "SKEWED": [], "WORDS": []}
    for name in features.columns:
        lists[_list_of(features[name], flags_are_words=flags_are_words)].append(str(name))
    parts = {
        "NUMBERS": make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()),
        "SKEWED": make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), PowerTransformer()),
        "WORDS": OneHotEncoder(
            handle_unknown="infrequent_if_exist", max_categories=_MOST_CATEGORIES, sparse_output=False
        ),
    }
    used = {key: columns for key, columns in lists.items() if columns}
    transformer = ColumnTransformer([(key.lower(), parts[key], columns) for key, columns in used.items()])
    return Space(transformer, used)


def _list_of(column: pd.Series, *, flags_are_words: bool) -> str:
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        return "WORDS"
    known = column.dropna().astype(float)
    if known.nunique() <= 2:
        return "WORDS" if flags_are_words else "NUMBERS"
    return "SKEWED" if abs(float(known.to_frame().skew().iloc[0])) > _SKEWED else "NUMBERS"


def blocks_of(transformer: ColumnTransformer) -> list[Block]:
    """The prepared columns of a fitted space, feature by feature."""
    blocks: list[Block] = []
    for name, part, _ in transformer.transformers_:
        place = transformer.output_indices_[name]
        if name != "words":
            blocks += [Block(np.array([at]), numeric=True) for at in range(place.start, place.stop)]
            continue
        encoder: OneHotEncoder = part[-1] if isinstance(part, Pipeline) else part
        at = place.start
        for rare, known in zip(encoder.infrequent_categories_, encoder.categories_, strict=True):
            width = len(known) if rare is None else len(known) - len(rare) + 1
            blocks.append(Block(np.arange(at, at + width), numeric=False))
            at += width
    return blocks
