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
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.random_projection import SparseRandomProjection

from ml_engineer.modelling.columns import CYCLES, MANY_CATEGORIES, Columns
from ml_engineer.modelling.text_vectors import TextVectors

__all__ = ["ColumnList", "Preparation", "TargetType", "View", "prepare"]

View = Literal[
    "scaled", "dense", "splines", "codes", "bags", "levels", "shares", "crossed", "words", "terms", "vectors"
]
"""What a family needs: 'scaled' and 'splines' for models that add up numbers, 'dense' for models whose size grows with
the columns, 'codes' for LightGBM, 'levels' for CatBoost, 'shares' for trees that know no categories, 'crossed' for those whose cuts need sums and ratios too, 'words' for models of running text, 'terms' for
those of nothing else, 'bags' for LightGBM on words, 'vectors' for models of what a text means."""

_FURTHEST = 4.0
"""Standard deviations from the mean. Ames, three splits: lines, lasso, kernels, support vectors and neighbours erred 3 to 14 %
less than with numbers as far out as they are, but kernels on one split 4 % more; breast cancer, diabetes, german credit: no difference
beyond noise."""
TargetType = Literal["binary", "multiclass", "multilabel", "continuous", "survival"]
_WITHOUT_MEANS: frozenset[TargetType] = frozenset({"multilabel", "survival"})
_MOST_VALUES = 100
_MOST_CROSSED = 30
_MOST_BENT = 100
"""With more numbers than this, splines would make too many columns."""
_KNOTS = {"hours": 3.0, "weekdays": 1.0, "months": 2.0, "year_days": 45.75}
"""Distance of the knots of a curve: about as fine as what people do changes."""


@dataclass(frozen=True)
class ColumnList:
    """Columns that are treated alike, and why so, as champion.py writes it down."""

    constant: str
    columns: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Preparation:
    """A transformer and the column lists that it names.

    Parameters
    ----------
    transformer : sklearn.compose.ColumnTransformer
        Unfitted.
    lists : tuple of ColumnList
        The columns that it takes.
    category_positions : tuple of int
        Which columns of its output are codes of categories: the first ones; 'codes' and 'levels' only.
    """

    transformer: ColumnTransformer
    lists: tuple[ColumnList, ...]
    category_positions: tuple[int, ...] = ()


def prepare(
    columns: Columns,
    view: View,
    *,
    rows: int,
    seed: int,
    target_type: TargetType,
    text_model: str = "",
) -> Preparation | None:
    """The preparation that a family of models needs.

    Parameters
    ----------
    columns : Columns
        Feature columns by kind.
    view : View
        What the family needs.
    rows : int
        Rows there are; rare categories are merged more eagerly if there are many, and quantiles that the rows cannot
        support are not asked for.
    seed : int
        Random state of the cross-fitted parts.
    target_type : {'binary', 'multiclass', 'multilabel', 'continuous', 'survival'}
        What the means of a category are means of. Told, because whole numbers would be taken for classes. Of several labels
        a row there is no one mean, and of times that are signed by whether an event happened a mean tells how rows were
        followed as much as their risk: there a category has a column for each of its frequent values.
    text_model : str
        Folder of a static embedding model; without one there is no view 'vectors'.

    Returns
    -------
    Preparation or None
        None if the view can use no column, or is no better than a simpler one.
    """
    steps = _STEPS[view](_Facts(columns, rows, seed, target_type, text_model))
    chosen = [(name, step, part) for name, step, part in steps if part.columns]
    if not chosen:
        return None
    transformer = ColumnTransformer([(name, step, list(part.columns)) for name, step, part in chosen])
    if view == "levels":
        transformer.set_output(transform="pandas")  # CatBoost takes whole numbers for categories, not floats
    coded = sum(len(part.columns) for _, _, part in chosen if part.constant in _CODED) if view in _CODING else 0
    lists = tuple(dict.fromkeys(part for _, _, part in chosen))
    return Preparation(transformer, lists, tuple(range(coded)))


_Step = tuple[str, Any, ColumnList]
_CODED = frozenset({"CATEGORIES", "MANY_CATEGORIES"})
_CODING = frozenset({"codes", "bags", "levels"})


