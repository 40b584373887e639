"""One fold of the backtest made again from champion.py, by a model to which later values were never shown."""

from __future__ import annotations

import time
from typing import Final

import numpy as np
import pandas as pd

from ml_engineer.errors import MlEngineerError
from ml_engineer.forecasting.backtest import backtest, backtest_table
from ml_engineer.guardrails import RefitFacts
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.user_code import load_champion_builder
from ml_engineer.verbs.forecasting.rows import load_forecast_rows
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["refit_forecast_fold"]

_PATIENCE_SECONDS: Final = 30.0
_CLOSE: Final = 1e-4


def refit_forecast_fold(layout: ProjectLayout, training: TrainingRun) -> RefitFacts | None:
    """Forecast the first fold again, all later target values erased, and compare with the stored forecasts.

    If they come true again, no later value had a part in them.

    Returns
    -------
    RefitFacts or None
        None where there are no stored forecasts.
    """
    path = layout.out_of_fold(training.run_id)
    if not path.exists():
        return None
    slowest = max((one.fit_seconds for one in training.leaderboard.candidates if one.score is not None), default=0.0)
    if slowest > _PATIENCE_SECONDS:
        return RefitFacts(problem=f"a backtest takes about {slowest:.0f} seconds, which is not spent here")
    started = time.monotonic()
    try:
        rows = load_forecast_rows(layout)
        stored = pd.read_parquet(path)
        series = rows.series
        end = series.windows.folds[0][-1]
        hidden = series.grid.hidden_from(end)
        again = backtest(load_champion_builder(layout), hidden, series.windows, folds=[0])
    except (MlEngineerError, ValueError, TypeError, ImportError) as error:
        return RefitFacts(problem=f"champion.py could not be fitted again: {' '.join(str(error).split())[:200]}")
    table = backtest_table(series.grid, series.windows, again, rows.development.frame.index)
    mine = (table["fold"] == 1).to_numpy()
    before, now = stored["predicted"].to_numpy(float)[mine], table["predicted"].to_numpy(float)[mine]
    unequal = ~(np.abs(now - before) <= _CLOSE * max(float(np.nanstd(before)), 1e-12))
    examples = table["row"].to_numpy()[mine][unequal][:4]
    return RefitFacts(
        rows=int(mine.sum()),
        unequal_rows=int(unequal.sum()),
        examples=tuple(int(row) for row in examples),
        seconds=time.monotonic() - started,
    )
