"""What the person told of the problem, now and before, checked against the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ml_engineer.errors import InputError
from ml_engineer.profiling.column_names import require_columns
from ml_engineer.profiling.decisions import ColumnDecisions
from ml_engineer.project.earlier import Earlier
from ml_engineer.vocabulary.problem import Costs
from ml_engineer.vocabulary.requests import FrameProblemRequest

__all__ = ["Told", "gather"]

_REMEMBERED: Final = (
    "goal",
    "task_type",
    "metric",
    "positive_class",
    "levels",
    "quantile",
    "event_column",
    "label_columns",
    "split",
    "group_columns",
    "time_column",
    "prediction_moment",
    "after_the_fact",
    "known_at_prediction",
    "sensitive_columns",
    "exclude_columns",
    "roles",
    "false_positive_cost",
    "false_negative_cost",
    "clusters",
    "expected_fraction",
    "target_score",
    "held_out_fraction",
    "horizon",
    "series_columns",
    "known_in_advance",
)


@dataclass(frozen=True)
class Told:
    """The request with what is remembered, and its parts as later steps take them.

    Parameters
    ----------
    request : FrameProblemRequest
        Arguments given now, else those given before.
    arguments : dict of str to JSON value
        What is to be remembered.
    decisions : ColumnDecisions
        What the person said about columns.
    costs : Costs or None
        What errors cost.
    kept : tuple of str
        Arguments that were taken over from before.
    """

    request: FrameProblemRequest
    arguments: dict[str, Any]
    decisions: ColumnDecisions
    costs: Costs | None
    kept: tuple[str, ...]


def gather(request: FrameProblemRequest, earlier: Earlier, columns: Sequence[str]) -> Told:
    """Put together what was told now and before.

    Parameters
    ----------
    request : FrameProblemRequest
        What is told now; it goes before what was told earlier.
    earlier : Earlier
        What was told or edited before.
    columns : sequence of str
        Columns of the table. What was said before of columns that are gone is dropped; a name that is told now
        and not there is an error.

    Raises
    ------
    InputError
        If an argument names a column that is not there, or arguments contradict one another.
    """
    _refuse_half_costs(request)
    before = _still_there(earlier.arguments, columns)
    taken = {name: before[name] for name in _REMEMBERED if getattr(request, name) is None and name in before}
    for name in (*(request.group_columns or ()), *((request.time_column,) if request.time_column else ())):
        argument = "time_column" if name == request.time_column else "group_columns"
        require_columns([name], columns, argument=argument)
        if name == request.target:
            raise InputError(f"The target {name!r} cannot be named in {argument}", remedy=f"Leave it out of {argument}")
    if "after_the_fact" in taken and request.known_at_prediction:
        taken["after_the_fact"] = [name for name in taken["after_the_fact"] if name not in request.known_at_prediction]
    if "known_at_prediction" in taken and request.after_the_fact:
        taken["known_at_prediction"] = [
            name for name in taken["known_at_prediction"] if name not in request.after_the_fact
        ]
    merged = type(request).model_validate(request.model_dump() | taken)
    decisions = ColumnDecisions(
        after_the_fact=merged.after_the_fact or (),
        known_at_prediction=merged.known_at_prediction or (),
        exclude=merged.exclude_columns or (),
        sensitive=merged.sensitive_columns,
        roles=merged.roles or {},
        earlier={name: column for name, column in earlier.columns.items() if name in set(columns)},
    )
    decisions.check(columns, target=merged.target)
    arguments = {name: value for name, value in merged.model_dump(mode="json").items() if name in _REMEMBERED}
    return Told(
        request=merged,
        arguments={name: value for name, value in arguments.items() if value is not None},
        decisions=decisions,
        costs=_costs(merged),
        kept=tuple(name for name in taken if taken[name] is not None),
    )


def _still_there(arguments: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Earlier arguments without the columns that the table no longer has."""
    known = set(columns)
    left: dict[str, Any] = {}
    for name, value in arguments.items():
        if isinstance(value, list) and name not in {"levels", "label_columns"}:
            names = [column for column in value if column in known]
            if names or not value:
                left[name] = names
        elif isinstance(value, dict):
            left[name] = {column: role for column, role in value.items() if column in known}
        elif name != "time_column" or value == "" or value in known:
            left[name] = value
    return left


def _refuse_half_costs(request: FrameProblemRequest) -> None:
    costs = (request.false_positive_cost, request.false_negative_cost)
    if (costs[0] is None) != (costs[1] is None):
        raise InputError(
            "One cost says nothing without the other",
            found=f"false_positive_cost={costs[0]}, false_negative_cost={costs[1]}",
            remedy="Pass both, in any one unit",
        )
    if costs == (0, 0):
        raise InputError("Both costs are zero", remedy="Pass at least one cost above zero, or leave both out")


def _costs(request: FrameProblemRequest) -> Costs | None:
    if request.false_positive_cost is None or request.false_negative_cost is None:
        return None
    return Costs(false_positive=request.false_positive_cost, false_negative=request.false_negative_cost)
