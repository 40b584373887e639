"""Intervals as strips, and what metrics are called: what all parts of the evaluation page share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ml_engineer.vocabulary.estimates import Estimate

__all__ = ["METRIC_NAMES", "Bar", "strip", "strip_range"]

METRIC_NAMES: dict[str, str] = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "r2": "R²",
    "median_absolute_error": "Median absolute error",
    "expected_cost": "Expected cost per row",
    "ndcg_at_10": "NDCG at 10",
    "mean_average_precision": "Mean average precision",
    "ranked_probability_score": "Ranked probability score",
    "quadratic_kappa": "Quadratic weighted kappa",
    "level_mae": "Mean distance in levels",
    "silhouette": "Silhouette",
    "planted_roc_auc": "ROC AUC of planted anomalies",
    "mase": "Mean absolute scaled error",
    "rmsse": "Root mean squared scaled error",
    "smape": "Symmetric relative error",
    "wape": "Absolute error over total",
    "poisson_deviance": "Mean Poisson deviance",
    "pinball": "Pinball loss",
    "concordance": "Concordance",
    "integrated_brier": "Integrated Brier score",
    "micro_f1": "F1 over all labels (micro)",
    "jaccard": "Jaccard of chosen and true labels",
    "label_ranking_average_precision": "Label ranking average precision",
    "subset_accuracy": "All labels of a row right",
    "hamming_loss": "Share of wrong labels (Hamming loss)",
    "selection_rate": "Called positive",
    "false_positive_rate": "False-positive rate",
}
_SHARES: frozenset[str] = frozenset(
    {
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "f1",
        "roc_auc",
        "average_precision",
        "ndcg_at_10",
        "mean_average_precision",
        "concordance",
        "micro_f1",
        "jaccard",
        "label_ranking_average_precision",
        "subset_accuracy",
        "selection_rate",
        "false_positive_rate",
    }
)


@dataclass(frozen=True)
class Bar:
    """An interval as a strip, in percent of the strip's width.

    Parameters
    ----------
    left, width : float
        Where the interval starts, and how wide it is.
    dot : float
        Where the value lies.
    zero : float, optional
        Where zero lies, if it is on the strip.
    """

    left: float
    width: float
    dot: float
    zero: float | None = None


def strip(estimate: Estimate, low: float, high: float, *, with_zero: bool = False) -> Bar:
    """An estimate on a strip that reaches from `low` to `high`."""
    span = high - low or 1.0

    def place(value: float) -> float:
        return round(100 * min(1.0, max(0.0, (value - low) / span)), 2)

    left, right = place(estimate.low), place(estimate.high)
    zero = place(0.0) if with_zero and low <= 0 <= high else None
    return Bar(left=left, width=round(max(right - left, 0.6), 2), dot=place(estimate.value), zero=zero)


def strip_range(metric: str, estimates: Iterable[Estimate]) -> tuple[float, float]:
    """Ends of a strip: 0 to 1 for shares, a little more than the intervals otherwise; never below 0 for errors."""
    if metric in _SHARES:
        return 0.0, 1.0
    ends = [end for estimate in estimates for end in (estimate.low, estimate.high)]
    low, high = min(ends), max(ends)
    room = (high - low) * 0.15 or abs(high) * 0.1 or 1.0
    return (max(0.0, low - room) if low >= 0 else low - room), high + room
