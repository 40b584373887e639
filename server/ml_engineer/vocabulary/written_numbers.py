"""Numbers inside texts, and how to get them out: clock times, durations, sizes, amounts in several units.

The text stays what it is in tables and requests; only features are made from it, row by row, so that a request is read
exactly as training rows were.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from pydantic import Field

from ml_engineer.vocabulary.records import Record

__all__ = ["WrittenNumbers", "written_among"]

_LOOKED_AT: Final = 2_000
_FEWEST: Final = 10
_NEARLY_ALL: Final = 0.95
_SOME: Final = 0.02
_NUMBER: Final = r"\d+(?:\.\d+)?"
_CLOCK: Final = r"(\d{1,3}):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?"
_TWELVE_HOURS: Final = (
    r"(?:(12)|(0?\d|1[01]))(?::([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?)?\s*(?:[aA]\.?[mM]\.?|([pP])\.?[mM]\.?)"
)
_LENGTHS_OF_TIME: Final = (
    r"(?=.*\d)(?:(\d+)\s*d(?:ays?)?)?[\s,]*"
    rf"(?:({_NUMBER})\s*h(?:(?:ou)?rs?)?)?[\s,]*"
    rf"(?:({_NUMBER})\s*m(?:in(?:ute)?s?)?)?[\s,]*"
    rf"(?:({_NUMBER})\s*s(?:ec(?:ond)?s?)?)?"
)
_FEET: Final = (
    rf"""(\d+)\s*(?:['\u2019\u2032]|ft\.?|feet)\s*(?:({_NUMBER})\s*(?:["\u201d\u2033]|''|in(?:ches|\.)?)?)?"""
)
_THOUSANDS: Final = rf"[$€£]?(?:({_NUMBER})\s*[kK]|({_NUMBER})\s*[mM]|({_NUMBER})\s*(?:[bB]|bn)|({_NUMBER}))"
_PARENTHESES: Final = rf"\(({_NUMBER})\)|([+-]?{_NUMBER})"
_LIMITS: Final = rf"[<\u2264]=?\s*({_NUMBER})|[>\u2265]=?\s*({_NUMBER})|([+-]?{_NUMBER})"
_UNITS: Final[tuple[Mapping[str, float], ...]] = (
    {"g": 1.0, "mg": 1e-3, "kg": 1e3},
    {"m": 1.0, "mm": 1e-3, "cm": 1e-2, "km": 1e3},
    {"l": 1.0, "ml": 1e-3, "cl": 1e-2, "dl": 1e-1},
    {"mb": 1.0, "kb": 1e-3, "gb": 1e3, "tb": 1e6},
)
"""Units of one kind, whose numbers can be told in the first of them."""
_AMOUNT: Final = re.compile(rf"\s*[+-]?{_NUMBER}\s*([A-Za-z]{{1,20}})\.?\s*")
_TOKEN: Final = re.compile(rf"(?:(?<![\d\w.)])[+-])?{_NUMBER}")
_BETWEEN: Final = re.compile(r"\s*(?:[x\u00d7*,/\u2013-]|by|to)\s*|\s+", re.IGNORECASE)
_MEASURING: Final = re.compile(r"\s*(?:[x\u00d7*]|by)\s*", re.IGNORECASE)
_MOST_TOGETHER: Final = 4
_LONGEST_FRAME: Final = 20
"""Characters before the first or behind the last number."""


class WrittenNumbers(Record):
    """What numbers the cells of a text column hold."""

    kind: str = Field(description="What the cells are, in the plural: 'clock times', 'sizes', ...")
    pattern: str = Field(
        description="Regular expression of a whole cell, with a group for each number; a P, of PM, counts as a one."
    )
    parts: dict[str, tuple[float, ...]] = Field(
        description="What is made of the numbers: a name, and by what each group is multiplied before they are added up."
    )
    measured: bool = Field(
        description="Whether the cells are measurements for sure; if not, they may be names of things as well."
    )


class _Known(NamedTuple):
    kind: str
    pattern: str
    parts: Mapping[str, tuple[float, ...]]
    # Groups that must each be filled in some cells (one number of such a kind alone says nothing), and how many of them.
    telling: tuple[int, ...] = ()
    fewest: int = 0
    # The group of plain numbers, which most cells must hold.
    plain: int | None = None


_KNOWN: Final = (
    _Known("clock times", _CLOCK, {"minutes": (60.0, 1.0, 1 / 60), "hour": (1.0, 0.0, 0.0)}),
    # Twelve is no hour of either half of a day; its group is there so that '12 AM' holds a number at all.
    _Known(
        "clock times with AM or PM",
        _TWELVE_HOURS,
        {"minutes": (0.0, 60.0, 1.0, 1 / 60, 720.0), "hour": (0.0, 1.0, 0.0, 0.0, 12.0)},
    ),
    _Known("durations", _LENGTHS_OF_TIME, {"minutes": (1440.0, 60.0, 1.0, 1 / 60)}, (0, 1, 2, 3), 2),
    _Known("feet and inches", _FEET, {"inches": (12.0, 1.0)}, (1,), 1),
    _Known("thousands and millions", _THOUSANDS, {"number": (1e3, 1e6, 1e9, 1.0)}, (0, 1, 2), 2),
    _Known("amounts, negative in parentheses", _PARENTHESES, {"number": (-1.0, 1.0)}, (0, 1), 2, plain=1),
    # What is known to lie below or above is also told apart: zero where the number itself is known.
    _Known(
        "numbers, some known to be below or above",
        _LIMITS,
        {"number": (1.0, 1.0, 1.0), "below": (1.0, 0.0, 0.0), "above": (0.0, 1.0, 0.0)},
        (0, 1),
        1,
        plain=2,
    ),
)


def written_among(cells: Iterable[str]) -> WrittenNumbers | None:
    """What numbers `cells` hold; None unless 95 % of them are written alike.

    Plain numbers, numbers with one unit and dates are read as such from files, and are not looked for.
    """
    given = list(cells)
    given = given[:: 1 + len(given) // _LOOKED_AT]
    if len(given) < _FEWEST or sum(re.search(r"\d", cell) is not None for cell in given[:20]) < 10:
        return None
    for known in _KNOWN:
        if _fits(known, given):
            parts = dict(known.parts)
            if "hour" in parts and any(int(cell.strip().split(":")[0]) > 23 for cell in given if ":" in cell):
                del parts["hour"]  # times of a day end at 23:59; these are lengths of time
            return WrittenNumbers(kind=known.kind, pattern=_whole(known.pattern), parts=parts, measured=True)
    return _in_units(given) or _together(given)


def _whole(pattern: str) -> str:
    return rf"^\s*(?:{pattern})\s*$"


def _fits(known: _Known, cells: Sequence[str]) -> bool:
    found = [match for cell in cells if (match := re.match(_whole(known.pattern), cell)) is not None]
    if len(found) < _NEARLY_ALL * len(cells):
        return False
    often = [sum(match.group(place + 1) is not None for match in found) for place in known.telling]
    if known.plain is not None and sum(match.group(known.plain + 1) is not None for match in found) < 0.5 * len(found):
        return False
    return sum(count >= max(1, _SOME * len(found)) for count in often) >= known.fewest


def _in_units(cells: Sequence[str]) -> WrittenNumbers | None:
    """Amounts in several units of one kind, or of one thing in singular and plural ('1 room', '3 rooms')."""
    words = [match[1].casefold() for cell in cells if (match := _AMOUNT.fullmatch(cell)) is not None]
    if len(words) < _NEARLY_ALL * len(cells):
        return None
    often = {word for word in set(words) if words.count(word) >= max(1, _SOME * len(words))}
    for units in _UNITS:
        if len(often) > 1 and often <= set(units):
            base = next(iter(units))
            named = sorted(often)
            either = "|".join(rf"([+-]?{_NUMBER})\s*{unit}" for unit in named)
            return WrittenNumbers(
                kind=f"amounts in {' and '.join(named)}",
                pattern=rf"(?i){_whole(either)}",
                parts={base: tuple(units[unit] for unit in named)},
                measured=True,
            )
    shortest = min(often, key=len, default="")
    if len(often) == 2 and len(shortest) > 2 and often <= {shortest, f"{shortest}s", f"{shortest}es"}:
        counted = rf"([+-]?{_NUMBER})\s*{shortest}(?:e?s)?"
        return WrittenNumbers(
            kind=f"numbers of {shortest}s", pattern=f"(?i){_whole(counted)}", parts={"number": (1.0,)}, measured=True
        )
    return None


def _together(cells: Sequence[str]) -> WrittenNumbers | None:
    """Two to four numbers with always the same between them: '87x59', '40.71, -74.01', '48-53'."""
    between = [_TOKEN.split(cell.strip()) for cell in cells]
    shape = max(between, key=between.count)
    alike = [cell for cell, marks in zip(cells, between, strict=True) if marks == shape]
    inner = shape[1:-1]
    if len(alike) < _NEARLY_ALL * len(cells) or not 1 <= len(inner) < _MOST_TOGETHER:
        return None
    if max(len(shape[0]), len(shape[-1])) > _LONGEST_FRAME:
        return None
    numbers = [_TOKEN.findall(cell) for cell in alike]
    if not all(_BETWEEN.fullmatch(mark) for mark in inner) or any(_is_padded(one) for row in numbers for one in row):
        return None
    sizes = all(_MEASURING.fullmatch(mark) for mark in inner)
    points = len(inner) == 1 and sum(all("." in one for one in row) for row in numbers) >= _NEARLY_ALL * len(numbers)
    count = len(shape) - 1
    pattern = re.escape(shape[0]) + "".join(rf"([+-]?{_NUMBER}){re.escape(mark)}" for mark in shape[1:])
    return WrittenNumbers(
        kind="sizes" if sizes else "pairs of numbers" if count == 2 else f"{count} numbers together",
        pattern=_whole(pattern),
        parts={str(place + 1): tuple(float(place == other) for other in range(count)) for place in range(count)},
        measured=sizes or points,
    )


def _is_padded(number: str) -> bool:
    """Whether a zero stands in front of digits: such a number names something."""
    return re.match(r"[+-]?0\d", number) is not None
