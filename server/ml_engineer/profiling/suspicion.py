"""Why a column may be known only after the fact, and from which evidence on it is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = [
    "ALONE_ASK",
    "ASSOCIATION_ASK",
    "FILLED_GAP_ASK",
    "NAMED_ALONE",
    "Missingness",
    "Strength",
    "Suspicion",
]

Strength = Literal["strong", "weak"]

FILLED_GAP_ASK: Final = 0.25
ASSOCIATION_ASK: Final = 0.4
ALONE_ASK: Final = 0.9
NAMED_ALONE: Final = 0.75


@dataclass(frozen=True)
class Suspicion:
    """Why a column may be known only after the fact.

    Parameters
    ----------
    column : str
        Its name.
    strength : {'strong', 'weak'}
        'strong' takes it out until a person says otherwise; 'weak' asks.
    reason : str
        The evidence in a sentence, with numbers.
    """

    column: str
    strength: Strength
    reason: str


@dataclass(frozen=True)
class Missingness:
    """What the mere presence of a value says about the target."""

    strength: Strength | None
    effect: float
    sentence: str
