"""On a clone, or where the vault was lost: finding the project's held-out rows in the source again."""

from __future__ import annotations

import pandas as pd

from ml_engineer import seal
from ml_engineer.errors import InputError, SealError
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.verbs.framing.table import read_recorded_table
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["restore_from_source", "restore_lost_vault"]


def restore_lost_vault(layout: ProjectLayout, plan: SplitPlan, frame: pd.DataFrame, *, target: str) -> None:
    """Find the held-out rows of `plan` in `frame`, unless the vault on this machine holds them.

    Raises
    ------
    SealError
        If they are not in it as they were sealed.
    """
    if not seal.knows_deal(plan.deal_id):
        seal.restore(frame, plan, target=target, project_ledger=layout.ledger)


def restore_from_source(layout: ProjectLayout, plan: SplitPlan, *, target: str, learned: bool = True) -> str | None:
    """The same, from the source that the project names; what a person should know of it, if anything was done.

    Raises
    ------
    SealError
        If the source is not there or does not hold the rows.
    """
    if seal.knows_deal(plan.deal_id):
        return None
    profile = load_record(layout, DataProfile)
    try:
        table = read_recorded_table(profile.source, profile.test_source, target, learned=learned)
    except InputError as error:
        raise SealError(
            f"This machine does not hold the held-out rows of {plan.deal_id}, and their source cannot be read",
            found=f"{error.problem}{f' ({error.found})' if error.found else ''}",
            remedy="Put the source back in its place, or call frame_problem with data where it lies now: the same rows "
            "are found in it again, and no look is forgotten",
        ) from error
    restore_lost_vault(layout, plan, table.frame, target=target)
    return "The held-out rows were not on this machine; they were found again in the source, by the recorded deal."
