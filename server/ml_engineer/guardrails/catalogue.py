"""The page that lists every check, made from the checks: ``python -m ml_engineer.guardrails.catalogue > docs/checks.md``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import get_args

from ml_engineer.guardrails.check import Check
from ml_engineer.guardrails.registry import CHECKS
from ml_engineer.vocabulary.guardrails import Stage
from ml_engineer.vocabulary.problem import FORMS

__all__ = ["render_catalogue"]

_HEAD = """# Every check

<!-- Made by `python -m ml_engineer.guardrails.catalogue`; a test compares it to the code. -->

A report answers each of these {count} checks exactly once: passed, issue, question, advice, waived, or not
applicable with the reason. *Blocks* names the stages at which the worst of its observations stop the work (`-`: it
never does); every observation comes with counts, columns, example rows and a remedy. *Models*: the check fits small
models of its own, on at most 20,000 rows. A person may override a finding in writing with `waive_finding`."""


def render_catalogue(checks: Sequence[Check] = CHECKS) -> str:
    """The page, in Markdown.

    Parameters
    ----------
    checks : sequence of Check
        The checks, family by family.
    """
    parts = [_HEAD.format(count=len(checks))]
    for family, members in groupby(checks, key=lambda check: check.family):
        listed = list(members)
        parts.append(f"## {listed[0].code[:3]}: {family}")
        parts.append("\n".join(_table(listed)))
        parts.extend(_section(check) for check in listed)
    return "\n\n".join(parts) + "\n"


def _table(checks: Sequence[Check]) -> Iterator[str]:
    yield "| Check | About | Blocks | Models | Tasks |"
    yield "|---|---|---|---|---|"
    for check in checks:
        models = "yes" if check.cost == "models" else ""
        yield f"| [{check.code}](#{_anchor(check)}) | {check.title} | {_blocks(check)} | {models} | {_tasks(check)} |"


def _blocks(check: Check) -> str:
    stages = [stage for stage in get_args(Stage) if stage in check.blocks_at]
    return "always" if len(stages) == len(get_args(Stage)) else ", ".join(stages) or "-"


def _tasks(check: Check) -> str:
    told = "all" if check.forms >= FORMS else "classes" if "binary" in check.forms else "numbers"
    if check.needs_target and told == "all":
        told = "with a target"
    return told + (f" but {', '.join(sorted(check.not_for))}" if check.not_for and told != "classes" else "")


def _section(check: Check) -> str:
    return f"### {_heading(check)}\n\n{inspect.getdoc(type(check))}"


def _heading(check: Check) -> str:
    return f"{check.code} {check.title}"


def _anchor(check: Check) -> str:
    """The anchor that GitHub gives the check's heading."""
    kept = (character for character in _heading(check).lower() if character.isalnum() or character in " -_")
    return "".join(kept).replace(" ", "-")


if __name__ == "__main__":
    sys.stdout.write(render_catalogue())
