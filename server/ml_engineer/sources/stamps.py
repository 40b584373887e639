"""Dates and times stored as text: which notation a column uses, and the moments it means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["ISO", "guess_stamp_formats", "has_zone", "looks_like_stamp", "parse_stamps"]

ISO = "ISO8601"
_TIME = r"(?P<time>\d{1,2}:\d{2})(?P<seconds>:\d{2})?(?P<fraction>[.,]\d+)?(?P<half>\s?[AaPp][Mm])?"
_ZONE = r"(?P<zone>\s?(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?"
_MONTH = r"(?P<month>[A-Za-z]{3,9})\.?"
_ISO_CELL = re.compile(rf"\d{{4}}-\d{{2}}(?:-\d{{2}}(?:[T ]{_TIME}{_ZONE})?)?")
_CLOCK = rf"(?:(?P<gap>[T ]|,\s)\s?{_TIME}{_ZONE})?"
_ORDERS = (
    (re.compile(rf"(\d{{4}})(?P<mark>[/.])\d{{1,2}}(?P=mark)\d{{1,2}}{_CLOCK}"), ("%Y{m}%m{m}%d",)),
    (
        re.compile(rf"\d{{1,2}}(?P<mark>[-/.])\d{{1,2}}(?P=mark)\d{{4}}{_CLOCK}"),
        ("%d{m}%m{m}%Y", "%m{m}%d{m}%Y"),
    ),
    (
        re.compile(
            rf"(?:\d{{1,2}}(?P<mark>/)\d{{1,2}}|\d{{2}}(?P<mark2>[-.])\d{{2}}(?=[-.]))(?:/|[-.])\d{{2}}{_CLOCK}"
        ),
        ("%d{m}%m{m}%y", "%m{m}%d{m}%y"),
    ),
    (re.compile(rf"\d{{1,2}}(?P<mark>[- ]){_MONTH}(?P=mark)\d{{4}}{_CLOCK}"), ("%d{m}{b}{m}%Y",)),
    (re.compile(rf"\d{{1,2}}(?P<mark>[- ]){_MONTH}(?P=mark)\d{{2}}{_CLOCK}"), ("%d{m}{b}{m}%y",)),
    (re.compile(rf"{_MONTH}(?P<mark>\s)\d{{1,2}},\s\d{{4}}{_CLOCK}"), ("{b}{m}%d, %Y",)),
)
_SHORT_MONTHS = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}


def looks_like_stamp(cell: str) -> bool:
    """Whether `cell` has the shape of a date, with or without a time."""
    return bool(_formats_of(cell))


def has_zone(cell: str) -> bool:
    """Whether a time stamp names its offset from UTC."""
    return re.search(r":\d{2}(?:[.,]\d+)?\s?(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$", cell) is not None


def guess_stamp_formats(sample: Sequence[str]) -> tuple[str, ...]:
    """Formats of strptime (or ``ISO8601``) that fit the shape of nearly all of `sample`; empty if there is none.

    There are two if day and month cannot be told apart by their shape.
    """
    shapes = Counter(_formats_of(cell) for cell in sample)
    shapes.pop((), None)
    if not shapes:
        return ()
    formats, count = shapes.most_common(1)[0]
    return formats if count >= 0.9 * len(sample) else ()


def _formats_of(cell: str) -> tuple[str, ...]:
    iso = _ISO_CELL.fullmatch(cell)
    if iso is not None:
        return (_with_clock("%Y-%m-%d", iso, " "),) if cell.endswith(("UTC", "GMT")) else (ISO,)
    for pattern, formats in _ORDERS:
        match = pattern.fullmatch(cell)
        if match is None:
            continue
        groups = match.groupdict()
        mark = groups.get("mark") or groups.get("mark2") or "/"
        month = "%b"
        if groups.get("month"):
            name = groups["month"].lower()
            if name[:3] not in _SHORT_MONTHS:
                return ()
            month = "%b" if len(name) == 3 else "%B"
        return tuple(
            _with_clock(form.replace("{m}", mark).replace("{b}", month), match, groups.get("gap") or " ")
            for form in formats
        )
    return ()


def _with_clock(form: str, match: re.Match[str], gap: str) -> str:
    """`form` with the time of day that `match` found."""
    groups = match.groupdict()
    if not groups.get("time"):
        return form
    half = groups.get("half")
    clock = ("%I" if half else "%H") + ":%M"
    clock += ":%S" if groups.get("seconds") else ""
    clock += ".%f" if groups.get("fraction") else ""
    clock += (" %p" if half.startswith(" ") else "%p") if half else ""
    zone = groups.get("zone")
    if zone:
        named = zone.strip() in {"UTC", "GMT"}
        clock += (" " if zone.startswith(" ") else "") + ("%Z" if named else "%z")
    return f"{form}{gap}{clock}"


def parse_stamps(cells: pa.ChunkedArray, form: str) -> pa.ChunkedArray:
    """Moments of `cells` as timestamp[us] in UTC without zone; null where a cell is not in `form`.

    Stamps without an offset are taken for UTC.
    """
    if form == ISO:
        for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
            try:
                return pc.cast(pc.cast(cells, kind), pa.timestamp("us"))
            except pa.ArrowInvalid:
                continue
    # Parsing each different text once: columns of days hold few, whatever their length.
    encoded = pc.dictionary_encode(cells.combine_chunks())
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    texts = pd.Series(encoded.dictionary.to_pylist(), dtype="str").str.strip()
    moments = pd.to_datetime(texts, format=form, errors="coerce", utc=True).dt.tz_localize(None)
    if form == ISO:
        # pandas also takes '2020' or '20200131' for a date; those are numbers here.
        moments = moments.where(np.array([_ISO_CELL.fullmatch(text) is not None for text in texts], dtype=bool))
    values = np.append(moments.to_numpy(dtype="datetime64[us]"), np.datetime64("NaT"))
    places = pc.fill_null(encoded.indices, len(texts)).to_numpy(zero_copy_only=False)
    return pa.chunked_array([pa.array(values[places], pa.timestamp("us"), from_pandas=True)])
