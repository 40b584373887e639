"""problem.yaml as text: every key explained where it is written, every fault told by its line where it is read."""

from __future__ import annotations

import io
import re
import textwrap
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from ruamel.yaml.comments import CommentedMap

from ml_engineer.project.definition_faults import contradictions, explained, fault_error
from ml_engineer.project.yaml_trees import load_tree, text_sha256, tree_of, untagged, yaml_format
from ml_engineer.vocabulary.problem import ProblemColumn, ProblemDefinition, SplitDefinition

__all__ = ["DECISIONS", "is_untouched", "parse_problem", "problem_text"]

DECISIONS = ("role", "used", "sensitive", "availability")
"""What a person may decide of a column."""

_HEAD = """\
The problem for machines; PROBLEM.md says the same for people. Edit it by hand where it is wrong: columns, goal,
metric, costs and the positive class take effect with the next `train`. The target, the kind of task and the split
belong to the rows as they were dealt: change those by calling frame_problem with the matching argument.
"""
_COLUMNS_COMMENT = "One entry a column. `decided_by: person` marks what a person set; framing again keeps it."
_HOW_TO_WRITE = {
    "costs": " Written as {false_positive: 1, false_negative: 5}; empty if unknown.",
    "target_score": " Empty if none.",
    "unit": " Empty if unknown.",
}
_MANY_COLUMNS = 200
_LAST = ("parents", "schema_version")
_STAMP = re.compile(r"# as framed: ([0-9a-f]{64}) ([0-9a-f]{64})\n?\Z")
_REMEDY = "Edit that line, or call frame_problem again to write the file anew"


def problem_text(problem: ProblemDefinition) -> str:
    """problem.yaml for `problem`: every key explained by a comment, stamped so that edits are noticed."""
    values = problem.model_dump(mode="json")
    tree = CommentedMap()
    for key in (*(key for key in values if key not in _LAST), *_LAST):
        tree[key] = _columns_tree(values[key]) if key == "columns" else tree_of(values[key])
    tree.yaml_set_start_comment(_HEAD)
    _explain(tree, ProblemDefinition, indent=0)
    _explain(tree["split"], SplitDefinition, indent=2)
    body = io.StringIO()
    yaml_format().dump(tree, body)
    text = body.getvalue()
    return f"{text}# as framed: {text_sha256(text)} {problem.content_hash()}\n"


def _columns_tree(columns: list[dict[str, Any]]) -> CommentedMap:
    """Columns by name, which is how a person looks one up; in wide tables without what goes without saying."""
    usual = {"sensitive": False, "availability": "at_prediction", "decided_by": "inferred"}
    left_out = usual.items() if len(columns) > _MANY_COLUMNS else ()
    tree = CommentedMap()
    for column in columns:
        tree[tree_of(column["name"])] = tree_of(
            {key: value for key, value in column.items() if key != "name" and (key, value) not in left_out}
        )
    return tree


def _explain(tree: CommentedMap, record: type[BaseModel], *, indent: int) -> None:
    """Put each field's description, and what is allowed, above its key."""
    for key in tree:
        field = record.model_fields[key]
        lines = _wrapped(_sentence(field.description or "", field.annotation) + _HOW_TO_WRITE.get(key, ""))
        if key == "columns":
            lines = [_COLUMNS_COMMENT]
            for name in (*DECISIONS, "reason"):
                part = ProblemColumn.model_fields[name]
                lines += _wrapped(f"  {name}: {_sentence(part.description or '', part.annotation)}")
        tree.yaml_set_comment_before_after_key(key, before="\n".join(lines), indent=indent)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, width=112, subsequent_indent="    ", break_long_words=False)


def _sentence(description: str, annotation: object) -> str:
    allowed = _literals(annotation)
    return f"{description} One of: {', '.join(allowed)}." if allowed else description


def _literals(annotation: object) -> tuple[str, ...]:
    """The closed set that an annotation allows, if it is one (`None` apart)."""
    if get_origin(annotation) is Literal:
        return tuple(str(value) for value in get_args(annotation))
    return tuple(value for part in get_args(annotation) for value in _literals(part))


def is_untouched(text: str, framed: ProblemDefinition) -> bool:
    """Whether `text` is what was written for `framed`, to the letter."""
    stamp = _STAMP.search(text)
    return stamp is not None and stamp.groups() == (text_sha256(text[: stamp.start()]), framed.content_hash())


def parse_problem(text: str, path: Path) -> ProblemDefinition:
    """The problem that `text`, the content of `path`, holds.

    Raises
    ------
    DefinitionError
        Naming line, key, value and what is allowed.
    """
    tree = load_tree(text, path, remedy=_REMEDY)
    values, names = _plain(tree)
    try:
        problem = ProblemDefinition.model_validate(values)
    except ValidationError as error:
        raise fault_error(path, tree, [explained(detail, names) for detail in error.errors()]) from error
    faults = list(contradictions(problem))
    if faults:
        raise fault_error(path, tree, faults)
    return problem


def _plain(tree: CommentedMap) -> tuple[dict[str, Any], list[str]]:
    """Plain values for the record, and the names of the columns in order."""
    values: dict[str, Any] = {str(key): untagged(value) for key, value in tree.items()}
    names: list[str] = []
    columns = values.get("columns")
    if isinstance(columns, dict):
        names = list(columns)
        values["columns"] = [
            {"name": name, **fields} if isinstance(fields, dict) else fields for name, fields in columns.items()
        ]
    # `positive_class: 1` and `classes: [0, 1]` are how a person writes labels that are digits.
    if isinstance(values.get("classes"), list):
        values["classes"] = [_label(label) for label in values["classes"]]
    values["positive_class"] = _label(values.get("positive_class"))
    if values.get("positive_class") is None and "positive_class" not in tree:
        del values["positive_class"]
    return values, names


def _label(value: object) -> object:
    return str(value) if isinstance(value, bool | int | float) else value
