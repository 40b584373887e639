"""What the runs of `compare.py` say together: errors, ranks, wins, costs, and how much of it may be the split's chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

__all__ = ["for_people", "for_terminal", "over_seeds"]

_COSTS = {
    "CPU s": ("cpu", "median"),
    "wall s": ("wall", "median"),
    "longest s": ("wall", "max"),
    "overshoot s": ("overshoot", "max"),
    "peak MB": ("peak_mb", "median"),
    "predict ms/row": ("predict_ms_per_row", "median"),
    "model MB": ("model_mb", "median"),
}
"""Heading, what is read of a run, and what of several runs."""
_TOLD_COSTS: Mapping[str, tuple[str, int]] = {
    "median CPU-seconds": ("CPU s", 0),
    "longest wall seconds": ("longest s", 0),
    "most seconds over the budget": ("overshoot s", 1),
    "median peak memory, MB": ("peak MB", 0),
    "median prediction, ms a row": ("predict ms/row", 2),
}
"""What a table for people says of costs: heading of a summary, and digits."""
_NAMES: Mapping[str, str] = {
    "ours": "this search",
    "autogluon_medium": "AG medium",
    "autogluon_best": "AG best",
    "autogluon_v150": "AG v150",
    "flaml": "FLAML",
    "catboost": "CatBoost",
    "lightgbm": "LightGBM",
    "xgboost": "XGBoost",
}
"""Peers as people call them, in the order of a table's columns; others follow."""


def for_terminal(records: Sequence[Mapping[str, Any]], *, budget: float) -> str:
    """Everything about the runs with a budget, as plain text."""
    runs = _runs(records, budget)
    missing = runs[runs["error"].isna()]
    told = "".join(f"\nfailed: {one.peer} on {one.task}: {one.failed}" for one in missing.itertuples())
    errors = _errors(runs)
    parts = [errors.round(5).to_string(), f"{len(errors.dropna())} splits that all have", _summary(runs).to_string()]
    chance = over_seeds(runs)
    if len(chance):
        parts += ["over the seeds of tables that have several, with 95 % intervals (t)", chance.to_string()]
    return "\n\n".join(parts) + told


def for_people(
    records: Sequence[Mapping[str, Any]], *, budget: float, tasks: Sequence[str], seeds: Sequence[int]
) -> str:
    """The table of docs/accuracy.md for some tables and splits: Markdown, the least error of a row in bold."""
    runs = _runs(records, budget)
    runs = runs[runs["task"].isin(tasks) & runs["seed"].isin(seeds)]
    errors = _errors(runs)
    errors = errors.loc[[(task, seed) for task in tasks for seed in seeds if (task, seed) in errors.index]]
    # A peer that lacks a table's run was not asked for it; one that failed has a run without an error.
    asked = {(one.task, one.seed, one.peer) for one in runs.itertuples()}
    peers = [one for one in errors if all((*row, one) in asked for row in errors.index)]
    errors = errors[peers]
    lines = [_line("Table", [_NAMES.get(one, one) for one in peers]), "|---" * (len(peers) + 1) + "|"]
    for row, values in errors.iterrows():
        told = [_error(value, best=value == values.min()) for value in values]
        lines.append(_line(f"{row[0]}, split {row[1] + 1}" if len(seeds) > 1 else row[0], told))
    summary, common = _summary(runs[runs["peer"].isin(peers)]), len(errors.dropna())
    lines.append(_least_bold(f"mean rank, {common} that all finished", summary.loc[peers, "mean rank"]))
    lines.append(_least_bold("mean error relative to the best, the same", summary.loc[peers, "error / best"]))
    if "ours" not in errors:
        return "\n".join(lines)
    fewer = [f"{(errors['ours'] < errors[one]).sum()} of {errors[one].notna().sum()}" for one in peers if one != "ours"]
    lines.append(_line("this search errs less on", ["-", *fewer]))
    for told, (heading, digits) in _TOLD_COSTS.items():
        cells = ["" if np.isnan(value) else f"{value:.{digits}f}" for value in summary.loc[peers, heading]]
        lines.append(_line(told, cells))
    return "\n".join(lines)


def over_seeds(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean rank and mean error relative to the best, of tables that were split several times, with intervals over seeds.

    Each seed gives one value, of the tables that all peers finished on all seeds; the interval is Student's over them.
    """
    errors = _errors(runs)
    splits = errors.groupby(level="task").size()
    errors = errors[errors.index.get_level_values("task").isin(splits[splits > 1].index)].dropna(axis=1)
    if errors.empty:
        return pd.DataFrame()
    found = {}
    for heading, values in (
        ("mean rank", errors.rank(axis=1)),
        ("error / best", errors.div(errors.min(axis=1), axis=0)),
    ):
        each = values.groupby(level="seed").mean()
        half = stats.t.ppf(0.975, len(each) - 1) * each.sem()
        middle = each.mean()
        found[heading] = [
            f"{middle[one]:.2f} [{middle[one] - half[one]:.2f}, {middle[one] + half[one]:.2f}]" for one in each
        ]
    return pd.DataFrame(found, index=errors.columns)


def _runs(records: Sequence[Mapping[str, Any]], budget: float) -> pd.DataFrame:
    """The newest run of each peer, table and split."""
    frame = pd.DataFrame([one for one in records if one["budget"] == budget])
    for name in ("error", "failed", "fit"):
        if name not in frame:
            frame[name] = np.nan
    frame = frame.drop_duplicates(["peer", "task", "seed"], keep="last")
    return frame.assign(overshoot=(frame["fit"] - budget).clip(lower=0))


def _errors(runs: pd.DataFrame) -> pd.DataFrame:
    found = runs.pivot_table(index=["task", "seed"], columns="peer", values="error", dropna=False)
    known = [name for name in (*_NAMES, *found.columns) if name in found.columns]
    return found[list(dict.fromkeys(known))].dropna(how="all")


def _summary(runs: pd.DataFrame) -> pd.DataFrame:
    common = _errors(runs).dropna()
    ranks, by_peer = common.rank(axis=1), runs.groupby("peer")
    found = {"mean rank": ranks.mean(), "win rate": (ranks == 1).mean()}
    found["error / best"] = common.div(common.min(axis=1), axis=0).mean()
    found |= {heading: by_peer[name].agg(how) for heading, (name, how) in _COSTS.items()}
    return pd.DataFrame(found).sort_values("mean rank").round(3)


def _error(value: float, *, best: bool) -> str:
    if np.isnan(value):
        return "failed"
    told = (
        f"{value:,.0f}"
        if value >= 5000
        else f"{value:.1f}"
        if value >= 100
        else f"{value:.2f}"
        if value >= 10
        else f"{value:.4f}"
    )
    return f"**{told}**" if best else told


def _least_bold(heading: str, values: pd.Series) -> str:
    return _line(heading, [f"**{value:.2f}**" if value == values.min() else f"{value:.2f}" for value in values])


def _line(heading: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join([heading, *cells])} |"
