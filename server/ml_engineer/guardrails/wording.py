"""How names, lists and shares from the user's data are shown in findings: quoted, shortened, never as markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["listed", "percent", "quoted", "quoted_list", "rows_text", "shortened", "words"]

_LONGEST_NAME = 40


def quoted(value: object) -> str:
    """`value` in single quotes, on one line, without back quotes, at most 40 characters long."""
    text = "".join(character if character.isprintable() else " " for character in str(value))
    text = text.replace("`", "'")
    if len(text) > _LONGEST_NAME:
        text = text[: _LONGEST_NAME - 1] + "…"
    return f"'{text}'"


def listed(texts: Sequence[str], *, limit: int = 6, join: str = ", ") -> str:
    """The first `limit` texts, and how many more there are."""
    shown = join.join(texts[:limit])
    more = len(texts) - limit
    return f"{shown}{join}and {more:,} more" if more > 0 else shown


def quoted_list(names: Iterable[object], *, limit: int = 6) -> str:
    """Names in quotes, comma separated; what goes beyond `limit` is counted."""
    return listed([quoted(name) for name in names], limit=limit)


def shortened(text: str, width: int) -> str:
    """`text`, cut at a word before `width` characters if it is longer."""
    return text if len(text) <= width else f"{text[: width - 1].rsplit(' ', 1)[0]}…"


def percent(share: float) -> str:
    """A share as a percentage with as many digits as it deserves; a part is never rounded to nothing or to the whole."""
    if 0.995 <= share < 1:
        return "over 99 %"
    if 0 < share < 0.001:
        return "under 0.1 %"
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


def rows_text(count: int) -> str:
    """``1 row`` or ``1,234 rows``."""
    return "1 row" if count == 1 else f"{count:,} rows"


def words(name: str) -> str:
    """A name as lower-case words: ``ChurnReason`` and ``churn_reason`` become ``churn reason``."""
    return re.sub(r"[^a-z0-9]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).casefold()).strip()
