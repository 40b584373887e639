"""What a prediction costs: ours by its fast way, by scikit-learn's own objects, and a bare LightGBM, as ratios.

    python benchmarks/engine/prediction_time.py --data FOLDER --tasks titanic,ames --budget 20

All are measured in turn in one process; the least of several calls counts, so that other work on the machine says little.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from peers import lightgbm
from tasks import TASKS, Task

from ml_engineer import TabularClassifier, TabularRegressor

_CALLS = 7


def least_milliseconds(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The least time of each call, taken in turn."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(_CALLS):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - started)
    return {name: 1000 * min(values) for name, values in times.items()}


def measured(task: Task, folder: Path, *, budget: float) -> pd.DataFrame:
    """A row for one, 250 and all held-out rows."""
    train, test = task.split(folder, seed=0)
    features, target = train.drop(columns=task.target), train[task.target]
    kind = TabularRegressor if task.kind == "regression" else TabularClassifier
    ask = "predict" if task.kind == "regression" else "predict_proba"
    model = kind(budget_seconds=budget, random_state=0).fit(features, target)
    bare, _ = lightgbm({"kind": task.kind, "seed": 0}, features, target)
    found = []
    for rows in dict.fromkeys((1, min(250, len(test)), len(test))):
        shown = test.drop(columns=task.target).head(rows)
        prepared = model._frame(shown, reset=False)
        calls = {
            "ours ms": lambda shown=shown: getattr(model, ask)(shown),
            "own objects ms": lambda prepared=prepared: getattr(model.model_, ask)(prepared),
            "lightgbm ms": lambda shown=shown: getattr(bare, ask)(shown),
        }
        apart = np.abs(calls["ours ms"]() - calls["own objects ms"]()).max()
        found.append(
            {"task": task.name, "champion": model.champion_, "rows": rows, **least_milliseconds(calls), "apart": apart}
        )
    table = pd.DataFrame(found)
    table["own objects / ours"] = table["own objects ms"] / table["ours ms"]
    table["ours / lightgbm"] = table["ours ms"] / table["lightgbm ms"]
    return table


def main() -> None:
    """Print a table for the tasks that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tasks", default="titanic,german,ames,california,bike")
    parser.add_argument("--budget", type=float, default=20.0)
    given = parser.parse_args()
    tables = [measured(TASKS[name], given.data, budget=given.budget) for name in given.tasks.split(",")]
    print(pd.concat(tables).to_string(index=False, float_format="{:.3g}".format))


if __name__ == "__main__":
    main()
