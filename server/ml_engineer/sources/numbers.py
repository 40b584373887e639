"""Numbers stored as text: which notation a column uses, and their values in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["PLAIN", "NumberFormat", "cast_numbers", "guess_formats", "looks_plain", "parse_numbers"]

_MARKS = {
    ",": "comma",
    ".": "dot",
    " ": "space",
    "\u00a0": "no-break space",
    "\u202f": "narrow space",
    "'": "apostrophe",
    "\u2019": "raised comma",
}
_MARK_OF = {name: mark for mark, name in _MARKS.items()}
_CURRENCIES = r"[$€£¥₹₽₩₺]|US\$|(?:USD|EUR|GBP|CHF|JPY|INR|Rs\.?)"
_PLAIN = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"
_PLAIN_CELL = re.compile(rf"{_PLAIN}|[+-]?(?i:inf|infinity)")
_ARROW_PLAIN = rf"^({_PLAIN}|[+-]?(?i:inf|infinity|nan))$"
_DRESSED = re.compile(
    rf"(?P<sign>[+-]?)\s*(?P<prefix>(?:{_CURRENCIES})?)\s*(?P<inner>[+-]?)"
    r"(?P<number>\.?\d[\d.,'\u2019 \u00a0\u202f]*(?:[eE][+-]?\d+)?)(?P<suffix>.*)",
    re.DOTALL,
)
_SUFFIX = re.compile(r"\s*(?:[^\W\d]|[%°€£$¥₹‰])[^\d;]{0,19}")


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written in a column.

    Parameters
    ----------
    thousands : str
        Mark between groups of three digits, or empty.
    decimal : str
        Mark before the decimals.
    prefix, suffix : str
        Currency before and unit after the number, without the space between; cells may lack them.
    """

    thousands: str = ""
    decimal: str = "."
    prefix: str = ""
    suffix: str = ""

    @property
    def label(self) -> str | None:
        """What has to be changed to get a plain number, e.g. 'thousands dot; decimal comma'; none if nothing."""
        parts = []
        if self.thousands:
            parts.append(f"thousands {_MARKS[self.thousands]}")
        if self.decimal != ".":
            parts.append(f"decimal {_MARKS[self.decimal]}")
        if self.prefix:
            parts.append(f"currency {self.prefix}")
        if self.suffix:
            parts.append(f"unit {self.suffix}")
        return "; ".join(parts) or None

    @classmethod
    def from_label(cls, label: str | None) -> NumberFormat:
        """The format that has this `label`."""
        parts = dict(part.split(" ", 1) for part in label.split("; ")) if label else {}
        return cls(
            thousands=_MARK_OF[parts["thousands"]] if "thousands" in parts else "",
            decimal=_MARK_OF[parts["decimal"]] if "decimal" in parts else ".",
            prefix=parts.get("currency", ""),
            suffix=parts.get("unit", ""),
        )

    @property
    def grammar(self) -> str:
        """Regular expression (RE2 and Python) of the number between prefix and suffix, without signs."""
        fraction = rf"({re.escape(self.decimal)}\d*)?"
        tail = r"([eE][+-]?\d+)?"
        whole = r"\d+"
        if self.thousands:
            whole = rf"(\d{{1,3}}({re.escape(self.thousands)}\d{{3}})+|\d+)"
        return rf"({whole}{fraction}|{re.escape(self.decimal)}\d+){tail}"


PLAIN = NumberFormat()


def looks_plain(cell: str) -> bool:
    """Whether `cell` is a number as programs write it."""
    return _PLAIN_CELL.fullmatch(cell) is not None


def guess_formats(sample: Sequence[str], decimal_hint: str | None = None) -> tuple[NumberFormat, ...]:
    """Formats in which nearly all of `sample` could be numbers, likeliest first; empty if there is none.

    Parameters
    ----------
    sample : sequence of str
        Cells without white space around them, none of them missing.
    decimal_hint : str or None
        Decimal mark of other columns of the file, where it is known.
    """
    matches = [match for cell in sample if (match := _DRESSED.fullmatch(cell)) is not None]
    if len(matches) < 0.9 * len(sample) or not matches:
        return ()
    prefix = _commonest([match["prefix"] for match in matches])
    units = [match["suffix"].strip() for match in matches]
    suffix = _commonest(units)
    if suffix and not _SUFFIX.fullmatch(suffix):
        return ()
    numbers = [match["number"].strip() for match, unit in zip(matches, units, strict=True) if unit in {suffix, ""}]
    if len(numbers) < 0.9 * len(sample):
        return ()
    return tuple(
        NumberFormat(thousands, decimal, prefix, suffix) for thousands, decimal in _marks(numbers, decimal_hint)
    )


