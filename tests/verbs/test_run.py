"""`run` goes the whole way in order, tells progress as a whole, stops where a verb refuses, and resumes."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from ml_engineer.errors import InputError, RefusedError
from ml_engineer.verbs.run import run
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.guardrails import Finding
from ml_engineer.vocabulary.problem import Question
from ml_engineer.vocabulary.replies import (
    CheckGuardrailsReply,
    EvaluateReply,
    FrameProblemReply,
    Reply,
    ScaffoldProjectReply,
    TrainReply,
)
from ml_engineer.vocabulary.requests import RunRequest

ESTIMATE = Estimate(value=0.8, low=0.7, high=0.9, method="made up", rows=100)
FINDING = Finding(
    code="LEA001", title="t", guardrail="data_quality", outcome="issue", blocks=True, found="f", remedy="mend it"
)
QUESTION = Question(id="costs", text="What do errors cost?", assumption="the same", argument="false_positive_cost")

ORDER = ["frame_problem", "scaffold_project", "train", "evaluate", "check_guardrails"]


class Siblings:
    """Stand-ins for the five verbs that remember what they were asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: dict[str, Any] = {}
        self.called: list[str] = []
        self.replies: dict[str, Reply | Exception] = {
            "frame_problem": FrameProblemReply(
                status="done",
                summary="framed",
                warnings=["odd", "same"],
                questions=[QUESTION],
                task_type="binary",
                primary_metric="roc_auc",
                worth_building=True,
                artifacts={"PROBLEM.md": "/p/PROBLEM.md"},
            ),
            "scaffold_project": ScaffoldProjectReply(status="done", summary="scaffolded", warnings=["same"]),
            "train": TrainReply(
                status="done", summary="trained", champion="boosting", artifacts={"champion": "/p/champion.py"}
            ),
            "evaluate": EvaluateReply(
                status="done",
                summary="scored",
                metrics={"roc_auc": ESTIMATE, "accuracy": ESTIMATE},
                baseline={"roc_auc": 0.5},
                cross_validated=ESTIMATE,
                artifacts={"report": "/p/evaluation.html", "roc": "/p/roc.svg"},
            ),
            "check_guardrails": CheckGuardrailsReply(
                status="done", summary="checked", verdict="warn", guardrails={"fairness": "warn: x"}, next_step="look"
            ),
        }
        module = importlib.import_module("ml_engineer.verbs.run")
        for name in ORDER:
            monkeypatch.setattr(module, name, self._stand_in(name))

    def _stand_in(self, name: str) -> Any:
        def verb(request: Any, context: WorkContext) -> Reply:
            self.called.append(name)
            self.requests[name] = request
            context.report("half", 0.5)
            assert context.journal_dir.is_dir()
            reply = self.replies[name]
            if isinstance(reply, Exception):
                raise reply
            return reply

        verb.__name__ = name
        return verb


@pytest.fixture
def siblings(monkeypatch: pytest.MonkeyPatch) -> Siblings:
    return Siblings(monkeypatch)


def go(tmp_path: Path, told: list[tuple[str, float | None]] | None = None, **arguments: Any) -> Any:
    heard = [] if told is None else told
    context = WorkContext(
        job_id="job", journal_dir=tmp_path, report=lambda message, fraction=None: heard.append((message, fraction))
    )
    return run(RunRequest(**{"data": "d.csv", "target": "y", "project_dir": "/p", **arguments}), context)


def test_the_whole_way_in_order_with_the_numbers_that_matter(siblings: Siblings, tmp_path: Path) -> None:
    reply = go(tmp_path)
    assert siblings.called == ORDER
    assert reply.status == "done"
    assert reply.summary == "boosting won. scored checked"
    assert (reply.held_out, reply.baseline, reply.champion, reply.verdict) == (ESTIMATE, 0.5, "boosting", "warn")
    assert reply.stopped_at is None
    assert reply.warnings == ["odd", "same"]
    assert reply.questions == [QUESTION]
    assert reply.artifacts == {
        "problem": "/p/PROBLEM.md",
        "champion": "/p/champion.py",
        "evaluation": "/p/evaluation.html",
    }


def test_each_verb_is_asked_what_run_was_asked(siblings: Siblings, tmp_path: Path) -> None:
    go(tmp_path, budget_seconds=7, stage="train", features=["serving"], sensitive_columns=["sex"], seed=3, goal="g")
    assert siblings.requests["frame_problem"].sensitive_columns == ["sex"]
    assert siblings.requests["frame_problem"].goal == "g"
    assert siblings.requests["scaffold_project"].features == ["serving"]
    assert (siblings.requests["train"].budget_seconds, siblings.requests["train"].seed) == (7, 3)
    assert siblings.requests["check_guardrails"].stage == "train"
    assert {request.project_dir for request in siblings.requests.values()} == {"/p"}


def test_progress_is_told_as_part_of_the_whole(siblings: Siblings, tmp_path: Path) -> None:
    told: list[tuple[str, float | None]] = []
    go(tmp_path, told)
    assert [message for message, _ in told] == [f"{name}: half" for name in ORDER]
    fractions = [fraction for _, fraction in told if fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[0] == pytest.approx(0.05)
    assert fractions[-1] == pytest.approx(0.95)


def test_the_first_refusal_stops_the_way_and_its_findings_are_shown(siblings: Siblings, tmp_path: Path) -> None:
    siblings.replies["train"] = TrainReply(
        status="refused", summary="blocked", findings=[FINDING], next_step="exclude the column"
    )
    reply = go(tmp_path)
    assert siblings.called == ORDER[:3]
    assert (reply.status, reply.stopped_at) == ("refused", "train")
    assert reply.summary == "Stopped at train: blocked"
    assert (reply.findings, reply.next_step) == ([FINDING], "exclude the column")
    assert (reply.task_type, reply.champion, reply.verdict) == ("binary", None, None)
    assert reply.questions == [QUESTION]


def test_a_refusal_that_is_raised_stops_it_too(siblings: Siblings, tmp_path: Path) -> None:
    siblings.replies["frame_problem"] = RefusedError("no", remedy="do this", findings=(FINDING,))
    reply = go(tmp_path)
    assert (reply.status, reply.stopped_at, reply.next_step) == ("refused", "frame_problem", "do this")
    assert reply.findings == [FINDING]


def test_bad_input_is_the_callers_business(siblings: Siblings, tmp_path: Path) -> None:
    siblings.replies["frame_problem"] = InputError("there is no such file")
    with pytest.raises(InputError, match="no such file"):
        go(tmp_path)


def test_not_worth_building_does_not_stop_but_is_said_first(siblings: Siblings, tmp_path: Path) -> None:
    framed = siblings.replies["frame_problem"]
    assert isinstance(framed, FrameProblemReply)
    siblings.replies["frame_problem"] = framed.model_copy(update={"worth_building": False})
    reply = go(tmp_path)
    assert siblings.called == ORDER
    assert reply.summary.startswith("Not worth building yet")


def test_a_job_that_was_interrupted_goes_on_after_the_last_finished_verb(siblings: Siblings, tmp_path: Path) -> None:
    scored = siblings.replies["evaluate"]
    siblings.replies["evaluate"] = InputError("interrupted here")
    with pytest.raises(InputError):
        go(tmp_path)
    siblings.called.clear()
    siblings.replies["evaluate"] = scored
    assert go(tmp_path).champion == "boosting"
    assert siblings.called == ORDER[3:]
