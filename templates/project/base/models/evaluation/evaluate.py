"""Score out-of-fold predictions, each metric with its interval and beside the naive baseline.

    python models/evaluation/evaluate.py                 # the champion's predictions
    python models/evaluation/evaluate.py --run by-hand   # what train.py predicted when it was last run by hand

Only development rows: the sealed rows are opened by `ml-engineer evaluate`, which counts the looks.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from models.evaluation.metrics import METRICS, baseline, score
from models.evaluation.resampling import LEVEL, clusters_of, intervals
from models.training import champion
from models.training.development import ROOT, fold_pairs, load_development, scored_target

BY_HAND = "by-hand"


def baseline_scores(target: np.ndarray, folds: np.ndarray) -> dict[str, float]:
    """Score the naive baseline on the same folds."""
    parts = [(test, baseline(target[train], len(test))) for _, train, test in fold_pairs(folds)]
    places = np.concatenate([test for test, _ in parts])
    table = pd.concat([predicted for _, predicted in parts], ignore_index=True)
    return {name: score(name, target[places], table) for name in METRICS}


def main(arguments: list[str] | None = None) -> int:
    """Run the script; 0 if there were predictions to score, 2 if not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default=champion.RUN_ID or BY_HAND, help="name of a folder in experiments/runs")
    parser.add_argument("--replicates", type=int, default=500, help="bootstrap replicates")
    options = parser.parse_args(arguments)

    path = ROOT / "experiments" / "runs" / options.run / "out_of_fold.parquet"
    if not path.exists():
        print(f"There is no {path.relative_to(ROOT)}: run models/training/train.py first.", file=sys.stderr)
        return 2
    rows, folds = load_development()
    table = pd.read_parquet(path).reset_index(drop=True)
    seen = table["fold"].to_numpy() >= 0
    target = scored_target(rows)
    results = intervals(target[seen], table[seen], clusters_of(rows)[seen], replicates=options.replicates)
    naive = baseline_scores(target, folds)

    print(f"{int(seen.sum())} out-of-fold predictions of run {options.run}; {LEVEL:.0%} intervals")
    for name, result in results.items():
        line = f"{name:>31}  {result['value']:9.4f}  [{result['low']:.4f}, {result['high']:.4f}]"
        print(f"{line}  baseline {naive[name]:.4f}" if np.isfinite(naive[name]) else line)
    report = {"run": options.run, "rows": int(seen.sum()), "level": LEVEL, "metrics": results}
    report["baseline"] = {name: value for name, value in naive.items() if np.isfinite(value)}
    output = ROOT / "reports" / "out_of_fold.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"written to {output.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
