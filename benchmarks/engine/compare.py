"""The engine beside its peers on the same splits, each in an environment of its own; prints ranks and ratios.

    compare.py run --data FOLDER --peers ours --again ours --tasks telco,ames --budget 60
    compare.py run --data FOLDER --peers autogluon_medium --python /path/to/autogluon/bin/python
    compare.py table [--budget 60]
    compare.py markdown [--budget 60] [--tasks telco,ames] [--seeds 0,1,2]

A run that the results hold already (same peer, task, seed, budget) is not done again. Peers' runs are kept in `results/`
with their versions, so that a new commit needs its own runs only. CPU-seconds stand beside every error: compare runs
that got alike.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from sklearn.metrics import log_loss, roc_auc_score
from tables import for_people, for_terminal
from tasks import TASKS, Task

RESULTS = Path(__file__).with_name("results") / "runs.jsonl"
PEERS = Path(__file__).with_name("peers.py")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "table", "markdown"])
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--peers", default="ours")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--budget", type=float, default=60)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--again", default="")
    options = parser.parse_args()
    tasks, seeds = options.tasks.split(","), [int(seed) for seed in options.seeds.split(",")]
    if options.what == "table":
        print(for_terminal(_records(options.out), budget=options.budget))
        return
    if options.what == "markdown":
        print(for_people(_records(options.out), budget=options.budget, tasks=tasks, seeds=seeds))
        return
    for task in tasks:
        for seed in seeds:
            for peer in options.peers.split(","):
                known = _known(options.out, peer, task, seed, options.budget)
                if known and peer not in options.again.split(","):
                    continue
                record = run(peer, TASKS[task], options.data, seed=seed, budget=options.budget, python=options.python)
                print(json.dumps(record), flush=True)
                with options.out.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(record) + "\n")


def run(peer: str, task: Task, data: Path, *, seed: int, budget: float, python: str) -> dict[str, Any]:
    """Fit one peer in a process of its own and score what it predicts."""
    train, test = task.split(data, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name, frame in (("train", train), ("test", test)):
            _plain(frame).to_pickle(place / f"{name}.pickle")
        job = {
            "train": str(place / "train.pickle"),
            "test": str(place / "test.pickle"),
            "target": task.target,
            "kind": task.kind,
            "budget": budget,
            "seed": seed,
            "answer": str(place / "answer.npz"),
        }
        (place / "job.json").write_text(json.dumps(job), encoding="utf-8")
        record: dict[str, Any] = {"peer": peer, "task": task.name, "seed": seed, "budget": budget}
        started = time.monotonic()
        process = psutil.Popen(
            [python, str(PEERS), peer, str(place / "job.json")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        record |= _watched(process) | {"wall": round(time.monotonic() - started, 1)}
        if not (place / "answer.npz").exists():
            last = (process.stderr.read() if process.stderr else b"").decode(errors="replace").strip().splitlines()
            return record | {"failed": last[-1][:200] if last else "no answer"}
        return record | _scored(task, test, np.load(place / "answer.npz"))


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Texts as objects: other environments have another pandas."""
    texts = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    return frame.assign(**{name: frame[name].astype(object).where(frame[name].notna(), None) for name in texts})


def _watched(process: psutil.Popen) -> dict[str, Any]:
    """Wait for a process; CPU-seconds and peak memory of it and its children."""
    peak, cpu = 0, {}
    while process.poll() is None:
        family = [process, *_children(process)]
        sizes = 0
        for one in family:
            try:
                sizes += one.memory_info().rss
                cpu[one.pid] = sum(one.cpu_times()[:2])
            except psutil.Error:
                continue
        peak = max(peak, sizes)
        time.sleep(0.2)
    return {"cpu": round(sum(cpu.values()), 1), "peak_mb": round(peak / 2**20)}


def _children(process: psutil.Popen) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def _scored(task: Task, test: pd.DataFrame, answer: Any) -> dict[str, Any]:
    truth = test[task.target]
    predictions = answer["predictions"]
    if task.kind == "regression":
        error = float(np.sqrt(np.mean((truth.to_numpy(float) - predictions) ** 2)))
    else:
        classes = [str(one) for one in answer["classes"]]
        labels = truth.astype(str).to_numpy()
        if task.kind == "binary":
            error = 1 - roc_auc_score(labels == classes[1], predictions[:, 1])
        else:
            order = np.argsort(classes)
            clipped = np.clip(predictions[:, order], 1e-15, None)
            error = float(log_loss(labels, clipped / clipped.sum(axis=1, keepdims=True), labels=sorted(classes)))
    fit, predict = (float(one) for one in answer["seconds"])
    return {
        "error": round(float(error), 6),
        "fit": round(fit, 1),
        "predict_ms_per_row": round(1000 * predict / len(test), 4),
        "model_mb": round(int(answer["bytes"]) / 2**20, 2),
        "version": str(answer["version"]),
    }


def _records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _known(path: Path, peer: str, task: str, seed: int, budget: float) -> bool:
    wanted = (peer, task, seed, budget)
    return any((one["peer"], one["task"], one["seed"], one["budget"]) == wanted for one in _records(path))


if __name__ == "__main__":
    main()
