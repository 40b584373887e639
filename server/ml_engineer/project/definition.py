"""The problem as it stands in the project: problem.yaml, and the record of how it was framed beside it.

The file is the truth. `experiments/records/problem.json` holds the problem as `frame_problem` made it, so
that a person's edits can be told from inferences, and an untouched file need not be parsed again.
"""

from __future__ import annotations

from ml_engineer.errors import DefinitionError, ProjectStateError
from ml_engineer.project.definition_faults import shown
from ml_engineer.project.files import write_text
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.problem_yaml import DECISIONS, is_untouched, parse_problem, problem_text
from ml_engineer.project.records import find_record, save_record
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["load_problem", "refuse_redealt", "save_problem"]

_ARGUMENT = {
    "strategy": "split",
    "group_columns": "group_columns",
    "time_column": "time_column",
    "held_out_fraction": "held_out_fraction",
    "seed": "seed",
}


def save_problem(layout: ProjectLayout, problem: ProblemDefinition) -> None:
    """Write problem.yaml, and the record of how the problem was framed."""
    save_record(layout, problem)
    write_text(layout.problem_yaml, problem_text(problem))


def load_problem(layout: ProjectLayout) -> ProblemDefinition:
    """The problem as problem.yaml has it now; what a person changed there is marked as theirs.

    Raises
    ------
    ProjectStateError
        If there is no problem.yaml.
    DefinitionError
        If it does not hold a valid problem: names line, key, value and what is allowed.
    """
    path = layout.problem_yaml
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ProjectStateError(
            f"There is no problem.yaml in {layout.root}",
            remedy="Call frame_problem first, or pass the project_dir that holds one",
        ) from error
    except UnicodeDecodeError as error:
        raise DefinitionError(
            f"{path} is not UTF-8 text", found=str(error), remedy="Save it as UTF-8, or call frame_problem again"
        ) from error
    framed = find_record(layout, ProblemDefinition)
    if framed is not None and is_untouched(text, framed):
        return framed
    problem = parse_problem(text, path)
    return problem if framed is None else _mark_edits(problem, framed)


def _mark_edits(problem: ProblemDefinition, framed: ProblemDefinition) -> ProblemDefinition:
    """Mark as the person's what differs from how the problem was framed."""
    before = {column.name: column for column in framed.columns}
    columns = []
    for column in problem.columns:
        old = before.get(column.name)
        changed = old is not None and any(getattr(column, key) != getattr(old, key) for key in DECISIONS)
        if old is not None and changed and column.decided_by == "inferred":
            reason = "set by hand in problem.yaml" if column.reason == old.reason else column.reason
            columns.append(column.model_copy(update={"decided_by": "person", "reason": reason}))
        else:
            columns.append(column)
    return problem.model_copy(
        update={
            "columns": tuple(columns),
            "goal_given": problem.goal_given or problem.business_goal != framed.business_goal,
            "prediction_moment_given": problem.prediction_moment_given
            or problem.prediction_moment != framed.prediction_moment,
        }
    )


def refuse_redealt(problem: ProblemDefinition, split: SplitPlan) -> None:
    """Refuse a problem whose target or split is not the one the rows were dealt by.

    Raises
    ------
    ProjectStateError
        Naming the key that was changed and the argument of frame_problem to pass instead.
    """
    for key, argument in _ARGUMENT.items():
        edited, dealt = getattr(problem.split, key), getattr(split.definition, key)
        if edited != dealt:
            raise _redealt(f"split.{key}", edited, dealt, f"call frame_problem with {argument}={edited!r}")
    for key in ("folds", "repeats"):
        edited, dealt = getattr(problem.split, key), getattr(split.definition, key)
        if edited != dealt:
            raise _redealt(f"split.{key}", edited, dealt, "call frame_problem again")
    if split.target and problem.target != split.target:
        raise _redealt("target", problem.target, split.target, f"call frame_problem with target={problem.target!r}")
    if problem.deal_id != split.deal_id:
        raise _redealt("deal_id", problem.deal_id, split.deal_id, "call frame_problem again")


def _redealt(key: str, edited: object, dealt: object, remedy: str) -> ProjectStateError:
    return ProjectStateError(
        f"problem.yaml has another {key} than the rows were dealt by",
        found=f"{shown(edited)} in the file, {shown(dealt)} when the rows were dealt",
        remedy=f"Put the old value back, or {remedy} (held-out rows that were looked at stay counted)",
    )
