"""Run a command and say what it cost: wall seconds, CPU seconds and peak memory of its whole process tree.

A command is timed as a user's second call is: with compiled bytecode, which is written beside the modules or, where an
environment forbids that (PYTHONDONTWRITEBYTECODE), into a folder of the benchmark's own. Without it every import
compiles its source again, and the ratios are those of two compilers.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
CLI = [sys.executable, "-m", "ml_engineer"]


@dataclass(frozen=True)
class Cost:
    """What one command took; CPU and peak memory are sums over the tree as it was sampled."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def compiled(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """`environment` in which bytecode is kept; call the command once in it before it is timed."""
    kept = {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept if len(kept) == len(environment) else {**kept, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def run(
    command: list[str], *, cwd: Path | None = None, env: dict[str, str] | None = None, ok: tuple[int, ...] = (0,)
) -> Cost:
    """Run to the end; raises with the output when the exit status is not in `ok`."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        peak, cpu = 0, {}
        tree = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _look(tree, cpu))
            time.sleep(0.02)
        wall = time.perf_counter() - started
        out.seek(0)
        text = out.read().decode()
        if process.returncode not in ok:
            err.seek(0)
            raise SystemExit(f"{command} ended with {process.returncode}:\n{text}\n{err.read().decode()}")
    return Cost(wall, sum(cpu.values()), peak, text)


def _look(tree: psutil.Process, cpu: dict[int, float]) -> int:
    """Resident bytes of the tree now; `cpu` takes the seconds that each of its processes has used so far."""
    total = 0
    try:
        processes = [tree, *tree.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in processes:
        try:
            total += process.memory_info().rss
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        cpu[process.pid] = times.user + times.system
    return total


def ratio(name: str, ours: float, limit: float, *, unit: str, aim: str) -> None:
    """One line: ours, the peer or limit of the same run, their ratio and what we aim at."""
    print(
        f"{name:<58} ours {ours:9.2f} {unit:<3} peer or limit {limit:9.2f} {unit:<3} ratio {ours / limit:6.2f}   aim {aim}",
        flush=True,
    )
