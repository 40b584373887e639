"""A forecasting project backtests, saves, serves and watches its champion without us, by code that is clean by its own rules."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecasting.series import promoted, shop
from generated.conftest import Run

pytestmark = pytest.mark.full


@pytest.fixture(scope="module", params=["one", "many"])
def rows(request: pytest.FixtureRequest) -> tuple[pd.DataFrame, dict[str, Any]]:
    """One series, and several with a column known in advance."""
    if request.param == "one":
        return shop(days=150), {}
    # Long enough for the trend to bring days without a promotion up to those with one: else it would restate the sales.
    parts = [promoted(days=300, seed=n).assign(shop=f"shop {n}") for n in range(3)]
    return pd.concat(parts), {"series_columns": ["shop"], "known_in_advance": ["promotion"]}


def test_a_trained_project_reproduces_its_backtest_and_passes_its_own_tests(
    rows: tuple[pd.DataFrame, dict[str, Any]], tmp_path: Path, call: Callable[..., Any], run: Run
) -> None:
    root, data = tmp_path / "ml", tmp_path / "data.csv"
    rows[0].to_csv(data, index=False)
    framing = {"task_type": "forecasting", "time_column": "day", "horizon": 7} | rows[1]
    call("frame_problem", data=str(data), target="sales", project_dir=str(root), **framing)
    call("scaffold_project", project_dir=str(root))
    before = run(root, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert before.returncode == 0, before.stdout[-6000:]
    trained = call("train", project_dir=str(root), budget_evaluations=30)
    result = run(root, "models/training/train.py", "--no-track")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "The recorded run is reproduced." in result.stdout
    difference = re.search(r"difference of a forecast, relative to it: (\S+)", result.stdout)
    assert difference is not None
    assert float(difference.group(1)) <= 1e-6
    manifest = json.loads((root / "models/serving/champion/manifest.json").read_text(encoding="utf-8"))
    assert manifest["run_id"] == trained.run_id
    assert run(root, "models/evaluation/evaluate.py").returncode == 0
    tests = run(root, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert tests.returncode == 0, tests.stdout[-6000:]
    for tool in (["ruff", "check", "--no-cache", "."], ["ruff", "format", "--no-cache", "--diff", "."], ["mypy"]):
        checked = run(root, "-m", *tool)
        assert checked.returncode == 0, checked.stdout[-4000:]
    clone = tmp_path / "clone"
    shutil.copytree(root, clone)
    for path in (clone / "data" / "processed").glob("*.parquet"):
        path.unlink()
    without = run(clone, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert without.returncode == 0, without.stdout[-6000:]
    assert "development rows are not on this machine" in without.stdout
