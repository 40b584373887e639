"""Names that speak of what comes after what is to be predicted. Names are evidence, never proof."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ml_engineer.profiling.names import quoted, word_set, words
from ml_engineer.profiling.suspicion import (
    ALONE_ASK,
    ASSOCIATION_ASK,
    FILLED_GAP_ASK,
    NAMED_ALONE,
    Missingness,
    Suspicion,
)
from ml_engineer.statistics.predictive_power import Target

__all__ = ["late_by_name", "relatives"]

_LATE_WORDS: Final = word_set(
    "actual aftermath cancelled canceled chargeback closed closure collected completed deceased discharge "
    "discharged died dispute followup futime outcome paidout payout pred predicted prediction predictions recovered recoveries recovery "
    "refund refunded repaid resolution resolved result settled settlement terminated termination winner yhat"
)
_LATE_PAIRS: Final = (("paid", "out"), ("status", "after"), ("days", "to"), ("time", "to"), ("follow", "up"))
_LABEL_WORDS: Final = word_set(
    "binary category class flag group has indicator is label level outcome target type value y"
)
_EARLIER_WORDS: Final = word_set("before earlier first history initial last past prev previous prior")
_LENGTH_WORDS: Final = word_set("duration elapsed total final end ended")
_HALF_WAY: Final = 0.5
"""Between chance and certainty: what a value of another time must know of the target."""
_DIGITS: Final = re.compile(r"\d+")
_NO_NAME: Final = re.compile(r"(?:column|col|field|feature|var|variable|attribute|attr|unnamed|[cfvx])[ _:.]*\d+")
"""What a column without a name of its own is called, by readers of ours and of others."""


def late_by_name(name: str, target_name: str, gone: Missingness, alone: float, coded: Target) -> Suspicion | None:
    """What the name adds: it never takes a column out by itself.

    Parameters
    ----------
    name, target_name : str
        Names of the column and of the target.
    gone : Missingness
        What the column's empty cells say about the target.
    alone : float
        Power of the column alone.
    coded : Target
        Tells what power is called, and what chance is.
    """
    measure = coded.measure
    parts = set(words(name))
    wanted = set(words(target_name)) - _LABEL_WORDS or set(words(target_name))
    if alone - coded.chance >= _HALF_WAY * (1 - coded.chance) and _numbered_alike(name, target_name):
        told = (
            f"it is numbered like the target, as if it were its value at another time, and alone it has a {measure} of "
        )
        return Suspicion(name, "weak", f"{told}{alone:.3f}")
    earlier = not _EARLIER_WORDS.isdisjoint(parts)
    late = not _LATE_WORDS.isdisjoint(parts) or any(set(pair) <= parts for pair in _LATE_PAIRS)
    own = bool(wanted) and wanted < parts and sum(map(len, wanted)) >= 4
    length = not _LENGTH_WORDS.isdisjoint(parts)
    telling = alone >= NAMED_ALONE or gone.effect >= FILLED_GAP_ASK
    if earlier or not (late or own or (length and telling)):
        return None
    what = "its name contains the target's" if own and not late else "its name speaks of what comes after"
    if alone >= ALONE_ASK or gone.effect >= ASSOCIATION_ASK:
        numbers = gone.sentence if gone.effect >= ASSOCIATION_ASK else f"alone it has a {measure} of {alone:.3f}"
        return Suspicion(name, "strong", f"{what}, and {numbers}")
    if telling:
        numbers = gone.sentence if gone.effect >= FILLED_GAP_ASK else f"alone it has a {measure} of {alone:.3f}"
        return Suspicion(name, "weak", f"{what}, and {numbers}")
    return Suspicion(name, "weak", what)


def _numbered_alike(name: str, target_name: str) -> bool:
    """Whether two names differ in one number only, as `G1` and `G3`, `sales_2019` and `sales_2020`.

    Columns of a file without names are numbered by their place, which says nothing.
    """
    if _NO_NAME.fullmatch(target_name.casefold()):
        return False
    first, second = (_DIGITS.sub("#", each.casefold()) for each in (name, target_name))
    return first == second and "#" in first and any(character.isalpha() for character in first)


def relatives(columns: Sequence[str], late: Sequence[str]) -> dict[str, Suspicion]:
    """Columns that carry the whole name of one that is taken out, and more: `status` is late, and so may be `status_date`."""
    parts = {name: set(words(name)) for name in late if len(words(name)) > 1}
    return {
        column: Suspicion(column, "weak", f"its name says that it belongs to {quoted(name)}, which is known afterwards")
        for column in columns
        for name in parts
        if parts[name] < set(words(column))
    }