@dataclass(frozen=True)
class _Facts:
    """What a view is made from."""

    columns: Columns
    rows: int
    seed: int
    target_type: TargetType
    text_model: str = ""

    @property
    def has_means(self) -> bool:
        return self.target_type not in _WITHOUT_MEANS

    def by_target(self, means: str) -> str:
        """Why a category is treated as `target_means` does."""
        return means if self.has_means else f"One column for each of its {_MOST_VALUES} most frequent values."

    def target_means(self) -> TargetEncoder | OneHotEncoder:
        if not self.has_means:
            return OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=_MOST_VALUES, sparse_output=False)
        # Plain folds rather than stratified ones: a class with two rows must not stop it.
        folds = KFold(n_splits=5, shuffle=True, random_state=self.seed)
        return TargetEncoder(target_type=self.target_type, cv=folds)


def _scaled(facts: _Facts) -> list[_Step]:
    """Comparable numbers: what a linear model needs."""
    # Not by their ranks: a column that is zero for nearly all rows would get its few other values far out.
    even = Pipeline([("fill", _median()), ("scale", StandardScaler()), ("cut", _cut())])
    long_tails = Pipeline([("fill", _median()), ("shorten", _shorten()), ("scale", StandardScaler()), ("cut", _cut())])
    # Such a column's variance is next to nothing: in its units the few other values would lie tens of steps away.
    rare = Pipeline([("fill", _median()), ("shorten", _shorten()), ("scale", MinMaxScaler(clip=True))])
    return [
        ("numbers", even, _even(facts.columns)),
        ("long_tails", long_tails, _long_tailed(facts.columns)),
        ("rare_numbers", rare, _rare(facts.columns)),
        *_turning(facts.columns),
        *_one_hot(facts),
        *_text(facts.columns, lambda: _hashed_words(n_features=2**15)),
    ]


def _shorten() -> FunctionTransformer:
    return FunctionTransformer(np.arcsinh)


def _cut() -> FunctionTransformer:
    """No number further from the mean than `_FURTHEST`: lines and networks would go on beyond what they know."""
    return FunctionTransformer(np.clip, kw_args={"a_min": -_FURTHEST, "a_max": _FURTHEST})


def _dense(facts: _Facts) -> list[_Step]:
    """Comparable numbers and few of them: text by its topics."""
    rest = [step for step in _scaled(facts) if not step[0].startswith("text_")]
    return [*rest, *_text(facts.columns, lambda: _topics(facts.seed))]


def _splines(facts: _Facts) -> list[_Step]:
    """Curves instead of straight lines."""
    if not facts.columns.numbers or len(facts.columns.numbers) > _MOST_BENT or facts.columns.text:
        return []
    bent = Pipeline(
        [
            ("fill", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("rank", QuantileTransformer(n_quantiles=_quantiles(facts.rows), random_state=facts.seed)),
            ("bend", SplineTransformer(n_knots=6, include_bias=False)),
        ]
    )
    return [
        ("numbers", bent, _numbers(facts.columns, "Numbers bend: smooth curves over their ranks, not straight lines.")),
        (
            "gaps",
            MissingIndicator(features="all"),
            ColumnList("NUMBERS_WITH_GAPS", facts.columns.gaps, "Whether a number is missing may tell something."),
        ),
        *_one_hot(facts),
    ]


def _codes(facts: _Facts) -> list[_Step]:
    """Numbers as they are, categories as codes that LightGBM is told of."""

    def coded() -> OrdinalEncoder:
        return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=np.nan)

    return [
        (
            "categories",
            coded(),
            _categories(facts.columns, "A code a value; LightGBM groups codes, it does not order them."),
        ),
        ("many_categories", coded(), _many_categories(facts.columns, "The same for columns with many values.")),
        *_plain_numbers(facts.columns),
        *_text(facts.columns, lambda: _topics(facts.seed)),
    ]


def _bags(facts: _Facts) -> list[_Step]:
    """What LightGBM takes, and running text by its words instead of its topics."""
    if not facts.columns.text:
        return []
    rest = [step for step in _codes(facts) if not step[0].startswith("text_")]
    return [*rest, *_text(facts.columns, lambda: _hashed_words(n_features=2**12))]


def _levels(facts: _Facts) -> list[_Step]:
    """Numbers as they are, categories as whole numbers that CatBoost turns into target means in an order of rows."""

    def coded() -> OrdinalEncoder:
        return OrdinalEncoder(
            dtype=np.int32, handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
        )

    return [
        (
            "categories",
            coded(),
            _categories(facts.columns, "A code a value; CatBoost makes target means of earlier rows."),
        ),
        ("many_categories", coded(), _many_categories(facts.columns, "The same for columns with many values.")),
        *_plain_numbers(facts.columns),
    ]


