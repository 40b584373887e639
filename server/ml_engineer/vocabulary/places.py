"""Pairs of columns that together say where something is: a latitude and a longitude of one name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

__all__ = ["Place", "places_among"]

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Short words only where they stand alone: 'flat' and 'belong' are no coordinates.
_COORDINATE: Final = re.compile(
    r"(?P<before>.*?)"
    r"(?:(?:latitude|breitengrad|(?<![a-z])lat(?![a-z]))(?P<latitude>)"
    r"|(?:longitude|l(?:ae|ä)ngengrad|(?<![a-z])(?:lon|lng|long)(?![a-z]))(?P<longitude>))"
    r"(?P<after>.*)",
    re.DOTALL,
)
_FURTHEST: Final = {"latitude": 90.0, "longitude": 180.0}
_ORDINAL: Final = re.compile(r"[a-z]?\d+")
_MOST: Final = 3


class Place(NamedTuple):
    """Two columns of degrees that say where something is, and what the rest of their names calls it."""

    name: str
    latitude: str
    longitude: str


def places_among(columns: Iterable[tuple[str, float | None]]) -> list[Place]:
    """The places among columns, in column order: at most three.

    Parameters
    ----------
    columns : iterable of (str, float or None)
        Names of numeric columns, each with its median. A median that is no such angle speaks against the name; single cells
        do not, for a few are wrong in most tables.

    Returns
    -------
    list of Place
        Of columns whose names are the same but for the word: ``pickup_lat`` and ``pickup_lng``.
    """
    halves: dict[str, dict[str, str]] = {}
    for name, median in columns:
        found = _COORDINATE.fullmatch(_CAMEL.sub("_", name).casefold())
        if found is None or median is None:
            continue
        half = "latitude" if found["latitude"] is not None else "longitude"
        if abs(median) <= _FURTHEST[half]:
            rest = "_".join(re.findall(r"\w+", f"{found['before']} {found['after']}".replace("_", " ")))
            halves.setdefault(rest, {}).setdefault(half, name)
    _join_numbered(halves)
    places = [Place(rest or "place", **half) for rest, half in halves.items() if len(half) == 2]
    return places[:_MOST]


def _join_numbered(halves: dict[str, dict[str, str]]) -> None:
    """Put halves together whose names differ by the number of their column alone, as in ``X5 latitude``, ``X6 longitude``."""
    alone: dict[str, list[str]] = {}
    for rest, half in halves.items():
        if len(half) == 1:
            alone.setdefault("_".join(word for word in rest.split("_") if not _ORDINAL.fullmatch(word)), []).append(
                rest
            )
    for rests in alone.values():
        if len(rests) == 2 and {*halves[rests[0]], *halves[rests[1]]} == set(_FURTHEST):
            halves[rests[0]] |= halves.pop(rests[1])
