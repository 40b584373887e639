"""Whether one way of learning is better than another, rather than one fitted model than another."""

from __future__ import annotations

from math import isfinite, sqrt

import numpy as np
from scipy.special import stdtrit

from ml_engineer.errors import InputError
from ml_engineer.statistics.metrics import Outcomes, metric_value, weighted_metric
from ml_engineer.statistics.resampling import plan_resampling, replicate_weights
from ml_engineer.vocabulary.estimates import Estimate, Metric, direction_of

__all__ = ["learning_gain"]


def learning_gain(
    metric: Metric,
    first: Outcomes,
    second: Outcomes,
    *,
    tail: float,
    test_to_train: float,
    folds: int,
    replicates: int = 400,
    seed: int = 0,
) -> Estimate:
    """What `first` gains over `second` on the same rows, with an interval that holds for other training rows too.

    The spread of the paired difference over resampled rows is that of these fitted models on other test rows. Models
    fitted on other training rows would differ as well, and the folds share theirs; Nadeau and Bengio's correction
    multiplies the variance by ``1 + folds * test_to_train``. The interval is the t interval with this spread, because
    percentiles of few replicates do not reach the tails that many questions at once ask for.

    Parameters
    ----------
    metric : Metric
        What to measure.
    first, second : Outcomes
        Out-of-fold predictions of two ways on the same n rows.
    tail : float
        Probability left out on each side, 0 < tail < 0.5.
    test_to_train : float
        Rows predicted over rows learned from, in a fold.
    folds : int
        Folds that the rows come from.
    replicates, seed : int
        Of the bootstrap.

    Raises
    ------
    InputError
        If the metric is undefined for one of them.

    References
    ----------
    C. Nadeau and Y. Bengio (2003), Inference for the generalization error, Machine Learning 52.
    """
    sign = 1.0 if direction_of(metric) == "higher" else -1.0
    values = [metric_value(metric, one) for one in (first, second)]
    if not all(map(isfinite, values)):
        raise InputError(
            f"{metric} is undefined on these rows", found=f"{first.rows} rows", remedy="Use another metric or more rows"
        )
    plan = plan_resampling(second, replicates=replicates)
    one, two = weighted_metric(metric, first), weighted_metric(metric, second)
    drawn = np.concatenate([one(weights) - two(weights) for weights in replicate_weights(second, plan, seed=seed)])
    drawn = drawn[np.isfinite(drawn)]
    spread = float(np.std(drawn, ddof=1)) if len(drawn) > 1 else 0.0
    spread *= sqrt(1 + folds * test_to_train)
    units = max(plan.units, 2)
    half = -float(stdtrit(units - 1, tail)) * spread * sqrt(units / (units - 1))
    value = sign * (values[0] - values[1])
    return Estimate(
        value=value,
        low=value - half,
        high=value + half,
        level=1 - 2 * tail,
        method=f"paired {plan}, t interval, corrected for training rows that folds share",
        rows=first.rows,
    )
