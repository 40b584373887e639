"""Run a command and say what it cost: wall seconds, CPU seconds and peak memory of its whole process tree."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
CLI = [sys.executable, "-m", "ml_engineer"]


@dataclass(frozen=True)
class Cost:
    """What one command took; peak memory is the largest sum over the tree that was sampled."""

    wall_seconds: float
    peak_bytes: int
    output: str


def run(
    command: list[str], *, cwd: Path | None = None, env: dict[str, str] | None = None, ok: tuple[int, ...] = (0,)
) -> Cost:
    """Run to the end; raises with the output when the exit status is not in `ok`."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        peak = 0
        tree = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _resident(tree))
            time.sleep(0.02)
        wall = time.perf_counter() - started
        out.seek(0)
        text = out.read().decode()
        if process.returncode not in ok:
            err.seek(0)
            raise SystemExit(f"{command} ended with {process.returncode}:\n{text}\n{err.read().decode()}")
    return Cost(wall, peak, text)


def _resident(tree: psutil.Process) -> int:
    total = 0
    try:
        processes = [tree, *tree.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in processes:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def ratio(name: str, ours: float, limit: float, *, unit: str, aim: str) -> None:
    """One line: ours, the peer or limit of the same run, their ratio and what we aim at."""
    print(
        f"{name:<58} ours {ours:9.2f} {unit:<3} peer or limit {limit:9.2f} {unit:<3} ratio {ours / limit:6.2f}   aim {aim}",
        flush=True,
    )
