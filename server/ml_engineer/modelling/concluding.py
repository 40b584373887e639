"""The end of a search: who is the champion, and the champion fitted on all rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cloudpickle  # type: ignore[import-untyped]  # comes with mlflow, which types neither
import numpy as np

from ml_engineer.modelling.calibrated import calibrated_model
from ml_engineer.modelling.calibration import Calibration, choose_calibration
from ml_engineer.modelling.choosing import averaged, averaging_pays, simplest_as_good, simplest_within_noise
from ml_engineer.modelling.fits import Failure, Fit, FitTask, attempt, fit_rows, run_task
from ml_engineer.modelling.refitting import as_part, put_together
from ml_engineer.modelling.running import Job
from ml_engineer.modelling.search_state import AT_ONCE_SECONDS, SearchState
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.text_vectors import share_text_models
from ml_engineer.modelling.training_data import FEW_ROWS

__all__ = ["SearchResult", "conclude"]

_LATE_FIT_SECONDS = 3.0
"""With nothing but tries, a fold and a fit on all rows may each be this late: the naive rule helps nobody."""
_LATE_SECONDS, _LATE_FRACTION = 2.0, 0.05
"""From this overrun on, in seconds and as a share of the time given, a person is told."""


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Parameters
    ----------
    standings : tuple of Standing
        Every candidate, the baseline among them: the champion first, then best first, those without a comparable
        score last.
    baseline, champion : Standing
        The naive rule, and the best; they may be the same.
    model : estimator
        The champion fitted on all rows.
    folds : tuple of int
        Positions of the folds that the champion's score rests on.
    warnings : tuple of str
        What a person should know of the search, one sentence each.
    decisions : tuple of str
        What the search decided as a whole, and why, in order.
    stopped_early : bool
        Whether somebody asked for the best so far before the budget was out.
    """

    standings: tuple[Standing, ...]
    baseline: Standing
    champion: Standing
    model: Any
    folds: tuple[int, ...]
    warnings: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    stopped_early: bool = False


def conclude(state: SearchState, naive: Standing) -> SearchResult:
    """Choose the champion, fit it on all rows, and order what was tried."""
    chosen, told = _champion(state, naive)
    # Before the fits on all rows: these stop when the time is out, and a calibration does not.
    calibration, reason = _calibration(state, chosen, naive)
    model, champion = _fitted(state, chosen, naive)
    if champion is not chosen:
        calibration, reason = _calibration(state, champion, naive)
    if reason:
        state.decide(reason)
    if calibration is not None:
        champion.story.append(reason)
        model = _calibrated(state, champion, model, calibration)
    finished = [one for one in state.standings if one.status == "finished"]
    others = sorted((one for one in (naive, *finished) if one is not champion), key=state.order)
    ordered = [champion, *others]
    rest = [one for one in state.standings if not any(one is two for two in ordered)]
    rest.sort(key=lambda one: (one.failed, not one.fits, one.race_loss))
    # Of another, where the chosen one could not be fitted, it would not be true.
    warnings = [told] if told and champion is chosen else []
    if champion.candidate.most_rows is not None:
        state.decisions += warnings
    warnings += [f"{one.candidate.name}: {one.notes[0]}" for one in ordered if one.notes]
    warnings += _cramped(state, champion, naive) + _overrun(state)
    return SearchResult(
        (*ordered, *rest),
        naive,
        champion,
        model,
        champion.first_folds(state.data) if champion is not naive else _first(state),
        tuple(warnings),
        tuple(state.decisions),
        state.stopped_early,
    )


def _champion(state: SearchState, naive: Standing) -> tuple[Standing, str]:
    """The best so far, and what to say if it rests on little."""
    done = _within_price(state)
    if not done:
        return _best_of_few_folds(state, naive)
    sampled = any(one.candidate.most_rows is not None for one in done)
    if sampled:
        # It is there because others would be fitted on all rows long after the time is out.
        done = [one for one in done if state.has_time_to_refit(one)] or done
    best = min((naive, *done), key=state.order)
    if best.candidate.most_rows is not None:
        return best, _told_of_sample(state, best)
    if best is naive or len(done) == 1 or sampled:
        return best, ""
    best = _average_if_it_pays(state, done, best)
    if state.plan.champion == "simplest-within-noise":
        simplest = simplest_within_noise(done, best, state.data, seed=state.plan.seed)
        state.decide(
            f"{best.candidate.name} is the champion: all models that are simpler do worse, beyond chance."
            if simplest is best
            else f"{simplest.candidate.name} is the simplest whose difference to the best, {best.candidate.name}, may be chance."
        )
        return simplest, ""
    if state.data.rows < FEW_ROWS and not state.data.by_order:
        simplest = simplest_as_good(done, best, state.data)
        if simplest is not best:
            state.decide(
                f"{simplest.candidate.name} is the champion: rows are few, and {best.candidate.name} does not do better "
                "by more than a quarter of a standard error."
            )
        return simplest, ""
    return best, ""


