"""Simulated tables and rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ml_engineer.vocabulary.problem import SplitDefinition


def definition(**changes: Any) -> SplitDefinition:
    """A stratified split of a fifth, with changes."""
    fields = {"strategy": "stratified", "held_out_fraction": 0.2, "folds": 5, "reason": "for a test"}
    return SplitDefinition.model_validate(fields | changes)


def simulate(rows: int = 400, *, seed: int = 0) -> pd.DataFrame:
    """Customers: two measurements, a count, a category, a flag, and a class to predict."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "income": rng.lognormal(8, 1, rows).round(2),
            "balance": rng.normal(0, 100, rows),
            "visits": rng.poisson(4, rows),
            "town": pd.array(rng.choice(["Ash", "Elm", "Oak", "Yew"], rows), dtype="str"),
            "member": rng.random(rows) < 0.3,
            "y": rng.integers(0, 2, rows),
        }
    )
