"""SPL012: held-out rows that development rows give away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_split, a_table, ask, evidence_of
from ml_engineer.guardrails import LedgerFacts
from ml_engineer.guardrails.contamination import SPL012
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.verbs.frame_problem import frame_problem
from ml_engineer.verbs.guardrail_evidence import gather_evidence
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.requests import FrameProblemRequest


def known(rows: int | None) -> LedgerFacts:
    return LedgerFacts(problems=(), looks=0, known_held_out_rows=rows)


@pytest.mark.parametrize(
    ("rows", "outcome", "blocks"), [(0, "passed", False), (3, "issue", False), (40, "issue", True)]
)
def test_copies_of_development_rows_count_by_their_share(rows: int, outcome: str, blocks: bool) -> None:
    finding = ask(SPL012(), evidence_of(a_table(), ledger=known(rows)), stage="deploy")
    assert (finding.outcome, finding.blocks) == (outcome, blocks)


def test_equal_rows_that_few_values_make_likely_pass_unless_the_test_file_is_the_persons_own() -> None:
    frame = pd.DataFrame({"x": np.arange(400) % 3, "y": np.where(np.arange(400) % 3 == 0, "a", "b")}).astype(
        {"y": "str"}
    )
    assert ask(SPL012(), evidence_of(frame, ledger=known(90))).outcome == "passed"
    own = {"split": a_split(strategy="own_test_file")}
    assert ask(SPL012(), evidence_of(frame, ledger=known(90), problem=own)).outcome == "issue"


def test_without_the_vault_nothing_is_told() -> None:
    assert ask(SPL012(), evidence_of(a_table(), ledger=known(None))).outcome == "not_applicable"


def test_training_rows_in_a_persons_own_test_file_are_counted(tmp_path: Path) -> None:
    table, test = a_table(rows=300), a_table(rows=80, seed=1)
    table.to_csv(tmp_path / "train.csv", index=False)
    pd.concat([test, table.head(20)]).to_csv(tmp_path / "test.csv", index=False)
    layout = ProjectLayout(tmp_path / "ml")
    request = FrameProblemRequest(
        data=str(tmp_path / "train.csv"), test_data=str(tmp_path / "test.csv"), target="y", project_dir=str(layout.root)
    )
    frame_problem(request, WorkContext("job", tmp_path))
    finding = ask(SPL012(), gather_evidence(layout, stage="train"), stage="deploy")
    assert finding.found.startswith("20 rows of 100 held out")
    assert finding.blocks
