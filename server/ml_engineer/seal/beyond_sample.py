"""On which side rows lie that were not in the sample that was dealt.

They are dealt as rows are that a table grew by: what belongs to a dealt unit (a group, a row and its repeats) shares its
side, what is as late as sealed rows is held out where time matters, and all others draw by the keyed hash of the deal.
So nothing is learned from that the same table, framed whole one day, would seal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.hashing import hash_group_keys, hash_rows
from ml_engineer.seal.bands import is_among
from ml_engineer.seal.dealing import draw_numbers, held_by_draw
from ml_engineer.seal.time_order import time_values
from ml_engineer.seal.vault import Vault
from ml_engineer.vocabulary.problem import SplitDefinition
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["SidesBeyond", "sides_beyond"]

Mask = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class SidesBeyond:
    """What decides on which side further rows of a sampled table lie; it holds hashes alone.

    Parameters
    ----------
    definition : SplitDefinition
        The rule that the sample was dealt by.
    key : str
        Key of the deal, hex.
    dealt : numpy.ndarray
        (m,) uint64, sorted: hashes of all rows of the sample.
    held_rows, held_units, development_units : numpy.ndarray
        uint64, sorted: sealed rows, of earlier deals of these rows too, and the units of both sides.
    earliest : float
        When the first sealed row is, for splits by time; infinite for others.
    """

    definition: SplitDefinition
    key: str
    dealt: Hashes
    held_rows: Hashes
    held_units: Hashes
    development_units: Hashes
    earliest: float

    def were_dealt(self, hashes: Hashes) -> Mask:
        """Which rows, by their hashes (n,), equal a row of the sample, whatever its side; (n,) bool."""
        return is_among(hashes, self.dealt)

    def units(self, frame: pd.DataFrame, hashes: Hashes) -> Hashes:
        """Hash of what each row must not be torn from, (n,) uint64."""
        return _units(frame, self.definition, hashes)

    def set_apart(self, units: Hashes, share: float) -> Mask:
        """A share of the units (n,) by which a model may be checked, drawn under a key of its own; (n,) bool."""
        return held_by_draw(draw_numbers(units, f"{self.key} set apart"), share)

    def may_be_learned(self, frame: pd.DataFrame, hashes: Hashes) -> Mask:
        """Which rows are development rows, (n,) bool.

        Parameters
        ----------
        frame : pandas.DataFrame
            n rows with the columns that were dealt.
        hashes : numpy.ndarray
            (n,) uint64, from `hash_rows`.
        """
        units = self.units(frame, hashes)
        held = is_among(hashes, self.held_rows) | is_among(units, self.held_units)
        if self.definition.strategy == "time":
            assert self.definition.time_column is not None
            return np.asarray(~(held | (time_values(frame[self.definition.time_column]) >= self.earliest)))
        if self.definition.strategy == "own_test_file":
            return np.asarray(~held)
        drawn = held_by_draw(draw_numbers(units, self.key), self.definition.held_out_fraction)
        return np.asarray(~held & (is_among(units, self.development_units) | ~drawn))


def sides_beyond(plan: SplitPlan, development: pd.DataFrame, *, vault: Path | None = None) -> SidesBeyond:
    """What tells the side of rows beyond the sample that `plan` dealt; no sealed row is handed on.

    Parameters
    ----------
    plan : SplitPlan
        The project's record of the deal.
    development : pandas.DataFrame
        The development rows.
    vault : pathlib.Path, optional
        Another vault than the user's.

    Raises
    ------
    SealError
        If the vault does not hold the deal.
    """
    store = Vault(vault)
    sealed = store.load_deal(plan.deal_id)
    dealt, held = store.load_sides(plan.deal_id)
    held_rows, held_units, earliest = [dealt[held]], [], np.inf
    for deal_id in (plan.deal_id, *(one for one in sealed.ancestors if store.holds(one))):
        hashes, side = store.load_sides(deal_id)
        held_rows.append(hashes[side])
        rows = store.load_held_out(deal_id)
        held_units += list(_held_units(rows, plan.definition))
        if deal_id == plan.deal_id and plan.definition.strategy == "time":
            assert plan.definition.time_column is not None
            earliest = float(np.nanmin(time_values(rows[plan.definition.time_column])))
    return SidesBeyond(
        definition=plan.definition,
        key=sealed.key,
        dealt=np.sort(dealt),
        held_rows=np.unique(np.concatenate(held_rows)),
        held_units=np.unique(np.concatenate([*held_units, np.zeros(0, dtype="uint64")])),
        development_units=np.unique(_units(development, plan.definition, hash_rows(development))),
        earliest=earliest,
    )


def _held_units(rows: pd.DataFrame, definition: SplitDefinition) -> Iterator[Hashes]:
    # An earlier deal may be of a table that lacked the columns of the groups.
    if set(_grouped_by(definition)) <= set(rows.columns):
        yield _units(rows, definition, hash_rows(rows))


def _units(frame: pd.DataFrame, definition: SplitDefinition, hashes: Hashes) -> Hashes:
    columns = _grouped_by(definition)
    return hash_group_keys(frame, columns, row_hashes=hashes) if columns else hashes


def _grouped_by(definition: SplitDefinition) -> tuple[str, ...]:
    """Columns of the groups that stay together; those of the person's own test file are kept apart from it too."""
    return definition.group_columns if definition.strategy in {"grouped", "own_test_file"} else ()
