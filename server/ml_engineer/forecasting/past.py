"""Columns that are known only once their moment has come, and may tell of what comes later."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

__all__ = ["MOST_PAST", "counts_up", "past_columns_of"]

MOST_PAST = 20
"""The past of more columns would drown each other."""


def counts_up(values: pd.Series) -> bool:
    """Whether a column numbers the rows."""
    steps = values.dropna().diff().dropna()
    return pd.api.types.is_integer_dtype(values.dtype) and len(steps) > 2 and bool((steps == steps.iloc[0]).all())


def past_columns_of(rows: pd.DataFrame, spoken_for: Collection[str]) -> tuple[str, ...]:
    """Columns of numbers that are neither constant nor count rows, but those that have a part already; twenty at most.

    A column whose name is no text is left out: what a forecaster learned from is told by name.
    """
    found = [
        name
        for name in rows.columns
        if isinstance(name, str)
        and name not in spoken_for
        and pd.api.types.is_numeric_dtype(rows[name].dtype)
        and len(rows[name].dropna().unique()) > 1
        and not counts_up(rows[name])
    ]
    return tuple(found[:MOST_PAST])
