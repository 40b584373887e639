"""From a feature frame to the numbers a model takes: a ColumnTransformer with explicit columns.

Everything that is learned here (medians, levels, words) is learned inside the fold, because the
transformer is a step of each candidate's pipeline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    StandardScaler,
    TargetEncoder,
)

from ml_engineer.modelling.columns import MANY_CATEGORIES, Columns

__all__ = ["ColumnList", "Preparation", "View", "prepare"]

View = Literal["scaled", "codes"]
"""What a family needs: 'scaled' for linear models, 'codes' for trees."""


@dataclass(frozen=True)
class ColumnList:
    """Columns that are treated alike, and why so, as champion.py writes it down."""

    constant: str
    columns: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Preparation:
    """A transformer and the column lists that it names."""

    transformer: ColumnTransformer
    lists: tuple[ColumnList, ...]


def prepare(columns: Columns, view: View, *, rows: int, seed: int) -> Preparation | None:
    """The preparation that a family of models needs.

    Parameters
    ----------
    columns : Columns
        Feature columns by kind.
    view : {'scaled', 'codes'}
        What the family needs.
    rows : int
        Development rows; levels and quantiles that the rows cannot support are not asked for.
    seed : int
        Random state of the cross-fitted parts.

    Returns
    -------
    Preparation or None
        None if no column can be used.
    """
    steps = _scaled(columns, rows=rows, seed=seed) if view == "scaled" else _codes(columns, seed=seed)
    chosen = [(name, step, part) for name, step, part in steps if part.columns]
    if not chosen:
        return None
    transformer = ColumnTransformer([(name, step, list(part.columns)) for name, step, part in chosen])
    return Preparation(transformer, tuple(part for _, _, part in chosen))


_Step = tuple[str, Any, ColumnList]


def _scaled(columns: Columns, *, rows: int, seed: int) -> list[_Step]:
    """Dense, comparable numbers: what a linear model needs."""
    return [
        (
            "numbers",
            Pipeline([("fill", _median()), ("scale", StandardScaler())]),
            ColumnList(
                "NUMBERS",
                columns.even,
                "A missing number becomes the median, with a flag that says so; then mean 0 and variance 1.",
            ),
        ),
        (
            "long_tails",
            Pipeline([("fill", _median()), ("spread", _quantiles(rows, seed))]),
            ColumnList(
                "LONG_TAILED_NUMBERS",
                columns.skewed,
                "Numbers with a long tail are spread to a normal shape by their ranks, so that no tail dominates.",
            ),
        ),
        ("flags", "passthrough", ColumnList("FLAGS", columns.boolean, "True and false count as 1 and 0.")),
        (
            "categories",
            OneHotEncoder(
                handle_unknown="infrequent_if_exist",
                min_frequency=10 if rows >= 2000 else 3,
                max_categories=MANY_CATEGORIES,
            ),
            ColumnList(
                "CATEGORIES",
                columns.categories,
                "One column a value; rare and unknown values share one, and missing is a value of its own.",
            ),
        ),
        (
            "many_categories",
            Pipeline([("shares", _target_encoder(seed)), ("scale", StandardScaler())]),
            _many_categories(columns),
        ),
        *_text(columns, lambda: _hashed_words(n_features=2**15)),
    ]


def _codes(columns: Columns, *, seed: int) -> list[_Step]:
    """Numbers as they are, categories as codes: what trees need."""

    def words() -> list[tuple[str, Any]]:
        return [*_hashed_words(n_features=2**12), ("topics", TruncatedSVD(n_components=32, random_state=seed))]

    return [
        (
            "numbers",
            "passthrough",
            ColumnList("NUMBERS", columns.numbers, "Trees take numbers as they are, missing ones too."),
        ),
        ("flags", "passthrough", ColumnList("FLAGS", columns.boolean, "True and false count as 1 and 0.")),
        (
            "categories",
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
            ColumnList(
                "CATEGORIES",
                columns.categories,
                "A code a value: trees split codes as they split numbers. Unknown is -1, missing is -2.",
            ),
        ),
        ("many_categories", _target_encoder(seed), _many_categories(columns)),
        *_text(columns, words),
    ]


def _many_categories(columns: Columns) -> ColumnList:
    return ColumnList(
        "MANY_CATEGORIES",
        columns.many_categories,
        "Too many values for a column each: a value becomes the mean target of its training rows, cross-fitted.",
    )


def _text(columns: Columns, words: Callable[[], list[tuple[str, Any]]]) -> list[_Step]:
    """One step per text column, because scikit-learn's vectorizers take one column at a time."""
    return [
        (
            f"text_{number}",
            Pipeline(
                [
                    ("fill", SimpleImputer(strategy="constant", fill_value="")),
                    ("flatten", FunctionTransformer(np.ravel)),
                    *words(),
                ]
            ),
            ColumnList(f"TEXT_{number}", (name,), "Running text, as the weights of its words."),
        )
        for number, name in enumerate(columns.text, start=1)
    ]


def _hashed_words(*, n_features: int) -> list[tuple[str, Any]]:
    # Hashed rather than kept in a vocabulary: skops files keep each of its words as a file of its own.
    return [
        ("words", HashingVectorizer(n_features=n_features, alternate_sign=False, norm=None)),
        ("weights", TfidfTransformer(sublinear_tf=True)),
    ]


def _median() -> SimpleImputer:
    # A fold may hold a column without any value; keeping it keeps the columns of all folds alike.
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


def _quantiles(rows: int, seed: int) -> QuantileTransformer:
    return QuantileTransformer(
        n_quantiles=max(10, min(1000, rows // 10)), output_distribution="normal", random_state=seed
    )


def _target_encoder(seed: int) -> TargetEncoder:
    # Plain folds rather than stratified ones: a class with two rows must not stop it.
    return TargetEncoder(cv=KFold(n_splits=5, shuffle=True, random_state=seed))
