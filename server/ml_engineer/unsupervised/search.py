"""Trying the options, on folds and on random halves, until all are tried or the time is over."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from sklearn.base import clone
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn, untyped

from ml_engineer.independent_fits import Clock, Executor, Failure, Piece, do_pieces
from ml_engineer.unsupervised.agreement import halves
from ml_engineer.unsupervised.judging import Judge
from ml_engineer.unsupervised.options import Option
from ml_engineer.unsupervised.rows import Floats, LookedAt

__all__ = ["Journal", "Limits", "OptionTrial", "Standing", "try_options"]

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
        Whether somebody wants the best so far now; asked once an option is finished, and options that are being tried are
        stopped where they can be.
    """

    clock: Callable[[], float]
    deadline: float
    evaluations: int | None = None
    seed: int = 0
    asked_to_stop: Callable[[], bool] = lambda: False


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
    peak_bytes : int
        The most memory that its process took beside the rows; 0 if that is not known.
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
    peak_bytes: int = 0

    @property
    def score(self) -> float:
        """The metric over all rows that were judged."""
        return float(np.nanmean(self.values))

    @property
    def agreement(self) -> float:
        """The first measure of agreement, on average over the halvings."""
        return float(self.agreements[:, 0].mean())


@dataclass(frozen=True)
class OptionTrial:
    """All fits of an option: a piece of work for whoever does the fits.

    Parameters
    ----------
    option : Option
        What to try.
    judge : Judge
        What tells one from another.
    seed : int
        Random state of the halvings.
    """

    option: Option
    judge: Judge
    seed: int
    library: str | None = None
    """Nothing is imported but scikit-learn."""
    model_path: str | None = None
    """Nothing is left behind."""

    def run(self, rows: LookedAt, *, scratch: Path | None = None, clock: Clock = perf_counter) -> Standing:  # noqa: ARG002  (nothing is prepared)
        """Try it on the rows.

        Raises
        ------
        ValueError
            If the option cannot be fitted, or gives no finite score for some rows.
        """
        # Sums of several threads add up in changing order.
        with warnings.catch_warnings(), threadpool_limits(limits=1):
            # What did not converge shows in its score.
            warnings.simplefilter("ignore")
            return _tried(self.option, rows, self.judge, seed=self.seed, clock=clock)


def try_options(
    options: Sequence[Option],
    rows: LookedAt,
    judge: Judge,
    *,
    executor: Executor,
    limits: Limits,
    journal: Journal,
    finished: Callable[[Standing], None] = lambda _: None,
) -> list[Standing]:
    """Try each option on all folds and on ten random halvings.

    One option is always tried to its end: some answer is better than none.

    Parameters
    ----------
    options : sequence of Option
        What to try, in order.
    rows : LookedAt
        Development rows with their folds.
    judge : Judge
        What tells one from another.
    executor : Executor
        Who does the fits; has `rows`.
    limits : Limits
        When to stop.
    journal : Journal
        Finished ones are kept there.
    finished : callable
        Called with each option that was tried.
    """
    fits = len(rows.pairs) + 2 * _HALVINGS
    most = len(options) if limits.evaluations is None else max(-(-limits.evaluations // fits), 1)
    found: dict[int, Standing] = {}
    began: dict[int, float] = {}
    longest = 0.0

    def something() -> bool:
        return any(standing.status == "finished" for standing in found.values())

    def until() -> float:
        if limits.evaluations is not None or not something():
            return np.inf
        # What cannot be stopped is not begun if it would take longer than what is left.
        return limits.deadline if executor.can_stop else limits.deadline - longest

    def take(place: int, standing: Standing) -> None:
        found[place] = standing
        if standing.status != "out_of_time":
            finished(standing)

    def pieces() -> Iterator[Piece]:
        for place, option in enumerate(options[:most]):
            kept = journal.find(_key(option, rows, judge, limits.seed))
            if kept is not None:
                take(place, _read(option, kept))
                continue
            began[place] = limits.clock()
            peaks = [standing.peak_bytes for standing in found.values()]
            yield Piece(place, OptionTrial(option, judge, limits.seed), memory=max(peaks, default=0))

    def ended(piece: Piece, outcome: Standing | Failure) -> None:
        nonlocal longest
        place = piece.about
        option = options[place]
        if isinstance(outcome, Failure):
            status = "out_of_time" if outcome.out_of_time else "failed"
            outcome = Standing(option, status, reason=outcome.reason)
        elif outcome.status == "finished":
            # What came back may be a copy from elsewhere; the option is ours.
            outcome = replace(outcome, option=option)
            journal.keep(_key(option, rows, judge, limits.seed), _written(outcome))
        longest = max(longest, limits.clock() - began[place])
        take(place, outcome)

    do_pieces(
        executor,
        pieces(),
        ended=ended,
        clock=limits.clock,
        until=until,
        asked_to_stop=lambda: something() and limits.asked_to_stop(),
    )
    why = "the training was asked to stop" if limits.asked_to_stop() else "the budget was spent"
    untried = (Standing(option, "out_of_time", reason=f"{why} before it was tried") for option in options)
    return [found.get(place, standing) for place, standing in enumerate(untried)]


def _tried(option: Option, rows: LookedAt, judge: Judge, *, seed: int, clock: Clock) -> Standing:
    answers, values = np.full(rows.rows, np.nan), np.full(rows.rows, np.nan)
    scores: list[float] = []
    parts: dict[str, list[float]] = {}
    fitting = asking = 0.0
    for number, (train, test) in zip(rows.numbers, rows.pairs, strict=True):
        started = clock()
        model = clone(option.estimator).fit(rows.features.iloc[train])
        fitted = clock()
        judged = judge.judge(model, rows.features.iloc[test], seed=number)
        fitting, asking = fitting + fitted - started, asking + clock() - fitted
        answers[test], values[test] = judged.answers, judged.values
        scores.append(float(np.nanmean(judged.values)))
        for kind, value in judged.parts.items():
            parts.setdefault(kind, []).append(value)
    if not np.isfinite(scores).all():
        msg = "it gives no finite score for some rows"
        raise ValueError(msg)
    agreements = [_halved(option, rows, judge, rng=np.random.default_rng([seed, turn])) for turn in range(_HALVINGS)]
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


def _halved(option: Option, rows: LookedAt, judge: Judge, *, rng: np.random.Generator) -> list[float]:
    first, second = halves(rows.rows, clusters=rows.clusters, rng=rng)
    one = clone(option.estimator).fit(rows.features.iloc[first])
    two = clone(option.estimator).fit(rows.features.iloc[second])
    return judge.agreement(one, two, rows.features.iloc[second])


def _key(option: Option, rows: LookedAt, judge: Judge, seed: int) -> str:
    digest = hashlib.sha256(repr((option.name, option.estimator.get_params(), judge.told, seed)).encode())
    digest.update(pd.util.hash_pandas_object(rows.features, index=True).to_numpy().tobytes())
    for _, test in rows.pairs:
        digest.update(test.astype("<i8").tobytes())
    # Rows that belong together are halved together.
    digest.update(b"" if rows.clusters is None else rows.clusters.astype("<i8").tobytes())
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
