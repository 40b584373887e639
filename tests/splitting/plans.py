"""Plans of splits for the tests of this room."""

from __future__ import annotations

from typing import Any

from ml_engineer.splitting import plan_split
from ml_engineer.vocabulary.problem import SplitDefinition


def plan(**changes: Any) -> SplitDefinition:
    """The plan for a plain table of 1000 rows, with changes."""
    fields: dict[str, Any] = {
        "rows": 1000,
        "stratify": True,
        "smallest_class_rows": 300,
        "group_columns": (),
        "groups": None,
        "time_column": None,
        "own_test_file": False,
        "requested": None,
        "held_out_fraction": None,
        "seed": 0,
    }
    return plan_split(**(fields | changes))