def _told_of_sample(state: SearchState, champion: Standing) -> str:
    """What a person should know of a champion that learned from a part of the rows."""
    return (
        f"{champion.candidate.name} learned from {champion.candidate.most_rows:,} of the {state.data.rows:,} development rows, "
        "and was judged on rows that it did not learn from: all took longer than there was time. Give it more time "
        "(budget_seconds)."
    )


def _within_price(state: SearchState) -> list[Standing]:
    """Those whose predictions cost at most the price; where none does, the quickest."""
    price = state.plan.price_milliseconds
    costs = [1000 * one.predict_seconds_per_row(state.data) for one in state.done]
    able = [one for one, cost in zip(state.done, costs, strict=True) if cost <= price]
    if able or not costs:
        if len(able) < len(costs):
            state.decide(f"{len(costs) - len(able)} models take more than {price:g} ms a row, and are no champions.")
        return able
    quickest = int(np.argmin(costs))
    state.decide(
        f"No model that learned anything predicts a row within {price:g} ms: {state.done[quickest].candidate.name} comes "
        f"nearest with {costs[quickest]:.2g} ms."
    )
    return [state.done[quickest]]


def _average_if_it_pays(state: SearchState, done: list[Standing], best: Standing) -> Standing:
    """The average of the best, or the best one alone."""
    weights = state.best_average()
    if len(weights) < 2:
        return best
    if not averaging_pays(done, state.data, state.folds, seed=state.plan.seed):
        state.decide(
            "The best model alone did better than an average of several, beyond chance, on folds that chose neither."
        )
        return best
    # Places among all that can be compared: those above the price are no parts, and count as places.
    return averaged(state.done, weights, state.data)


def _best_of_few_folds(state: SearchState, naive: Standing) -> tuple[Standing, str]:
    """With no candidate that has all folds: the one that did best on the folds it has."""
    begun = [
        one for one in state.standings if one.fits and not one.failed and not one.candidate.mitigates
    ] or _one_fold_late(state)
    gains = [one.value(state.data) - naive.value(state.data, one.first_folds(state.data)) for one in begun]
    if max(gains, default=0.0) <= 0:
        return naive, ""
    best = begun[int(np.argmax(gains))]
    best.status = "finished"
    if best.candidate.most_rows is not None:
        return best, _told_of_sample(state, best)
    if len(best.first_folds(state.data)) == len(state.data.pairs):
        return best, ""
    return best, (
        f"There was no time to fit {best.candidate.name} on all {len(state.data.pairs)} folds; it is the champion by "
        f"{len(best.fits)} of them, and its score rests on their rows. Give it more time (budget_seconds)."
    )


def _one_fold_late(state: SearchState) -> list[Standing]:
    """With no fold at all: one for the best that is fitted at once."""
    raced = [one for one in state.standings if one.race is not None and not one.failed]
    quick = [one for one in raced if state.seconds_to_refit(one) <= _LATE_FIT_SECONDS]
    if not quick:
        return []
    one = min(quick, key=lambda standing: standing.race_loss)
    number = _first(state)[-1]
    train, test = (np.asarray(rows) for rows in state.data.pairs[number])
    task = FitTask(one.candidate, train, test, "")
    outcome = attempt(lambda: run_task(task, state.data, scratch=None, clock=state.clock))
    if isinstance(outcome, Failure):
        return []
    one.fits[number] = outcome
    return [one]


def _first(state: SearchState) -> tuple[int, ...]:
    """Positions of the folds of the first folding that are used."""
    return tuple(fold for fold in state.folds if fold < len(state.data.pairs))


def _fitted(state: SearchState, champion: Standing, naive: Standing) -> tuple[Any, Standing]:
    """The champion fitted on all rows; parts that the time has no room for are left out."""
    if champion is naive:
        return fit_rows(naive.candidate, state.data, np.arange(state.data.rows)), naive
    if champion.candidate.members:
        return _fitted_average(state, champion, naive)
    models, failed = _refit(state, [champion])
    if models:
        return models[champion.candidate.name], champion
    for name, reason in failed.items():
        state.decide(f"{name} could not be fitted on all rows ({reason}): the best that could be takes its place.")
    others = [one for one in (champion, *state.done) if one.candidate.name not in failed]
    return _quickly_fitted(state, others, naive)


def _fitted_average(state: SearchState, champion: Standing, naive: Standing) -> tuple[Any, Standing]:
    weights = {candidate.name: weight for candidate, weight in champion.candidate.members}
    # The heaviest first: should the time not do for all, the average is best without the others.
    parts = sorted(
        (one for one in state.done if one.candidate.name in weights), key=lambda one: -weights[one.candidate.name]
    )
    models, failed = _refit(state, parts)
    fitted = [one for one in parts if one.candidate.name in models]
    if len(fitted) < len(parts):
        late = [one.candidate.name for one in parts if one.candidate.name not in {*models, *failed}]
        if late:
            state.decide(f"No time was left to fit {', '.join(late)} on all rows, so the average does without.")
        for name, reason in failed.items():
            state.decide(f"{name} could not be fitted on all rows ({reason}), so the average does without.")
        if len(fitted) < 2:
            # Parts of a vote learned class codes; alone, a model learns the labels.
            others = fitted or [one for one in state.done if one.candidate.name not in failed]
            return _quickly_fitted(state, others, naive)
        total = sum(weights[one.candidate.name] for one in fitted)
        shares = {place: weights[one.candidate.name] / total for place, one in enumerate(fitted)}
        champion = averaged(fitted, shares, state.data)
    ordered = [models[candidate.name] for candidate, _ in champion.candidate.members]
    return put_together(champion.candidate, ordered, state.data), champion