def _commonest(values: Sequence[str]) -> str:
    """The commonest that is not empty; empty if half of `values` or more are."""
    counts = Counter(value for value in values if value)
    if not counts or sum(counts.values()) < 0.5 * len(values):
        return ""
    return counts.most_common(1)[0][0]


def _marks(numbers: Sequence[str], decimal_hint: str | None) -> list[tuple[str, str]]:
    """Pairs of thousands and decimal mark that `numbers` speak for, likeliest first."""
    spaces = next(
        (mark for mark in (" ", "\u00a0", "\u202f", "'", "\u2019") if any(mark in number for number in numbers)), ""
    )
    if spaces and len({number.count(spaces) for number in numbers}) == 1 and numbers[0].count(spaces) > 1:
        return []  # always the same groups: a telephone number rather than an amount
    bare = [number.replace(spaces, "") if spaces else number for number in numbers]
    both = [number for number in bare if "," in number and "." in number]
    if both:
        last = Counter("," if number.rfind(",") > number.rfind(".") else "." for number in both).most_common(1)[0][0]
        return [(spaces or {",": ".", ".": ","}[last], last)]
    if any("," in number for number in bare):
        return _single_mark(",", bare, decimal_hint, spaces)
    if decimal_hint == "," and any("." in number for number in bare):
        return _single_mark(".", bare, decimal_hint, spaces)
    return [(spaces, ".")]


def _single_mark(mark: str, numbers: Sequence[str], decimal_hint: str | None, spaces: str) -> list[tuple[str, str]]:
    """Pairs if `mark` is the only one: it parts either thousands or decimals."""
    other = "." if mark == "," else ","
    as_thousands, as_decimal = (mark, other), (spaces, mark)
    marked = [number for number in numbers if mark in number]
    if any(number.count(mark) > 1 for number in marked):
        return [as_thousands]
    grouped = [number for number in marked if re.fullmatch(rf"[1-9]\d{{0,2}}{re.escape(mark)}\d{{3}}", number)]
    if len(grouped) < len(marked) or spaces:
        return [as_decimal, as_thousands] if len(grouped) < 0.5 * len(marked) else [as_thousands, as_decimal]
    return [as_decimal, as_thousands] if decimal_hint == mark else [as_thousands, as_decimal]


def parse_numbers(cells: pa.ChunkedArray, form: NumberFormat) -> pa.ChunkedArray:
    """Values of `cells` as int64 if all are whole, else float64; null where a cell is no number in this format.

    Infinities and 'nan' come out as what they are.
    """
    if form != PLAIN:
        return _parse_plain(_undressed(cells, form))
    return _parse_plain(cells)


def cast_numbers(cells: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Values of `cells` if every one is a plain number or null; else none."""
    for kind in (pa.int64(), pa.float64()):
        try:
            values = pc.cast(cells, kind)
        except pa.ArrowInvalid:
            continue
        # pyarrow takes '0x1F' for a whole number; nothing else here does.
        hexadecimal = kind == pa.int64() and pc.any(pc.starts_with(cells, "0x", ignore_case=True)).as_py()
        return None if hexadecimal else values
    return None


def _parse_plain(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    values = cast_numbers(cells)
    if values is not None:
        return values
    trimmed = pc.utf8_trim_whitespace(cells)
    numbers = pc.if_else(pc.match_substring_regex(trimmed, _ARROW_PLAIN), trimmed, pa.scalar(None, pa.string()))
    numbers = pc.replace_substring_regex(numbers, r"^\+", "")
    try:
        return pc.cast(numbers, pa.int64())
    except pa.ArrowInvalid:
        return pc.cast(numbers, pa.float64())


def _undressed(cells: pa.ChunkedArray, form: NumberFormat) -> pa.ChunkedArray:
    """Cells in plain notation; null where one is not in `form`."""
    currency, unit = re.escape(form.prefix), re.escape(form.suffix)
    before = rf"([+-]?({currency}\s*)?|{currency}\s*[+-])" if form.prefix else "[+-]?"
    after = rf"(\s*{unit})?" if form.suffix else ""
    pattern = rf"^{before}{form.grammar}{after}$"
    trimmed = pc.utf8_trim_whitespace(cells)
    numbers = pc.if_else(pc.match_substring_regex(trimmed, pattern), trimmed, pa.scalar(None, pa.string()))
    if form.suffix:
        numbers = pc.replace_substring_regex(numbers, rf"\s*{unit}$", "")
    if form.prefix:
        numbers = pc.replace_substring_regex(numbers, rf"^([+-]?){currency}\s*", r"\1")
    if form.thousands:
        numbers = pc.replace_substring(numbers, form.thousands, "")
    if form.decimal != ".":
        numbers = pc.replace_substring(numbers, form.decimal, ".")
    return numbers
