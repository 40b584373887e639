"""What a column's name says: words, and the lists of words that mean something.

Names are evidence, never proof: everything decided here is weighed against the values, given a reason,
and can be overridden. English words only, as in most data; a name in another language says nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal

__all__ = [
    "KeyStrength",
    "has_any",
    "key_strength",
    "names_calendar_part",
    "names_event_time",
    "names_person",
    "names_title",
    "quoted",
    "unit_in",
    "word_set",
    "words",
]

KeyStrength = Literal["strong", "weak", "none"]


def word_set(text: str) -> frozenset[str]:
    """The words of `text`, for lists of words that read as lists of words."""
    return frozenset(text.split())


_SPLIT: Final = re.compile(r"[^0-9A-Za-z]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNIT: Final = re.compile(r"\(([^()]{1,12})\)\s*$|\[([^\[\]]{1,12})\]\s*$")

_KEY_WORDS: Final = frozenset({"id", "ids", "uid", "uuid", "guid", "key", "pk", "identifier", "ident", "hash", "ssn"})
_NUMBER_WORDS: Final = frozenset({"number", "no", "nr", "num", "nbr", "code", "ref", "reference"})
_PEOPLE: Final = word_set(
    "account acct animal applicant bird borrower child client cust customer donor driver emp employee family guest "
    "household individual member mother participant passenger pat patient person player policyholder pupil respondent "
    "student subj subject subscriber tenant user visitor worker"
)
_THINGS: Final = word_set(
    "article asset battery booking bus case company contract device encounter engine episode firm flight hospital "
    "incident instrument invoice item listing loan lot machine merchant order parcel plant plot policy product property "
    "school seller sensor session shipment shop site sku specimen station store ticket trip turbine unit vehicle visit "
    "well "
    # Sets of things that were matched, born or housed together.
    "block cluster litter matchset pair strata stratum"
)
# What such a key names is a kind of thing, which comes back for new rows, rather than one thing.
_KINDS: Final = word_set(
    "area brand category channel city class color colour country county currency department dept district gender "
    "genre grade group language level location model neighborhood neighbourhood origin postal postcode reason region "
    "segment source state status type zip zipcode"
)
_TITLES: Final = frozenset({"name", "fullname", "surname", "firstname", "lastname", "forename"})
_CALENDAR: Final = word_set(
    "day days dow hour hours hr minute min month mon mnth mo quarter qtr second sec week weekday year yr season"
)
_EVENTS: Final = word_set(
    "admission arrival booking created event invoice issue issued measured observation observed opened order ordered "
    "posted purchase purchased received record recorded reported sale sales sold survey transaction visit"
)
_WHEN: Final = frozenset({"date", "datetime", "month", "time", "timestamp", "ts", "year", "yr", "when"})


@lru_cache(maxsize=20_000)
def words(name: str) -> tuple[str, ...]:
    """Lower-case words of a name: split at punctuation and where camel case turns (`customerID`: customer, id)."""
    return tuple(part.lower() for part in _SPLIT.split(name) if part)


def has_any(name: str, vocabulary: frozenset[str]) -> bool:
    """Whether one of the name's words is in `vocabulary`."""
    return not vocabulary.isdisjoint(words(name))


def names_person(name: str) -> bool:
    """Whether the name speaks of a person or a living thing."""
    return has_any(name, _PEOPLE) or any(word[:-2] in _PEOPLE for word in words(name) if word.endswith("id"))


def key_strength(name: str) -> KeyStrength:
    """How strongly a name says that its values name single persons or things.

    'strong': an id or key (`customer_id`, `Individual ID`, `patient`), not of a kind of thing (`category_id`);
    'weak': a thing without a word for key (`ticket`), a number or code that could name one, or a kind's key.
    """
    parts = words(name)
    if not parts:
        return "none"
    last = parts[-1]
    glued = any(word.endswith("id") and word[:-2] in _PEOPLE | _THINGS for word in parts)
    keyed = glued or last in _KEY_WORDS or parts[0] in {"id", "uuid", "guid"}
    if keyed:
        return "weak" if not _KINDS.isdisjoint(parts) else "strong"
    if last in _NUMBER_WORDS and not _KINDS.isdisjoint(parts):
        return "none"
    if last in _NUMBER_WORDS and not (_PEOPLE | _THINGS).isdisjoint(parts):
        return "strong"
    if last in _PEOPLE or (last in _TITLES and not _PEOPLE.isdisjoint(parts)):
        return "strong"
    return "weak" if last in _THINGS else "none"


def names_title(name: str) -> bool:
    """Whether the name speaks of the name or title of something."""
    return bool(words(name)) and words(name)[-1] in _TITLES


def names_calendar_part(name: str) -> bool:
    """Whether the name speaks of a part of the calendar or the clock."""
    return has_any(name, _CALENDAR)


def names_event_time(name: str) -> bool:
    """Whether the name says when the row's event took place (`Yr Sold`, `transaction date`), not just any date."""
    return has_any(name, _EVENTS) and (has_any(name, _WHEN) or names_calendar_part(name))


def unit_in(name: str) -> str | None:
    """The unit that a name ends with in brackets, if any (`Body Mass (g)`: g)."""
    found = _UNIT.search(name)
    return (found.group(1) or found.group(2)).strip() if found else None


def quoted(name: object, width: int = 50) -> str:
    """A name or value of the user's data inside one of our sentences: on one line, in quotes, shortened."""
    visible = "".join(character if character.isprintable() else " " for character in str(name))
    line = " ".join(visible.split())
    line = line if len(line) <= width else line[: width - 1].rstrip() + "…"
    return f"'{line}'"