def _quickly_fitted(state: SearchState, standings: Sequence[Standing], naive: Standing) -> tuple[Any, Standing]:
    """There must be a model, even if it is a little late: the best of those that are fitted fast, or the naive rule."""
    everything = np.arange(state.data.rows)
    waiting = list(standings)
    while waiting:
        fastest = min(state.seconds_to_refit(one) for one in waiting)
        quick = [one for one in waiting if state.seconds_to_refit(one) <= max(2 * fastest, AT_ONCE_SECONDS)]
        one = min(quick, key=state.order)
        fitted = attempt(partial(fit_rows, one.candidate, state.data, everything))
        if not isinstance(fitted, Failure):
            return fitted, one
        state.decide(f"{one.candidate.name} could not be fitted on all rows ({fitted.reason}).")
        waiting = [other for other in waiting if other is not one]
    return fit_rows(naive.candidate, state.data, everything), naive


def _calibration(state: SearchState, champion: Standing, naive: Standing) -> tuple[Calibration | None, str]:
    """The calibration that helps the champion's probabilities, if one does, and why this one or none."""
    # Of several labels, each has probabilities of its own: one map for all of them mends none.
    if champion is naive or state.data.task in {"regression", "multilabel"}:
        return None, ""
    folds = champion.first_folds(state.data)
    return choose_calibration(state.data, champion.predictions(state.data), folds, seed=state.plan.seed)


def _calibrated(state: SearchState, champion: Standing, model: Any, calibration: Calibration) -> Any:
    """The model with its probabilities mended, and the champion's out-of-fold predictions with it."""
    champion.calibration = calibration
    champion.fits = {
        fold: replace(champion.fits[fold], predictions=calibration.apply(fold, champion.fits[fold].predictions))
        for fold in champion.first_folds(state.data)
    }
    return calibrated_model(champion.candidate.build(), model, calibration.everything, state.data.classes)


def _refit(state: SearchState, standings: Sequence[Standing]) -> tuple[dict[str, Any], dict[str, str]]:
    """Models fitted on all rows as far as the time allows, and why others failed, by the name of their candidate."""
    several = len(standings) > 1
    everything = np.arange(state.data.rows)
    paths = {one.candidate.name: state.executor.folder / f"model_{place}.pickle" for place, one in enumerate(standings)}
    models: dict[str, Any] = {}
    failed: dict[str, str] = {}

    def jobs() -> Iterator[Job]:
        for one in standings:
            candidate = as_part(one.candidate, state.data) if several else one.candidate
            path = str(paths[one.candidate.name])
            task = FitTask(candidate, everything, everything[:0], "all", model_path=path, codes=several)
            yield Job(one, "all rows", task, kept=False, memory=state.bytes_for(one, state.data.rows))

    def ended(job: Job, outcome: Fit | Failure) -> None:
        name = job.standing.candidate.name
        if isinstance(outcome, Fit):
            models[name] = cloudpickle.loads(paths[name].read_bytes())
        else:
            job.standing.story.append(f"on all rows: {outcome.reason}")
            if not outcome.out_of_time:
                failed[name] = outcome.reason

    state.runner.fits_left = float("inf")
    state.runner.run(jobs(), until=state.plan.deadline + state.late_seconds, ended=ended)
    share_text_models(models.values())
    return models, failed


def _cramped(state: SearchState, champion: Standing, naive: Standing) -> list[str]:
    """What to say if nothing but the naive rule fits into memory."""
    if champion is not naive or not np.isfinite(state.refused_bytes):
        return []
    limit = state.executor.memory_limit or 0
    told = (
        f"Fits on {state.data.rows:,} rows do not fit into the memory that they may take: {limit / 2**20:,.0f} MB, and the "
        f"smallest would take about {state.refused_bytes / 2**20:,.0f} MB. Give more (memory_limit_mb), or learn from a "
        "sample (frame_problem with sql that ends in USING SAMPLE 20% (bernoulli, 0))."
    )
    return [told]


def _overrun(state: SearchState) -> list[str]:
    """What to say if the search took longer than it was given."""
    over = state.clock() - state.plan.deadline
    if not state.plan.timed or over <= max(_LATE_SECONDS, _LATE_FRACTION * state.total):
        return []
    seconds, name = state.runner.longest
    if seconds < over:
        return [f"The search ran {over:.0f} s over its time. Give it more (budget_seconds)."]
    told = (
        f"The search ran {over:.0f} s over its time: one fit of {name} took {seconds:.0f} s. Make it cheaper, "
        "leave it out (candidates), or give more time (budget_seconds)."
    )
    return [told]
