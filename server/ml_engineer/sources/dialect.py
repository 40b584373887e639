"""The dialect of delimited text, worked out from a sample of it.

Each combination of delimiter and quote is tried on the sample. A good one splits every record into the same number
of fields, and into fields that mean something: numbers, dates, or text that holds no other delimiter. (The idea that
consistency and meaning decide together is that of van den Burg, Nazábal and Sutton, "Wrangling messy CSV files by
detecting row and type patterns", 2019; the measure here is simpler.)
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

__all__ = ["Dialect", "Sampled", "detect_dialect", "records", "usual_width"]

_RECORDS = 100
_MOST_TITLES = 10
_DELIMITERS = {",": 1.0, ";": 1.0, "\t": 1.0, "|": 1.0, " ": 0.8, ":": 0.5, "~": 0.8, "^": 0.8, "\x01": 1.0}
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_TYPED = re.compile(
    r"""\s*(
        [+-]?(\d{1,3}([.,' \u00a0]\d{3})+|\d+)?([.,]\d+)?([eE][+-]?\d+)?\s?%?   # a number, with marks of any country
      | \d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?([T ][\d:.]+\S*)?       # a date, perhaps with a time
      | (true|false|na|n/a|nan|null|none|\?|-)
    )?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_UNSPLIT = re.compile(r"[;\t|\x01]|,(?!\s)")


@dataclass(frozen=True)
class Dialect:
    """How records are split into fields.

    Parameters
    ----------
    delimiter : str
        Between fields; a space if `runs`.
    quote : str or None
        Around fields that hold a delimiter or a line break.
    escape : str or None
        Before a quote within quotes, where quotes are not doubled.
    padded : bool
        Whether delimiters are followed by a space that belongs to neither field.
    runs : bool
        Whether any run of white space is one delimiter.
    comment : str or None
        Beginning of lines that are no data.
    line_ending : str
        Commonest line ending.
    """

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    padded: bool = False
    runs: bool = False
    comment: str | None = None
    line_ending: str = "\n"


@dataclass(frozen=True)
class Sampled:
    """One record of the sample.

    Parameters
    ----------
    fields : list of str
        Its fields.
    text : str
        The record as it stands, with its line ending.
    start : int
        Characters before it.
    line : int
        Number of its first line, from 1.
    """

    fields: list[str]
    text: str
    start: int
    line: int

    @property
    def end(self) -> int:
        """Characters up to its end."""
        return self.start + len(self.text)


def records(text: str, dialect: Dialect) -> Iterator[Sampled]:
    """The records of `text`, blank and comment lines left out.

    Raises
    ------
    csv.Error
        If a quoted field is too long to be one: the quote is probably none.
    """
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for match in _LINE.finditer(text):
            taken.append(match.group())
            yield match.group()

    start, line = 0, 1
    for fields in _split(lines(), dialect):
        raw = "".join(taken)
        if raw.strip() and not (dialect.comment and raw.startswith(dialect.comment)):
            yield Sampled(fields, raw, start, line)
        start, line = start + len(raw), line + len(taken)
        taken.clear()


def _split(lines: Iterator[str], dialect: Dialect) -> Iterator[list[str]]:
    if dialect.runs:
        return (line.split() for line in lines)
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        doublequote=dialect.escape is None,
        escapechar=dialect.escape,
        skipinitialspace=dialect.padded,
    )


def detect_dialect(text: str, *, whole: bool) -> Dialect:
    """The dialect in which `text` makes the most sense.

    Parameters
    ----------
    text : str
        The beginning of the file.
    whole : bool
        Whether it is all of the file; otherwise its last record may be cut and is not looked at.
    """
    ending = _line_ending(text)
    comment = _comment(text)
    best, best_score, best_fields = Dialect(line_ending=ending, comment=comment), 0.0, 0
    for candidate in _candidates(text, comment, ending):
        score, fields = _score(text, candidate, whole=whole)
        # A margin: a later candidate must be clearly better, or as good with more fields.
        if score > best_score + 1e-9 or (score > best_score - 1e-9 and fields > best_fields):
            best, best_score, best_fields = candidate, score, fields
    return best


def _candidates(text: str, comment: str | None, ending: str) -> Iterator[Dialect]:
    quotes: list[tuple[str | None, str | None]] = [('"', None)]
    if '\\"' in text:
        quotes.append(('"', "\\"))
    if "'" in text:
        quotes.append(("'", None))
    if '"' in text:
        quotes.append((None, None))
    head = text[: 1 << 14]
    lines = max(head.count("\n"), head.count("\r"), 1)
    for delimiter in _DELIMITERS:
        if head.count(delimiter) < 0.5 * lines:
            continue
        for quote, escape in quotes:
            yield Dialect(delimiter, quote, escape, False, False, comment, ending)
            if delimiter not in " \t" and f"{delimiter} " in text:
                yield Dialect(delimiter, quote, escape, True, False, comment, ending)
        if delimiter == " " and "  " in text:
            yield Dialect(" ", None, None, False, True, comment, ending)
    yield Dialect("," if "\t" in text else "\t", '"' if '"' in text else None, None, False, False, comment, ending)


def _score(text: str, dialect: Dialect, *, whole: bool) -> tuple[float, int]:
    """How much sense `text` makes in `dialect` (0 to 1), and the number of fields."""
    try:
        sampled = list(islice(records(text, dialect), _RECORDS + 1))
    except csv.Error:
        return 0.0, 0
    if len(sampled) > 1 and (len(sampled) > _RECORDS or not whole):
        sampled.pop()
    if not sampled:
        return 0.0, 0
    width = usual_width(sampled)
    sampled, penalty = _without_head(sampled, width, dialect)
    consistency = penalty * sum(len(record.fields) == width for record in sampled) / len(sampled)
    meaning = _meaning([record for record in sampled if len(record.fields) == width], dialect)
    if whole and dialect.quote and sampled[-1].text.count(dialect.quote) % 2:
        consistency *= 0.5  # a quote that is still open at the end of the file
    if width == 1:
        return 0.5 * consistency * meaning, 1
    if dialect.padded and not _is_padded(sampled, dialect):
        return 0.0, 0
    weight = _DELIMITERS[dialect.delimiter] * (0.95 if dialect.runs else 1.0)
    # The unusual needs to be better, not just as good.
    weight *= 1.0 if dialect.quote == '"' else 0.97
    weight *= 1.0 if dialect.escape is None else 0.99
    weight *= 1.01 if dialect.padded else 1.0
    return weight * consistency**2 * meaning, width


def usual_width(sampled: Sequence[Sampled]) -> int:
    """Commonest number of fields; the first record, which may be a header, counts only if it is alone."""
    counts = Counter(len(record.fields) for record in sampled[1:] or sampled)
    most = max(counts.values())
    return next(width for width, count in counts.items() if count == most)


def _without_head(sampled: list[Sampled], width: int, dialect: Dialect) -> tuple[list[Sampled], float]:
    """Records below title lines and below a header that lacks one name, and what that costs in consistency."""
    usual = _DELIMITERS[dialect.delimiter] == 1.0
    titles = 0
    # A line without spaces or colons is no title line: they are part of most values.
    while usual and width > 1 and titles < min(len(sampled) - 2, _MOST_TITLES) and len(sampled[titles].fields) == 1:
        titles += 1
    below = sampled[titles:]
    if len(below) > 1 and width > 2 and len(below[0].fields) == width - 1:
        return below[1:], 0.9
    if not usual and len(below[0].fields) != width:
        return below, 0.5
    return below, 0.9 if titles else 1.0


def _meaning(sampled: list[Sampled], dialect: Dialect) -> float:
    """Mean over fields: 1 for numbers, dates and nothing, less for text, little for text that should be split."""
    total = fields = 0.0
    for record in sampled[:50]:
        for value in record.fields:
            fields += 1
            total += _field_meaning(value, dialect)
    return total / fields if fields else 0.0


def _field_meaning(value: str, dialect: Dialect) -> float:
    if _TYPED.fullmatch(value):
        return 1.0
    if value[:1] in {'"', "'"} and value[-1:] == value[:1] and len(value) > 1:
        return 0.2  # still in quotes: they mean something that this dialect does not see
    if dialect.delimiter not in value and _UNSPLIT.search(value):
        return 0.3
    if value.count('"') % 2:
        return 0.5
    return 0.9


def _is_padded(sampled: list[Sampled], dialect: Dialect) -> bool:
    """Whether nearly every delimiter of the sample is followed by a space."""
    text = "".join(record.text for record in sampled)
    return text.count(f"{dialect.delimiter} ") >= 0.9 * text.count(dialect.delimiter)


def _line_ending(text: str) -> str:
    both = text.count("\r\n")
    single = {"\n": text.count("\n") - both, "\r": text.count("\r") - both, "\r\n": both}
    return max(single, key=lambda ending: single[ending]) if any(single.values()) else "\n"


def _comment(text: str) -> str | None:
    """'#' if lines begin with it above the data, or a few among them; not if it may be a part of the data."""
    lines = [line.startswith("#") for line in re.split(r"[\r\n]+", text[: 1 << 16]) if line.strip()]
    above = lines.index(False) if False in lines else len(lines)
    below = lines[above:]
    return "#" if below and sum(lines) and sum(below) < 0.5 * len(below) else None
