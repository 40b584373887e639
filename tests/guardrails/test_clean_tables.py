"""Well-known clean tables: nothing may block, and what is asked must be worth a person's time."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn import datasets

from guardrails.factories import evidence_of
from ml_engineer.guardrails import is_open, run_checks


def builtin(name: str) -> pd.DataFrame:
    return getattr(datasets, f"load_{name}")(as_frame=True).frame


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits", "diabetes"])
def test_nothing_blocks_training_on_a_clean_table(name: str) -> None:
    findings = run_checks(evidence_of(builtin(name), "target"), stage="train")
    assert [finding.code for finding in findings if finding.blocks] == []
    assert [finding.code for finding in findings if is_open(finding) and finding.code.startswith(("DAT", "LEA00"))] in (
        [],
        ["LEA004"],  # breast_cancer: neighbours in the file do resemble each other
    )


@pytest.mark.parametrize("name", ["iris", "breast_cancer"])
def test_strong_columns_of_an_easy_problem_are_explained(name: str) -> None:
    findings = {finding.code: finding for finding in run_checks(evidence_of(builtin(name), "target"), stage="train")}
    assert findings["LEA001"].outcome == "passed"
    assert "as in an easy problem" in findings["LEA001"].found
