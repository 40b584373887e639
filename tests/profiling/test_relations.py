"""An order between two columns is a rule only where chance would have broken it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml_engineer.profiling.relations import find_relations


def test_an_order_that_always_holds_and_need_not_is_found() -> None:
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 100, 300)
    frame = pd.DataFrame({"end": start + rng.uniform(0.1, 5, 300), "start": start, "other": rng.uniform(0, 100, 300)})
    assert [relation.text for relation in find_relations(frame)] == ["start < end"]


def test_time_stamps_are_ordered_too_and_missing_ones_say_nothing() -> None:
    start = pd.Series(pd.date_range("2024-01-01", periods=200, freq="D"))
    frame = pd.DataFrame({"opened": start, "closed": (start + pd.Timedelta(days=3)).where(start.dt.day != 5)})
    assert [relation.text for relation in find_relations(frame)] == ["opened < closed"]


def test_ranges_that_never_meet_are_no_relation() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.uniform(18, 90, 500), "income": rng.uniform(1_000, 90_000, 500)})
    assert find_relations(frame) == ()


def test_few_rows_and_equal_columns_are_no_relation() -> None:
    numbers = np.arange(500.0)
    assert find_relations(pd.DataFrame({"a": numbers, "b": numbers})) == ()
    assert find_relations(pd.DataFrame({"a": numbers[:50], "b": numbers[:50] + 1})) == ()
