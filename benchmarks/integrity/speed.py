"""What all checks cost on 100,000 rows by 50 columns, beside its peers on the same table in the same run; and how cost grows.

    uv run python benchmarks/integrity/speed.py [--deepchecks PYTHON] [--evidently PYTHON] [--rows 10000 100000 1000000]

PYTHON is that of an environment of its own in which the peer works (neither does beside pandas 3):

    uv venv deepchecks --python 3.11
    uv pip install --python deepchecks/bin/python deepchecks==0.19.1 'pandas<2.3' 'numpy<2' 'scikit-learn<1.5' 'setuptools<80' 'scipy<1.13'
    uv venv evidently --python 3.11
    uv pip install --python evidently/bin/python evidently==0.7.23 'pandas<3'
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

DEEPCHECKS = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
import pandas as pd
from deepchecks.tabular import Dataset
from deepchecks.tabular.suites import data_integrity, train_test_validation
frame = pd.read_csv(sys.argv[1])
categories = [name for name in frame.columns if frame[name].dtype == object and name != "left"]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
wall, cpu = time.perf_counter(), time.process_time()
cut = int(0.8 * len(frame))
parts = [Dataset(part, label="left", cat_features=categories) for part in (frame[:cut], frame[cut:])]
done = [data_integrity().run(parts[0]), train_test_validation().run(*parts)]
ran = sum(len(each.results) for each in done)
print("RESULT", json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu,
    "grown": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024,
    "table": int(frame.memory_usage(deep=True).sum()), "checks": ran}))
"""

# Its comparable part: a summary of every column of the newer fifth, and the drift of each from the rest.
EVIDENTLY = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset, DataSummaryPreset
frame = pd.read_csv(sys.argv[1])
categories = [name for name in frame.columns if frame[name].dtype == object]
numbers = [name for name in frame.columns if name not in categories]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
wall, cpu = time.perf_counter(), time.process_time()
cut = int(0.8 * len(frame))
definition = DataDefinition(numerical_columns=numbers, categorical_columns=categories)
older, newer = (Dataset.from_pandas(part, data_definition=definition) for part in (frame[:cut], frame[cut:]))
done = Report([DataSummaryPreset(), DataDriftPreset()]).run(newer, older)
ran = len(json.loads(done.json())["metrics"])
print("RESULT", json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu,
    "grown": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024,
    "table": int(frame.memory_usage(deep=True).sum()), "checks": ran}))
"""

OURS = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
from pathlib import Path
import lightgbm, sklearn.neighbors, scipy.spatial
from ml_engineer.guardrails import CHECKS, run_checks
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.verbs.guardrail_evidence import gather_evidence
evidence = gather_evidence(ProjectLayout(Path(sys.argv[1])), stage="train")
slow = {}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
wall, cpu = time.perf_counter(), time.process_time()
for check in CHECKS:
    began = time.perf_counter()
    check.finding(check.answer(evidence, stage="train"), stage="train")
    slow[check.code] = round(time.perf_counter() - began, 2)
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print("RESULT", json.dumps({"wall": wall, "cpu": cpu,
    "grown": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024,
    "table": int(evidence.frame.memory_usage(deep=True).sum()), "checks": len(CHECKS),
    "slowest": dict(sorted(slow.items(), key=lambda item: -item[1])[:5])}))
"""


PEERS = {"deepchecks": DEEPCHECKS, "evidently": EVIDENTLY}


def table(rows: int) -> pd.DataFrame:
    """Forty numbers, ten categories, a target that some of them know something about."""
    rng = np.random.default_rng(0)
    numbers = pd.DataFrame(rng.normal(size=(rows, 40)).round(3), columns=[f"n{place}" for place in range(40)])
    levels = rng.integers(3, 40, 9)
    words = {
        f"c{place}": np.char.add("level ", rng.integers(0, count, rows).astype(str))
        for place, count in enumerate(levels)
    }
    chance = 1 / (1 + np.exp(-(numbers["n0"] - numbers["n1"] + 0.5 * numbers["n2"])))
    left = np.where(rng.random(rows) < chance, "yes", "no")
    return pd.concat([numbers, pd.DataFrame(words)], axis=1).assign(left=left)


def measured(python: str, code: str, argument: Path, *, environment: dict[str, str]) -> dict[str, float]:
    done = subprocess.run(
        [python, "-c", code, str(argument)], capture_output=True, text=True, env=environment, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise SystemExit(f"{python} failed: {done.stderr[-600:]}")
    return json.loads(lines[0].removeprefix("RESULT "))


def ours(rows: int, folder: Path, environment: dict[str, str]) -> dict[str, float]:
    source = folder / f"table_{rows}.parquet"
    frame = [
        sys.executable,
        "-m",
        "ml_engineer",
        "frame-problem",
        str(source),
        "--target",
        "left",
        "--project-dir",
        str(folder / f"ml_{rows}"),
    ]
    subprocess.run(frame, check=True, capture_output=True, env=environment, cwd=folder)
    return measured(sys.executable, OURS, folder / f"ml_{rows}", environment=environment)


def told(name: str, rows: int, seen: dict[str, float]) -> str:
    return (
        f"{name:<12}{rows:>10,} rows: {seen['checks']:>3} checks, {seen['cpu']:6.1f} s CPU, {seen['wall']:6.1f} s wall, "
        f"{seen['grown'] / seen['table']:.2f} times the table in memory"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for peer in PEERS:
        parser.add_argument(f"--{peer}", help=f"Python of the environment that holds {peer}")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = os.environ | {
            "XDG_DATA_HOME": str(folder / "data"),
            "OMP_NUM_THREADS": "1",
            "ML_ENGINEER_WORKSPACE": name,
            "DO_NOT_TRACK": "1",
        }
        for rows in arguments.rows:
            frame, path = table(rows), folder / f"table_{rows}.csv"
            frame.to_parquet(path.with_suffix(".parquet"))
            frame.to_csv(path, index=False)
            mine = ours(rows, folder, environment)
            print(told("ml-engineer", rows, mine), mine["slowest"], flush=True)
            for peer, code in PEERS.items():
                python = getattr(arguments, peer)
                if not python or rows > 100_000:
                    continue
                theirs = measured(python, code, path, environment=environment)
                print(told(peer, rows, theirs), flush=True)
                ratio = mine["cpu"] / theirs["cpu"]
                print(f"{'ratio':<12}{rows:>10,} rows: {ratio:.2f} of the CPU time of {peer}", flush=True)


if __name__ == "__main__":
    main()
