"""The score of a model that was chosen among many: what is left once the luck of the choice is taken off.

The best of many cross-validated scores is too good, because the choice favours whoever was lucky on these rows.
Bootstrap bias-corrected cross-validation (Tsamardinos, Greasidou and Borboudakis 2018, Bootstrapping the
out-of-sample predictions for efficient and accurate cross-validation, Machine Learning 107) repeats the choice
itself: rows are drawn with replacement, the best candidate on the rows drawn is scored on the rows left out. No
model is fitted again, only stored out-of-fold predictions are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite, sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit

from ml_engineer.errors import InputError
from ml_engineer.statistics.metrics import Outcomes, metric_value, weighted_metric
from ml_engineer.statistics.resampling import ResamplingPlan, plan_resampling, replicate_weights
from ml_engineer.vocabulary.estimates import Estimate, Metric, direction_of

__all__ = ["corrected_score"]

Floats = npt.NDArray[np.float64]

_MOST_CANDIDATES = 100
# Cells of weights for all candidates together; a candidate costs two passes over them.
_WORK = 1_000_000_000
_FEWEST_REPLICATES = 200


def corrected_score(
    metric: Metric, candidates: Sequence[Outcomes], *, level: float = 0.95, replicates: int = 1000, seed: int = 0
) -> Estimate:
    """Score to expect of the best of `candidates`, corrected for having been chosen among them.

    Rows, whole clusters or blocks of time are drawn, as for every other interval. The value is the mean score of the
    winners on the rows left out. The interval is the spread of these scores, scaled from the rows left out (about
    37 %) to all rows, because the estimate rests on all of them; as it stands it would be 1.3 times too wide.
    The method names the candidates that were compared: those whose score falls short of the hundred best could hardly
    have been chosen, and are left out.

    Parameters
    ----------
    metric : Metric
        What the choice was made by.
    candidates : sequence of Outcomes
        Out-of-fold predictions of every candidate on the same n rows in the same order; at least one candidate.
    level : float
        Nominal coverage of the interval, for the true score of the candidate that was chosen.
    replicates : int
        Bootstrap replicates; fewer, at least 200, where rows times candidates are very many.
    seed : int
        Random state.

    Raises
    ------
    InputError
        If there is no candidate, the rows differ, or the metric is undefined for all of them.
    """
    chosen = _contenders(metric, candidates, seed=seed)
    first = chosen[0]
    affordable = max(_FEWEST_REPLICATES, _WORK // (2 * first.rows * len(chosen)))
    plan = plan_resampling(first, replicates=min(replicates, affordable))
    won, share = _scores_left_out(metric, chosen, plan, seed)
    if len(won) == 0:
        raise InputError(
            f"{metric} cannot be corrected for the choice on these rows",
            found=f"in none of {plan.replicates} resamples it is defined on the rows left out",
            remedy="Use another metric or more rows",
        )
    value = float(won.mean())
    low, high = _scaled_percentiles(won, value, plan, level=level, share=share)
    among = f"{len(chosen)} candidate{'s' if len(chosen) > 1 else ''}"
    method = f"bias-corrected for the choice among {among} (BBC-CV), {plan}"
    return Estimate(value=value, low=low, high=high, level=level, method=method, rows=first.rows)


def _contenders(metric: Metric, candidates: Sequence[Outcomes], *, seed: int) -> list[Outcomes]:
    """The candidates that could have been chosen, in random order: ties must not go to the best on all rows."""
    if not candidates:
        raise InputError("There is no candidate to correct the score of", remedy="Pass at least one")
    actual = candidates[0].actual
    if any(other.rows != len(actual) or not np.array_equal(other.actual, actual) for other in candidates):
        raise InputError(
            "Candidates can only be compared on the same rows",
            found="they have other rows or other actual values",
            remedy="Keep the rows that every candidate predicted, in one order",
        )
    scores = [metric_value(metric, candidate) for candidate in candidates]
    defined = [place for place, score in enumerate(scores) if isfinite(score)]
    if not defined:
        raise InputError(
            f"{metric} is undefined for every candidate", found=f"{len(actual)} rows", remedy="Use another metric"
        )
    sign = 1.0 if direction_of(metric) == "lower" else -1.0
    best = sorted(defined, key=lambda place: sign * scores[place])[:_MOST_CANDIDATES]
    # Blocks of time are sized by the errors of the first, so that one plan serves all.
    order = np.random.default_rng(seed).permutation(best)
    return [replace(candidates[int(place)], clusters=candidates[0].clusters) for place in order]


def _scores_left_out(
    metric: Metric, candidates: Sequence[Outcomes], plan: ResamplingPlan, seed: int
) -> tuple[Floats, float]:
    """Score of each replicate's winner on the rows that the replicate left out, and the mean share of those rows."""
    functions = [weighted_metric(metric, candidate) for candidate in candidates]
    worst = np.inf if direction_of(metric) == "lower" else -np.inf
    best = np.argmin if direction_of(metric) == "lower" else np.argmax
    won, shares = [], []
    for weights in replicate_weights(candidates[0], plan, seed=seed):
        left_out = (weights == 0).astype(float)
        inside = np.stack([function(weights) for function in functions])
        winner = best(np.where(np.isfinite(inside), inside, worst), axis=0)
        scores = np.full(len(weights), np.nan)
        for place in np.unique(winner):
            mine = winner == place
            scores[mine] = functions[int(place)](left_out[mine])
        won.append(scores)
        shares.append(left_out.mean(axis=1))
    scores, share = np.concatenate(won), np.concatenate(shares)
    defined = np.isfinite(scores)
    return scores[defined], float(share[defined].mean()) if defined.any() else 1.0


def _scaled_percentiles(
    scores: Floats, value: float, plan: ResamplingPlan, *, level: float, share: float
) -> tuple[float, float]:
    """Ends of the interval: percentiles of the scores, brought from the rows left out to all rows.

    The mean of a share f of n rows, drawn from them without replacement, varies by (1 - f) / f times the variance that
    the mean of all n has by chance (the finite-population correction; Shao and Tu 1995, The jackknife and bootstrap,
    section 2.3, on deleting many at a time). The percentiles are moved outwards for few units, as in `intervals`.
    """
    if plan.units < 2:
        return value, value
    tail = (1 - level) / 2
    expanded = float(ndtr(sqrt(plan.units / (plan.units - 1)) * stdtrit(plan.units - 1, tail)))
    low, high = np.quantile(scores, [expanded, 1 - expanded])
    scale = sqrt(share / (1 - share)) if share < 1 else 1.0
    return min(value, value - scale * (value - float(low))), max(value, value + scale * (float(high) - value))
