"""How the files that people edit are written and read: commentable trees, quoting that every reader agrees on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from ml_engineer.errors import DefinitionError

__all__ = ["load_tree", "text_sha256", "tree_of", "untagged", "yaml_format"]

_WORDS_OF_TRUTH = frozenset({"yes", "no", "on", "off", "y", "n"})


def yaml_format() -> YAML:
    """The reader and writer, with our width."""
    yaml = YAML()
    yaml.width = 110
    yaml.allow_unicode = True
    return yaml


def text_sha256(text: str) -> str:
    """SHA-256 (hex) of a text, by which a person's edits are noticed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def tree_of(value: object) -> object:
    """Mappings as commentable ones; short lists of plain values on one line."""
    if isinstance(value, dict):
        tree = CommentedMap()
        for key, item in value.items():
            tree[tree_of(key)] = tree_of(item)
        return tree
    # Left to itself, the emitter folds some line separators into plain line breaks.
    # Readers of YAML 1.1 take a bare yes or no for a truth value.
    if isinstance(value, str) and (not value.isprintable() or value.lower() in _WORDS_OF_TRUTH):
        return DoubleQuotedScalarString(value)
    if isinstance(value, list):
        items = CommentedSeq([tree_of(item) for item in value])
        if sum(len(str(item)) for item in value) < 80 and not any(isinstance(item, dict) for item in value):
            items.fa.set_flow_style()
        return items
    return value


def load_tree(text: str, path: Path, *, remedy: str) -> CommentedMap:
    """The keys and values of `text`, the content of `path`, with their places.

    Raises
    ------
    DefinitionError
        If it is not YAML, or holds no keys; names the line.
    """
    try:
        tree = yaml_format().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise DefinitionError(
            f"{path}{line}: this is not valid YAML", found=error.problem or "", remedy=remedy
        ) from error
    except (YAMLError, ValueError) as error:
        raise DefinitionError(f"{path} is not valid YAML", found=str(error), remedy=remedy) from error
    if not isinstance(tree, CommentedMap):
        raise DefinitionError(f"{path} does not hold keys with values", found=type(tree).__name__, remedy=remedy)
    return tree


def untagged(value: object) -> object:
    """Plain Python values without places and styles."""
    if isinstance(value, dict):
        return {str(key): untagged(item) for key, item in value.items()}
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if isinstance(value, bool):
        return bool(value)
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return value
