"""Which columns hold personal data, by their values and by their names."""

from __future__ import annotations

import re
from typing import Final

import pandas as pd

from ml_engineer.guardrails.wording import words

__all__ = ["personal_kind"]

_VALUE_PATTERNS: Final[dict[str, re.Pattern[str]]] = {
    "e-mail addresses": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "IBANs": re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"),
    "IP addresses": re.compile(r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b"),
    "US social security numbers": re.compile(r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b"),
    "names with titles": re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Herr|Frau|Mme)\b\.? [A-Z]"),
}
_TELEPHONE: Final = re.compile(r"(?<![\w.])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)|\d{2,4})(?:[ .-]?\d{2,4}){2,4}(?![\w.])")
_TELEPHONE_IN_ONE: Final = re.compile(r"(?<![\w.+])0\d{9,10}(?!\d)")
"""Ten or eleven digits from a zero on; among words that is a telephone number, alone it may be a code."""
_CARD: Final = re.compile(r"\b\d(?:[ -]?\d){12,18}\b")
_SHARE: Final = 0.05
"""Share of values that must match before a column is said to hold something."""

_NAME_PATTERNS: Final[dict[str, re.Pattern[str]]] = {
    "e-mail addresses (by its name)": re.compile(r"^e ?mail( address)?$"),
    "telephone numbers (by its name)": re.compile(r"^(tele)?phone( number| no)?$|^mobile( number)?$"),
    "names of persons (by its name)": re.compile(
        r"^(first|last|full|given|family|sur|maiden|middle) ?name$|^(customer|patient|passenger|employee|client) name$"
    ),
    "postal addresses (by its name)": re.compile(r"^(street|home|postal|mailing) ?address$|^address( line)?( 1| 2)?$"),
    "dates of birth (by its name)": re.compile(r"^(date of birth|birth ?date|birthday|dob)$"),
    "identity numbers (by its name)": re.compile(
        r"^(ssn|social security( number| no)?|passport( number| no)?|national id|tax id|iban|nino)$"
    ),
}


def personal_kind(name: str, values: pd.Series | None) -> str:
    """What kind of personal data a column holds; empty if none is seen.

    Parameters
    ----------
    name : str
        Name of the column.
    values : pandas.Series or None
        Some of its known values, if it is a text column.
    """
    if values is not None and len(values):
        texts = values.astype("str")
        for kind, pattern in _VALUE_PATTERNS.items():
            if texts.map(lambda text, pattern=pattern: pattern.search(text) is not None).mean() >= _SHARE:
                return kind
        if texts.map(_holds_card_number).mean() >= _SHARE:
            return "payment card numbers"
        if texts.map(_holds_telephone_number).mean() >= _SHARE:
            return "telephone numbers"
    plain = words(name)
    return next((kind for kind, pattern in _NAME_PATTERNS.items() if pattern.search(plain)), "")


def _holds_card_number(text: str) -> bool:
    """Whether a run of 13 to 19 digits passes Luhn's test."""
    return any(_passes_luhn(re.sub(r"\D", "", match.group())) for match in _CARD.finditer(text))


def _holds_telephone_number(text: str) -> bool:
    """Whether there are 9 to 15 digits in groups, or a number in one among words; fewer are dates, more are something else."""
    if _TELEPHONE_IN_ONE.search(text) and re.search(r"[^\W\d_]{2}", text):
        return True
    candidates = (match.group() for match in _TELEPHONE.finditer(text))
    return any(
        9 <= sum(character.isdigit() for character in found) <= 15 and re.search(r"[ +().-]", found)
        for found in candidates
    )


def _passes_luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
