"""Trying the options one by one, on folds and on random halves, until all are tried or the time is over."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from sklearn.base import clone

from ml_engineer.unsupervised.agreement import halves
from ml_engineer.unsupervised.judging import Judge
from ml_engineer.unsupervised.options import Option
from ml_engineer.unsupervised.rows import Floats, LookedAt

__all__ = ["Journal", "Limits", "Standing", "try_options"]

_HALVINGS: Final = 10


class Journal(Protocol):
    """Where finished options are kept, so that a killed job does not try them again."""

    def find(self, key: str) -> Mapping[str, Any] | None:
        """What was kept."""
        ...

    def keep(self, key: str, arrays: Mapping[str, Any]) -> None:
        """Keep it."""
        ...


@dataclass(frozen=True)
class Limits:
    """When to stop.

    Parameters
    ----------
    clock : callable
        Seconds.
    deadline : float
        Reading of the clock at which all should be done: nothing is begun that would take longer than what is left.
    evaluations : int or None
        Fits that may be made; then the clock decides nothing.
    seed : int
        Random state.
    asked_to_stop : callable
        Whether somebody wants the best so far now; asked before each fit once an option is finished.
    """

    clock: Callable[[], float]
    deadline: float
    evaluations: int | None = None
    seed: int = 0
    asked_to_stop: Callable[[], bool] = lambda: False


class _StoppedError(Exception):
    """Somebody wants the best so far, in the middle of an option."""


@dataclass(frozen=True)
class Standing:
    """How an option did.

    Parameters
    ----------
    option : Option
        What was tried.
    status : str
        'finished', 'failed' or 'out_of_time'.
    answers : numpy.ndarray of shape (n,)
        What models that did not see a row say of it; NaN where none was asked.
    values : numpy.ndarray of shape (n,)
        What the metric is the mean of.
    fold_scores : tuple of float
        The metric on each fold.
    parts : dict of str to float
        The metric by kind, over all folds.
    agreements : numpy.ndarray of shape (halvings, measures)
        What two fits on random halves of the rows have in common.
    seconds : float
        Time of all fits.
    milliseconds : float
        Time that one row's answer takes, in batches.
    reason : str
        Why it failed.
    """

    option: Option
    status: str
    answers: Floats = field(default_factory=lambda: np.empty(0))
    values: Floats = field(default_factory=lambda: np.empty(0))
    fold_scores: tuple[float, ...] = ()
    parts: dict[str, float] = field(default_factory=dict)
    agreements: Floats = field(default_factory=lambda: np.empty((0, 0)))
    seconds: float = 0.0
    milliseconds: float = 0.0
    reason: str = ""

    @property
    def score(self) -> float:
        """The metric over all rows that were judged."""
        return float(np.nanmean(self.values))

    @property
    def agreement(self) -> float:
        """The first measure of agreement, on average over the halvings."""
        return float(self.agreements[:, 0].mean())


def try_options(
    options: Sequence[Option],
    rows: LookedAt,
    judge: Judge,
    *,
    limits: Limits,
    journal: Journal,
    finished: Callable[[Standing], None] = lambda _: None,
) -> list[Standing]:
    """Try each option on all folds and on ten random halvings.

    The first option is always tried to its end: some answer is better than none.

    Parameters
    ----------
    options : sequence of Option
        What to try, in order.
    rows : LookedAt
        Development rows with their folds.
    judge : Judge
        What tells one from another.
    limits : Limits
        When to stop.
    journal : Journal
        Finished ones are kept there.
    finished : callable
        Called with each option that was tried.
    """
    fits = len(rows.pairs) + 2 * _HALVINGS
    standings: list[Standing] = []
    longest = 0.0
    for place, option in enumerate(options):
        spent = place * fits if limits.evaluations is not None else 0
        over = (
            spent >= limits.evaluations
            if limits.evaluations is not None
            else limits.clock() + longest >= limits.deadline
        )
        something = any(standing.status == "finished" for standing in standings)
        stop = limits.asked_to_stop if something else _never
        if place and (over or stop()):
            why = "the training was asked to stop" if stop() else "the budget was spent"
            standings.append(Standing(option, "out_of_time", reason=f"{why} before it was tried"))
            continue
        begun = limits.clock()
        key = _key(option, rows, judge, limits.seed)
        kept = journal.find(key)
        standing = _read(option, kept) if kept is not None else _try(option, rows, judge, seed=limits.seed, stop=stop)
        if kept is None and standing.status == "finished":
            journal.keep(key, _written(standing))
        standings.append(standing)
        if standing.status != "out_of_time":
            finished(standing)
        longest = max(longest, limits.clock() - begun)
    return standings


def _never() -> bool:
    return False


def _try(option: Option, rows: LookedAt, judge: Judge, *, seed: int, stop: Callable[[], bool]) -> Standing:
    try:
        with warnings.catch_warnings():
            # What did not converge shows in its score.
            warnings.simplefilter("ignore")
            return _tried(option, rows, judge, seed=seed, stop=stop)
    except _StoppedError:
        return Standing(option, "out_of_time", reason="the training was asked to stop before all its fits were made")
    except (ValueError, FloatingPointError, np.linalg.LinAlgError, MemoryError, ArithmeticError) as error:
        return Standing(option, "failed", reason=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")


def _tried(option: Option, rows: LookedAt, judge: Judge, *, seed: int, stop: Callable[[], bool]) -> Standing:
    answers, values = np.full(rows.rows, np.nan), np.full(rows.rows, np.nan)
    scores: list[float] = []
    parts: dict[str, list[float]] = {}
    fitting = asking = 0.0
    for number, (train, test) in zip(rows.numbers, rows.pairs, strict=True):
        _go_on(stop)
        started = perf_counter()
        model = clone(option.estimator).fit(rows.features.iloc[train])
        fitted = perf_counter()
        judged = judge.judge(model, rows.features.iloc[test], seed=number)
        fitting, asking = fitting + fitted - started, asking + perf_counter() - fitted
        answers[test], values[test] = judged.answers, judged.values
        scores.append(float(np.nanmean(judged.values)))
        for kind, value in judged.parts.items():
            parts.setdefault(kind, []).append(value)
    if not np.isfinite(scores).all():
        msg = "it gives no finite score for some rows"
        raise ValueError(msg)
    agreements = []
    for turn in range(_HALVINGS):
        _go_on(stop)
        agreements.append(_halved(option, rows, judge, rng=np.random.default_rng([seed, turn])))
    return Standing(
        option,
        "finished",
        answers,
        values,
        tuple(scores),
        {kind: float(np.mean(known)) for kind, known in parts.items()},
        np.array(agreements),
        fitting,
        1000 * asking / max(sum(len(test) for _, test in rows.pairs), 1),
    )


def _go_on(stop: Callable[[], bool]) -> None:
    if stop():
        raise _StoppedError


def _halved(option: Option, rows: LookedAt, judge: Judge, *, rng: np.random.Generator) -> list[float]:
    first, second = halves(rows.rows, clusters=rows.clusters, rng=rng)
    one = clone(option.estimator).fit(rows.features.iloc[first])
    two = clone(option.estimator).fit(rows.features.iloc[second])
    return judge.agreement(one, two, rows.features.iloc[second])


def _key(option: Option, rows: LookedAt, judge: Judge, seed: int) -> str:
    digest = hashlib.sha256(repr((option.name, option.estimator.get_params(), judge.metric, seed)).encode())
    digest.update(pd.util.hash_pandas_object(rows.features, index=True).to_numpy().tobytes())
    for _, test in rows.pairs:
        digest.update(test.astype("<i8").tobytes())
    return digest.hexdigest()[:40]


def _written(standing: Standing) -> dict[str, Any]:
    return {
        "answers": standing.answers,
        "values": standing.values,
        "fold_scores": np.array(standing.fold_scores),
        "kinds": np.array(list(standing.parts), dtype=str),
        "parts": np.array(list(standing.parts.values())),
        "agreements": standing.agreements,
        "times": np.array([standing.seconds, standing.milliseconds]),
    }


def _read(option: Option, kept: Mapping[str, Any]) -> Standing:
    return Standing(
        option,
        "finished",
        kept["answers"],
        kept["values"],
        tuple(float(score) for score in kept["fold_scores"]),
        {str(kind): float(value) for kind, value in zip(kept["kinds"], kept["parts"], strict=True)},
        kept["agreements"],
        float(kept["times"][0]),
        float(kept["times"][1]),
    )
