"""frame_problem against pandas reading the same file: 500,000 rows cold, 7,000 rows in a warm child; and scaffolding.

uv run python benchmarks/framing.py [ROUNDS]
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from mcp import Client, StdioServerParameters

from measure import CLI, Cost, compiled, ratio, run


def table(rows: int, path: Path) -> None:
    """A mixed table: 8 numbers, 3 categories, a date, some missing cells, a learnable binary target."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(rows, 8)).round(4)
    frame = pd.DataFrame(numbers, columns=[f"n{i}" for i in range(8)])
    frame["n3"] = frame["n3"].mask(rng.random(rows) < 0.05)
    for name, levels in (("city", 40), ("plan", 4), ("device", 12)):
        frame[name] = pd.Series(rng.integers(levels, size=rows)).map(lambda code, name=name: f"{name} {code}")
    frame["opened"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(1_000, size=rows), unit="D")
    frame["churn"] = np.where(rng.random(rows) < 1 / (1 + np.exp(-numbers[:, 0] - numbers[:, 1] + 1)), "yes", "no")
    frame.to_csv(path, index=False)


def read_by_pandas(path: Path, env: dict[str, str]) -> Cost:
    """A process that reads the file with pandas and looks at its dtypes."""
    return run([sys.executable, "-c", f"import pandas as pd; print(pd.read_csv({str(path)!r}).dtypes)"], env=env)


def frame(path: Path, project: str, work: Path, env: dict[str, str]) -> Cost:
    """The whole command, in a project and a vault of its own: known rows would be recognised, which takes longer."""
    env = {**env, "XDG_DATA_HOME": str(work / f"vault-{project}")}
    return run(
        [*CLI, "frame-problem", str(path), "--target", "churn", "--project-dir", project, "--json"], cwd=work, env=env
    )


async def warm_frame(path: Path, work: Path, env: dict[str, str]) -> float:
    """Wall seconds of the second frame_problem call of one server: its child is warm."""
    server = StdioServerParameters(command=CLI[0], args=[*CLI[1:], "mcp"], cwd=work, env=env)
    async with Client(server) as client:
        for attempt in ("first", "second"):
            started = time.perf_counter()
            arguments = {"data": str(path), "target": "churn", "project_dir": attempt, "wait_seconds": 50}
            result = await client.call_tool("frame_problem", arguments)
            seconds = time.perf_counter() - started
            if result.is_error or (result.structured_content or {}).get("status") != "done":
                raise SystemExit(f"frame_problem did not finish: {result}")
            await asyncio.sleep(8)  # time for the server to prepare the next warm child
    return seconds


def main() -> None:
    """Print the ratios; medians of several rounds."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    # A child that the server prepared may still write bytecode there.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        work = Path(folder)
        homes = {"XDG_DATA_HOME": folder, "XDG_STATE_HOME": folder, "ML_ENGINEER_WORKSPACE": folder}
        env = compiled({**os.environ, **homes}, work)
        large, small = work / "large.csv", work / "small.csv"
        table(500_000, large)
        table(7_000, small)
        frame(small, "rehearsal", work, env)  # bytecode, and the machine's caches
        read_by_pandas(small, env)
        # Take turns, so that a busy moment hits both.
        pairs = [(frame(large, f"large{turn}", work, env), read_by_pandas(large, env)) for turn in range(rounds)]
        for name, attribute, aim in (("wall", "wall_seconds", "<= 3"), ("CPU", "cpu_seconds", "report")):
            ours, theirs = (
                statistics.median(getattr(cost, attribute) for cost in side) for side in zip(*pairs, strict=True)
            )
            ratio(f"frame_problem, 500,000 rows, whole command / pandas, {name}", ours, theirs, unit="s", aim=aim)
        warm = asyncio.run(warm_frame(small, work, env))
        started = time.perf_counter()
        pd.read_csv(small)
        limit = time.perf_counter() - started + 3
        ratio("frame_problem, 7,000 rows, warm child / pandas + 3 s", warm, limit, unit="s", aim="<= 1")
        scaffold = run([*CLI, "scaffold-project", "--project-dir", "large0", "--json"], cwd=work, env=env)
        bare = run([*CLI, "--help"], cwd=work, env=env)
        ratio(
            "scaffold_project, whole command / --help", scaffold.wall_seconds, bare.wall_seconds, unit="s", aim="report"
        )


if __name__ == "__main__":
    main()
