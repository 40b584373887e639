"""The rules of data/contract.yaml, read once: what a value may be, and what a breach of it means.

The file is yours to edit: tests, service and monitor follow it at the next start. A breach at level ``error`` refuses, at
``warn`` it is counted, ``allowed`` is nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

CONTRACT_FILE = Path(__file__).resolve().parents[1] / "contract.yaml"
LEVELS = ("error", "warn", "allowed")
OPERATORS = ("<", "<=", "==")
_WORDS_OF_TRUTH = frozenset({"true", "t", "yes", "y", "1", "1.0", "false", "f", "no", "n", "0", "0.0"})


@dataclass(frozen=True)
class Rules:
    """The rules of one column."""

    name: str
    part: str
    type: str
    missing: str = "allowed"
    minimum: float | None = None
    maximum: float | None = None
    earliest: datetime | None = None
    latest: datetime | None = None
    outside: str = "warn"
    categories: tuple[str, ...] | None = None
    unseen: str = "warn"
    repeats: str = "allowed"
    masked: bool = False  # values are personal or sensitive: no message holds one


@dataclass(frozen=True)
class Relation:
    """An order between two columns, in every row where both are known."""

    left: str
    operator: str
    right: str
    breach: str = "warn"

    @property
    def text(self) -> str:
        """The relation as it is read aloud."""
        return f"{self.left} {self.operator} {self.right}"

    def holds(self, left: Any, right: Any) -> Any:
        """Compare two values, or two columns of them."""
        return left < right if self.operator == "<" else left <= right if self.operator == "<=" else left == right


@dataclass(frozen=True)
class Broken:
    """A rule that a value breaks."""

    rule: str
    level: str
    allowed: str


def broken_by(value: object, rules: Rules) -> Broken | None:
    """Give the first rule that one value breaks; nothing if it keeps them all.

    Parameters
    ----------
    value : object
        A value that was read as the column's type, or None for a missing one.
    rules : Rules
        Of its column.
    """
    if value is None:
        return Broken("missing", rules.missing, "a value is needed") if rules.missing != "allowed" else None
    limits = (rules.minimum, rules.maximum) if rules.type != "datetime" else (rules.earliest, rules.latest)
    if rules.outside != "allowed" and not _within(value, *limits):
        return Broken("outside", rules.outside, between(*limits))
    if rules.unseen != "allowed" and rules.categories is not None and str(value) not in rules.categories:
        return Broken("unseen", rules.unseen, "" if rules.masked else f"one of {listed(rules.categories)}")
    return None


def _within(value: Any, low: Any, high: Any) -> bool:
    return (low is None or low <= value) and (high is None or value <= high)


def between(low: object, high: object) -> str:
    """Say which values lie within two limits, either of which may be open."""
    low_text, high_text = (f"{end:g}" if isinstance(end, float) else str(end) for end in (low, high))
    if low is None or high is None:
        return f"at most {high_text}" if low is None else f"at least {low_text}"
    return f"{low_text} to {high_text}"


def listed(categories: tuple[str, ...], most: int = 8) -> str:
    """List the first categories, and how many more there are."""
    more = len(categories) - most
    return ", ".join(categories[:most]) + (f" and {more} more" if more > 0 else "")


def reads_as_truth(text: str) -> bool:
    """Say whether a text is one of the words for true and false."""
    return text.strip().lower() in _WORDS_OF_TRUTH


def read_contract(path: Path = CONTRACT_FILE) -> tuple[dict[str, Rules], list[Relation]]:
    """Read the rules by column, and the relations.

    Raises
    ------
    ValueError
        If the file does not hold valid rules: names the column and the key.
    """
    # Everything is read as text, so that 1, 01, yes and 2024-01-31 mean the same to every reader of the file.
    tree = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    if not isinstance(tree, dict) or not isinstance(tree.get("columns"), dict):
        raise ValueError(f"{path} holds no columns")
    rules = {}
    for name, keys in tree["columns"].items():
        try:
            rules[name] = _rules(name, keys)
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{path}: the rules of column {name!r} are not valid: {error}") from error
    return rules, [_relation(keys, rules, path) for keys in tree.get("relations") or []]


def _relation(keys: Mapping[str, str], rules: Mapping[str, Rules], path: Path) -> Relation:
    try:
        relation = Relation(**keys)
    except TypeError as error:
        raise ValueError(f"{path}: the relation {keys!r} is not valid: {error}") from error
    known = {relation.left, relation.right} <= set(rules)
    if not known or relation.operator not in OPERATORS or relation.breach not in LEVELS:
        raise ValueError(f"{path}: {relation.text!r} is not valid: its columns, operator or level are unknown")
    return relation


def _rules(name: str, keys: Mapping[str, Any]) -> Rules:
    values: dict[str, Any] = {key: value for key, value in keys.items() if value not in ("", "null", "~")}
    values |= {key: float(values[key]) for key in ("minimum", "maximum") if key in values}
    values |= {key: _moment(values[key]) for key in ("earliest", "latest") if key in values}
    if "categories" in values:
        values["categories"] = tuple(values["categories"])
    if "masked" in values:
        values["masked"] = reads_as_truth(values["masked"]) and values["masked"].lower()[0] in "ty1"
    for key in ("missing", "outside", "unseen", "repeats"):
        if values.get(key, "allowed") not in LEVELS:
            raise ValueError(f"{key} holds {values[key]!r}; allowed: {', '.join(LEVELS)}")
    return Rules(name=name, **{"part": "input", **values})


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


RULES, RELATIONS = read_contract()
