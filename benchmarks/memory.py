"""Peak memory of framing a table of 500 MB, as a multiple of its size on disk.

uv run python benchmarks/memory.py [MEGABYTES]
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from framing import table
from measure import CLI, compiled, ratio, run


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        env = compiled({**os.environ, "XDG_DATA_HOME": folder, "XDG_STATE_HOME": folder}, work)
        sample = work / "sample.csv"
        table(10_000, sample)
        data = work / "data.csv"
        table(int(10_000 * megabytes * 1e6 / sample.stat().st_size), data)
        size = data.stat().st_size / 1e6
        for name, command in (
            ("pandas reading it", [sys.executable, "-c", f"import pandas as pd; pd.read_csv({str(data)!r})"]),
            ("frame_problem", [*CLI, "frame-problem", str(data), "--target", "churn", "--json"]),
        ):
            cost = run(command, cwd=work, env=env)
            aim = "<= 3" if name == "frame_problem" else "report"
            ratio(f"peak memory of {name} / size on disk", cost.peak_bytes / 1e6, size, unit="MB", aim=aim)
            print(f"{'':<58} {cost.wall_seconds:.0f} s wall, {cost.cpu_seconds:.0f} s CPU")


if __name__ == "__main__":
    main()
