"""Rows to predict against the project's data contract: what refuses them, what is told."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from ml_engineer.guardrails.breaches import find_breaches
from ml_engineer.project.contract_yaml import load_contract
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.contract import Breach
from ml_engineer.vocabulary.replies import PredictReply

__all__ = ["breaches_of", "refusal"]

_MOST_TOLD = 12
_NO_CONTRACT = "There is no data/contract.yaml: the rows were not checked. Call frame_problem to have it written"


def breaches_of(
    frame: pd.DataFrame, layout: ProjectLayout, *, needed: Collection[str]
) -> tuple[list[Breach], list[str]]:
    """Breaches at level error, and everything less as sentences.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        Rows to predict, as they were read.
    layout : ProjectLayout
        The project.
    needed : collection of str
        Columns that the model sees; an input of the contract that it does not see is not asked for.

    Raises
    ------
    DefinitionError
        If data/contract.yaml is not valid.
    """
    contract = load_contract(layout)
    if contract is None:
        return [], [_NO_CONTRACT]
    contract = contract.part("input", "key")
    columns = tuple(column for column in contract.columns if column.part == "key" or column.name in needed)
    found = find_breaches(frame.reset_index(drop=True), contract.model_copy(update={"columns": columns}))
    errors = [breach for breach in found if breach.level == "error"]
    return errors, [f"{breach.sentence}." for breach in found if breach.level != "error"]


def refusal(errors: Sequence[Breach], warnings: Sequence[str], layout: ProjectLayout) -> PredictReply:
    """The answer to rows that break the contract: nothing was scored, and why."""
    more = f"; and {len(errors) - 1} more rules are broken" if len(errors) > 1 else ""
    told = [f"{breach.sentence}." for breach in errors[1:]] + list(warnings)
    return PredictReply(
        status="refused",
        summary=f"Nothing was scored, because the rows break the data contract: {errors[0].sentence}{more}",
        warnings=told[:_MOST_TOLD],
        next_step="Correct these rows, or have a person say in data/contract.yaml that they may be "
        "(`warn` or `allowed` instead of `error`), then call predict again",
        artifacts={"contract": str(layout.contract_yaml)},
        project_dir=str(layout.root),
    )
