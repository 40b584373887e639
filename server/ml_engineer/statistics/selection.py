"""The score of a model that was chosen among many: what is left once the luck of the choice is taken off.

The best of many cross-validated scores is too good, because the choice favours whoever was lucky on these rows.
Bootstrap bias-corrected cross-validation (Tsamardinos, Greasidou and Borboudakis 2018, Bootstrapping the
out-of-sample predictions for efficient and accurate cross-validation, Machine Learning 107) repeats the choice
itself: rows are drawn with replacement, the best candidate on the rows drawn is scored on the rows left out. No
model is fitted again, only stored out-of-fold predictions are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
# Cells of weights for all candidates together; a candidate costs three passes over them.
_WORK = 1_000_000_000
_FEWEST_REPLICATES = 200


def corrected_score(
    metric: Metric, candidates: Sequence[Outcomes], *, level: float = 0.95, replicates: int = 1000, seed: int = 0
) -> Estimate:
    """Score to expect of the best of `candidates`, corrected for having been chosen among them.

    Rows, whole clusters or blocks of time are drawn, as for every other interval. The value is the best candidate's score
    on all rows, plus what the winners score differently from it on the rows left out, on average. For a metric that is
    a mean over rows this is the mean score of the winners, as in the paper; for others, such as the root mean squared
    error, it does not take the curvature of the metric for luck. The interval is the spread of these scores, scaled from the rows left out (about
    37 %) to all rows, because the estimate rests on all of them; as it stands it would be 1.3 times too wide.
    On the rows drawn a slightly worse candidate wins more often than on all rows, which makes the value a little too cautious
    where candidates differ. How much is read from replicates of twice as many draws, among which fewer do, and the better end
    is moved out by that much.
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
    affordable = max(_FEWEST_REPLICATES, _WORK // (3 * first.rows * len(chosen)))
    plan = plan_resampling(first, replicates=min(replicates, affordable))
    left_out = _scores_left_out(metric, chosen, plan, seed)
    if len(left_out.won) == 0:
        raise InputError(
            f"{metric} cannot be corrected for the choice on these rows",
            found=f"in none of {plan.replicates} resamples it is defined on the rows left out",
            remedy="Use another metric or more rows",
        )
    value = left_out.best_on_all + float((left_out.won - left_out.best).mean())
    low, high = _scaled_percentiles(left_out, value, plan, level=level)
    if direction_of(metric) == "lower":
        low -= left_out.caution
    else:
        high += left_out.caution
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


@dataclass(frozen=True)
class _LeftOut:
    """Scores on the rows that a replicate left out.

    Parameters
    ----------
    won, best : numpy.ndarray of shape (r,)
        Of the replicate's winner, and of the candidate that is best on all rows; both defined.
    best_on_all : float
        Score of that candidate on all rows.
    share : float
        Mean share of the rows that were left out.
    caution : float
        How much better the winners do where twice as many rows are drawn: what the value lacks at least.
    """

    won: Floats
    best: Floats
    best_on_all: float
    share: float
    caution: float


def _scores_left_out(metric: Metric, candidates: Sequence[Outcomes], plan: ResamplingPlan, seed: int) -> _LeftOut:
    """Let each replicate choose, and score its winner and the best of all on what it left out."""
    functions = [weighted_metric(metric, candidate) for candidate in candidates]
    lower = direction_of(metric) == "lower"
    pick, worst = (np.argmin, np.inf) if lower else (np.argmax, -np.inf)
    on_all = np.array([metric_value(metric, candidate) for candidate in candidates])
    first = int(pick(on_all))

    def left_out_scores(weights: Floats) -> Floats:
        """Of the winner and of the best of all on the rows left out, and the share of these; shape (3, r)."""
        left_out = (weights == 0).astype(float)
        inside = np.stack([function(weights) for function in functions])
        winner = pick(np.where(np.isfinite(inside), inside, worst), axis=0)
        scores = np.full(len(weights), np.nan)
        for place in np.unique(winner):
            mine = winner == place
            scores[mine] = functions[int(place)](left_out[mine])
        return np.stack([scores, functions[first](left_out), left_out.mean(axis=1)])

    once, twice = [], []
    for weights in replicate_weights(candidates[0], plan, seed=seed):
        once.append(left_out_scores(weights))
        half = len(weights) // 2
        if half and len(candidates) > 1:
            twice.append(left_out_scores(weights[:half] + weights[half : 2 * half]))
    won, best, share = _defined(np.concatenate(once, axis=1))
    mean_share = float(share.mean()) if len(share) else 1.0
    caution = 0.0
    if twice and len(won):
        won_more, best_more, _ = _defined(np.concatenate(twice, axis=1))
        if len(won_more) > len(won) // 4:  # else hardly a replicate leaves enough rows out
            gain = float((won_more - best_more).mean() - (won - best).mean())
            caution = max(0.0, -gain if lower else gain)
    return _LeftOut(won, best, float(on_all[first]), mean_share, caution)


def _defined(scores: Floats) -> Floats:
    """The columns of (k, r) whose first two rows are numbers."""
    return scores[:, np.isfinite(scores[:2]).all(axis=0)]


def _scaled_percentiles(left_out: _LeftOut, value: float, plan: ResamplingPlan, *, level: float) -> tuple[float, float]:
    """Ends of the interval: percentiles of the winners' scores, brought from the rows left out to all rows.

    The mean of a share f of n rows, drawn from them without replacement, varies by (1 - f) / f times the variance that
    the mean of all n has by chance (the finite-population correction; Shao and Tu 1995, The jackknife and bootstrap,
    section 2.3, on deleting many at a time). The percentiles are moved outwards for few units, as in `intervals`.
    """
    if plan.units < 2:
        return value, value
    tail = (1 - level) / 2
    expanded = float(ndtr(sqrt(plan.units / (plan.units - 1)) * stdtrit(plan.units - 1, tail)))
    middle = float(left_out.won.mean())
    # Of r replicates the k-th leaves k / (r + 1) below it; numpy's own rule takes somewhat less, which a few hundred show.
    low, high = np.quantile(left_out.won, [expanded, 1 - expanded], method="weibull") - middle
    share = left_out.share
    scale = sqrt(share / (1 - share)) if share < 1 else 1.0
    return value + scale * min(float(low), 0.0), value + scale * max(float(high), 0.0)
