"""What a person decided about columns, and how it goes before what was inferred."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ml_engineer.errors import InputError
from ml_engineer.profiling.after_the_fact import Suspicion
from ml_engineer.profiling.column_names import require_columns
from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.roles import UNUSED_ROLES
from ml_engineer.vocabulary.problem import ColumnRole, ProblemColumn

__all__ = ["ColumnDecisions", "decide_columns"]


@dataclass(frozen=True)
class ColumnDecisions:
    """What a person said about columns.

    Parameters
    ----------
    after_the_fact, known_at_prediction, exclude : collection of str
        Columns known too late, known in time, and not to be used.
    sensitive : collection of str or None
        The sensitive columns, all of them; None if the person said nothing.
    roles : mapping of str to ColumnRole
        Roles by column.
    earlier : mapping of str to ProblemColumn
        Columns that a person decided in the problem as it stood before.
    """

    after_the_fact: Collection[str] = ()
    known_at_prediction: Collection[str] = ()
    exclude: Collection[str] = ()
    sensitive: Collection[str] | None = None
    roles: Mapping[str, ColumnRole] = field(default_factory=dict)
    earlier: Mapping[str, ProblemColumn] = field(default_factory=dict)

    def check(self, columns: Sequence[str], *, target: str) -> None:
        """Refuse names that are not there and decisions that contradict one another.

        Raises
        ------
        InputError
            Naming argument and column.
        """
        for argument in ("after_the_fact", "known_at_prediction", "sensitive", "roles"):
            shown = {"sensitive": "sensitive_columns"}.get(argument, argument)
            require_columns(list(getattr(self, argument) or ()), columns, argument=shown)
        require_columns(list(self.exclude), columns, argument="exclude_columns")
        both = set(self.after_the_fact) & set(self.known_at_prediction)
        if both:
            raise InputError(
                f"{quoted(min(both))} cannot be known both after the fact and at prediction",
                remedy="Name it in after_the_fact or in known_at_prediction, not in both",
            )
        for name, role in self.roles.items():
            if (role == "target") != (name == target):
                raise InputError(
                    f"The role {role!r} does not fit {quoted(name)} (roles)",
                    found=f"the target is {quoted(target)}",
                    remedy="Pass the column to predict as target, and other roles for other columns",
                )
        for argument, names in (("after_the_fact", self.after_the_fact), ("exclude_columns", self.exclude)):
            if target in names:
                raise InputError(
                    f"The target {quoted(target)} is named in {argument}",
                    remedy="Leave it out: the model never sees the target",
                )


def decide_columns(
    columns: Sequence[ProblemColumn], suspects: Mapping[str, Suspicion], decisions: ColumnDecisions
) -> tuple[ProblemColumn, ...]:
    """Put suspicions and then the person's decisions on top of the inferred roles.

    Parameters
    ----------
    columns : sequence of ProblemColumn
        As inferred.
    suspects : mapping of str to Suspicion
        Columns that may be known only after the fact.
    decisions : ColumnDecisions
        What the person said, now or before.
    """
    return tuple(_decide(column, suspects.get(column.name), decisions) for column in columns)


def _decide(column: ProblemColumn, suspicion: Suspicion | None, said: ColumnDecisions) -> ProblemColumn:
    if column.role == "target":
        return column
    name = column.name
    decided: dict[str, object] = {}
    earlier = said.earlier.get(name)
    if earlier is not None:
        decided = {key: getattr(earlier, key) for key in ("role", "used", "sensitive", "availability", "reason")}
    elif suspicion is not None and column.used:
        column = _suspected(column, suspicion)
    if name in said.roles:
        role = said.roles[name]
        decided |= {"role": role, "used": role not in UNUSED_ROLES, "reason": f"{role}, named by the person"}
        if column.availability == "after_the_fact":
            decided["used"] = False
    if said.sensitive is not None and (name in said.sensitive) != column.sensitive:
        decided["sensitive"] = name in said.sensitive
    if name in said.after_the_fact:
        reason = "known only after the fact, as the person said"
        decided |= {"availability": "after_the_fact", "used": False, "reason": reason}
    if name in said.known_at_prediction:
        effective = decided.get("role", column.role)
        reason = "known at prediction, as the person said"
        reason += f" ({suspicion.reason})" if suspicion is not None else ""
        decided |= {"availability": "at_prediction", "used": effective not in UNUSED_ROLES, "reason": reason}
    if name in said.exclude:
        decided |= {"used": False, "reason": "left out, as the person said"}
    return column.model_copy(update=decided | {"decided_by": "person"}) if decided else column


def _suspected(column: ProblemColumn, suspicion: Suspicion) -> ProblemColumn:
    if suspicion.strength == "strong":
        reason = f"seems to be known only after the fact: {suspicion.reason}"
        return column.model_copy(update={"availability": "after_the_fact", "used": False, "reason": reason})
    reason = f"{column.reason}; may be known only after the fact: {suspicion.reason}"
    return column.model_copy(update={"availability": "unsure", "reason": reason})
