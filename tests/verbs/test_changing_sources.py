"""A source that changes under a project, and folders that cannot be written: nothing is lost or mixed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml_engineer.errors import MlEngineerError
from ml_engineer.vocabulary.replies import EvaluateReply, FrameProblemReply, TrainReply

Call = Callable[..., Any]


def customers(rows: int, seed: int) -> pd.DataFrame:
    """A binary problem that can be learned."""
    rng = np.random.default_rng(seed)
    usage, age = rng.normal(size=rows), rng.normal(size=rows)
    left = rng.random(rows) < 1 / (1 + np.exp(-2 * usage))
    return pd.DataFrame({"usage": usage, "years": age, "left": np.where(left, "yes", "no")})


def test_a_source_that_is_overwritten_after_framing_changes_neither_training_nor_evaluation(
    call: Call, tmp_path: Path
) -> None:
    """Both rest on the rows that were dealt; framing again tells that the data is another."""
    source, root = tmp_path / "customers.csv", str(tmp_path / "ml")
    customers(300, 0).to_csv(source, index=False)
    framed: FrameProblemReply = call("frame_problem", data=str(source), target="left", project_dir=root)
    source.write_text("usage,left\n1,yes\n", encoding="utf-8")
    trained: TrainReply = call("train", project_dir=root, budget_seconds=3)
    assert trained.status == "done"
    evaluated: EvaluateReply = call("evaluate", project_dir=root)
    assert evaluated.held_out_rows == framed.held_out_rows
    customers(300, 1).to_csv(source, index=False)
    again: FrameProblemReply = call("frame_problem", data=str(source), target="left", project_dir=root)
    assert any("data has changed" in warning for warning in again.warnings)


def test_training_is_refused_when_somebody_changed_the_development_rows(call: Call, tmp_path: Path) -> None:
    """Rows that are not those that were dealt would be scored as if they were."""
    source, root = tmp_path / "customers.csv", tmp_path / "ml"
    customers(300, 0).to_csv(source, index=False)
    call("frame_problem", data=str(source), target="left", project_dir=str(root))
    rows = root / "data" / "processed" / "development.parquet"
    frame = pd.read_parquet(rows)
    frame.loc[frame.index[0], "usage"] = 1e6
    frame.to_parquet(rows)
    with pytest.raises(MlEngineerError, match="frame_problem"):
        call("train", project_dir=str(root), budget_seconds=3)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that nobody can write, such as /proc")
def test_a_project_in_a_read_only_folder_is_refused_by_name(call: Call, tmp_path: Path) -> None:
    """The message names the place and says what to do; no traceback, nothing left behind."""
    source = tmp_path / "customers.csv"
    customers(60, 0).to_csv(source, index=False)
    with pytest.raises(MlEngineerError, match="/proc/ml") as caught:
        call("frame_problem", data=str(source), target="left", project_dir="/proc/ml")
    assert caught.value.remedy


def test_gaps_in_rows_that_are_not_for_learning_leave_no_trace_in_the_types(call: Call, tmp_path: Path) -> None:
    """A whole-number column whose only empty cell is in a row without a target holds whole numbers."""
    source, root = tmp_path / "customers.csv", tmp_path / "ml"
    frame = customers(200, 0)
    frame["calls"] = pd.array(np.arange(200) % 7, dtype="Int64")
    frame.loc[3, ["calls", "left"]] = pd.NA
    frame.to_csv(source, index=False)
    call("frame_problem", data=str(source), target="left", project_dir=str(root))
    assert pd.read_parquet(root / "data" / "processed" / "development.parquet")["calls"].dtype == np.int64


def test_a_column_called_self_goes_the_whole_way(call: Call, tmp_path: Path) -> None:
    """Names of columns are never names of arguments."""
    source, root = tmp_path / "customers.csv", str(tmp_path / "ml")
    customers(200, 0).rename(columns={"usage": "self", "left": "lambda"}).to_csv(source, index=False)
    call("frame_problem", data=str(source), target="lambda", project_dir=root)
    assert call("train", project_dir=root, budget_seconds=3).status == "done"
    assert call("evaluate", project_dir=root).status == "done"
