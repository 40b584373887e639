"""Feature columns by kind."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml_engineer.modelling.columns import Columns, sort_columns
from modelling.tables import mixed_features


def test_each_column_goes_to_its_kind() -> None:
    frame = mixed_features(400).assign(one="same", empty=np.nan, sparse=pd.Series([1.0] + [np.nan] * 399))
    assert sort_columns(frame) == Columns(
        even=("width (mm)", "count", "sparse"),
        skewed=("in'come\n",),
        boolean=("flag",),
        categories=('co"lour',),
        many_categories=("class",),
        text=("{comment}",),
        constant=("one", "empty"),
        gaps=("width (mm)", "sparse"),
    )


def test_a_column_told_to_be_text_is_text_however_short_its_words() -> None:
    frame = mixed_features(100)[['co"lour']]
    assert sort_columns(frame, text_columns=frozenset({'co"lour'})).text == ('co"lour',)


def test_numbers_near_the_largest_do_not_overflow() -> None:
    frame = pd.DataFrame({"huge": np.linspace(-8e307, 8e307, 50), "tail": np.geomspace(1e-300, 1e300, 50)})
    assert sort_columns(frame) == Columns(even=("huge",), skewed=("tail",))


def test_columns_without_two_values_are_no_features() -> None:
    assert sort_columns(pd.DataFrame({"a": [1, 1], "b": ["x", "x"]})).usable == 0
