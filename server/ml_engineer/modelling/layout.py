"""Lays Python expressions out as the formatter would, so that it has nothing to change."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LINE_LENGTH", "Atom", "Bracket", "Node", "flat", "quoted", "render"]

LINE_LENGTH = 120


@dataclass(frozen=True)
class Atom:
    """Text that is never broken."""

    text: str


@dataclass(frozen=True)
class Bracket:
    """Something with a bracket: a call, a list, a tuple, a dictionary.

    Parameters
    ----------
    opening, closing : str
        What stands before and after the items.
    items : tuple of (str, Node)
        What stands before each item on its line (``name=``, ``key: `` or nothing), and the item.
    is_tuple : bool
        A tuple of one needs its comma.
    """

    opening: str
    items: tuple[tuple[str, Node], ...]
    closing: str
    is_tuple: bool = False


Node = Atom | Bracket


def quoted(text: str) -> str:
    """`text` as a string literal with the quotes that the formatter prefers."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    body = "".join(_escaped(character, quote) for character in text)
    return f"{quote}{body}{quote}"


def _escaped(character: str, quote: str) -> str:
    if character == quote:
        return f"\\{character}"
    # `repr` of one character escapes what cannot be printed, and the backslash; its quotes are taken off.
    return character if character in "'\"" else repr(character)[1:-1]


def render(node: Node, *, indent: int = 0, before: str = "") -> str:
    """Source text of `node`, on one line if it fits, else with one item a line.

    Parameters
    ----------
    node : Node
        The expression.
    indent : int
        Column at which its line starts.
    before : str
        What stands on that line before it; not part of the result.
    """
    one_line = flat(node)
    # One column is left for the comma that may follow.
    if isinstance(node, Atom) or not node.items or indent + len(before) + len(one_line) + 1 <= LINE_LENGTH:
        return one_line
    inner = indent + 4
    if not node.opening:
        return render(node.items[0][1], indent=indent, before=before) + node.closing
    lines = [f"{' ' * inner}{label}{render(item, indent=inner, before=label)},\n" for label, item in node.items]
    return f"{node.opening}\n{''.join(lines)}{' ' * indent}{node.closing}"


def flat(node: Node) -> str:
    """Source text of `node` on one line."""
    if isinstance(node, Atom):
        return node.text
    comma = "," if node.is_tuple and len(node.items) == 1 else ""
    return f"{node.opening}{', '.join(label + flat(item) for label, item in node.items)}{comma}{node.closing}"
