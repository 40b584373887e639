"""Numbers in documents that people write: which of them no record supports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from ml_engineer.vocabulary.passport import PassportNumber

__all__ = ["Claim", "unsupported_claims"]

_NUMBER = re.compile(
    r"(?<![\w.,/:-])[-\N{MINUS SIGN}]?(\d{1,3}(?:,\d{3})+|\d*)(\.\d+)?(\s?%|\s?percent\b)?(?![\w/:-]|\.\d)"
)
_QUALITY = re.compile(
    r"accura|precision|recall|\bf1\b|\bauc\b|score|error|\bmae\b|\brmse\b|\bmse\b|\bmape\b|\br2\b|r²|log.?loss|brier|"
    r"sensitivit|specificit|correct|performan|explains|off by|wrong in|right in|gain|lift|better|beats",
    re.IGNORECASE,
)
_METRICS = {
    "roc_auc": re.compile(r"(?<!pr )(?<!pr-)\bauc\b|\broc\b", re.IGNORECASE),
    "average_precision": re.compile(r"average precision|\bpr.?auc\b", re.IGNORECASE),
    "accuracy": re.compile(r"(?<!balanced )accura", re.IGNORECASE),
    "balanced_accuracy": re.compile(r"balanced accura", re.IGNORECASE),
    "precision": re.compile(r"(?<!average )precision", re.IGNORECASE),
    "recall": re.compile(r"recall|sensitivit", re.IGNORECASE),
    "f1": re.compile(r"\bf1\b", re.IGNORECASE),
    "log_loss": re.compile(r"log.?loss", re.IGNORECASE),
    "brier": re.compile(r"brier", re.IGNORECASE),
    "rmse": re.compile(r"\brmse\b|root mean squared", re.IGNORECASE),
    "mae": re.compile(r"\bmae\b|(?<!median )absolute error", re.IGNORECASE),
    "r2": re.compile(r"\br2\b|r²", re.IGNORECASE),
}
_OF_GROUPS = frozenset(("accuracy", "precision", "recall", "mae"))
"""Metrics that groups of people are compared in, where a number's name does not tell which."""
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


def unsupported_claims(
    text: str, numbers: Iterable[PassportNumber], *, generated: Iterable[str] = ()
) -> tuple[Claim, ...]:
    """Numbers beside a word of quality that agree with no known number, to the digits that are shown.

    Looked at are decimal fractions and percentages in lines that speak of accuracy, error, score and the like;
    code, addresses, and lines that were generated as they stand are left out. A share is known as a percentage too,
    and every end of an interval counts as known; an interval's level does where the line speaks of one. A line that names
    a metric is held against numbers of that metric (and those whose name tells none), and the importance of a feature
    counts where the line names the feature: among hundreds of numbers every fraction of two digits would be found.

    Parameters
    ----------
    text : str
        A document, Markdown or plain.
    numbers : iterable of PassportNumber
        What was reported.
    generated : iterable of str
        Lines that the product wrote into the document itself.
    """
    reported = list(numbers)
    written = {line.strip() for line in generated}
    found = []
    for place, line in _prose(text):
        if line.strip() in written or not _QUALITY.search(line):
            continue
        metrics = {metric for metric, word in _METRICS.items() if word.search(line)}
        known = [each.estimate for each in reported if _may_support(each.name, line, metrics)]
        possible = [number for each in known for number in (each.value, each.low, each.high)]
        possible += [each.estimate.level for each in reported] if _LEVEL.search(line) else []
        for number, decimals, is_percent in _numbers(line):
            shown = Decimal(decimals)
            if not any(_agrees(value, shown, is_percent=is_percent) for value in possible):
                found.append(Claim(place, number, line.strip()))
    return tuple(found)


def _may_support(name: str, line: str, metrics: set[str]) -> bool:
    """Whether a line in which `metrics` are named may speak of the number that the passport calls `name`."""
    _, _, inside = name.partition(".")
    part, _, rest = inside.partition(".")
    if part == "importances":
        return rest.removesuffix(".drop").casefold() in line.casefold()
    if not metrics:
        return True
    if part in ("metrics", "groups", "mitigations"):
        return rest.partition(".")[0] in metrics
    return part != "fairness" or not metrics.isdisjoint(_OF_GROUPS)


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
    """Whether a value, rounded as the number is shown, gives the number; the sign may be left out.

    Without a per cent sign a number below one is no percentage: 0.93 is not 0.0093 in per cent.
    """
    exponent = shown.as_tuple().exponent
    half = 0.5 * 10.0 ** (exponent if isinstance(exponent, int) else 0)
    size = abs(float(shown))
    scales = (100,) if is_percent else (1, 100) if size >= 1 else (1,)
    return any(abs(abs(value) * scale - size) <= half * (1 + 1e-9) for scale in scales)
