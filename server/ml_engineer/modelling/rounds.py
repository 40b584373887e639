"""How many boosting rounds: found once by early stopping, then fixed, so that the champion can be written down."""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm
import numpy as np
import numpy.typing as npt

from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.fits import Clock, Journal, journal_key
from ml_engineer.modelling.training_data import TrainingData

__all__ = ["MOST_ROUNDS", "early_stopping_rows", "find_rounds"]

MOST_ROUNDS = 3000
_FEWEST_ROUNDS = 10
_PROBED_ROUNDS = 8
_NEEDED = 25.0
"""A learning rate r needs about 25 / r rounds (measured on tables of 10^3 to 10^5 rows)."""
_RATES = (0.05, 0.1, 0.15, 0.2, 0.3)
"""Learning rates for machines that are too slow for the planned one."""


@dataclass(frozen=True)
class _Rounds:
    rounds: int
    learning_rate: float
    hurried: bool


def find_rounds(
    candidate: Candidate, data: TrainingData, *, seconds: float, seed: int, clock: Clock, journal: Journal
) -> Candidate:
    """The candidate with its number of rounds fixed.

    Early stopping watches rows that belong to the training part of one fold only (see `early_stopping_rows`).
    If the machine is too slow for the planned learning rate, the rate is raised so that about 25 / rate rounds fit.

    Parameters
    ----------
    candidate : Candidate
        A pipeline whose last step is a LightGBM model.
    data : TrainingData
        Development rows.
    seconds : float
        Time that one fit may take, preparation included.
    seed : int
        Random state of the early-stopping rows, where chance decides.
    clock, journal
        Seconds; finished pieces of work.
    """
    key = journal_key(data, candidate, "rounds")
    kept = journal.find(key)
    if kept is not None:
        found = _Rounds(int(kept["rounds"]), float(kept["learning_rate"]), bool(kept["hurried"]))
    else:
        found = _stop_early(candidate, data, seconds=seconds, seed=seed, clock=clock)
        journal.keep(key, {name: np.array(value) for name, value in vars(found).items()})
    why = f"{found.rounds} rounds: found by early stopping inside the training part of one fold, then fixed."
    if found.hurried:
        why += f" The learning rate was raised to {found.learning_rate:.3g} to fit the time budget."
    return candidate.with_parameters(why, model__n_estimators=found.rounds, model__learning_rate=found.learning_rate)


def _stop_early(candidate: Candidate, data: TrainingData, *, seconds: float, seed: int, clock: Clock) -> _Rounds:
    learn, watch = early_stopping_rows(data, seed=seed)
    pipeline = candidate.build()
    preparation, model = pipeline[:-1], pipeline[-1]
    # Class codes instead of labels: LightGBM does not translate the labels that it watches.
    target = data.actual
    start = clock()
    features = preparation.fit_transform(data.features.iloc[learn], target[learn])
    watched = preparation.transform(data.features.iloc[watch])
    ticks: list[float] = []
    model.set_params(n_estimators=_PROBED_ROUNDS)
    model.fit(features, target[learn], callbacks=[lambda _: ticks.append(clock())])
    # The first round stands for everything that is done once: preparing, and binning the features.
    round_seconds = max((ticks[-1] - ticks[0]) / max(1, len(ticks) - 1), 1e-6)
    affordable = max(_FEWEST_ROUNDS, min(MOST_ROUNDS, int((seconds - (ticks[0] - start)) / round_seconds)))

    def stop(rate: float) -> int:
        patience = int(np.clip(2.5 / rate, 30, 150))
        model.set_params(n_estimators=affordable, learning_rate=rate)
        model.fit(
            features,
            target[learn],
            eval_X=watched,
            eval_y=target[watch],
            callbacks=[lightgbm.early_stopping(patience, verbose=False)],
        )
        return int(model.best_iteration_ or affordable)

    planned = float(model.get_params()["learning_rate"])
    faster = next((rate for rate in _RATES if rate > planned and _NEEDED / rate <= affordable), _RATES[-1])
    slow = affordable < _NEEDED / planned
    # The clock decides only where it must: if the rounds end before the time does, the planned rate stays, and the
    # same search gives the same model on any machine.
    hopeless = affordable < _NEEDED / planned / 4
    rounds = 0 if hopeless else stop(planned)
    if not slow or 0 < rounds < 0.95 * affordable:
        return _Rounds(max(_FEWEST_ROUNDS, rounds), planned, hurried=False)
    return _Rounds(max(_FEWEST_ROUNDS, stop(faster)), faster, hurried=True)


def early_stopping_rows(data: TrainingData, *, seed: int) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]:
    """Rows to learn from and rows to watch, both from the training part of one fold.

    That part's rows that are the test part of another fold are watched: groups, strata and time are then
    respected as the folds respect them. Where no other fold lies inside, a fifth of the rows is watched:
    the latest, whole groups, or at random.

    Returns
    -------
    learn, watch : numpy.ndarray of int
        Positions; disjoint.
    """
    # With folds in time the last one trains on the most rows; otherwise all are alike.
    place = len(data.pairs) - 1 if data.time_order is not None else 0
    train = np.asarray(data.pairs[place][0])
    for other, (_, test) in reversed(list(enumerate(data.pairs))):
        inside = np.isin(train, test)
        # Going backwards, the first such fold in time is the latest before the one that is left out.
        if other != place and len(test) == inside.sum() < len(train):
            return train[~inside], train[inside]
    return _last_fifth(data, train, seed=seed)


def _last_fifth(
    data: TrainingData, train: npt.NDArray[np.integer], *, seed: int
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]:
    if data.time_order is not None:
        ordered = data.time_order[np.isin(data.time_order, train)]
        cut = len(ordered) - max(1, len(ordered) // 5)
        return ordered[:cut], ordered[cut:]
    units = train if data.clusters is None else data.clusters[train]
    shuffled = np.random.default_rng(seed).permutation(np.unique(units))
    watched = np.isin(units, shuffled[: max(1, len(shuffled) // 5)])
    return train[~watched], train[watched]
