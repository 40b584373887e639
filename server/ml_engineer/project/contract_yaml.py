"""data/contract.yaml as text: every rule explained where it is written, every fault told by its line where it is read."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml.comments import CommentedMap

from ml_engineer.errors import DefinitionError
from ml_engineer.project.definition_faults import Place, explained, fault_error, nearest, shown
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.yaml_trees import load_tree, text_sha256, tree_of, untagged, yaml_format
from ml_engineer.vocabulary.contract import ColumnRules, DataContract

__all__ = ["contract_differences", "contract_text", "is_as_written", "load_contract", "parse_contract"]

_HEAD = """\
The data contract: what rows must look like. It is enforced before training, when a file is predicted, in every request
to the service, in the project's tests, and counted by the monitor. Edit it: framing again keeps your edits and shows
what it would have written beside them.
"""
_RULES = """\
What a breach means is said by each rule: error refuses, warn is counted and told, allowed is nothing.
  part: input (the model sees it), target (the model learns it) or key (rows are told apart by it).
  type: integer, float, boolean, datetime or string; what cannot be read so is always an error.
  missing: what a missing value is.
  minimum, maximum (numbers), earliest, latest (time stamps): as seen in development rows; set what must hold instead.
  outside: what a value beyond these limits is.
  categories: every text that is expected, the most frequent first; unseen: what any other text is.
  repeats: what a value that occurs twice is.
  masked: true keeps values out of every message.
"""
_RELATIONS = """\
Orders between two columns, each written as {left: COLUMN, operator: "<=", right: COLUMN, breach: warn}; the operator is
one of <, <= and ==.
"""
_STAMP = re.compile(r"# as framed: ([0-9a-f]{64})\n?\Z")
_REMEDY = "Edit that line, or delete the file and call frame_problem again to have it written anew"
_FITS: dict[str, frozenset[str]] = {
    "integer": frozenset({"minimum", "maximum"}),
    "float": frozenset({"minimum", "maximum"}),
    "boolean": frozenset(),
    "datetime": frozenset({"earliest", "latest"}),
    "string": frozenset({"categories"}),
}


def contract_text(contract: DataContract) -> str:
    """data/contract.yaml for `contract`: explained by comments, stamped so that edits are noticed."""
    tree = CommentedMap()
    tree["version"] = contract.version
    tree["columns"] = tree_of({column.name: _written(column) for column in contract.columns})
    tree["relations"] = tree_of([relation.model_dump(mode="json") for relation in contract.relations])
    tree.yaml_set_start_comment(_HEAD)
    described = DataContract.model_fields["version"].description or ""
    for key, comment in (("version", textwrap.fill(described, 112)), ("columns", _RULES), ("relations", _RELATIONS)):
        tree.yaml_set_comment_before_after_key(key, before=comment.rstrip("\n"))
    body = io.StringIO()
    yaml_format().dump(tree, body)
    text = body.getvalue()
    return f"{text}# as framed: {text_sha256(text)}\n"


def _written(column: ColumnRules) -> dict[str, Any]:
    """The rules that say something: those of its type, and what a breach of them means."""
    values = column.model_dump(mode="json", exclude={"name"})
    fitting = _FITS[column.type]
    kept: dict[str, Any] = {"part": values["part"], "type": values["type"], "missing": values["missing"]}
    for limits, level in ((("minimum", "maximum", "earliest", "latest"), "outside"), (("categories",), "unseen")):
        known = {key: _plain_number(values[key]) for key in limits if key in fitting and values[key] is not None}
        if known:
            kept |= known | {level: values[level]}
    if column.repeats != "allowed":
        kept["repeats"] = column.repeats
    if column.masked:
        kept["masked"] = True
    return kept


def _plain_number(value: object) -> object:
    """Whole numbers without their point."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def is_as_written(text: str) -> bool:
    """Whether `text` is what we wrote, to the letter."""
    stamp = _STAMP.search(text)
    return stamp is not None and stamp.group(1) == text_sha256(text[: stamp.start()])


