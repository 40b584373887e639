"""Which model is the champion: one alone or an average of several, judged on rows that did not choose it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ml_engineer.modelling.candidate import SIMPLICITY
from ml_engineer.modelling.ensemble import MOST_PARTS, greedy_weights, row_losses
from ml_engineer.modelling.fits import Fit
from ml_engineer.modelling.refitting import ensemble_of
from ml_engineer.modelling.source_code import NotWritable
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import Predictions, TrainingData
from ml_engineer.statistics.intervals import gain
from ml_engineer.statistics.metrics import metric_value

__all__ = [
    "averaged",
    "averaging_pays",
    "chosen_weights",
    "order_loss",
    "simplest_as_good",
    "simplest_within_noise",
]

_AS_GOOD = 0.25
"""Standard errors that a simpler model may be worse by where rows are few."""


def order_loss(data: TrainingData, scores: Predictions, rows: npt.NDArray[np.integer]) -> float:
    """What the scores of these rows (m,) fall short of 1 in the primary metric; 1 where there is nothing to order.

    Scores of different models have different scales, so that they are judged by order alone, and never averaged.
    """
    values = data.empty_predictions()
    values[rows] = scores
    value = metric_value(data.metric, data.outcomes(values))
    return 1 - value if np.isfinite(value) else 1.0


def chosen_weights(
    standings: Sequence[Standing],
    data: TrainingData,
    folds: Sequence[int],
    *,
    seed: int,
    price_milliseconds: float = float("inf"),
) -> dict[int, float]:
    """Positions in `standings` and weights of the average that is best on `folds`.

    Parameters
    ----------
    standings : sequence of Standing
        All with fits on `folds`.
    data : TrainingData
        Development rows.
    folds : sequence of int
        Folds that every one of them has.
    seed : int
        Random state.
    price_milliseconds : float
        What a prediction may cost per row, in batches; the dearest parts go until it is kept.
    """
    able = [place for place, one in enumerate(standings) if not isinstance(one.candidate.source, NotWritable)]
    # One that is too dear by itself would else be the whole average where it is the best by far.
    able = [
        place for place in able if 1000 * standings[place].predict_seconds_per_row(data) <= price_milliseconds
    ] or able
    rows = np.concatenate([data.all_pairs[fold][1] for fold in folds])
    actual = data.actual[rows]
    loss = data.loss
    while able:
        stacked = [standings[place].stacked(data, folds)[1] for place in able]
        weights = greedy_weights(stacked, actual, loss=loss, units=data.units(rows), seed=seed)
        chosen = {place: float(weight) for place, weight in zip(able, weights, strict=True) if weight > 0}
        most = sorted(chosen, key=lambda place: -chosen[place])[:MOST_PARTS]
        chosen = {place: chosen[place] / sum(chosen[one] for one in most) for place in most}
        costs = {place: 1000 * standings[place].predict_seconds_per_row(data) for place in chosen}
        if sum(costs.values()) <= price_milliseconds or len(chosen) == 1:
            return chosen
        able.remove(max(costs, key=lambda place: costs[place]))
    return {}


def averaged(standings: Sequence[Standing], weights: dict[int, float], data: TrainingData) -> Standing:
    """The weighted average of some candidates as a candidate with fits of its own."""
    ordered = sorted(weights, key=lambda place: -weights[place])
    candidate = ensemble_of([(standings[place].candidate, weights[place]) for place in ordered], data)
    shares = {place: weight for place, (_, weight) in zip(ordered, candidate.members, strict=True)}
    total = sum(shares.values())
    parts = [standings[place] for place in ordered]
    folds = _common_folds(parts)
    fits = {
        fold: Fit(
            np.asarray(sum(shares[place] / total * standings[place].fits[fold].predictions for place in ordered)),
            sum(part.fits[fold].fit_seconds for part in parts),
            sum(part.fits[fold].predict_seconds for part in parts),
            model_bytes=sum(part.fits[fold].model_bytes for part in parts),
        )
        for fold in folds
    }
    return Standing(candidate, fits=fits, status="finished")


def averaging_pays(standings: Sequence[Standing], data: TrainingData, folds: Sequence[int], *, seed: int) -> bool:
    """Whether an average does as well as the best single model on folds that chose neither, give or take chance.

    Each fold in turn is judged by what the other folds would have chosen, so that a model which was lucky on the
    rows it was picked by, or weights that fit their noise, gain nothing. With one fold, its rows are halved. An average
    errs less on the rows that one of its parts is far off on, and few such rows are in any fold: so the single model
    must be better by more than one standard error of the paired difference (Breiman et al. 1984) to be preferred.
    """
    loss = data.loss
    lost, units = [], []
    everything = [one.stacked(data, folds)[1] for one in standings]
    for rows, judged, others in _judged_parts(data, folds):
        known = [one[others] for one in everything]
        actual, truth = data.actual[rows[others]], data.actual[rows[judged]]
        losses = [float(row_losses(one, actual, loss).mean()) for one in known]
        best = everything[int(np.argmin(losses))][judged]
        weights = greedy_weights(known, actual, loss=loss, units=data.units(rows[others]), seed=seed)
        average = np.asarray(sum(weight * one[judged] for weight, one in zip(weights, everything, strict=True)))
        lost.append(row_losses(average, truth, loss) - row_losses(best, truth, loss))
        units.append(data.units(rows[judged]))
    # A row of several foldings, and rows of one group, are one: their differences say the same thing again.
    place = np.unique(np.concatenate(units), return_inverse=True)[1]
    difference = np.bincount(place, np.concatenate(lost)) / np.bincount(place)
    return bool(difference.mean() < difference.std() / np.sqrt(len(difference)))


def _judged_parts(
    data: TrainingData, folds: Sequence[int]
) -> Iterator[tuple[npt.NDArray[np.integer], npt.NDArray[np.integer], npt.NDArray[np.integer]]]:
    """Rows of all folds one after the other, and which places among them are judged by which others.

    A row that is judged has no say in any folding.
    """
    tests = [np.asarray(data.all_pairs[fold][1]) for fold in folds]
    rows = np.concatenate(tests)
    parts = np.split(np.arange(len(rows)), np.cumsum([len(test) for test in tests])[:-1])
    for judged in parts if len(parts) > 1 else np.array_split(parts[0], 2):
        yield rows, judged, np.flatnonzero(~np.isin(rows, rows[judged]))


def simplest_as_good(standings: Sequence[Standing], best: Standing, data: TrainingData) -> Standing:
    """The simplest model that does as well, where rows are few: its loss is at most a quarter of a standard error worse.

    A quarter was measured: on samples of 350 rows of ten tables it costs 0.2 % of the loss of rows to come, which may be
    chance, where one standard error, as in the rule of Breiman et al. (1984), costs 1.2 %. With few rows a standard error
    is wide, and hides differences that are real.

    Parameters
    ----------
    standings : sequence of Standing
        Compared on the same folds.
    best : Standing
        What would be the champion; one of them, or an average.
    data : TrainingData
        Development rows.
    """
    folds = _common_folds([best, *standings])
    losses = {id(one): _unit_losses(one, data, folds) for one in (best, *standings)}
    mine = losses[id(best)]
    for one in sorted(standings, key=lambda one: (SIMPLICITY[one.candidate.family], losses[id(one)].mean())):
        if SIMPLICITY[one.candidate.family] >= SIMPLICITY[best.candidate.family]:
            break
        lost = losses[id(one)] - mine
        if lost.mean() <= _AS_GOOD * lost.std(ddof=1) / np.sqrt(len(lost)):
            return one
    return best


def _common_folds(standings: Sequence[Standing]) -> list[int]:
    """Folds that all of them have."""
    return sorted(set.intersection(*(set(one.fits) for one in standings)))


def _unit_losses(standing: Standing, data: TrainingData, folds: Sequence[int]) -> npt.NDArray[np.float64]:
    """Mean loss of each row, or of each group of rows, over all foldings."""
    rows, said = standing.stacked(data, folds)
    units = np.unique(data.units(rows), return_inverse=True)[1]
    losses = row_losses(said, data.actual[rows], data.loss)
    return np.asarray(np.bincount(units, losses) / np.bincount(units))


def simplest_within_noise(standings: Sequence[Standing], best: Standing, data: TrainingData, *, seed: int) -> Standing:
    """The simplest model whose paired difference to the best may be chance: its 95 % interval reaches zero.

    Parameters
    ----------
    standings : sequence of Standing
        Compared on the same folds.
    best : Standing
        What would be the champion; one of them, or an average.
    data : TrainingData
        Development rows.
    seed : int
        Random state of the bootstrap.
    """
    folds = _common_folds([best, *standings])
    ordered = sorted(standings, key=lambda one: (SIMPLICITY[one.candidate.family], one.predict_seconds_per_row(data)))
    for one in ordered:
        if one is best:
            break
        lost = gain(data.metric, best.outcomes(data, folds), one.outcomes(data, folds), seed=seed)
        if lost.low <= 0:
            return one
    return best
