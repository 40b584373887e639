"""What each verb answers: one flat record, usually under 2 KB."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from ml_engineer.vocabulary.estimates import Estimate, Metric
from ml_engineer.vocabulary.guardrails import Finding, Stage, Verdict
from ml_engineer.vocabulary.ideas import IdeaVerdict
from ml_engineer.vocabulary.jobs import Job
from ml_engineer.vocabulary.problem import Question, TaskType
from ml_engineer.vocabulary.records import Record

__all__ = [
    "CheckGuardrailsReply",
    "EvaluateReply",
    "ExportReply",
    "FrameProblemReply",
    "JobsReply",
    "PredictReply",
    "PromoteReply",
    "ReplayReply",
    "Reply",
    "RunReply",
    "ScaffoldProjectReply",
    "TrainReply",
    "VerifyReply",
    "WaiveFindingReply",
]


class Reply(Record):
    """What every verb answers. `--json` prints it, the MCP tool returns it."""

    status: Literal["done", "running", "refused"] = Field(
        description="'running': call job_status with the job_id. 'refused': see findings and next_step."
    )
    summary: str = Field(description="What happened, in a sentence or two.")
    warnings: list[str] = Field(default_factory=list, description="What a person should know.")
    questions: list[Question] = Field(default_factory=list, description="Questions only the person can answer.")
    findings: list[Finding] = Field(default_factory=list, description="Findings that did not pass.")
    next_step: str = Field(default="", description="What to do next.")
    artifacts: dict[str, str] = Field(default_factory=dict, description="Files written, absolute paths by name.")
    job_id: str | None = Field(default=None, description="The job that did or does the work.")
    project_dir: str | None = Field(default=None, description="The project, absolute.")


class FrameProblemReply(Reply):
    """The framed problem in short."""

    task_type: TaskType | None = Field(default=None, description="Kind of task.")
    primary_metric: Metric | None = Field(default=None, description="The number that decides.")
    split: str | None = Field(default=None, description="How rows were dealt, in words.")
    development_rows: int | None = Field(default=None, description="Rows to learn from.")
    held_out_rows: int | None = Field(default=None, description="Sealed rows.")
    features: list[str] = Field(default_factory=list, description="Columns the model may see (the first 40).")
    not_used: dict[str, str] = Field(
        default_factory=dict, description="Columns it may not see, and why (the first 20)."
    )
    baseline: Estimate | None = Field(default=None, description="Naive baseline in the primary metric.")
    signal: Estimate | None = Field(
        default=None, description="Gain of a quick model over the baseline; positive is better."
    )
    worth_building: bool | None = Field(default=None, description="False if nothing above the baseline was found.")
    assumptions: list[str] = Field(default_factory=list, description="What was assumed without being told.")


class ScaffoldProjectReply(Reply):
    """What was rendered."""

    written: list[str] = Field(default_factory=list, description="Files written, relative to the project.")
    unchanged: int = Field(default=0, ge=0, description="Files that were already as they should be.")
    kept: list[str] = Field(
        default_factory=list,
        description="Files that a person changed: kept, with the new text, if there is one, beside them as NAME.new.",
    )
    removed: list[str] = Field(
        default_factory=list, description="Untouched files that are no longer part of the project, now gone."
    )


class TrainReply(Reply):
    """The run in short."""

    run_id: str | None = Field(default=None, description="The training run.")
    champion: str | None = Field(default=None, description="Name of the winning candidate.")
    primary_metric: Metric | None = Field(default=None, description="The number that decides.")
    score: Estimate | None = Field(default=None, description="Cross-validated score of the champion.")
    baseline: Estimate | None = Field(default=None, description="The naive baseline's score on the same folds.")
    gain: Estimate | None = Field(default=None, description="Champion against baseline, paired; positive is better.")
    leaderboard: list[str] = Field(default_factory=list, description="One line a candidate, best first.")
    seconds: float | None = Field(default=None, ge=0, description="Wall time.")
    idea: str | None = Field(default=None, description="The feature idea that was judged, if `trial` asked for it.")
    verdict: IdeaVerdict | None = Field(
        default=None, description="Of the idea; `gain` is then its gain over the accepted features."
    )
    over_twins: Estimate | None = Field(
        default=None, description="The idea's gain over its own columns with their rows shuffled, paired."
    )
    ideas_refused: list[str] = Field(
        default_factory=list, description="Ideas that were judged and not kept, newest first: not worth another try."
    )


class EvaluateReply(Reply):
    """The evaluation in short."""

    run_id: str | None = Field(default=None, description="The training run that was evaluated.")
    verdict: str | None = Field(
        default=None, description="Against the naive baseline, by the interval of the paired difference."
    )
    look: int | None = Field(default=None, description="How many looks these rows have had.")
    held_out_rows: int | None = Field(default=None, description="Rows that were scored.")
    metrics: dict[str, Estimate] = Field(
        default_factory=dict, description="Held-out metrics by name; the primary one first."
    )
    baseline: dict[str, float] = Field(
        default_factory=dict, description="The naive baseline's values on the same rows."
    )
    confusion: list[list[int]] | None = Field(
        default=None, description="Actual (rows) against predicted (columns), at most 10 classes."
    )
    labels: list[str] | None = Field(default=None, description="Class labels, in the matrix's order.")
    cross_validated: Estimate | None = Field(
        default=None, description="Cross-validated primary metric, for comparison."
    )
    corrected: Estimate | None = Field(
        default=None, description="The same, corrected for having been chosen among all candidates tried."
    )
    candidates_tried: int | None = Field(default=None, description="Candidates tried on these rows, in all runs.")
    against_champion: Estimate | None = Field(
        default=None, description="Gain over the champion before, paired; positive is better, zero inside: no evidence."
    )
    worst_group: str | None = Field(default=None, description="The sensitive group with the poorest metric, in words.")


class CheckGuardrailsReply(Reply):
    """The guardrails in short."""

    stage: Stage | None = Field(default=None, description="What is about to be done.")
    verdict: Verdict | None = Field(default=None, description="'block' forbids the stage.")
    guardrails: dict[str, str] = Field(
        default_factory=dict, description="Each of the five with its verdict and a sentence."
    )
    passed: int = Field(default=0, ge=0, description="Checks that passed.")
    not_applicable: int = Field(default=0, ge=0, description="Checks that do not apply here.")
    waivers: list[str] = Field(default_factory=list, description="Overrides in force, with name and reason.")


class WaiveFindingReply(Reply):
    """The override as it was written down."""

    waivers: list[str] = Field(default_factory=list, description="All overrides in force, with name and reason.")


class VerifyReply(Reply):
    """What was proved."""

    verdict: Literal["valid", "invalid"] | None = Field(
        default=None, description="'invalid' if anything that is claimed is not so."
    )
    full: bool | None = Field(default=None, description="Whether the numbers were computed again.")
    proved: int | None = Field(default=None, ge=0, description="Claims that hold.")
    failed: list[str] = Field(default_factory=list, description="Claims that do not hold, and what was found.")
    not_checked: list[str] = Field(
        default_factory=list, description="Claims that cannot be checked here, as on a clone without data."
    )


class ReplayReply(Reply):
    """What came again."""

    run_id: str | None = Field(default=None, description="The run that was replayed.")
    verdict: Literal["reproduced", "differs"] | None = Field(
        default=None, description="'reproduced' if champion, score and every prediction came again, to 1e-6."
    )
    replayed: Literal["search", "champion"] | None = Field(
        default=None, description="What was done again: the whole search, or the fits of champion.py on every fold."
    )
    champion: str | None = Field(default=None, description="The champion that came now.")
    score_then: float | None = Field(default=None, description="Recorded cross-validated score.")
    score_now: float | None = Field(default=None, description="The score that came now.")
    largest_difference: float | None = Field(
        default=None, ge=0, description="Largest absolute difference of an out-of-fold prediction."
    )
    rows: int | None = Field(default=None, ge=0, description="Rows whose predictions were compared.")
    differences: list[str] = Field(
        default_factory=list, description="What is not as it was when the run was made: data, code, versions."
    )


class ExportReply(Reply):
    """What was written, and how well it agrees."""

    run_id: str | None = Field(default=None, description="The run whose champion was written.")
    output: str | None = Field(default=None, description="The file.")
    largest_difference: float | None = Field(
        default=None, ge=0, description="Largest absolute difference to the champion's predictions, on `rows` rows."
    )
    changed_labels: int | None = Field(
        default=None, ge=0, description="Rows on which another class is called; classification."
    )
    rows: int | None = Field(default=None, ge=0, description="Development rows whose predictions were compared.")
    inputs: dict[str, str] = Field(default_factory=dict, description="What the file takes: name and type, a row each.")
    outputs: dict[str, str] = Field(default_factory=dict, description="What it gives.")


class PromoteReply(Reply):
    """What is in use now, and who said so."""

    run_id: str | None = Field(default=None, description="The run whose model is the champion in use.")
    version: str | None = Field(default=None, description="Its version in the MLflow registry.")
    approved_by: str | None = Field(default=None, description="The person who approved it.")
    before: str | None = Field(default=None, description="The run that was in use before.")
    verdict: Verdict | None = Field(default=None, description="What the guardrails said.")


class PredictReply(Reply):
    """What was scored."""

    rows: int | None = Field(default=None, description="Rows scored.")
    output: str | None = Field(default=None, description="File with the predictions.")
    columns: list[str] = Field(default_factory=list, description="Columns of that file.")
    preview: list[dict[str, str | float | int | None]] = Field(
        default_factory=list, description="The first rows of that file."
    )


class RunReply(Reply):
    """The whole way in short."""

    task_type: TaskType | None = Field(default=None, description="Kind of task.")
    primary_metric: Metric | None = Field(default=None, description="The number that decides.")
    champion: str | None = Field(default=None, description="Name of the winning candidate.")
    cross_validated: Estimate | None = Field(default=None, description="Cross-validated score.")
    held_out: Estimate | None = Field(default=None, description="Held-out score.")
    baseline: float | None = Field(default=None, description="The naive baseline's held-out score.")
    verdict: Verdict | None = Field(default=None, description="Of the guardrails.")
    guardrails: dict[str, str] = Field(
        default_factory=dict, description="Each of the five with its verdict and a sentence."
    )
    stopped_at: str | None = Field(default=None, description="The verb that refused, if one did.")


class JobsReply(Reply):
    """Jobs of this user, newest first."""

    jobs: list[Job] = Field(default_factory=list, description="Newest first.")
    result: dict[str, JsonValue] | None = Field(
        default=None, description="What the finished job's verb answered beyond the fields of every reply."
    )