def load_contract(layout: ProjectLayout) -> DataContract | None:
    """The contract as the project has it now; none in a project that was framed before there were contracts.

    Raises
    ------
    DefinitionError
        If the file does not hold a valid contract: names line, key, value and what is allowed.
    """
    path = layout.contract_yaml
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{path} cannot be read as UTF-8 text", found=str(error), remedy=_REMEDY) from error
    return parse_contract(text, path)


def parse_contract(text: str, path: Path) -> DataContract:
    """The contract that `text`, the content of `path`, holds.

    Raises
    ------
    DefinitionError
        Naming line, key, value and what is allowed.
    """
    tree = load_tree(text, path, remedy=_REMEDY)
    values: dict[str, Any] = {str(key): untagged(value) for key, value in tree.items()}
    columns, names = values.get("columns"), []
    if isinstance(columns, dict):
        names = list(columns)
        values["columns"] = [
            {"name": name, **_as_texts(rules)} if isinstance(rules, dict) else rules for name, rules in columns.items()
        ]
    if values.get("relations") is None:
        values.pop("relations", None)
    try:
        contract = DataContract.model_validate(values)
    except ValidationError as error:
        faults = [explained(detail, names, record=DataContract, column=ColumnRules) for detail in error.errors()]
        raise fault_error(path, tree, faults, remedy=_REMEDY) from error
    faults = list(_contradictions(contract))
    if faults:
        raise fault_error(path, tree, faults, remedy=_REMEDY)
    return contract


def _as_texts(rules: dict[str, Any]) -> dict[str, Any]:
    """Categories and time stamps as texts: `categories: [0, 1]` and `earliest: 2024-01-31` are how people write them."""
    texts = dict(rules)
    if isinstance(texts.get("categories"), list):
        texts["categories"] = [
            str(item).lower() if isinstance(item, bool) else str(item) for item in texts["categories"]
        ]
    for key in ("earliest", "latest"):
        if texts.get(key) is not None:
            texts[key] = str(texts[key])
    return texts


def _contradictions(contract: DataContract) -> Iterator[tuple[Place, str]]:
    """Rules that do not fit one another, their column's type, or the columns there are."""
    names = [column.name for column in contract.columns]
    for column in contract.columns:
        at = ("columns", column.name)
        for key in ("minimum", "maximum", "earliest", "latest", "categories"):
            if getattr(column, key) is not None and key not in _FITS[column.type]:
                yield (*at, key), f"{key!r} does not fit a column of type {column.type}"
        for low, high in (("minimum", "maximum"), ("earliest", "latest")):
            first, last = getattr(column, low), getattr(column, high)
            if first is not None and last is not None and first > last:
                yield (*at, low), f"{low!r} holds {shown(first)}, which is more than {high!r}, {shown(last)}"
        for key in ("earliest", "latest"):
            value = getattr(column, key)
            if value is not None and not _is_moment(value):
                yield (*at, key), f"{key!r} holds {shown(value)}, which is not a time stamp such as 2024-01-31T12:00:00"
        if column.categories == ():
            yield (*at, "categories"), "'categories' is empty: nothing would be allowed; remove the line instead"
    for place, relation in enumerate(contract.relations):
        for side in ("left", "right"):
            name = getattr(relation, side)
            if name not in names:
                yield (
                    ("relations", place, side),
                    f"{side!r} holds {shown(name)}, which is not a column of the contract{nearest(name, names)}",
                )


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def contract_differences(mine: DataContract, other: DataContract) -> list[str]:
    """What `other` says differently from `mine`, one short sentence each; versions are not compared."""
    here, there = ({column.name: column for column in contract.columns} for contract in (mine, other))
    found = [f"{name!r} is new" for name in there if name not in here]
    found += [f"{name!r} is gone" for name in here if name not in there]
    for name in here:
        if name not in there:
            continue
        for key in ColumnRules.model_fields:
            old, new = getattr(here[name], key), getattr(there[name], key)
            if old != new:
                found.append(f"{name!r}: {key} {_brief(old)} -> {_brief(new)}")
    found += [f"{one.text!r} is new" for one in other.relations if one not in mine.relations]
    found += [f"{one.text!r} is gone" for one in mine.relations if one not in other.relations]
    return found


def _brief(value: object) -> str:
    return f"{len(value)} texts" if isinstance(value, tuple) else shown(_plain_number(value))
