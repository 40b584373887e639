"""Words that say nothing, for texts in which one word may."""

from __future__ import annotations

FILLER = [
    "we",
    "will",
    "meet",
    "at",
    "the",
    "station",
    "after",
    "lunch",
    "and",
    "then",
    "walk",
    "home",
    "together",
    "by",
    "the",
    "river",
]
