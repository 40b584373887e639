"""Backtest what champion.py builds from the planned origins, track it, and fit and save it when asked.

Run it from anywhere; it needs nothing but the packages in pyproject.toml:

    python models/training/train.py              # the backtest's score, compared with the recorded one
    python models/training/train.py --save       # also fit on all development rows and save for serving
    python models/training/train.py --no-track   # leave MLflow alone
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from data.features.contract import PROBLEM
from models.forecasting.backtest import Windows, actual_values, backtest, backtest_table
from models.forecasting.grid import Floats, Grid
from models.forecasting.intervals import learn_reach
from models.forecasting.scores import score
from models.training import champion
from models.training.series import ROOT, backtest_windows, build_grid, load_development, series_scales

TOLERANCE = 1e-6
BY_HAND = "by-hand"  # name of the folder of what this script forecast


def fold_scores(grid: Grid, windows: Windows, forecast: Floats, scales: Floats) -> list[float]:
    """Score each fold of the backtest."""
    actual = actual_values(grid, windows.origins, windows.horizon)
    ends = np.cumsum([len(origins) for origins in windows.folds])
    return [
        score(champion.METRIC, actual[end - len(fold) : end], forecast[end - len(fold) : end], scales)
        for fold, end in zip(windows.folds, ends, strict=True)
    ]


def compare(value: float, table: pd.DataFrame) -> bool:
    """Say how the score and the forecasts compare with the recorded run; false if they are not the same."""
    if champion.RUN_ID is None or champion.EXPECTED_SCORE is None:
        print("Nothing has been trained yet: champion.py is a starting point, without a recorded score.")
        return True
    difference = abs(value - champion.EXPECTED_SCORE)
    print(f"recorded {champion.METRIC}: {champion.EXPECTED_SCORE:.6f} (run {champion.RUN_ID}), off by {difference:.1e}")
    same = difference <= TOLERANCE
    recorded = ROOT / "experiments" / "runs" / champion.RUN_ID / "out_of_fold.parquet"
    if recorded.exists():
        theirs, mine = pd.read_parquet(recorded)["predicted"].to_numpy(), table["predicted"].to_numpy()
        # Relative, because forecasts are in the target's unit.
        largest = float(np.nanmax(np.abs(mine - theirs) / np.maximum(np.abs(theirs), 1.0)))
        print(f"largest difference of a forecast, relative to it: {largest:.1e}")
        same = same and largest <= TOLERANCE
    print("The recorded run is reproduced." if same else "The recorded run is NOT reproduced.")
    return same


def main(arguments: list[str] | None = None) -> int:
    """Run the script; 0 if there was no recorded run or it was reproduced, 1 if it was not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", action="store_true", help="fit on all development rows and save for serving")
    parser.add_argument("--no-track", action="store_true", help="do not log to MLflow")
    options = parser.parse_args(arguments)

    rows = load_development()
    grid = build_grid(rows)
    windows, scales = backtest_windows(grid), series_scales(grid)
    forecast = backtest(champion.build_model, grid, windows)
    actual = actual_values(grid, windows.origins, windows.horizon)
    value = score(champion.METRIC, actual, forecast, scales)
    by_fold = fold_scores(grid, windows, forecast, scales)
    table = backtest_table(grid, windows, forecast, rows.index)
    seen = int((table["fold"] >= 0).sum())
    print(f"cross-validated {champion.METRIC}: {value:.6f} on {seen} rows, from {len(windows.origins)} origins")
    print("by fold: " + ", ".join(f"{number}: {one:.4f}" for number, one in enumerate(by_fold, start=1)))
    same = compare(value, table)

    out_of_fold = ROOT / "experiments" / "runs" / BY_HAND / "out_of_fold.parquet"
    out_of_fold.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(out_of_fold)
    if options.save:
        from models.serving.champion_file import save_champion

        folder = ROOT / "models" / "serving" / "champion"
        run_id = champion.RUN_ID if same and champion.RUN_ID else BY_HAND
        reach = learn_reach(champion.build_model, grid, windows, forecast, scales, season=PROBLEM.season)
        manifest = save_champion(folder, grid, rows, reach, scales, run_id=run_id, score=value)
        print(f"saved {folder / manifest['model_file']}")
    if not options.no_track:
        from models.training.tracking import track

        print(track(ROOT, repr(champion.build_model()), champion.METRIC, value, by_fold))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
