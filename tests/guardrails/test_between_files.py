"""DAT016, LEA020, SPL013, and what SPL011 and LEA004 make of several files."""

from __future__ import annotations

import numpy as np
import pandas as pd

from guardrails.factories import a_numeric_table, a_table, ask, evidence_of, text
from ml_engineer.guardrails.between_files import DAT016, LEA020, SPL013
from ml_engineer.guardrails.leakage import LEA004
from ml_engineer.guardrails.source_files import SourceFiles
from ml_engineer.guardrails.split_gaps import SPL011
from ml_engineer.vocabulary.data import ReadReport

TWO = {"/data/north.csv": 200, "/data/south.csv": 200}
FOUR = {f"/data/202{year}.csv": 200 for year in range(4)}


def test_the_file_of_a_row_follows_from_its_number_though_held_out_rows_are_missing() -> None:
    report = ReadReport(format="csv", files=("/d/1/a.csv", "/d/2/a.csv"), file_rows=(5, 3), rows=8, columns=())
    files = SourceFiles.of(report, pd.Index([0, 4, 5, 7]))
    assert files is not None
    assert (files.names, list(files.codes)) == (("1/a.csv", "2/a.csv"), [0, 0, 1, 1])


def test_rows_of_one_file_or_of_the_own_test_file_have_no_file_to_compare() -> None:
    report = ReadReport(format="csv", files=("a", "b"), file_rows=(5, 3), rows=8, columns=())
    assert SourceFiles.of(report, pd.Index([0, 1, 2])) is None
    assert SourceFiles.of(report, pd.Index([0, 6, 9])) is None


def test_columns_written_alike_in_all_files_pass() -> None:
    assert ask(DAT016(), evidence_of(a_table(), files=TWO)).outcome == "passed"


def test_a_column_that_one_file_leaves_empty_or_writes_otherwise_is_named_with_the_file() -> None:
    frame = a_table()
    frame.loc[200:, "noise"] = np.nan
    frame["sex"] = text(["m", "f"] * 100 + ["male", "female"] * 100)
    frame["height"] = np.r_[np.linspace(150, 199, 200), np.linspace(1.5, 1.99, 200)]
    finding = ask(DAT016(), evidence_of(frame, files=TWO))
    assert (finding.outcome, set(finding.columns)) == ("issue", {"noise", "sex", "height"})
    assert "'noise' is empty in 100 % of the rows of 'south.csv'" in finding.found
    assert "factor of 100" in finding.found


def test_files_that_are_parts_by_design_pass() -> None:
    frame = a_table().assign(region=text(["north"] * 200 + ["south"] * 200), year=[2020] * 200 + [2021] * 200)
    assert ask(DAT016(), evidence_of(frame, files=TWO)).outcome == "passed"


def test_one_file_is_nothing_to_compare() -> None:
    for check in (DAT016(), LEA020(), SPL013()):
        assert ask(check, evidence_of(a_table())).outcome == "not_applicable"


def test_a_file_that_tells_nothing_passes() -> None:
    for frame in (a_table(), a_numeric_table()):
        assert ask(LEA020(), evidence_of(frame, files=TWO)).outcome == "passed"
        assert ask(SPL013(), evidence_of(frame, files=TWO)).outcome == "passed"


def test_a_file_for_each_class_is_an_issue() -> None:
    frame = a_table().assign(y=text(["yes"] * 200 + ["no"] * 200))
    finding = ask(LEA020(), evidence_of(frame, files=TWO))
    assert finding.outcome == "issue"
    assert "'north.csv' holds 200 of 200 rows of class 'yes'" in finding.found


def a_target_by_file(*, explained: bool) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    file = np.repeat(np.arange(4), 200)
    level = np.array([0.0, 3.0, -3.0, 1.0])[file]
    frame = pd.DataFrame({"a": generator.normal(size=800), "b": generator.normal(size=800)})
    frame["y"] = frame["a"] + level + generator.normal(size=800)
    return frame.assign(b=level) if explained else frame


def test_a_file_that_adds_to_what_the_columns_know_is_asked_about() -> None:
    finding = ask(LEA020(), evidence_of(a_target_by_file(explained=False), files=FOUR))
    assert finding.outcome == "question"
    assert "source_file" in finding.remedy


def test_a_file_whose_difference_a_column_explains_passes() -> None:
    assert ask(LEA020(), evidence_of(a_target_by_file(explained=True), files=FOUR)).outcome == "passed"


def test_a_target_that_changes_between_files_is_told_file_by_file() -> None:
    finding = ask(SPL013(), evidence_of(a_target_by_file(explained=False), files=FOUR))
    assert finding.outcome == "question"
    assert "'2021.csv' (200 rows)" in finding.found
    assert "'2022.csv' (200 rows)" in finding.found
    assert "'2020.csv'" not in finding.found


def test_what_other_files_would_have_told_is_shown() -> None:
    frame = a_target_by_file(explained=False)
    frame["b"] = np.repeat([0.0, 10.0, 20.0, 30.0], 200) + np.random.default_rng(1).normal(size=800)
    finding = ask(SPL011(), evidence_of(frame, files=FOUR))
    assert (finding.outcome, finding.columns) == ("question", ())
    assert "on files that it did not learn from" in finding.found


def test_row_order_is_looked_at_within_each_file() -> None:
    finding = ask(LEA004(), evidence_of(a_target_by_file(explained=False), files=FOUR))
    assert finding.outcome == "passed"
    assert "within its file" in finding.found
