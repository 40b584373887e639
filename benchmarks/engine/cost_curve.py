"""What framing and training cost from a thousand rows to a million; prints ratios, so that growth shows on any machine.

    cost_curve.py [--rows 1000,10000,100000,1000000] [--budget 60]

A table of 50 columns (numbers with gaps, counts, categories of 4 to 2000 values, flags) is framed and trained on, each
size in a process of its own. `growth` is CPU time a row beside that of the size before: 1 is as dear a row, below 1
cheaper. `of budget` is the wall time of `train` beside its budget; `cores` is what it got of them; `bytes/cell` is the
peak of private memory of the whole process family.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

COLUMNS = 50
LEVELS = (4, 8, 20, 60, 300, 2000)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1000,10000,100000,1000000")
    parser.add_argument("--budget", type=float, default=60)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(int(options.rows), Path(options.one), budget=options.budget)))
        return
    print(
        "     rows  frame CPU s  growth  train CPU s  growth  of budget  cores  peak MB  bytes/cell  roc_auc  champion"
    )
    before: dict[str, Any] = {}
    for rows in map(int, options.rows.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            simulated(rows).to_parquet(Path(folder) / "table.parquet")
            command = [sys.executable, __file__, "--rows", str(rows), "--budget", str(options.budget), "--one", folder]
            own = {"XDG_DATA_HOME": f"{folder}/data", "XDG_STATE_HOME": f"{folder}/state"}
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **own})
        one = json.loads(done.stdout.splitlines()[-1])
        print(line(one, before, budget=options.budget), flush=True)
        before = one


def line(one: dict[str, Any], before: dict[str, Any], *, budget: float) -> str:
    """One size as a line of the table."""

    def growth(part: str) -> str:
        if not before:
            return "      -"
        return f"{one[part] / one['rows'] / (before[part] / before['rows']):7.2f}"

    return (
        f"{one['rows']:9,d}  {one['frame_cpu']:11.1f} {growth('frame_cpu')}  {one['train_cpu']:11.1f} {growth('train_cpu')}"
        f"  {one['train_wall'] / budget:9.2f}  {one['train_cpu'] / one['train_wall']:5.2f}  {one['peak'] / 2**20:7,.0f}"
        f"  {one['peak'] / one['rows'] / COLUMNS:10,.0f}  {one['score']:7.4f}  {one['champion']}"
    )


def simulated(rows: int, seed: int = 0) -> pd.DataFrame:
    """A table whose target depends on some numbers, two of them together, and all categories."""
    rng = np.random.default_rng(seed)
    numbers = rng.standard_normal((rows, 36)).round(4)
    frame = {f"number_{place}": numbers[:, place].copy() for place in range(36)}
    frame["number_30"] = np.exp(1.5 * frame["number_30"])
    score = numbers[:, 0] + 0.7 * numbers[:, 1] * numbers[:, 2] + np.sin(2 * numbers[:, 3])
    for place, most in enumerate((3, 10, 50, 200)):
        frame[f"count_{place}"] = rng.integers(0, most, rows)
    for place, levels in enumerate(LEVELS):
        codes = rng.integers(0, levels, rows)
        score += rng.normal(scale=0.5, size=levels)[codes]
        frame[f"category_{place}"] = np.array([f"v{code}" for code in range(levels)], dtype=object)[codes]
    for place in range(4):
        frame[f"flag_{place}"] = rng.random(rows) < 0.3
    score += 0.3 * frame["count_0"] + 0.8 * frame["flag_0"] + 1.5 * rng.standard_normal(rows)
    for place in (0, 1, 6, 7):
        frame[f"number_{place}"][rng.random(rows) < 0.08] = np.nan
    return pd.DataFrame(frame).assign(outcome=np.where(score > np.quantile(score, 0.7), "yes", "no"))


def measured(rows: int, folder: Path, *, budget: float) -> dict[str, Any]:
    """Frame and train in this process and its children."""
    from ml_engineer.verbs.frame_problem import frame_problem
    from ml_engineer.verbs.scaffold_project import scaffold_project
    from ml_engineer.verbs.train import train
    from ml_engineer.vocabulary.context import WorkContext
    from ml_engineer.vocabulary.requests import FrameProblemRequest, ScaffoldProjectRequest, TrainRequest

    project = str(folder / "ml")
    peak = Peak()
    started = cpu_seconds()
    frame_problem(
        FrameProblemRequest(data=str(folder / "table.parquet"), target="outcome", project_dir=project),
        WorkContext(job_id="cost", journal_dir=folder / "journal"),
    )
    framed = cpu_seconds()
    context = WorkContext(job_id="cost", journal_dir=folder / "journal")
    scaffold_project(ScaffoldProjectRequest(project_dir=project, features=[]), context)
    before, wall = cpu_seconds(), time.monotonic()
    context = WorkContext(job_id="cost", journal_dir=folder / "journal")
    reply = train(TrainRequest(project_dir=project, budget_seconds=budget), context)
    return {
        "rows": rows,
        "frame_cpu": framed - started,
        "train_cpu": cpu_seconds() - before,
        "train_wall": time.monotonic() - wall,
        "peak": peak.bytes,
        "score": reply.score.value if reply.score else float("nan"),
        "champion": reply.champion,
    }


def cpu_seconds() -> float:
    """CPU time of this process and of the children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Peak:
    """Watches what this process and its descendants hold for themselves."""

    def __init__(self) -> None:
        self.bytes = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        me = psutil.Process()
        while True:
            held = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    # Pages that forked fits share with the process that holds the rows count once.
                    held += process.memory_full_info().uss
                except psutil.Error:
                    continue
            self.bytes = max(self.bytes, held)
            time.sleep(0.5)


if __name__ == "__main__":
    main()
