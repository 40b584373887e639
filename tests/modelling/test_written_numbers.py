"""Numbers that stand inside texts."""

from __future__ import annotations

import pandas as pd
import pytest

from ml_engineer.modelling.feature_frame import feature_frame
from ml_engineer.modelling.frame_reading import Readings, WrittenColumn
from ml_engineer.vocabulary.written_numbers import written_among

KEYS = range(100, 130)


def read(cells: list[str]) -> dict[str, list[float]]:
    """What the numbers of the first two cells are."""
    written = written_among(cells)
    assert written is not None
    readings = Readings(written={"cell": WrittenColumn(written, alone=True)})
    features = feature_frame(pd.DataFrame({"cell": cells[:2]}), names=["cell"], readings=readings)
    return {str(name).removeprefix("cell__"): numbers.round(6).tolist() for name, numbers in features.items()}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["13:45", "07:05:30"], {"minutes": [825.0, 425.5], "hour": [13.0, 7.0]}),
        (["30:10", "7:05"], {"minutes": [1810.0, 425.0]}),
        (["3:15 PM", "12:05 AM"], {"minutes": [915.0, 5.0], "hour": [15.0, 0.0]}),
        (["12:30:30 p.m.", "07:05 a.m."], {"minutes": [750.5, 425.0], "hour": [12.0, 7.0]}),
        (["12am", "11 pm"], {"minutes": [0.0, 1380.0], "hour": [0.0, 23.0]}),
        (["2h 30m", "45m"], {"minutes": [150.0, 45.0]}),
        (["1 day, 2 hours", "3 min 30 sec"], {"minutes": [1560.0, 3.5]}),
        (["5'11\"", "6'"], {"inches": [71.0, 72.0]}),
        (["126.2K", "1.3M"], {"number": [126_200.0, 1_300_000.0]}),
        (["(2.60)", "3.5"], {"number": [-2.6, 3.5]}),
        (["< 7", "8.5"], {"number": [7.0, 8.5], "below": [7.0, 0.0], "above": [0.0, 0.0]}),
        (["900 g", "1.2 kg"], {"g": [900.0, 1200.0]}),
        (["35 cm", "1.2m"], {"m": [0.35, 1.2]}),
        (["1 room", "3 rooms"], {"number": [1.0, 3.0]}),
        (["87x59", "10x200"], {"1": [87.0, 10.0], "2": [59.0, 200.0]}),
        (["2 x 3.5 x 4 m", "1 x 1 x 1 m"], {"1": [2.0, 1.0], "2": [3.5, 1.0], "3": [4.0, 1.0]}),
        (["40.31, -74.15", "-3.10, 4.05"], {"1": [40.31, -3.1], "2": [-74.15, 4.05]}),
        (["48-53", "18-24"], {"1": [48.0, 18.0], "2": [53.0, 24.0]}),
        (["120/80", "99/61"], {"1": [120.0, 99.0], "2": [80.0, 61.0]}),
    ],
)
def test_cells_that_are_written_alike_are_read_as_numbers(cells: list[str], expected: dict[str, list[float]]) -> None:
    assert read(cells * 10) == expected


@pytest.mark.parametrize(
    ("cells", "measured"),
    [(["87x59", "10x20"], True), (["40.31, -74.15", "3.10, 4.05"], True), (["48-53", "18-24"], False)],
)
def test_two_numbers_are_surely_measured_only_where_no_key_is_written_so(cells: list[str], *, measured: bool) -> None:
    written = written_among(cells * 10)
    assert written is not None
    assert written.measured is measured


@pytest.mark.parametrize(
    "cells",
    [
        [f"2023-{key:06d}" for key in KEYS],
        [f"AB/{key}" for key in KEYS],
        [f"K-{key}" for key in KEYS],
        [f"{key} Main Street" for key in KEYS],
        [f"10.0.0.{key}" for key in KEYS],
        [f"{key % 12 + 1:02d}/2020" for key in KEYS],
        ["5K", "7K"] * 10,
        ["5 g", "7 s"] * 10,
        ["< 7", "< 8"] * 10,
        ["(7)", "(8)"] * 10,
        ["16:9", "4:3"] * 10,
        ["12:75", "13:80"] * 10,
        ["13:15 PM", "14:20 PM"] * 10,
        ["3:15 XM", "4:20 XM"] * 10,
        ["87x59"] * 9,
        ["87x59"] * 18 + ["large", "small"],
        ["yes", "no"] * 10,
    ],
)
def test_keys_and_what_could_mean_several_things_stay_texts(cells: list[str]) -> None:
    assert written_among(cells) is None


def test_a_few_cells_may_be_written_otherwise() -> None:
    assert read(["13:45", "noon"] + ["07:05"] * 30)["hour"][0] == 13.0
