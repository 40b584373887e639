"""The monitor is quiet while forecasts come true, and speaks up when they do not."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.features.contract import PROBLEM
from models.serving import monitor

MOMENTS = 4 * PROBLEM.season + 40


def times() -> pd.Index:
    if isinstance(PROBLEM.step, int):
        return pd.RangeIndex(0, MOMENTS * PROBLEM.step, PROBLEM.step)
    return pd.date_range("2024-01-01", periods=MOMENTS, freq=PROBLEM.step)


def write(folder: Path, *, off: float) -> tuple[Path, Path]:
    """Write a log of forecasts that are wrong by `off`, and what came true."""
    rng = np.random.default_rng(0)
    values = 100 + 5 * rng.normal(size=MOMENTS)
    rows = pd.DataFrame({PROBLEM.time_column: times(), PROBLEM.target: values})
    for name in PROBLEM.series_columns:
        rows[name] = "one"
    rows.to_csv(folder / "actual.csv", index=False)
    names = dict.fromkeys(PROBLEM.series_columns, "one")
    with closing(sqlite3.connect(folder / "log.db")) as log, log:
        log.execute("CREATE TABLE predictions (id INTEGER PRIMARY KEY, answer TEXT)")
        for moment, value in zip(times()[-30:], values[-30:], strict=True):
            said = value + off
            time = moment.isoformat() if hasattr(moment, "isoformat") else str(moment)
            answer = {
                "series": names,
                "time": time,
                "step": 1,
                "prediction": said,
                "low_90": said - 1,
                "high_90": said + 1,
            }
            log.execute("INSERT INTO predictions (answer) VALUES (?)", (json.dumps(answer),))
    return folder / "log.db", folder / "actual.csv"


@pytest.mark.parametrize(("off", "status"), [(0.0, 0), (50.0, 1)])
def test_status_says_whether_forecasts_come_true(tmp_path: Path, off: float, status: int) -> None:
    log, actual = write(tmp_path, off=off)
    found = monitor.main(["--actual", str(actual), "--log", str(log), "--reports", str(tmp_path)])
    assert found == status
    assert json.loads((tmp_path / "monitor.json").read_text(encoding="utf-8"))["outcomes"] == 30


def test_nothing_to_judge_is_said(tmp_path: Path) -> None:
    assert monitor.main(["--actual", str(tmp_path / "none.csv"), "--log", str(tmp_path / "none.db")]) == 2
