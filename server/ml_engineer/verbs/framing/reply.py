"""The framed problem in short: a reply that stays under 2 KB whatever the table is like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ml_engineer.profiling.names import quoted
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.replies import FrameProblemReply
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["framing_reply"]

_MOST_BYTES: Final = 2_000
_MOST_FEATURES: Final = 40
_MOST_NOT_USED: Final = 20
_NAME: Final = 60
_SENTENCE: Final = 160


def framing_reply(
    problem: ProblemDefinition,
    split: SplitPlan,
    *,
    warnings: Sequence[str],
    artifacts: dict[str, str],
    project_dir: str,
    job_id: str,
) -> FrameProblemReply:
    """The reply, shortened step by step until it fits: everything is whole in PROBLEM.md."""
    unused = [column for column in problem.columns if not column.used and column.role != "target"]
    # What was left out against the look of the data is what a person needs to see first.
    unused.sort(key=lambda column: (column.availability == "at_prediction", column.role == "identifier"))
    sizes = _Sizes()
    while True:
        reply = FrameProblemReply(
            status="done",
            summary=_summary(problem, split),
            warnings=[_cut(text, sizes.sentence) for text in warnings[: sizes.warnings]],
            questions=list(problem.questions),
            next_step=_next_step(problem),
            artifacts=artifacts,
            job_id=job_id,
            project_dir=project_dir,
            task_type=problem.task_type,
            primary_metric=problem.primary_metric,
            split=_cut(split.definition.reason, sizes.sentence),
            development_rows=split.development_rows,
            held_out_rows=split.held_out_rows,
            features=[_cut(column.name, _NAME) for column in problem.features[: sizes.features]],
            not_used={
                _cut(column.name, _NAME): _cut(column.reason, sizes.sentence) for column in unused[: sizes.not_used]
            },
            baseline=_rounded(problem.baseline.score),
            signal=_rounded(problem.signal.gain),
            worth_building=problem.worth_building,
            assumptions=[_cut(text, sizes.sentence) for text in problem.assumptions[: sizes.assumptions]],
        )
        if len(reply.model_dump_json(exclude_none=True).encode()) <= _MOST_BYTES or not sizes.shrink():
            return reply


class _Sizes:
    """How much of each list is shown; what PROBLEM.md tells as well shrinks first."""

    def __init__(self) -> None:
        self.features, self.not_used = _MOST_FEATURES, _MOST_NOT_USED
        self.assumptions, self.warnings = 6, 6
        self.sentence = _SENTENCE

    def shrink(self) -> bool:
        """Show less; false if nothing is left to cut."""
        steps: tuple[tuple[str, int], ...] = (
            ("features", 12),
            ("sentence", 90),
            ("assumptions", 2),
            ("not_used", 8),
            ("warnings", 3),
            ("features", 4),
            ("not_used", 4),
            ("sentence", 60),
            ("assumptions", 0),
            ("not_used", 2),
            ("warnings", 1),
        )
        for name, floor in steps:
            now: Any = getattr(self, name)
            if now > floor:
                setattr(self, name, max(floor, now * 2 // 3))
                return True
        return False


def _rounded(estimate: Estimate) -> Estimate:
    """Five digits: what a person reads; the record holds the rest."""
    digits = {name: float(f"{getattr(estimate, name):.5g}") for name in ("value", "low", "high")}
    return estimate.model_copy(update=digits)


def _cut(text: str, width: int) -> str:
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def _summary(problem: ProblemDefinition, split: SplitPlan) -> str:
    used = len(problem.features)
    what = (
        f"{quoted(problem.target, 40)} as a {problem.task_type} problem" if problem.learns_target else problem.task_type
    )
    sentence = (
        f"Framed {what} on {split.development_rows:,} development "
        f"rows with {used} of {len(problem.columns) - bool(problem.target)} columns; {split.held_out_rows:,} rows are sealed."
    )
    if problem.worth_building:
        return sentence
    return f"{sentence} Not worth building yet: {problem.signal.explanation}."


def _next_step(problem: ProblemDefinition) -> str:
    if not problem.worth_building:
        if not problem.learns_target:
            return "Bring more rows or columns that say what rows have in common, or go on and see how little there is."
        return "Bring more rows or columns that say something about the target, then call frame_problem again."
    if problem.questions:
        return "Put the questions to the person, call frame_problem with the answers, then scaffold_project."
    return "Call scaffold_project, then train."
