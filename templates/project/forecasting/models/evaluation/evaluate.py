"""Score the backtest's forecasts, each metric with its interval and beside the naive rule.

    python models/evaluation/evaluate.py                 # the champion's forecasts
    python models/evaluation/evaluate.py --run by-hand   # what train.py forecast when it was last run by hand

Only development rows: the sealed rows are opened by `ml-engineer evaluate`, which counts the looks.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from data.features.contract import PROBLEM
from models.forecasting.backtest import actual_values, backtest
from models.forecasting.grid import Floats, Grid
from models.forecasting.naive import SeasonalNaive
from models.forecasting.scores import METRICS, interval, score, score_by_step
from models.training import champion
from models.training.series import ROOT, backtest_windows, build_grid, load_development, series_scales

BY_HAND = "by-hand"


def forecasts_of(table: pd.DataFrame, rows: pd.DataFrame, grid: Grid, origins: list[int]) -> Floats:
    """Lay the forecasts of a table out by origin, series and step; NaN where there is none."""
    predicted = table.set_index("row")["predicted"].reindex(rows.index).to_numpy(float)
    cells = np.where(grid.rows >= 0, predicted[np.maximum(grid.rows, 0)], np.nan)
    return np.stack([cells[:, origin : origin + PROBLEM.horizon] for origin in origins])


def with_interval(metric: str, actual: Floats, forecast: Floats, scales: Floats) -> dict[str, float]:
    """Score one metric with its interval."""
    units = np.broadcast_to(scales[None, :, None], actual.shape).copy()

    def statistic(arrays: Sequence[Floats]) -> float:
        return score(metric, arrays[0], arrays[1], arrays[2][0, :, 0])

    value, low, high, _ = interval(statistic, [actual, forecast, units])
    return {"value": value, "low": low, "high": high}


def main(arguments: list[str] | None = None) -> int:
    """Run the script; 0 if there were forecasts to score, 2 if not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default=champion.RUN_ID or BY_HAND, help="name of a folder in experiments/runs")
    options = parser.parse_args(arguments)

    path = ROOT / "experiments" / "runs" / options.run / "out_of_fold.parquet"
    if not path.exists():
        print(f"There is no {path.relative_to(ROOT)}: run models/training/train.py first.", file=sys.stderr)
        return 2
    rows = load_development()
    grid = build_grid(rows)
    windows, scales = backtest_windows(grid), series_scales(grid)
    actual = actual_values(grid, windows.origins, windows.horizon)
    forecast = forecasts_of(pd.read_parquet(path), rows, grid, windows.origins)
    naive = backtest(lambda: SeasonalNaive(PROBLEM.season), grid, windows)
    print(f"{len(windows.origins)} origins of {windows.horizon} moments, run {options.run}; 95 % intervals")
    report: dict[str, object] = {"run": options.run, "origins": len(windows.origins)}
    for metric in METRICS:
        found = with_interval(metric, actual, forecast, scales)
        beside = score(metric, actual, naive, scales)
        print(f"{metric:>6}  {found['value']:9.4f}  [{found['low']:.4f}, {found['high']:.4f}]  naive rule {beside:.4f}")
        report[metric] = found | {"naive": beside}
    report["by_step"] = score_by_step(PROBLEM.metric, actual, forecast, scales)
    output = ROOT / "reports" / "backtest.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"written to {output.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
