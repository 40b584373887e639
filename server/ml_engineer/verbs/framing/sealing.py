"""Dealing and sealing: from here on only development rows are looked at."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer import seal
from ml_engineer.profiling.dependence import Dependence
from ml_engineer.profiling.study import DevelopmentRows
from ml_engineer.profiling.target import TargetReading
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record
from ml_engineer.splitting import assign_folds, fold_pairs, group_codes, plan_split
from ml_engineer.verbs.evaluating.lost_vault import restore_lost_vault
from ml_engineer.verbs.framing.table import FramingTable
from ml_engineer.verbs.signature import who_acts
from ml_engineer.vocabulary.problem import SplitDefinition
from ml_engineer.vocabulary.requests import FrameProblemRequest
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["SealedTable", "seal_table"]

_MOST_SINGLE_COLUMNS = 100
"""Wider tables hold their columns in blocks, from which single ones cannot be let go."""


@dataclass(frozen=True)
class SealedTable:
    """The rows after the deal.

    Parameters
    ----------
    definition : SplitDefinition
        The rule.
    receipt : seal.SealReceipt
        What the seal tells of the deal.
    rows : DevelopmentRows
        What may be looked at.
    held_out_rows : int
        How many rows may not.
    looks : int
        How many models the held-out rows were shown before.
    """

    definition: SplitDefinition
    receipt: seal.SealReceipt
    rows: DevelopmentRows
    held_out_rows: int
    looks: int

    def plan(self, *, target: str, parents: dict[str, str]) -> SplitPlan:
        """The record of the deal."""
        folds = self.rows.folds
        return SplitPlan(
            parents=parents,
            definition=self.definition,
            target=target,
            development_rows=len(folds),
            held_out_rows=self.held_out_rows,
            fold_rows=tuple(int((folds == fold).sum()) for fold in range(int(folds.max()) + 1)),
            **vars(self.receipt),
        )


def seal_table(
    request: FrameProblemRequest,
    table: FramingTable,
    *,
    reading: TargetReading,
    dependence: Dependence,
    layout: ProjectLayout,
) -> SealedTable:
    """Plan the split, deal the rows, put the held-out ones into the vault, and cut the others into folds.

    The frame of `table` is used up on the way: a large table must not be held twice.

    Raises
    ------
    InputError
        If the split cannot be made.
    SealError
        If known rows would change sides after a look, or a lost vault cannot be rebuilt from the source.
    """
    frame, target = table.frame, request.target
    classification = reading.task != "regression"
    definition = plan_split(
        rows=len(frame),
        # Ranges of signed times are ranges of time among rows with the event and among those without.
        stratify=classification or reading.task_type == "survival",
        smallest_class_rows=reading.smallest_class_rows,
        group_columns=dependence.group_columns,
        groups=dependence.groups,
        time_column=dependence.time_column,
        own_test_file=table.own_test is not None,
        requested=request.split,
        held_out_fraction=request.held_out_fraction,
        seed=request.seed,
    )
    plan = find_record(layout, SplitPlan)
    if plan is not None and not request.redeal and plan.target in {"", target}:
        restore_lost_vault(layout, plan, frame, target=target)
    hashed = seal.hash_frame(frame)
    recognition = seal.recognise(frame, hashed=hashed)
    held_out = seal.deal(
        frame,
        definition,
        target=target,
        own_test=table.own_test,
        recognition=None if request.redeal else recognition,
        row_hashes=hashed.row_hashes,
    )
    receipt = seal.seal(
        frame,
        held_out,
        definition=definition,
        target=target,
        project_ledger=layout.ledger,
        recognition=recognition,
        redeal=request.redeal,
        now=datetime.now(UTC).isoformat(timespec="seconds"),
        who=who_acts(),
        hashed=hashed,
    )
    row_hashes = hashed.row_hashes
    del hashed  # its cells take a third of the table's memory
    whole = [column.name for column in table.report.columns if column.storage == "integer"]
    development = _settled_types(_move_rows(frame, ~held_out), whole)
    folds, *more_folds = (
        assign_folds(
            development,
            definition,
            target=target,
            classification=classification,
            row_hashes=row_hashes[~held_out],
            repeat=repeat,
        )
        for repeat in range(definition.repeats)
    )
    grouped = bool(definition.group_columns) and definition.strategy in {"grouped", "own_test_file"}
    rows = DevelopmentRows(
        frame=development,
        folds=folds,
        pairs=lambda some: fold_pairs(some, definition),
        groups=group_codes(development, definition.group_columns) if grouped else None,
        time_column=definition.time_column if definition.strategy == "time" else None,
        more_folds=tuple(more_folds),
    )
    looks = seal.count_looks(receipt.deal_id, project_ledger=layout.ledger)
    return SealedTable(definition, receipt, rows, int(held_out.sum()), max(looks, receipt.looks_inherited))


def _move_rows(frame: pd.DataFrame, wanted: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """The `wanted` rows, (n,) bool; unless `frame` is wide, it is emptied, each column once its rows are copied."""
    if len(frame.columns) > _MOST_SINGLE_COLUMNS:
        return frame[wanted]
    index, names = frame.index[wanted], list(frame.columns)
    return pd.DataFrame({name: frame.pop(name).array[wanted] for name in names}, index=index, copy=False)


def _settled_types(development: pd.DataFrame, whole: Collection[str]) -> pd.DataFrame:
    """Whole numbers as such, where the only empty cells lay in rows that are sealed or have no target.

    The dtype would otherwise tell that sealed rows have gaps, and differ from that of a complete row to predict.
    """
    settled = development.copy(deep=False)
    for name in whole:
        if name in settled.columns and settled[name].dtype == np.float64 and not settled[name].isna().any():
            settled[name] = settled[name].astype("int64")
    return settled
