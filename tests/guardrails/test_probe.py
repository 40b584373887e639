"""Power of all inputs together is repeatable, and chance where nothing is left."""

from __future__ import annotations

import numpy as np
import pandas as pd

from guardrails.factories import a_table, some_folds
from ml_engineer.guardrails.probe import SAMPLE_ROWS, Probe
from ml_engineer.statistics.predictive_power import Target


def test_more_rows_than_the_sample_are_sampled_and_repeatable() -> None:
    rows = SAMPLE_ROWS + 5_000
    generator = np.random.default_rng(0)
    inputs = pd.DataFrame({"x": generator.normal(size=rows)})
    target = Target.of(pd.Series(inputs["x"] + generator.normal(size=rows) > 0), task="binary")
    first, second = (Probe(inputs, target, some_folds(rows), seed=1) for _ in range(2))
    assert first.rows == SAMPLE_ROWS
    assert first.alone == second.alone
    assert first.together() == second.together()


def test_power_without_all_columns_is_chance() -> None:
    probe = Probe(a_table()[["x"]], Target.of(a_table()["y"], task="binary"), some_folds(400), seed=0)
    assert probe.together(without=frozenset({"x"})) == 0.5
