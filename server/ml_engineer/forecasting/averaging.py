"""Whether an average of several forecasters is better than the best alone, judged on folds that did not choose it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ml_engineer.forecasting.grid import Floats
from ml_engineer.forecasting.scores import score

__all__ = ["AverageChoice", "best_average"]

_ROUNDS = 6
_MOST_MEMBERS = 12


@dataclass(frozen=True)
class AverageChoice:
    """What was decided.

    Parameters
    ----------
    weights : dict of int to float
        Weight by place among the forecasters; empty if the best alone is taken.
    why : str
        In a sentence.
    """

    why: str
    weights: dict[int, float] = field(default_factory=dict)


def best_average(actual: Floats, forecasts: Sequence[Floats], scales: Floats, folds: Sequence[slice]) -> AverageChoice:
    """Choose members greedily, with replacement (Caruana et al. 2004), and keep the average if it holds up.

    Parameters
    ----------
    actual : numpy.ndarray of shape (O, S, H)
        What came true.
    forecasts : sequence of numpy.ndarray of shape (O, S, H)
        Finished forecasters, best first.
    scales : numpy.ndarray of shape (S,)
        Unit of each series.
    folds : sequence of slice
        Origins of each fold.
    """
    members = list(forecasts[:_MOST_MEMBERS])
    if len(members) < 2 or len(folds) < 2:
        return AverageChoice("an average was not tried: it takes two finished forecasters and two folds")
    errors = np.zeros(2)
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(actual)), np.arange(len(actual))[fold])
        chosen = _greedy(actual[rest], [member[rest] for member in members], scales)
        alone = min(range(len(members)), key=lambda place: score("mase", actual[rest], members[place][rest], scales))
        cells = np.isfinite(actual[fold]).sum()
        both = (_mean(members, chosen)[fold], members[alone][fold])
        errors += [cells * np.nan_to_num(score("mase", actual[fold], said, scales)) for said in both]
    average, alone_error = errors / max(np.isfinite(actual).sum(), 1)
    weights = _greedy(actual, members, scales)
    told = f"MASE {average:.4g} for an average and {alone_error:.4g} for the best alone, on folds that chose neither"
    if average < alone_error and len(weights) > 1:
        return AverageChoice(f"an average of {len(weights)} forecasters is the champion: {told}", weights)
    return AverageChoice(f"the best forecaster alone is the champion: {told}")


def _greedy(actual: Floats, members: Sequence[Floats], scales: Floats) -> dict[int, float]:
    chosen: list[int] = []
    total = np.zeros_like(actual)
    best: tuple[float, list[int]] = (np.inf, [])
    for _ in range(_ROUNDS):
        errors = [score("mase", actual, (total + member) / (len(chosen) + 1), scales) for member in members]
        place = int(np.nanargmin(errors))
        chosen.append(place)
        total = total + members[place]
        if errors[place] < best[0]:
            best = (errors[place], list(chosen))
    counts = Counter(best[1])
    return {place: count / len(best[1]) for place, count in sorted(counts.items())}


def _mean(members: Sequence[Floats], weights: dict[int, float]) -> Floats:
    return np.asarray(np.sum([weight * members[place] for place, weight in weights.items()], axis=0))
