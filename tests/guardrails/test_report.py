"""All checks are asked once, waivers stay visible, and findings fold into five guardrails and one verdict."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from guardrails.factories import a_table, evidence_of
from ml_engineer.guardrails import CHECKS, NO_TIME, assemble_report, findings_in_brief, run_checks
from ml_engineer.guardrails.check import Answer, Check, Observation, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.vocabulary.guardrails import GUARDRAIL_TITLES, Family, Finding, Guardrail, Stage, Waiver

STAGES: tuple[Stage, ...] = get_args(Stage)


@pytest.mark.parametrize("stage", STAGES)
def test_every_registered_check_appears_exactly_once_and_in_order(stage: Stage) -> None:
    findings = run_checks(evidence_of(a_table()), stage=stage)
    assert [finding.code for finding in findings] == [check.code for check in CHECKS]
    assert len({finding.code for finding in findings}) == len(CHECKS)


def test_codes_begin_with_their_family_and_every_check_says_what_it_is_about() -> None:
    prefixes = {"data": "DAT", "leakage": "LEA", "split": "SPL", "model": "MOD", "fairness": "FAI", "readiness": "RDY"}
    assert set(prefixes) == set(get_args(Family))
    for check in CHECKS:
        assert check.code.startswith(prefixes[check.family])
        assert check.title
        assert check.guardrail in GUARDRAIL_TITLES
        assert type(check).__doc__
        assert check.blocks_at <= check.asked_at


def test_each_guardrail_has_a_check_that_blocks_some_stage() -> None:
    assert {check.guardrail for check in CHECKS if check.blocks_at} == set(get_args(Guardrail))


def test_a_silent_check_says_at_what_it_looked() -> None:
    assert all(finding.found for finding in run_checks(evidence_of(a_table()), stage="train"))


def test_without_time_only_checks_that_fit_models_are_left_and_each_says_so():
    evidence, models = evidence_of(a_table()), {check.code for check in CHECKS if check.cost == "models"}
    late = run_checks(evidence, stage="train", has_time=lambda: False)
    left = {finding.code for finding in late if finding.found == NO_TIME}
    assert left
    assert left <= models
    assert not left & {check.code for check in CHECKS if "train" in check.blocks_at}
    assert [finding.code for finding in late] == [check.code for check in CHECKS]


@pytest.mark.parametrize(
    "odd",
    [
        {"x": np.inf},
        {"x": np.nan},
        {"kind": None},
        {"y": "yes"},
        {"x": 0.0, "noise": 0.0},
    ],
    ids=["infinite", "empty number", "empty text", "one class", "constant"],
)
@pytest.mark.parametrize("rows", [1, 3, 60])
def test_odd_tables_get_findings_and_no_crash(rows: int, odd: dict[str, object]) -> None:
    frame = a_table(rows=rows).assign(**odd)
    frame["kind"] = frame["kind"].astype("str")
    labels = {"classes": ("no", "yes"), "task_type": "binary", "primary_metric": "roc_auc"}
    evidence = evidence_of(frame, problem=labels, groups={"kind": frame["kind"].to_numpy(dtype=object)})
    assert len(run_checks(evidence, stage="production")) == len(CHECKS)


class DAT901(Check):
    """Finds a blocking fault in two columns, one of them worse."""

    title = "Made up"
    family = "data"
    guardrail = "data_quality"
    blocks_at = frozenset({"train"})

    def find(self, evidence: Evidence) -> Answer:
        seen = [
            Observation("question", "b is odd", ("b",), (2,)),
            Observation("forbids", "a is wrong", ("a",), (1,)),
        ]
        return observed(seen, remedy="Mend it")


class DAT902(Check):
    """Finds nothing."""

    title = "Made up too"
    family = "data"
    guardrail = "data_quality"

    def find(self, evidence: Evidence) -> Answer:
        return passed("looked at everything")


def ask_made_up(*waivers: Waiver, stage: Stage = "train") -> Finding:
    return run_checks(evidence_of(a_table()), stage=stage, waivers=waivers, checks=(DAT901(), DAT902()))[0]


def a_waiver(code: str = "DAT901", **overrides: object) -> Waiver:
    values = {"code": code, "reason": "it was measured twice", "name": "Ada", "at": "2026-01-01T00:00:00+00:00"}
    return Waiver.model_validate(values | overrides)


def test_the_worst_observation_comes_first_and_blocks() -> None:
    finding = ask_made_up()
    assert finding.found == "a is wrong; b is odd"
    assert (finding.outcome, finding.blocks) == ("issue", True)
    assert (finding.columns, finding.example_rows) == (("a", "b"), (1, 2))


def test_what_blocks_one_stage_is_an_issue_at_another() -> None:
    assert (ask_made_up(stage="deploy").outcome, ask_made_up(stage="deploy").blocks) == ("issue", False)


def test_a_waiver_lifts_the_block_and_names_who_why_and_when() -> None:
    finding = ask_made_up(a_waiver())
    assert (finding.outcome, finding.blocks) == ("waived", False)
    assert finding.found == "a is wrong; b is odd"
    assert finding.remedy == "Waived by Ada on 2026-01-01: it was measured twice."


def test_a_waiver_of_one_column_leaves_what_was_found_in_others() -> None:
    finding = ask_made_up(a_waiver(columns=("a",)))
    assert (finding.outcome, finding.blocks, finding.columns) == ("question", False, ("b",))
    assert "Waived for 'a' by Ada" in finding.found


def test_waivers_of_all_columns_together_waive_the_finding() -> None:
    assert ask_made_up(a_waiver(columns=("a",)), a_waiver(columns=("b",))).outcome == "waived"


def test_a_waiver_of_another_column_changes_nothing() -> None:
    assert ask_made_up(a_waiver(columns=("z",))) == ask_made_up()


def test_a_waiver_never_turns_a_pass_into_anything_else() -> None:
    findings = run_checks(
        evidence_of(a_table()), stage="train", waivers=[a_waiver("DAT902")], checks=(DAT901(), DAT902())
    )
    assert findings[1].outcome == "passed"


def made_up_report(*waivers: Waiver, stage: Stage = "train"):
    findings = run_checks(evidence_of(a_table()), stage=stage, waivers=waivers, checks=(DAT901(), DAT902()))
    return assemble_report(findings, stage=stage, now="2026-01-01T00:00:00Z", waivers=waivers, parents={"problem": "x"})


def test_a_report_shows_all_five_guardrails_and_blocks_by_its_worst_finding() -> None:
    report = made_up_report()
    assert [result.guardrail for result in report.guardrails] == list(get_args(Guardrail))
    assert report.verdict == "block"
    assert [result.verdict for result in report.guardrails] == ["block", "pass", "pass", "pass", "pass"]
    assert report.guardrails[0].summary == "DAT901: a is wrong; b is odd; 1 of 2 checks passed."


def test_an_open_finding_that_does_not_block_warns_and_a_waived_one_passes() -> None:
    assert made_up_report(stage="deploy").verdict == "warn"
    assert made_up_report(a_waiver()).verdict == "pass"


def test_waivers_stay_visible_even_if_nothing_needs_them() -> None:
    unused = a_waiver("RDY009")
    assert made_up_report(unused).waivers == (unused,)


def test_findings_for_a_reply_are_the_heaviest_and_short() -> None:
    long = [
        Finding(
            code=f"DAT{number:03d}",
            title="t",
            guardrail="data_quality",
            outcome="issue" if number < 90 else "question",
            blocks=number == 50,
            found="found " * 200,
            remedy="do " * 200,
            columns=tuple(map(str, range(90))),
        )
        for number in range(99)
    ]
    brief = findings_in_brief(long)
    assert brief[0].code == "DAT050"
    assert 3 <= len(brief) <= 6
    assert sum(len(finding.model_dump_json()) for finding in brief) < 3_000
    assert all(finding.found.endswith("…") for finding in brief)


def test_passed_findings_and_advice_are_not_in_a_reply() -> None:
    findings = run_checks(evidence_of(a_table().assign(constant=1)), stage="train")
    assert any(finding.outcome == "advice" for finding in findings)
    assert findings_in_brief(findings) == []
