"""Trying the project's own code in a process of its own, with a limit of time: it may raise, loop, print or write.

What the trial cannot see is stated: code that reads files through a library of its own outside Python leaves no trace
(pandas, pyarrow, DuckDB and polars are watched), and code that behaves differently when it is watched is not looked through.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from pydantic import ValidationError

from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.patience import MOST_WAITS, was_kept_waiting
from ml_engineer.vocabulary.code_trial import CodeTrial

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["try_code"]

TRIAL_ROWS = 300
LIMIT_SECONDS = 90.0
_MOST_CHARACTERS = 400


def try_code(
    layout: ProjectLayout,
    rows: pd.DataFrame,
    target: pd.DataFrame,
    *,
    guarded: Sequence[Path],
    time_column: str | None = None,
    limit_seconds: float = LIMIT_SECONDS,
) -> CodeTrial:
    """Run features.py and candidates.py on a sample of development rows, watched; whatever they do, this returns.

    Parameters
    ----------
    layout : ProjectLayout
        The project.
    rows : pandas.DataFrame of shape (n, columns)
        Development rows without the target; at most 300 of them are used, evenly spaced.
    target : pandas.DataFrame of shape (n, 1 or k)
        Their target, for candidates alone: one column, or one for each of several labels.
    guarded : sequence of pathlib.Path
        Files and folders that hold rows.
    time_column : str, optional
        Column that orders rows in time.
    limit_seconds : float
        Wall time after which the child and all that it started are ended. On a busy machine, where code that is at work got
        less than half of a processor, it has up to five times as long.
    """
    step = max(1, len(rows) // TRIAL_ROWS)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ml-engineer-trial-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        rows.iloc[::step].head(TRIAL_ROWS).to_parquet(folder / "rows.parquet")
        target.iloc[::step].head(TRIAL_ROWS).to_parquet(folder / "target.parquet")
        # The child stands in another folder.
        task = {
            "root": str(layout.root.resolve()),
            "guarded": [str(path.resolve()) for path in guarded],
            "time_column": time_column,
        }
        (folder / "trial.json").write_text(json.dumps(task), encoding="utf-8")
        failure = _run(folder, limit_seconds)
        result = folder / "result.json"
        try:
            if not failure:
                return CodeTrial.model_validate_json(result.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            failure = "the process in which the code was tried ended without an answer"
    used = min(len(rows), TRIAL_ROWS)
    return CodeTrial(rows=used, seconds=time.monotonic() - started, failure=failure)


def _run(folder: Path, limit_seconds: float) -> str:
    """Run the child; why it gave no result, or an empty text."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(folder)}
    with (folder / "log.txt").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "ml_engineer.project.code_trial_child", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        try:
            status = _wait(child, limit_seconds)
        except subprocess.TimeoutExpired:
            return f"the code did not end within {limit_seconds:.0f} seconds on a few hundred rows"
        finally:
            _end(child)
    if status == 0:
        return ""
    said = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip()
    return f"the process in which the code was tried ended with status {status}: {said[-_MOST_CHARACTERS:]}"


def _wait(child: subprocess.Popen[bytes], limit_seconds: float) -> int:
    """Exit status of the child.

    Raises
    ------
    subprocess.TimeoutExpired
        If it had its time and did not end.
    """
    had = 0.0
    for _ in range(MOST_WAITS - 1):
        try:
            return child.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            before, had = had, _processor_seconds(child.pid)
            if not was_kept_waiting(had - before, had, limit_seconds):
                raise
    return child.wait(limit_seconds)


def _processor_seconds(pid: int) -> float:
    """Processor time of a process and of what it started."""
    total = 0.0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            times = each.cpu_times()
            total += times.user + times.system
    return total


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and everything in its process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()
