"""Columns that may be known only after the fact, where a row may have several labels: each label is asked for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

import numpy as np

from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.quick_model import QuickTarget
from ml_engineer.profiling.suspicion import Suspicion

__all__ = ["suspects_of_labels"]

_MOST_LABELS: Final = 10
"""The most frequent ones; a column that is filled in after the fact seldom knows of a rare label alone."""


class _Finder(Protocol):
    def __call__(self, *, target: QuickTarget) -> dict[str, Suspicion]: ...


def suspects_of_labels(find: _Finder, target: QuickTarget, labels: Sequence[str]) -> dict[str, Suspicion]:
    """Suspicious columns by name, each with the label that it is most suspected for.

    Parameters
    ----------
    find : callable
        `find_suspects`, told everything but the target.
    target : QuickTarget
        n rows, several labels each.
    labels : sequence of str
        Names of the k labels.
    """
    found: dict[str, Suspicion] = {}
    common = np.argsort(-target.values.sum(axis=0), kind="stable")[:_MOST_LABELS]
    for code in (int(one) for one in common):
        if len(np.unique(target.values[:, code])) < 2:
            continue
        for name, suspicion in find(target=target.label(code)).items():
            known = found.get(name)
            if known is None or (known.strength, suspicion.strength) == ("weak", "strong"):
                found[name] = replace(suspicion, reason=f"of the label {quoted(labels[code], 30)}: {suspicion.reason}")
    return found
