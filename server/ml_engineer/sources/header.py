"""Whether the first record of a delimited file or sheet holds column names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ml_engineer.sources.stamps import looks_like_stamp
from ml_engineer.vocabulary.data import ReadReport

__all__ = ["HeaderVerdict", "judge_header"]

_NUMBER = re.compile(r"[+-]?[\d.,' \u00a0]*\d[\d.]*\s?%?([eE][+-]?\d+)?")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_CELLS = 10_000
_NOTHING = {"", "?", "NA", "N/A", "n/a", "-", ".", "nan", "NaN", "NULL", "null", "None"}


@dataclass(frozen=True)
class HeaderVerdict:
    """Whether there is a header, and whether the evidence decided it.

    Parameters
    ----------
    present : bool
        The verdict.
    sure : bool
        False if nothing spoke for or against it.
    """

    present: bool
    sure: bool


def judge_header(first: Sequence[str], body: Sequence[Sequence[str]], like: ReadReport | None) -> HeaderVerdict:
    """Judge whether `first` names the columns of `body`.

    Every column votes: for a header if the first cell is text above numbers or dates, against it if the cell is
    itself a number or date, or comes again below. A name known from an earlier reading (`like`) outweighs all votes.
    """
    cells = [cell.strip() for cell in first]
    body = body[: max(_CELLS // max(len(cells), 1), 20)]
    if like is not None:
        known = {column.original_name.strip() for column in like.columns} | {column.name for column in like.columns}
        matching = sum(cell in known for cell in cells if cell)
        if matching >= 0.5 * max(sum(bool(cell) for cell in cells), 1):
            return HeaderVerdict(present=True, sure=True)
        if like.header is False and len(cells) == len(like.columns):
            return HeaderVerdict(present=False, sure=True)
    if _is_series(cells) and not all(map(_is_series, body[:3])):
        return HeaderVerdict(present=True, sure=True)
    votes = sum(
        _vote(cell, [row[place].strip() for row in body if place < len(row)]) for place, cell in enumerate(cells)
    )
    if votes:
        return HeaderVerdict(present=votes > 0, sure=True)
    typed = sum(_kind(cell) != "text" for cell in cells)
    return HeaderVerdict(present=typed == 0, sure=False)


def _is_series(cells: Sequence[str]) -> bool:
    """Whether the numbers among `cells` count on by one, as the years do that name the columns of a time series."""
    numbers = [int(cell) for cell in cells if cell.strip().isdecimal()]
    return 1 < len(numbers) < len(cells) and all(later - earlier == 1 for earlier, later in pairwise(numbers))


def _vote(cell: str, below: list[str]) -> float:
    filled = [value for value in below if value not in _NOTHING]
    if not filled or not cell:
        return 0.0
    kinds = [_kind(value) for value in filled]
    typed = sum(kind != "text" for kind in kinds) / len(kinds)
    if _kind(cell) != "text":
        # A year as the name of a column of numbers is rarer than a number among numbers.
        return -1.0 if typed > 0.5 and len(filled) > 0 else -0.5
    if typed > 0.5:
        return 0.0 if cell in _NOTHING else 1.0
    if cell in filled:
        return -1.0
    return _shape_vote(cell, filled)


def _shape_vote(cell: str, filled: list[str]) -> float:
    """For a column of text: half a vote if its cells share a length or repeat, and the first cell does not fit."""
    lengths = {len(value) for value in filled}
    if len(filled) >= 5 and len(lengths) == 1:
        return -0.25 if len(cell) in lengths else 0.5
    if len(filled) >= 10 and len(set(filled)) <= 0.2 * len(filled):
        return 0.5
    return 0.0


def _kind(value: str) -> str:
    if _NUMBER.fullmatch(value):
        return "number"
    return "date" if looks_like_stamp(value) or _CLOCK.fullmatch(value) else "text"