def _shares(facts: _Facts) -> list[_Step]:
    """Numbers as they are, a category as the mean target of its training rows, cross-fitted."""
    why = facts.by_target("A value becomes the mean target of its training rows, cross-fitted.")
    return [
        *_plain_numbers(facts.columns),
        ("categories", facts.target_means(), _categories(facts.columns, why)),
        ("many_categories", facts.target_means(), _many_categories(facts.columns, why)),
        *_text(facts.columns, lambda: _topics(facts.seed)),
    ]


def _crossed(facts: _Facts) -> list[_Step]:
    """What 'shares' has, and random sums and ratios of two numbers each, which a cut along one number cannot see."""
    numbers = len(facts.columns.numbers)
    if numbers < 2:
        return _shares(facts)

    def two_each(first_seed: int) -> FeatureUnion:
        # Several draws, because scikit-learn warns of one that has more columns than it is made from.
        draws = -(-min(_MOST_CROSSED, numbers * (numbers - 1)) // numbers)
        share = round(min(1.0, 2 / numbers), 6)
        several = [
            SparseRandomProjection(
                min(_MOST_CROSSED, numbers), density=share, dense_output=True, random_state=first_seed + draw
            )
            for draw in range(draws)
        ]
        return FeatureUnion([(f"draw_{number}", one) for number, one in enumerate(several, start=1)])

    def filled() -> SimpleImputer:
        return SimpleImputer(strategy="median", keep_empty_features=True)

    sums = Pipeline([("fill", filled()), ("scale", StandardScaler()), ("cross", two_each(facts.seed))])
    # A sum of logarithms is the logarithm of a product or of a ratio, and trees do not mind the logarithm.
    ratios = Pipeline([("fill", filled()), ("shorten", _shorten()), ("cross", two_each(facts.seed + _MOST_CROSSED))])
    plain = _shares(facts)
    listed = plain[0][2]
    return [*plain, ("sums", sums, listed), ("ratios", ratios, listed)]


def _words(facts: _Facts) -> list[_Step]:
    """Running text by its words, pairs of words and pieces of words, beside the scaled rest."""
    if not facts.columns.text:
        return []
    rest = [step for step in _scaled(facts) if not step[0].startswith("text_")]
    return [*rest, *_terms(facts)]


def _terms(facts: _Facts) -> list[_Step]:
    """Running text alone, by its words, pairs of words and pieces of words: nothing is negative."""
    places = _places(facts.rows)

    def pieces() -> list[tuple[str, Any]]:
        union = FeatureUnion(
            [
                ("words", HashingVectorizer(n_features=places, ngram_range=(1, 2), alternate_sign=False, norm=None)),
                (
                    "pieces",
                    HashingVectorizer(
                        n_features=places, analyzer="char_wb", ngram_range=(2, 5), alternate_sign=False, norm=None
                    ),
                ),
            ]
        )
        return [("parts", union), ("weights", TfidfTransformer(sublinear_tf=True))]

    return _text(facts.columns, pieces)


def _vectors(facts: _Facts) -> list[_Step]:
    """Running text by the vectors of a text model, beside the scaled rest."""
    if not facts.columns.text or not facts.text_model:
        return []
    rest = [step for step in _scaled(facts) if not step[0].startswith("text_")]

    def meaning() -> list[tuple[str, Any]]:
        return [("vectors", TextVectors(facts.text_model)), ("scale", StandardScaler())]

    return [*rest, *_text(facts.columns, meaning, "as the vector that a text model gives it")]


def _places(rows: int) -> int:
    """As many places for hashed words as the rows can fill: a weight for each that is empty would only cost time."""
    return 2 ** int(np.clip(np.ceil(np.log2(20 * rows)), 12, 17))


_STEPS: dict[View, Callable[[_Facts], list[_Step]]] = {
    "scaled": _scaled,
    "dense": _dense,
    "splines": _splines,
    "codes": _codes,
    "bags": _bags,
    "levels": _levels,
    "shares": _shares,
    "crossed": _crossed,
    "words": _words,
    "terms": _terms,
    "vectors": _vectors,
}


def _plain_numbers(columns: Columns) -> list[_Step]:
    return [
        ("numbers", "passthrough", _numbers(columns, "Trees take numbers as they are, missing ones too.")),
        ("flags", "passthrough", _flags(columns)),
    ]


def _one_hot(facts: _Facts) -> list[_Step]:
    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=10 if facts.rows >= 2000 else 3,
        max_categories=MANY_CATEGORIES,
    )
    why = "One column a value; rare and unknown values share one, and missing is a value of its own."
    many = facts.by_target(
        "Too many values for a column each: a value becomes the mean target of its training rows, cross-fitted."
    )
    return [
        ("flags", "passthrough", _flags(facts.columns)),
        ("categories", one_hot, _categories(facts.columns, why)),
        (
            "many_categories",
            Pipeline([("shares", facts.target_means()), ("scale", StandardScaler())]),
            _many_categories(facts.columns, many),
        ),
    ]


