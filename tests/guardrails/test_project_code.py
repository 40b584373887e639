"""LEA on the project's own code: what a trial saw becomes findings that block, ask or pass."""

from __future__ import annotations

from typing import Any

from guardrails.factories import a_table, ask, evidence_of
from ml_engineer.guardrails import Evidence
from ml_engineer.guardrails.project_code import LEA017, LEA018, LEA019
from ml_engineer.vocabulary.code_trial import CandidateFault, CodeTrial, MovedColumn, Touched


def after(**seen: Any) -> Evidence:
    return evidence_of(a_table(), code=CodeTrial(rows=300, seconds=1.5, **seen))


def test_code_that_did_nothing_wrong_passes_with_what_was_tried() -> None:
    evidence = after(ways=("the order was reversed",), candidates=("mine",))
    assert [ask(check, evidence).outcome for check in (LEA017(), LEA018(), LEA019())] == ["passed"] * 3
    assert "when the order was reversed (1.5 s)" in ask(LEA017(), evidence).found


def test_a_feature_that_moved_blocks_with_column_line_and_rows() -> None:
    moved = MovedColumn(column="z", when="other rows were left out", rows=7, example_rows=(3, 5), line=12)
    finding = ask(LEA017(), after(moved=(moved,)), stage="train")
    assert finding.blocks
    assert (finding.columns, finding.example_rows) == (("z",), (3, 5))
    assert "'z' changes in 7 rows when other rows were left out (features.py, line 12)" in finding.found


def test_code_that_could_not_be_tried_blocks() -> None:
    finding = ask(LEA017(), after(failure="it did not end within 90 seconds"), stage="train")
    assert finding.blocks
    assert "did not end" in finding.found


def test_reading_guarded_rows_blocks_and_other_files_are_asked_about() -> None:
    vault = Touched(what="read", where="/home/a/vault/held_out.parquet", guarded=True, file="features.py", line=3)
    assert ask(LEA018(), after(touched=(vault,)), stage="train").blocks
    lookup = Touched(what="read", where="/home/a/lookup.csv")
    assert ask(LEA018(), after(touched=(lookup,))).outcome == "question"
    sent = Touched(what="connected", where="('example.org', 443)")
    assert ask(LEA018(), after(touched=(sent,))).outcome == "issue"


def test_a_candidate_that_learns_while_it_predicts_blocks() -> None:
    fault = CandidateFault(name="ranked", fault="its answers for 9 of 60 rows change when each is asked about alone")
    finding = ask(LEA019(), after(candidates=("ranked",), faults=(fault,)), stage="train")
    assert finding.blocks
    assert "'ranked'" in finding.found


def test_without_code_there_is_nothing_to_say() -> None:
    assert {ask(check, evidence_of(a_table())).outcome for check in (LEA017(), LEA018(), LEA019())} == {
        "not_applicable"
    }
    assert ask(LEA019(), after()).outcome == "not_applicable"
