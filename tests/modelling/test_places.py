"""Columns that together say where something is."""

from __future__ import annotations

import pytest

from ml_engineer.vocabulary.places import Place, places_among


@pytest.mark.parametrize(
    ("names", "place"),
    [
        (("lat", "lon"), "place"),
        (("Latitude", "Longitude"), "place"),
        (("pickup_latitude", "pickup_longitude"), "pickup"),
        (("startLat", "startLng"), "start"),
        (("Start station latitude", "Start station longitude"), "start_station"),
        (("LAT (deg)", "LONG (deg)"), "deg"),
        (("homelatitude", "homelongitude"), "home"),
        (("Breitengrad", "Längengrad"), "place"),
        (("X5 latitude", "X6 longitude"), "x6"),
    ],
)
def test_two_names_that_differ_by_the_word_alone_are_a_place(names: tuple[str, str], place: str) -> None:
    columns = [("price", 3.0), (names[1], 8.0), (names[0], 51.0)]
    assert places_among(columns) == [Place(place, names[0], names[1])]


@pytest.mark.parametrize(
    "columns",
    [
        [("lat", 51.0)],
        [("flat", 51.0), ("belong", 8.0)],
        [("home_lat", 51.0), ("shop_lon", 8.0)],
        [("lat", 5_700_000.0), ("lon", 400_000.0)],
        [("lat", None), ("lon", 8.0)],
        [("stop1_lat", 51.0), ("stop2_lon", 8.0)],
        [("x1 lat", 51.0), ("x2 lat", 51.0), ("x3 lon", 8.0)],
        [("plates", 51.0), ("longest", 8.0)],
    ],
)
def test_anything_else_is_none(columns: list[tuple[str, float | None]]) -> None:
    assert places_among(columns) == []


def test_many_places_are_cut_off_at_three() -> None:
    columns = [(f"stop{number}_{half}", 8.0) for number in range(5) for half in ("lat", "lon")]
    assert [place.name for place in places_among(columns)] == ["stop0", "stop1", "stop2"]