def _even(columns: Columns) -> ColumnList:
    why = (
        "A missing number becomes the median, with a flag that says so; then mean 0 and variance 1, and nothing beyond "
        f"{_FURTHEST:g} standard deviations, so that no row unlike the others pulls or is carried away."
    )
    return ColumnList("EVEN_NUMBERS", columns.straight, why)


def _turning(columns: Columns) -> list[_Step]:
    """Curves around the clock and the year for numbers that begin again."""
    steps: list[_Step] = []
    for cycle, period in CYCLES.items():
        names, step = getattr(columns, cycle), _KNOTS[cycle]
        knots = [[float(knot)] * len(names) for knot in np.arange(0, period + step, step)]
        curve = SplineTransformer(knots=knots, extrapolation="periodic", include_bias=False)
        turn = Pipeline([("fill", SimpleImputer(strategy="most_frequent", keep_empty_features=True)), ("turn", curve)])
        why = f"Numbers that begin again after {period:g}: a smooth curve whose ends meet."
        steps.append((cycle, turn, ColumnList(cycle.upper(), names, why)))
    return steps


def _long_tailed(columns: Columns) -> ColumnList:
    why = "Numbers with a long tail are shortened like by a logarithm (arcsinh takes any sign), so that no tail dominates."
    return ColumnList("LONG_TAILED_NUMBERS", columns.long_tailed, why)


def _rare(columns: Columns) -> ColumnList:
    why = "Numbers that are one value in nearly all rows: from 0 to 1 over what was seen, so that a rare value weighs no more."
    return ColumnList("RARE_NUMBERS", columns.rare, why)


def _numbers(columns: Columns, why: str) -> ColumnList:
    return ColumnList("NUMBERS", columns.numbers, why)


def _flags(columns: Columns) -> ColumnList:
    return ColumnList("FLAGS", columns.boolean, "True and false count as 1 and 0.")


def _categories(columns: Columns, why: str) -> ColumnList:
    return ColumnList("CATEGORIES", columns.categories, why)


def _many_categories(columns: Columns, why: str) -> ColumnList:
    return ColumnList("MANY_CATEGORIES", columns.many_categories, why)


def _text(
    columns: Columns, words: Callable[[], list[tuple[str, Any]]], why: str = "as the weights of its words"
) -> list[_Step]:
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
            ColumnList(f"TEXT_{number}", (name,), f"Running text, {why}."),
        )
        for number, name in enumerate(columns.text, start=1)
    ]


def _hashed_words(*, n_features: int) -> list[tuple[str, Any]]:
    # Hashed rather than kept in a vocabulary: skops files keep each of its words as a file of its own.
    return [
        ("words", HashingVectorizer(n_features=n_features, alternate_sign=False, norm=None)),
        ("weights", TfidfTransformer(sublinear_tf=True)),
    ]


def _topics(seed: int) -> list[tuple[str, Any]]:
    # Texts of few words have fewer topics than asked for; the rest is numerical noise, which trees would split on.
    rounded = FunctionTransformer(np.round, kw_args={"decimals": 6})
    topics = TruncatedSVD(n_components=32, random_state=seed)
    return [*_hashed_words(n_features=2**12), ("topics", topics), ("rounded", rounded)]


def _median() -> SimpleImputer:
    # A fold may hold a column without any value; keeping it keeps the columns of all folds alike.
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


def _quantiles(rows: int) -> int:
    return max(10, min(1000, rows // 10))
