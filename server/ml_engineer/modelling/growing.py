"""How many trees: a model grows while it is watched on rows of the training part, then its size is fixed.

A size that is fixed before the folds can be written down, and the rows that a fold leaves out decide nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.base import clone

from ml_engineer.modelling.candidate import Growing
from ml_engineer.statistics.query_fit import QueryOrder, query_argument
from ml_engineer.statistics.query_metrics import CUTOFF

__all__ = ["FASTEST_RATE", "MOST_ROUNDS", "Grown", "grow"]

MOST_ROUNDS = 3000
_FEWEST_ROUNDS = 10
_PROBED_ROUNDS = 10
_NEEDED: dict[Growing, float] = {"lightgbm": 25.0, "catboost": 35.0, "xgboost": 20.0}
"""A learning rate r needs about so many divided by r rounds (measured on tables of 10^3 to 10^5 rows)."""
_RANKING_NEEDS = 5.0
"""NDCG of few watched queries is too rough to stop early by: a ranker is given at least so many divided by r rounds."""
FASTEST_RATE = 0.3
"""No learning rate is raised further."""
_TREES_A_STEP = 25


@dataclass(frozen=True)
class Grown:
    """A model at its best size.

    Parameters
    ----------
    model : estimator
        Fitted, and predicting at its best size.
    parameters : dict
        What makes a fresh model the same size: trees, and the learning rate if it was changed.
    why : str
        How the size was found.
    """

    model: Any
    parameters: dict[str, float]
    why: str


class _Clock(Protocol):
    def __call__(self) -> float: ...


def grow(
    kind: Growing,
    model: Any,
    learn: tuple[Any, npt.NDArray[Any]],
    watch: tuple[Any, npt.NDArray[Any]],
    *,
    weights: npt.NDArray[np.float64] | None = None,
    queries: tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]] | None = None,
    seconds: float,
    clock: _Clock,
) -> Grown:
    """Grow `model` on `learn` until it stops getting better on `watch`, or the time is out.

    If the machine is too slow for the planned learning rate, the rate is raised so that the rounds it needs fit.

    Parameters
    ----------
    kind : Growing
        The library.
    model : estimator
        Unfitted; the last step of a pipeline.
    learn, watch : (matrix, numpy.ndarray)
        Prepared rows and their target: class codes from 0, or numbers.
    weights : numpy.ndarray, optional
        What each row of `learn` counts for.
    queries : pair of numpy.ndarray, optional
        Query of each row of `learn` and of `watch`, for a model that asks for queries.
    seconds : float
        Time that this may take; infinite where the same result must come twice.
    clock : callable
        Monotonic seconds.
    """
    learned: dict[str, Any] = {"X": learn[0], "y": learn[1]} | ({} if weights is None else {"sample_weight": weights})
    argument = None if queries is None else query_argument(model)
    if queries is not None and argument is not None:
        learned, watch = _by_query(argument, learn, watch, queries)
    if kind == "forest":
        return _grow_forest(model, learned, seconds=seconds, clock=clock)
    planned = float(model.get_params()["learning_rate"])
    deadline = clock() + seconds
    least = 0.0 if argument is None else _RANKING_NEEDS
    watcher = _Watcher(deadline, clock, needed=_NEEDED[kind], rate=planned, least=least)
    fitted, rounds = _FITTERS[kind](clone(model), learned, watch, planned, watcher)
    rate = planned
    if watcher.too_slow:
        rate = min(FASTEST_RATE, planned * watcher.slowness)
        watcher = _Watcher(deadline, clock, needed=0.0, rate=rate, least=least)
        fitted, rounds = _FITTERS[kind](clone(model), learned, watch, rate, watcher)
    rounds = max(rounds, 1)
    trees: dict[str, float] = {"iterations" if kind == "catboost" else "n_estimators": rounds}
    why = f"{rounds} rounds: found by early stopping inside the training part of one fold, then fixed."
    if rate != planned:
        why += f" The learning rate was raised to {rate:.3g} to fit the time budget."
        trees["learning_rate"] = rate
    return Grown(fitted, trees, why)


def _by_query(
    argument: str, learn: tuple[Any, Any], watch: tuple[Any, Any], queries: tuple[npt.NDArray[np.integer], ...]
) -> tuple[dict[str, Any], tuple[Any, Any]]:
    """What a ranker is given to learn, its watched queries among it, and the watched rows in their order."""
    inside, outside = (QueryOrder(argument, part) for part in queries)
    learned = {"X": inside.sort(learn[0]), "y": inside.sort(learn[1])}
    told: dict[str, Any] = {argument: inside.told, f"eval_{argument}": [outside.told]}
    if argument == "group":
        told["eval_at"] = [CUTOFF]  # LightGBM's own would stop by the first place alone
    return learned | told, (outside.sort(watch[0]), outside.sort(watch[1]))


class _Watcher:
    """Counts rounds against the clock; asks to stop when the time is out, or early when it will not do."""

    def __init__(self, deadline: float, clock: _Clock, *, needed: float, rate: float, least: float) -> None:
        self.deadline = deadline
        self.clock = clock
        self.rounds = 0
        self.slowness = 1.0
        self.least = int(least / rate)
        self._needed = needed / rate
        self._first = clock()

    @property
    def too_slow(self) -> bool:
        return self.slowness > 1.0

    def __call__(self) -> bool:
        """Whether to stop after the round that was just done."""
        now = self.clock()
        self.rounds += 1
        if self.rounds == 1:
            self._first = now  # what is done once (binning, set-up) is no round
        if self.rounds == _PROBED_ROUNDS:
            each = max((now - self._first) / (_PROBED_ROUNDS - 1), 1e-6)
            possible = max((self.deadline - now) / each, 20.0)
            self.slowness = max(1.0, self._needed / possible)
        return self.too_slow or now > self.deadline


def _patience(rate: float, watcher: _Watcher) -> int:
    return max(int(np.clip(2.5 / rate, 30, 150)), watcher.least)


_Fitter = Callable[[Any, dict[str, Any], tuple[Any, Any], float, _Watcher], tuple[Any, int]]


def _lightgbm(
    model: Any, learn: dict[str, Any], watch: tuple[Any, Any], rate: float, watcher: _Watcher
) -> tuple[Any, int]:
    import lightgbm

    def tick(environment: Any) -> None:
        if watcher():
            raise lightgbm.callback.EarlyStopException(environment.iteration, environment.evaluation_result_list)

    tick.order = 40  # type: ignore[attr-defined]  # LightGBM reads it; after early stopping's 30
    model.set_params(n_estimators=MOST_ROUNDS, learning_rate=rate)
    stop = lightgbm.early_stopping(_patience(rate, watcher), verbose=False)
    model.fit(**learn, eval_X=watch[0], eval_y=watch[1], callbacks=[stop, tick])
    best = min(max(model.best_iteration_ or watcher.rounds, watcher.least), watcher.rounds)
    model.booster_.best_iteration = best
    return model, int(best)


def _catboost(
    model: Any, learn: dict[str, Any], watch: tuple[Any, Any], rate: float, watcher: _Watcher
) -> tuple[Any, int]:
    class Tick:
        def after_iteration(self, _: Any) -> bool:
            return not watcher()

    model.set_params(iterations=MOST_ROUNDS, learning_rate=rate)
    model.fit(
        **learn, eval_set=watch, use_best_model=True, early_stopping_rounds=_patience(rate, watcher), callbacks=[Tick()]
    )
    return model, int(model.tree_count_)


def _xgboost(
    model: Any, learn: dict[str, Any], watch: tuple[Any, Any], rate: float, watcher: _Watcher
) -> tuple[Any, int]:
    import xgboost

    class Tick(xgboost.callback.TrainingCallback):
        def after_iteration(self, *_: Any) -> bool:
            return watcher()

    patience = _patience(rate, watcher)
    model.set_params(n_estimators=MOST_ROUNDS, learning_rate=rate, early_stopping_rounds=patience, callbacks=[Tick()])
    model.fit(**learn, eval_set=[watch], verbose=False)
    model.set_params(early_stopping_rounds=None, callbacks=None)
    best = min(max(int(model.best_iteration) + 1, watcher.least), watcher.rounds)
    model.get_booster().best_iteration = best - 1
    return model, best


_FITTERS: dict[Growing, _Fitter] = {"lightgbm": _lightgbm, "catboost": _catboost, "xgboost": _xgboost}


def _grow_forest(model: Any, learn: dict[str, Any], *, seconds: float, clock: _Clock) -> Grown:
    """Add trees while the time lasts; more trees never hurt a forest, so there is nothing to watch."""
    planned = int(model.get_params()["n_estimators"])
    model, start = clone(model), clock()
    trees = planned if not np.isfinite(seconds) else min(_TREES_A_STEP, planned)
    model.set_params(n_estimators=trees, warm_start=True)
    model.fit(**learn)
    while trees < planned:
        step = (clock() - start) / trees * _TREES_A_STEP
        if clock() - start + step > seconds:
            break
        trees = min(trees + _TREES_A_STEP, planned)
        model.set_params(n_estimators=trees)
        model.fit(**learn)
    model.set_params(warm_start=False)
    why = f"{trees} trees." if trees == planned else f"{trees} trees: as many as the time budget had room for."
    return Grown(model, {"n_estimators": trees}, why)
