"""Showing what a file holds: quoted, on one line, shortened, so that data stays data in every sentence."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["listed", "shown"]


def shown(value: object, limit: int = 40) -> str:
    """`value` as a quoted literal of at most about `limit` characters."""
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


def listed(values: Sequence[object], limit: int = 5) -> str:
    """The first `limit` values, each as `shown` gives it, and how many more there are."""
    first = ", ".join(shown(value) for value in values[:limit])
    more = len(values) - limit
    return f"{first} and {more:,} more" if more > 0 else first
