"""The plan follows from structure and from what the person wishes."""

from __future__ import annotations

from typing import Any

import pytest

from ml_engineer.errors import InputError
from splitting.plans import plan


@pytest.mark.parametrize(
    ("changes", "strategy"),
    [
        ({}, "stratified"),
        ({"stratify": False}, "random"),
        ({"time_column": "day"}, "time"),
        ({"group_columns": ("id",), "groups": 90}, "grouped"),
        ({"group_columns": ("id",), "groups": 90, "time_column": "day"}, "grouped"),
        ({"group_columns": ("id",), "groups": 90, "time_column": "day", "requested": "time"}, "time"),
        ({"own_test_file": True, "time_column": "day"}, "own_test_file"),
        ({"requested": "random"}, "random"),
    ],
)
def test_the_strategy_follows_from_structure_and_wishes(changes: dict[str, Any], strategy: str) -> None:
    made = plan(**changes)
    assert made.strategy == strategy
    assert made.reason


@pytest.mark.parametrize(("rows", "fraction"), [(100, 0.4), (200, 0.4), (344, 100 / 344), (500, 0.2), (10_000, 0.2)])
def test_small_tables_hold_out_more_for_a_useful_interval(rows: int, fraction: float) -> None:
    assert plan(rows=rows).held_out_fraction == pytest.approx(fraction)


def test_the_persons_fraction_counts() -> None:
    assert plan(held_out_fraction=0.35).held_out_fraction == 0.35


@pytest.mark.parametrize(
    ("changes", "folds"),
    [
        ({}, 5),
        ({"rows": 60}, 3),
        ({"smallest_class_rows": 3}, 3),
        ({"smallest_class_rows": None}, 5),
        ({"group_columns": ("id",), "groups": 4}, 3),
        ({"group_columns": ("id",), "groups": 3}, 2),
    ],
)
def test_there_are_fewer_folds_where_there_is_less(changes: dict[str, Any], folds: int) -> None:
    assert plan(**changes).folds == folds


@pytest.mark.parametrize(
    ("changes", "repeats"),
    [
        ({}, 3),
        ({"rows": 1300}, 1),
        ({"rows": 300, "time_column": "day"}, 1),
        ({"rows": 300, "group_columns": ("id",), "groups": 90}, 3),
    ],
)
def test_few_rows_are_cut_into_folds_several_times_unless_time_orders_them(
    changes: dict[str, Any], repeats: int
) -> None:
    assert plan(**changes).repeats == repeats


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"rows": 9}, "9 rows"),
        ({"group_columns": ("id",), "groups": 2}, "2 groups"),
        ({"requested": "grouped"}, "needs group_columns"),
        ({"requested": "time"}, "needs time_column"),
        ({"requested": "own_test_file"}, "needs test_data"),
    ],
)
def test_a_split_that_cannot_be_is_refused_with_a_remedy(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as caught:
        plan(**changes)
    assert caught.value.remedy
