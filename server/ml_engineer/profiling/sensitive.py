"""Columns that name a protected attribute of people, by name or by values.

A hint for the fairness checks, not a verdict: whether rows are people at all, the person must say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ml_engineer.profiling.names import has_any, word_set, words

__all__ = ["sensitive_reason"]

_ATTRIBUTES: Final = word_set(
    "sex gender ethnic ethnicity religion religious nationality citizen citizenship immigrant immigration caste marital "
    "marriage married disability disabled handicap pregnant pregnancy veteran foreign foreigner orientation birthdate dob "
    "elderly senior skin"
)
_PAIRS: Final = (
    ("native", "country"),
    ("birth", "country"),
    ("birth", "place"),
    ("birth", "date"),
    ("birth", "year"),
    ("personal", "status"),
    ("civil", "status"),
    ("family", "status"),
    ("mother", "tongue"),
)
# What has an age without being a person.
_AGED_THINGS: Final = word_set(
    "house housing home building property car vehicle machine equipment account company firm business device asset policy "
    "contract credit loan tree bridge fleet battery engine network median average mean"
)
_PERIODS: Final = word_set(
    "years year yrs months group band bucket range at customer client patient driver employee insured"
)

_VALUES: Final[tuple[tuple[str, frozenset[str], int], ...]] = (
    ("sex", frozenset({"male", "female", "man", "woman", "men", "women", "m", "f", "boy", "girl"}), 2),
    (
        "marital status",
        frozenset(
            {"married", "single", "divorced", "widowed", "separated", "never-married", "husband", "wife", "spouse"}
        ),
        2,
    ),
    (
        "origin",
        frozenset(
            {"white", "black", "asian", "hispanic", "latino", "caucasian", "african american", "native american"}
        ),
        2,
    ),
    ("religion", frozenset({"christian", "muslim", "jewish", "hindu", "buddhist", "catholic", "protestant"}), 2),
)
_COLOURS: Final = frozenset({"red", "green", "blue", "yellow", "silver", "grey", "gray", "brown", "orange"})


def sensitive_reason(name: str, categories: Sequence[str] | None) -> str:
    """Why a column counts as sensitive, in a few words; empty if it does not.

    Parameters
    ----------
    name : str
        Its name.
    categories : sequence of str, optional
        Its values, if they are few.
    """
    parts = words(name)
    if has_any(name, _ATTRIBUTES) or any(set(pair) <= set(parts) for pair in _PAIRS):
        return "its name speaks of a protected attribute"
    if _is_age(parts):
        return "its name speaks of a person's age"
    values = {value.strip().casefold() for value in categories or ()}
    if "race" in parts and categories is not None and not all(value.isdigit() for value in values):
        return "its name speaks of a protected attribute"
    for attribute, known, least in _VALUES:
        # One letter each, `m` and `f`, only counts if there is little else.
        if len(values & known) >= least and len(values) <= (4 if attribute == "sex" else 20) and not values & _COLOURS:
            return f"its values speak of {attribute}"
    return ""


def _is_age(parts: Sequence[str]) -> bool:
    if not {"age", "ages", "aged"} & set(parts):
        return False
    return _AGED_THINGS.isdisjoint(parts) and (len(parts) == 1 or not _PERIODS.isdisjoint(parts))
