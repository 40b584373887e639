"""DAT017: a column that says which part of a split a row was in."""

from __future__ import annotations

from typing import ClassVar, Final

import pandas as pd

from ml_engineer.guardrails.cells import is_text
from ml_engineer.guardrails.check import Answer, Observation, observed, passed
from ml_engineer.guardrails.data_columns import ColumnCheck
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.wording import quoted, quoted_list, words

__all__ = ["DAT017"]

_PARTS: Final = frozenset(
    [
        "train",
        "training",
        "learn",
        "fit",
        "test",
        "testing",
        "eval",
        "evaluation",
        "val",
        "valid",
        "validation",
        "dev",
        "development",
        "holdout",
        "held-out",
        "held_out",
        "hold-out",
        "hold_out",
        "public",
        "private",
    ]
)
_NAMES: Final = frozenset({"fold", "folds", "kfold", "cv fold", "is train", "is test", "is training", "is validation"})


class DAT017(ColumnCheck):
    """A column that says in which part of somebody's split a row was: train, test, a fold.

    It describes the table and no case: new rows have none. And where somebody has set rows apart already, a dealing of our own
    mixes what they had kept apart, and numbers of both cannot be compared.
    """

    title = "Column of an earlier split"
    most_values: ClassVar[int] = 20

    def find(self, evidence: Evidence) -> Answer:
        """Look for words of splits among the values, or for a name that says so."""
        seen = []
        for name in evidence.used_names:
            values = self._parts(evidence.frame[name], name)
            if values:
                rows = tuple(int(row) for row in evidence.frame.index[:3])
                seen.append(Observation("issue", f"{quoted(name)} holds {quoted_list(values, limit=4)}", (name,), rows))
        if not seen:
            return passed("no used column says in which part of a split a row was")
        return observed(
            seen,
            remedy="Frame again with exclude_columns naming it. If the rows marked as test are to stay apart, bring them as test_data: "
            "sql=\"SELECT ... WHERE split = 'train'\" gives the others",
        )

    def _parts(self, column: pd.Series, name: str) -> list[str]:
        """The values, if they are parts of a split; empty otherwise."""
        values = column.dropna().unique()
        if not 2 <= len(values) <= self.most_values:
            return []
        texts = sorted(str(value) for value in values)
        by_value = is_text(column) and {text.strip().casefold() for text in texts} <= _PARTS
        return texts if by_value or words(name) in _NAMES else []
