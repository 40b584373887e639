"""What a search among very many rows falls back on: a model of a sample of them, where all take longer than there is time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from ml_engineer.modelling.candidate import ON_SAMPLE
from ml_engineer.modelling.folding import fold_jobs, folded
from ml_engineer.modelling.search_state import SearchState
from ml_engineer.modelling.standing import Standing

__all__ = ["fall_back"]

_MOST_OF_ROWS = 0.5
"""The most of the rows that are a sample, unless the race learned from more."""
_LEAST_OF_RACE = 0.25
"""Fewer rows than this share of the race's are learned from by nobody."""


def fall_back(state: SearchState) -> None:
    """Give one candidate that ran the race its fold on a sample of the rows, if none with folds can learn all in time.

    It learns from rows of the training part alone and is judged on all rows that the fold leaves out, like any other. As a
    champion, it learns from as many of all rows.
    """
    # One that was begun when somebody asked for the best so far is begun anew.
    state.standings = [one for one in state.standings if one.candidate.most_rows is None or one.fits]
    if not state.may_sample or any(one.candidate.most_rows is not None for one in state.standings):
        return
    if any(state.has_time_to_refit(one) for one in state.done):
        return
    chosen = _chosen(state)
    if chosen is None:
        return
    standing, rows = chosen
    why = f"It learns from a sample of {rows:,} rows: the time had no room for all."
    candidate = replace(
        standing.candidate,
        name=standing.candidate.name + ON_SAMPLE,
        why=f"{standing.candidate.why} {why}".strip(),
        most_rows=rows,
    )
    learned = np.asarray(state.data.pairs[state.folds[0]][0]), np.arange(state.data.rows)
    if not all(_holds_all_classes(state, candidate.sample_of(given)) for given in learned):
        return
    sampled = Standing(candidate, race=standing.race, race_loss=standing.race_loss, story=[why])
    state.standings.append(sampled)
    state.runner.run(
        fold_jobs(state, sampled), until=state.plan.deadline + state.late_seconds, ended=partial(folded, state)
    )


def _chosen(state: SearchState) -> tuple[Standing, int] | None:
    """The best of the race that has time for as many rows as there, and for how many; else what has time for the most."""
    left = state.plan.deadline + state.late_seconds - state.clock()
    rows = {id(one): _rows_in_time(state, one, left) for one in state.insurers()}
    several = [one for one in state.insurers() if rows[id(one)] >= _LEAST_OF_RACE * len(state.learn)]
    if not several:
        return None
    able = [one for one in several if rows[id(one)] >= len(state.learn)]
    best = min(able, key=lambda one: one.race_loss) if able else max(several, key=lambda one: rows[id(one)])
    return best, rows[id(best)]


def _rows_in_time(state: SearchState, standing: Standing, seconds: float) -> int:
    """Rows that the candidate can learn from, for its fold and then for good, in so many seconds; in round numbers."""
    as_raced = len(state.learn)
    always = state.seconds_on_sample(standing, 0)
    each = (state.seconds_on_sample(standing, as_raced) - always) / as_raced
    most = max(_MOST_OF_ROWS * len(state.data.pairs[state.folds[0]][0]), as_raced)
    rows = int(min((seconds - always) / max(each, 1e-12), most))
    # Two digits tell enough.
    return rows if rows == as_raced else int(float(f"{rows:.1e}")) if rows >= 100 else max(rows, 0)


def _holds_all_classes(state: SearchState, rows: np.ndarray) -> bool:
    """Whether a model of these rows can name every class."""
    data = state.data
    return data.task in {"regression", "multilabel"} or len(np.unique(data.actual[rows])) == len(data.classes)
