"""Variants of the leading model that lessen a disparity: fitted and priced beside it, never chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.folding import fold
from ml_engineer.modelling.search_state import SearchState
from ml_engineer.modelling.standing import Standing
from ml_engineer.statistics.intervals import gain

__all__ = ["Offers", "price_offers"]

Offers = Callable[[Candidate], Sequence[Candidate]]
"""Gives the variants of a candidate that are worth a price."""

_SHARE = 0.15
"""Of the time or the fits left, for all of them: what is priced must not cost the champion."""


def price_offers(state: SearchState, offers: Offers) -> None:
    """Give variants of the leader the folds, as far as a small part of what is left allows, and tell their price.

    Parameters
    ----------
    state : SearchState
        The variants are added to its standings, the prices to its decisions.
    offers : callable
        Gives the variants of the leader.
    """
    leader = next(iter(state.leaders()), None)
    if leader is None:
        return
    variants = [Standing(candidate) for candidate in offers(leader.candidate)]
    each = state.seconds_per_fold(leader) * max(1.0, len(state.folds) / state.executor.workers)
    while variants and not _affordable(state, each, fits=len(variants) * len(state.folds), number=len(variants)):
        dropped = variants.pop()
        state.decide(
            f"{dropped.candidate.name} was not priced: it would have taken more than a seventh of what was left."
        )
    state.standings += variants
    fold(state, variants)
    for one in variants:
        if one.status == "finished":
            lost = gain(
                state.data.metric, leader.outcomes(state.data, state.folds), one.outcomes(state.data, state.folds)
            )
            state.decide(
                f"{one.candidate.name}: {state.data.metric} is worse by {lost.value:.4g} [{lost.low:.4g}, {lost.high:.4g}] than "
                f"{leader.candidate.name} alone, on the same rows. It is priced and not chosen: that is a person's decision."
            )


def _affordable(state: SearchState, each: float, *, fits: int, number: int) -> bool:
    return fits <= _SHARE * state.runner.fits_left and state.time_for(number * each / _SHARE)
