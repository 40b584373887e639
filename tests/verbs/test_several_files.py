"""Files that carry the target: what the finding tells one to do keeps rows of one file together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.vocabulary.guardrails import GuardrailReport
from ml_engineer.vocabulary.split import SplitPlan

NAMES = {
    "by name": ["2021.csv", "O'Hara.csv", "2023.csv", "2024.csv"],
    "by folder": ["north/sales.csv", "south/sales.csv", "east/sales.csv", "west/sales.csv"],
}


def write_sales(folder: Path, names: list[str]) -> None:
    """Four files whose sales lie on levels of their own."""
    rng = np.random.default_rng(0)
    for name, level in zip(names, (20, 60, 35, 80), strict=True):
        x = rng.normal(size=100)
        sales = pd.DataFrame({"x": x.round(3), "sold": (level + 4 * x + rng.normal(0, 4, 100)).round(2)})
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        sales.to_csv(folder / name, index=False)


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES.keys())
def test_the_sql_of_the_remedy_keeps_rows_of_one_file_together(
    names: list[str], call: Callable[..., Any], tmp_path: Path
) -> None:
    write_sales(tmp_path / "sales", names)
    data = str(tmp_path / "sales" / "**" / "*.csv")
    root = str(tmp_path / "ml")
    call("frame_problem", data=data, target="sold", project_dir=root)
    call("check_guardrails", project_dir=root, stage="train")
    findings = {finding.code: finding for finding in load_record(ProjectLayout(Path(root)), GuardrailReport).findings}
    for code in ("LEA020", "SPL013"):
        remedy = findings[code].remedy
        assert "group_columns=['source_file']" in remedy
        sql = remedy.split("sql = ")[1]
        reply = call(
            "frame_problem", data=data, target="sold", project_dir=root, sql=sql, group_columns=["source_file"]
        )
        assert (reply.development_rows, reply.held_out_rows) == (300, 100)
    assert load_record(ProjectLayout(Path(root)), SplitPlan).definition.group_columns == ("source_file",)


def test_rows_that_change_sides_with_a_new_rule_are_not_said_to_keep_them(
    call: Callable[..., Any], tmp_path: Path
) -> None:
    write_sales(tmp_path / "sales", NAMES["by name"])
    root, data = str(tmp_path / "ml"), str(tmp_path / "sales")
    call("frame_problem", data=data, target="sold", project_dir=root)
    sql = " UNION ALL BY NAME ".join(f"SELECT *, {year} AS year FROM '{year}.csv'" for year in (2021, 2023, 2024))
    call("frame_problem", data=data, target="sold", project_dir=root, sql=sql, group_columns=["year"])
    plan = load_record(ProjectLayout(Path(root)), SplitPlan)
    # A whole file of the three is held out; of its rows four in five were development rows before.
    assert plan.held_out_rows == 100
    assert plan.matched_rows < 250
