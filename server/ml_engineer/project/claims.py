"""Numbers in documents that people write: which of them no record supports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from ml_engineer.vocabulary.estimates import Estimate

__all__ = ["Claim", "unsupported_claims"]

_NUMBER = re.compile(
    r"(?<![\w.,/:-])[-\N{MINUS SIGN}]?(\d{1,3}(?:,\d{3})+|\d*)(\.\d+)?(\s?%|\s?percent\b)?(?![\w/:-]|\.\d)"
)
_QUALITY = re.compile(
    r"accura|precision|recall|\bf1\b|\bauc\b|score|error|\bmae\b|\brmse\b|\bmse\b|\bmape\b|\br2\b|r²|log.?loss|brier|"
    r"sensitivit|specificit|correct|performan|explains|off by|wrong in|right in|gain|lift|better|beats",
    re.IGNORECASE,
)
_LEVEL = re.compile(r"interval|confiden|level|coverage", re.IGNORECASE)
_CODE = re.compile(r"`[^`]*`|<[^>]*>|https?://\S+|\]\([^)]*\)")


@dataclass(frozen=True)
class Claim:
    """A number that says how good something is, and is in no record.

    Parameters
    ----------
    line : int
        Line of the document, from 1.
    number : str
        As it stands there.
    text : str
        The line.
    """

    line: int
    number: str
    text: str


def unsupported_claims(text: str, numbers: Iterable[Estimate], *, generated: Iterable[str] = ()) -> tuple[Claim, ...]:
    """Numbers beside a word of quality that agree with no known number, to the digits that are shown.

    Looked at are decimal fractions and percentages in lines that speak of accuracy, error, score and the like;
    code, addresses, and lines that were generated as they stand are left out. A share is known as a percentage too,
    and every end of an interval counts as known; an interval's level does where the line speaks of one.

    Parameters
    ----------
    text : str
        A document, Markdown or plain.
    numbers : iterable of Estimate
        What was reported.
    generated : iterable of str
        Lines that the product wrote into the document itself.
    """
    reported = list(numbers)
    known = [number for each in reported for number in (each.value, each.low, each.high)]
    levels = [each.level for each in reported]
    written = {line.strip() for line in generated}
    found = []
    for place, line in _prose(text):
        if line.strip() in written or not _QUALITY.search(line):
            continue
        possible = [*known, *levels] if _LEVEL.search(line) else known
        for number, decimals, is_percent in _numbers(line):
            shown = Decimal(decimals)
            if not any(_agrees(value, shown, is_percent=is_percent) for value in possible):
                found.append(Claim(place, number, line.strip()))
    return tuple(found)


def _prose(text: str) -> Iterator[tuple[int, str]]:
    """Lines outside of code blocks, without inline code and addresses."""
    in_code = False
    for place, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith(("```", "~~~")):
            in_code = not in_code
        elif not in_code:
            yield place, _CODE.sub(" ", line)


def _numbers(line: str) -> Iterator[tuple[str, str, bool]]:
    """Fractions and percentages of a line: as written, as a plain number, and whether in percent."""
    for match in _NUMBER.finditer(line):
        whole, fraction, percent = match.groups()
        if not (whole or fraction) or not (fraction or percent):
            continue
        sign = "-" if match.group().lstrip()[:1] in "-\N{MINUS SIGN}" else ""
        yield match.group().strip(), f"{sign}{whole.replace(',', '') or '0'}{fraction or ''}", bool(percent)


def _agrees(value: float, shown: Decimal, *, is_percent: bool) -> bool:
    """Whether a value, rounded as the number is shown, gives the number; the sign may be left out."""
    exponent = shown.as_tuple().exponent
    half = 0.5 * 10.0 ** (exponent if isinstance(exponent, int) else 0)
    size = abs(float(shown))
    return any(abs(abs(value) * scale - size) <= half * (1 + 1e-9) for scale in ((100,) if is_percent else (1, 100)))
