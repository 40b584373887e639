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
        skewed=("in'come\n", "fee"),
        boolean=("flag",),
        categories=('co"lour',),
        many_categories=("class",),
        text=("{comment}",),
        constant=("one", "empty"),
        gaps=("width (mm)", "sparse"),
        rare=("fee", "sparse"),
    )


def test_a_column_told_to_be_text_is_text_however_short_its_words() -> None:
    frame = mixed_features(100)[['co"lour']]
    assert sort_columns(frame, text_columns=frozenset({'co"lour'})).text == ('co"lour',)


def test_numbers_near_the_largest_do_not_overflow() -> None:
    frame = pd.DataFrame({"huge": np.linspace(-8e307, 8e307, 50), "tail": np.geomspace(1e-300, 1e300, 50)})
    assert sort_columns(frame) == Columns(even=("huge",), skewed=("tail",))


def test_numbers_that_begin_again_are_known_by_name_and_values() -> None:
    frame = pd.DataFrame(
        {
            "hr": np.arange(48) % 24,
            "start__hour": np.arange(48.0) % 24,
            "weekday": np.arange(48) % 7,
            "mnth": 1 + np.arange(48) % 12,
            "training_hours": np.arange(48),
            "hours": np.linspace(0, 8, 48),
            "three_month": np.arange(48) % 12,
            "months_since": np.arange(48) % 12,
        }
    )
    columns = sort_columns(frame)
    assert columns.hours == ("hr", "start__hour")
    assert columns.weekdays == ("weekday",)
    assert columns.months == ("mnth", "three_month")
    assert columns.straight == ("training_hours", "hours", "months_since")


def test_columns_without_two_values_are_no_features() -> None:
    assert sort_columns(pd.DataFrame({"a": [1, 1], "b": ["x", "x"]})).usable == 0
