"""The arms of a feature trial: accepted columns, proposed columns, and the proposed ones with their news shuffled."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.portfolio import build_portfolio
from ml_engineer.modelling.training_data import FoldPair, TrainingData

__all__ = ["Arm", "FeatureArms", "changed_columns", "columns_sha256", "make_arms"]

Arm = Literal["accepted", "proposed", "twins"]


@dataclass(frozen=True)
class FeatureArms:
    """Everything that is compared, in one table, so that all fits share one copy of the rows.

    Parameters
    ----------
    data : TrainingData
        Its features hold the columns of all arms under names of their own.
    candidates : dict of Arm to tuple of Candidate
        The same models for each arm, each naming the columns of its arm.
    changed, removed : tuple of str
        Columns that are new or have other values, and columns that are gone.
    only_adds : bool
        Whether all accepted columns are as they were.
    """

    data: TrainingData
    candidates: dict[Arm, tuple[Candidate, ...]]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    only_adds: bool


def columns_sha256(features: pd.DataFrame) -> str:
    """Hash of names and values, whatever the order of the columns."""
    digest = hashlib.sha256()
    for name in sorted(features.columns):
        digest.update(f"{name}\0{features[name].dtype.kind}\0".encode())
        digest.update(pd.util.hash_pandas_object(features[name], index=True).to_numpy().tobytes())
    return digest.hexdigest()


def changed_columns(accepted: pd.DataFrame, proposed: pd.DataFrame) -> tuple[str, ...]:
    """Columns of `proposed` that `accepted` does not have, or has with other values."""
    return tuple(
        name for name in proposed.columns if name not in accepted.columns or not accepted[name].equals(proposed[name])
    )


def make_arms(
    accepted: pd.DataFrame, proposed: TrainingData, *, models: Sequence[str], seed: int, threads: int
) -> FeatureArms:
    """Lay out a trial of the features in `proposed` against those in `accepted`.

    The twins are the changed columns with their rows permuted together within each part of the folds: as many columns, as
    far apart, as related to each other, and without anything to say about their rows. What models gain or lose by the mere
    number of columns, they gain or lose with the twins too (Kursa and Rudnicki 2010, Feature selection with the Boruta package,
    Journal of Statistical Software 36, for the idea of judging columns against shuffled copies).

    Parameters
    ----------
    accepted : pandas.DataFrame of shape (n, p)
        Features in force.
    proposed : TrainingData
        With the features of the idea, on the same rows.
    models : sequence of str
        Names of portfolio entries.
    seed : int
        Random state of the shuffling and of every model.
    threads : int
        Threads that one fit may use.
    """
    changed = changed_columns(accepted, proposed.features)
    taken = {*accepted.columns, *proposed.features.columns}
    news = {name: _free(f"{name} (idea)", taken) for name in changed}
    twins = {name: _free(f"{name} (shuffled)", taken) for name in changed}
    table = [accepted, proposed.features[list(changed)].rename(columns=news)]
    columns: dict[Arm, list[str]] = {
        "accepted": list(accepted.columns),
        "proposed": [news.get(name, name) for name in proposed.features.columns],
    }
    if changed:
        order = _shuffled_within(_parts(proposed.pairs, proposed.rows), seed=seed)
        shuffled = proposed.features[list(changed)].iloc[order].set_axis(proposed.features.index)
        table.append(shuffled.rename(columns=twins))
        columns["twins"] = [twins.get(name, name) for name in proposed.features.columns]
    text = {name for name in proposed.text_columns if name in taken}
    text |= {names[name] for names in (news, twins) for name in text if name in names}
    data = replace(
        proposed,
        features=pd.concat(table, axis=1),
        text_columns=frozenset(text),
        fingerprint=f"{proposed.fingerprint}:{columns_sha256(accepted)}:{seed}",
    )
    candidates = {
        arm: _models(data, names, models=models, seed=seed, threads=threads) for arm, names in columns.items()
    }
    removed = tuple(name for name in accepted.columns if name not in proposed.features.columns)
    only_adds = not removed and not set(changed) & set(accepted.columns)
    return FeatureArms(data, candidates, changed, removed, only_adds)


def _models(
    data: TrainingData, columns: list[str], *, models: Sequence[str], seed: int, threads: int
) -> tuple[Candidate, ...]:
    known = build_portfolio(replace(data, features=data.features[columns]), seed=seed, threads=threads)
    return tuple(candidate for candidate in known if candidate.name in models)


def _free(wanted: str, taken: set[str]) -> str:
    while wanted in taken:
        wanted += "'"
    taken.add(wanted)
    return wanted


def _parts(pairs: Sequence[FoldPair], rows: int) -> npt.NDArray[np.int64]:
    """Which part of the folds each row is in: the first test part that holds it, or -1."""
    part = np.full(rows, -1)
    for number, (_, test) in enumerate(pairs):
        free = np.asarray(test)[part[np.asarray(test)] < 0]
        part[free] = number
    return part


def _shuffled_within(parts: npt.NDArray[np.int64], *, seed: int) -> npt.NDArray[np.int64]:
    """Positions of all rows, permuted within each part."""
    rng = np.random.default_rng(seed)
    order = np.arange(len(parts))
    for part in np.unique(parts):
        mine = np.flatnonzero(parts == part)
        order[mine] = rng.permutation(mine)
    return order
