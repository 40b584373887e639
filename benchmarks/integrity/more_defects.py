"""Further defects, thought of after the checks were written: none of their thresholds was set on these."""

from __future__ import annotations

import numpy as np
import pandas as pd
from defects import DEFECTS, NOTE_WORDS, Defect, Planted, Strength
from tables import Rng, Table


def _level(strength: Strength, weak: float, medium: float, strong: float) -> float:
    return {"weak": weak, "medium": medium, "strong": strong}[strength]


def _rank(table: Table) -> np.ndarray:
    """The target between 0 and 1: ranks, or classes evenly spaced."""
    column = table.frame[table.target]
    if table.task == "regression":
        return ((column.rank() - 0.5) / len(column)).to_numpy()
    codes = pd.factorize(column, sort=True)[0].astype(float)
    return codes / max(codes.max(), 1)


def stamped_text(table: Table, strength: Strength, rng: Rng) -> Planted:
    """A note that bears a stamp once the case was decided one way."""
    last, share = _rank(table) > 0.99, _level(strength, 0.5, 0.85, 1.0)
    notes = [
        " ".join(rng.choice(NOTE_WORDS, 10)) + (" #escalated" if late and rng.random() < share else "") for late in last
    ]
    return Planted(table.frame.assign(note=notes), ("note",), ("LEA021",), lost=("note",))


def rounded_target(table: Table, strength: Strength, _rng: Rng) -> Planted:
    """The target once more, rounded, as an official value is."""
    target = table.frame[table.target].astype(float)
    step = np.ptp(target.quantile([0.05, 0.95])) / _level(strength, 4, 12, 100)
    return Planted(
        table.frame.assign(official=(target / step).round() * step), ("official",), ("LEA007",), lost=("official",)
    )


def end_of_span(table: Table, strength: Strength, rng: Rng) -> Planted:
    """A beginning and an end, whose distance in days is the target; now and then the end was entered wrongly."""
    begun = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 700, len(table.frame)), "D")
    days = table.frame[table.target].astype(float).rank() / 10
    wrong = rng.random(len(days)) < _level(strength, 0.3, 0.03, 0.0)
    ended = begun + pd.to_timedelta(np.where(wrong, rng.permutation(days), days) * 86_400, "s")
    frame = table.frame.assign(begun=begun, ended=ended, **{table.target: days.round(3)})
    return Planted(frame, ("begun", "ended"), ("LEA013", "LEA010", "LEA008"), lost=("ended",), retold=True)


def amount_against_goal(table: Table, strength: Strength, rng: Rng) -> Planted:
    """An amount that came in, and the goal which it had to reach."""
    reached = _rank(table) > 0.5
    reached ^= rng.random(len(reached)) < _level(strength, 0.1, 0.03, 0.0)
    goal = np.exp(rng.normal(8, 1, len(reached)))
    got = goal * np.exp(np.where(reached, 1, -1) * np.abs(rng.normal(0, 0.8, len(reached))))
    frame = table.frame.assign(asked_for=goal.round(), came_in=got.round())
    return Planted(frame, ("asked_for", "came_in"), ("LEA010",), lost=("came_in",))


def group_total(table: Table, strength: Strength, rng: Rng) -> Planted:
    """The target's sum per place over all rows, this one and later ones too."""
    size = int(_level(strength, 30, 8, 3))
    place = rng.integers(0, max(len(table.frame) // size, 2), len(table.frame))
    target = pd.Series(_rank(table)) if table.task != "regression" else table.frame[table.target].astype(float)
    total = target.groupby(place).transform("sum").round(6).to_numpy()
    frame = table.frame.assign(place=[f"P{number}" for number in place], place_total=total)
    return Planted(frame, ("place_total",), ("LEA022",), lost=("place_total",))


def scattered_gaps(table: Table, strength: Strength, rng: Rng) -> Planted:
    """Several measurements that are less often taken once it is clear how a case ends."""
    late, share = _rank(table) > 0.6, _level(strength, 0.12, 0.25, 0.5)
    frame = table.frame.copy()
    for number in range(3):
        values = rng.normal(50, 10, len(frame)).round(1)
        values[rng.random(len(frame)) < np.where(late, share, 0.02)] = np.nan
        frame[f"reading_{number}"] = values
    return Planted(frame, tuple(f"reading_{number}" for number in range(3)), ("LEA002",))


MORE: tuple[Defect, ...] = (
    Defect("stamp in a text", stamped_text, ("binary", "multiclass")),
    Defect("rounded target", rounded_target, ("regression",)),
    Defect("end of a time that is the target", end_of_span, ("regression",), needs="untimed"),
    Defect("amount against a goal", amount_against_goal, ("binary",)),
    Defect("target total per place", group_total, needs="ungrouped"),
    Defect("gaps scattered over columns", scattered_gaps),
)
ALL: tuple[Defect, ...] = (*DEFECTS, *MORE)
