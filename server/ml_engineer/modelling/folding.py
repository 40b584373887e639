"""The folds: how many are used, and which candidates are given them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from sklearn.pipeline import Pipeline

from ml_engineer.modelling.candidate import pipeline_of
from ml_engineer.modelling.fits import Failure, Fit, FitTask
from ml_engineer.modelling.growing import FASTEST_RATE
from ml_engineer.modelling.running import Job
from ml_engineer.modelling.search_state import SearchState
from ml_engineer.modelling.standing import Standing

__all__ = ["choose_folds", "fold", "fold_jobs", "folded"]

_ROOM_FOR = ((30, 6), (15, 6), (10, 6), (5, 5))
"""At most so many folds are used if so many of the most promising candidates have room for them."""
_DOUBT = ((5, 0.0), (3, 0.7), (2, 2.0), (1, 10.0))
"""Folds, and by how much fewer of them flatter what is chosen by them: over the root of the rows, a share of the loss."""
_DOUBT_OF_FEWER = 0.3
"""The least of that, where more folds were asked for."""
_SURE = 0.8
"""Of the time left, what may be planned: what a first try on fewer rows took tells only about what a fold will."""
_PRICE_OF_TIME = 0.02
"""By how much others may still lessen the loss if all of the time were left to them."""
_LEAN_ALWAYS, _LEAN_ROOM, _LEAST_SEEN = 0.15, 0.8, 0.03
"""Of a fit's time, what preparing all rows takes however few a tree sees; of the time left, what such a fit may be thought
to take; and the least share of rows that is worth a tree."""
_FEWEST_ROUNDS = 20
"""A booster that is to learn faster is left so many rounds."""
_CHEAP, _ALL_CHEAP = 0.03, 0.3
"""Of the time left: what a candidate may take to be given folds before dear ones whatever its first try says, and what all
such may take together. One try on few rows says little, and a handful of cheap candidates is worth more than a dear one."""
_PARTS = 2
"""So many candidates are thought to become parts of the champion, when it is asked what is left for folds."""


def choose_folds(state: SearchState, order: Sequence[Standing]) -> list[Standing]:
    """Use as many folds as leave room for candidates that are good together.

    Parameters
    ----------
    state : SearchState
        Its `folds` are set.
    order : sequence of Standing
        Candidates that ran the race, the most promising first.

    Returns
    -------
    list of Standing
        The same in the order in which they are worth the folds: what is too dear for them comes last.
    """
    once, planned = len(state.data.pairs), len(state.data.all_pairs)
    if state.holds_out:
        held = len(state.data.pairs[state.planned[0]][1])
        state.decide(
            f"1 of {once} folds is used: with {state.data.rows:,} rows, the {held:,} of one fold tell candidates apart."
        )
        return list(order)
    refits = sum(state.seconds_to_refit(one) for one in order[:_PARTS])
    room = (state.plan.deadline - state.clock()) * state.executor.workers * 0.9 - refits
    number, first, told = 1, list(order), ""
    for most, models in _ROOM_FOR:
        several, wanted = _whole(min(most, planned), once), min(models, len(order))
        if several > once and (not order or several * wanted > state.runner.fits_left):
            continue
        fitting = len(_with_room(order, {id(one): several * state.seconds_per_fold(one) for one in order}, room))
        if fitting >= wanted:
            number = several
            break
        if several == once and state.plan.timed and order:
            number, first = _best_together(state, order, room)
            told = (
                f"with {several}, {fitting} of the {wanted} most promising candidates would have had room in the "
                f"{max(room, 0):.3g} s of fitting that were left"
            )
            break
    everything = range(once if number <= once else planned)
    # With folds in time, the last ones are learned from the most rows.
    state.folds = tuple(everything[-number:] if state.data.time_order is not None else everything[:number])
    if number < once:
        state.decide(f"{number} of {once} folds are used: {told}.")
    elif number > once:
        state.decide(
            f"Rows are few, so candidates are compared on {number // once} foldings of {once} folds each, of which the "
            "first is reported: chance has less say in which rows share a fold."
        )
    elif told:
        state.decide(f"Cheaper candidates come first: {told}, and those that have are as good together.")
    chosen = {id(one) for one in first}
    return [*first, *(one for one in order if id(one) not in chosen)]


def _best_together(state: SearchState, order: Sequence[Standing], room: float) -> tuple[int, list[Standing]]:
    """How many folds, and for whom: those whose average would have done best in the race, of those that have room.

    One dear candidate may take the room of several cheap ones that together do better. Fewer folds tell less of which
    is good, the fewer the rows.
    """
    once = len(state.data.pairs)
    best: tuple[float, int, list[Standing]] = (np.inf, 1, list(order))
    fewer = [(folds, max(doubt, _DOUBT_OF_FEWER)) for folds, doubt in _DOUBT if folds < once]
    for folds, doubt in ((once, 0.0), *fewer):
        costs = {id(one): folds * state.seconds_per_fold(one) for one in order}
        for way in (order, sorted(order, key=lambda one: costs[id(one)])):
            kept = _cheap_and(way, costs, _SURE * room)
            if kept:
                used = sum(costs[id(one)] for one in kept) / room
                value = state.watched_average_loss(kept) * (
                    1 + doubt / np.sqrt(state.data.rows) + _PRICE_OF_TIME * used
                )
                best = min(best, (value, folds, kept), key=lambda one: one[0])
    return best[1:]


def _cheap_and(way: Sequence[Standing], costs: Mapping[int, float], room: float) -> list[Standing]:
    """Candidates that fit into `room` seconds: what costs next to nothing, then the others; each in the order given."""
    cheap = _with_room([one for one in way if costs[id(one)] <= _CHEAP * room], costs, _ALL_CHEAP * room)
    left = room - sum(costs[id(one)] for one in cheap)
    return cheap + _with_room([one for one in way if not any(one is two for two in cheap)], costs, left)


def _whole(number: int, once: int) -> int:
    """So many folds that no folding beyond the first is begun in vain."""
    return number if number <= once else number // once * once


def _with_room(order: Sequence[Standing], costs: Mapping[int, float], room: float) -> list[Standing]:
    """Candidates that fit into `room` seconds, dear ones left out; none if the first one does not."""
    fitting: list[Standing] = []
    for one in order:
        if costs[id(one)] <= room:
            room -= costs[id(one)]
            fitting.append(one)
        elif not fitting:
            return []
    return fitting


def fold(state: SearchState, standings: Sequence[Standing]) -> None:
    """Give candidates the folds, in their order, while these and the fits on all rows have room in the time left."""

    def jobs() -> Iterator[Job]:
        for standing in standings:
            if _affordable(state, standing) or (_made_lean(state, standing) and _affordable(state, standing)):
                yield from fold_jobs(state, standing)

    def until() -> float:
        # What the first good candidate needs is not stopped for the sake of the refit of a hopeless one; from then on the
        # good ones' refit comes first.
        return state.plan.deadline - kept if all(one.hopeless for one in state.done) else state.search_until

    # A fold that ends when no time is left for the fit on all rows helps nobody, and a model of a sample would.
    refits = min((state.seconds_to_refit(one) for one in standings), default=0.0)
    kept = max(0.0, min(state.insurance_seconds, refits - state.late_seconds))

    state.runner.run(jobs(), until=until, ended=partial(folded, state))


def fold_jobs(state: SearchState, standing: Standing) -> Iterator[Job]:
    """The folds that a candidate has not yet."""
    for number in state.folds:
        if number in standing.fits:
            continue
        train, test = state.data.all_pairs[number]
        first = number == state.folds[0]
        task = FitTask(standing.candidate, np.asarray(train), np.asarray(test), f"fold {number}", sized=first)
        # What takes several times what it was thought to take would eat the time of others.
        seconds = 4 * state.seconds_per_fold(standing) + 5.0 if state.plan.timed else float("inf")
        yield Job(standing, f"fold {number}", task, seconds=seconds, memory=state.bytes_for(standing, len(train)))


def folded(state: SearchState, job: Job, outcome: Fit | Failure) -> None:
    """Take what came of a fold."""
    state.note_preparation(job, outcome)
    standing, number = job.standing, int(job.part.removeprefix("fold "))
    if isinstance(outcome, Failure):
        standing.note_failure(f"fold {number + 1}", outcome)
        return
    standing.fits[number] = outcome
    if all(one in standing.fits for one in state.folds) and not standing.failed:
        state.complete(standing)


def _made_lean(state: SearchState, standing: Standing) -> bool:
    """Let a booster learn faster, if nothing good is there yet and all its rounds take longer than there is time.

    Fewer rounds of a higher rate on all rows come first: on 800,000 rows 118 rounds of rate 0.1 took 24 CPU-seconds and
    came to an area of .8657, where 237 of rate 0.05 that each saw 30 % of the rows took 37 and came to .8599.
    """
    model = pipeline_of(standing.candidate.estimator)
    head = model[-1] if isinstance(model, Pipeline) else model
    many = state.holds_out and state.plan.timed
    if not many or standing.fits or standing.failed or standing.race is None or not hasattr(head, "subsample_freq"):
        return False
    if standing.lean < 1 or not all(one.hopeless for one in state.done):
        return False
    left = state.plan.deadline - state.clock()
    room = _LEAN_ROOM * left / max(state.seconds_per_fold(standing) + state.seconds_to_refit(standing), 1e-9)
    share = (room - _LEAN_ALWAYS) / (1 - _LEAN_ALWAYS)
    rate, rounds = float(head.learning_rate), int(head.n_estimators)
    fewer = min(1.0, max(share, rate / FASTEST_RATE, _FEWEST_ROUNDS / rounds))
    seen = round(min(1.0, share / fewer), 3)
    if seen < _LEAST_SEEN or room >= 1:
        return False
    changes: dict[str, float] = {"learning_rate": float(f"{rate / fewer:.3g}"), "n_estimators": round(rounds * fewer)}
    why = "" if fewer == 1 else f"It learns in {changes['n_estimators']} rounds of rate {changes['learning_rate']}. "
    if seen < 1:
        changes |= {"subsample": seen, "subsample_freq": 1}
        why += f"Each tree sees {seen:.1%} of the rows. "
    why += "The time had no room for more."
    standing.candidate = standing.candidate.with_parameters(why, **changes)
    standing.lean = _LEAN_ALWAYS + (1 - _LEAN_ALWAYS) * fewer * seen
    standing.story.append(why)
    return True


def _affordable(state: SearchState, standing: Standing) -> bool:
    too_large = state.too_large(standing, state.data.rows)  # a champion is fitted on all rows in the end
    if too_large:
        standing.drop(too_large)
        return False
    missing = [number for number in state.folds if number not in standing.fits]
    each = state.seconds_per_fold(standing)
    needed = each * max(1.0, len(missing) / state.executor.workers)
    left = state.search_until - state.clock()
    if all(one.hopeless for one in state.done):
        # The first that is any good may be all there is: it needs room for its own refit, and may be a little late.
        left = state.plan.deadline + state.late_seconds - state.clock() - state.seconds_to_refit(standing)
    if needed <= left:
        return True
    once = len(state.data.pairs)
    if len(state.folds) > once and not state.done:
        # A comparison on one folding is worth more than none.
        state.folds = state.folds[:once]
        state.decide("The time was not enough for more than one folding.")
        return _affordable(state, standing)
    standing.reason = (
        f"{len(standing.fits)} of {len(state.folds)} folds done; the rest would need about {needed:.3g} s, "
        f"{max(left, 0.0):.3g} s were left beside the refit"
    )
    standing.story.append(standing.reason)
    return False
