"""`ml-engineer run` from a file to a verdict, beside the least a person would do by hand: read, split, fit, score.

uv run python benchmarks/whole_run.py [DATA TARGET]      (default: the penguins that ship)
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from measure import CLI, ROOT, ratio, run

BY_HAND = """
import sys, pandas as pd
from sklearn.compose import make_column_transformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
rows = pd.read_csv(sys.argv[1]).dropna(subset=[sys.argv[2]])
y = rows.pop(sys.argv[2])
number = pd.api.types.is_numeric_dtype(y) and y.nunique() > 20
model = make_pipeline(
    make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), make_column_selector(dtype_exclude="number")),
        remainder="passthrough",
    ),
    HistGradientBoostingRegressor() if number else HistGradientBoostingClassifier(),
)
a, b, c, d = train_test_split(rows, y, random_state=0)
print(model.fit(a, c).score(b, d))
"""
BUDGET_SECONDS = 60


def main() -> None:
    data, target = sys.argv[1:3] if len(sys.argv) > 2 else (str(ROOT / "examples" / "penguins_raw.csv"), "Species")
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "XDG_DATA_HOME": folder, "XDG_STATE_HOME": folder}
        command = [
            *CLI,
            "run",
            str(Path(data).resolve()),
            "--target",
            target,
            "--budget-seconds",
            str(BUDGET_SECONDS),
            "--json",
        ]
        ours = run(command, cwd=Path(folder), env=env, ok=(0, 3))
        by_hand = run([sys.executable, "-c", BY_HAND, data, target])
    ratio(
        f"run {Path(data).name} / its budget of {BUDGET_SECONDS} s",
        ours.wall_seconds,
        BUDGET_SECONDS,
        unit="s",
        aim="<= 1.5",
    )
    ratio(f"run {Path(data).name} / one model by hand", ours.wall_seconds, by_hand.wall_seconds, unit="s", aim="report")
    ratio("peak memory / one model by hand", ours.peak_bytes / 1e6, by_hand.peak_bytes / 1e6, unit="MB", aim="report")


if __name__ == "__main__":
    main()
