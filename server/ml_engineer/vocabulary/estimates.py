"""A number that was estimated, and the closed set of metrics it may be of."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ml_engineer.vocabulary.records import Record

__all__ = ["METRIC_DIRECTION", "Direction", "Estimate", "Metric", "MetricEstimate", "direction_of"]

Metric = Literal[
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier",
    "mae",
    "rmse",
    "r2",
    "median_absolute_error",
    "expected_cost",
    "ndcg_at_10",
    "mean_average_precision",
    "ranked_probability_score",
    "quadratic_kappa",
    "level_mae",
    "silhouette",
    "planted_roc_auc",
    "mase",
    "rmsse",
    "smape",
    "wape",
    "poisson_deviance",
    "pinball",
    "concordance",
    "integrated_brier",
    "micro_f1",
    "jaccard",
    "label_ranking_average_precision",
    "subset_accuracy",
    "hamming_loss",
]
"""Names as scikit-learn spells them. Multiclass precision, recall, F1, ROC AUC and average precision are
macro averages; `expected_cost` is the mean cost per row under the problem's costs. NDCG and MAP are means over queries.
For ordered levels: the ranked probability score (0 to 1), Cohen's kappa with quadratic weights, and the mean distance in
levels. `silhouette` (Rousseeuw 1987) is the mean over rows of how much nearer a row lies to its own group than to the next;
`planted_roc_auc` the ROC AUC of anomalies that were planted among the rows. Of forecasts: `mase` and `rmsse` are absolute and squared
errors in units of each series' seasonal differences, `smape` and `wape` are relative errors.
`poisson_deviance` is of counts; `pinball` judges a quantile, the one that the problem names. `concordance` and
`integrated_brier` judge survival. Of several labels a row, precision, F1, ROC AUC and average precision are means over labels;
`micro_f1` counts all pairs of row and label alike, and `jaccard`, `label_ranking_average_precision`, `subset_accuracy` (all labels
right) and `hamming_loss` (share of pairs that are wrong) are means over rows."""

Direction = Literal["higher", "lower"]

METRIC_DIRECTION: dict[Metric, Direction] = {
    "accuracy": "higher",
    "balanced_accuracy": "higher",
    "precision": "higher",
    "recall": "higher",
    "f1": "higher",
    "roc_auc": "higher",
    "average_precision": "higher",
    "log_loss": "lower",
    "brier": "lower",
    "mae": "lower",
    "rmse": "lower",
    "r2": "higher",
    "median_absolute_error": "lower",
    "expected_cost": "lower",
    "ndcg_at_10": "higher",
    "mean_average_precision": "higher",
    "ranked_probability_score": "lower",
    "quadratic_kappa": "higher",
    "level_mae": "lower",
    "silhouette": "higher",
    "planted_roc_auc": "higher",
    "mase": "lower",
    "rmsse": "lower",
    "smape": "lower",
    "wape": "lower",
    "poisson_deviance": "lower",
    "pinball": "lower",
    "concordance": "higher",
    "integrated_brier": "lower",
    "micro_f1": "higher",
    "jaccard": "higher",
    "label_ranking_average_precision": "higher",
    "subset_accuracy": "higher",
    "hamming_loss": "lower",
}


def direction_of(metric: Metric) -> Direction:
    """Whether a higher or a lower value of `metric` is better."""
    return METRIC_DIRECTION[metric]


class Estimate(Record):
    """A number with its uncertainty."""

    value: float = Field(description="Point estimate, in the metric's own unit.")
    low: float = Field(description="Lower end of the interval, same unit.")
    high: float = Field(description="Upper end of the interval, same unit.")
    level: float = Field(default=0.95, gt=0, lt=1, description="Nominal coverage of the interval.")
    method: str = Field(description="How the interval was made, e.g. 'bootstrap by group, 2000 replicates'.")
    rows: int = Field(ge=0, description="Rows that the number rests on.")

    @model_validator(mode="after")
    def _ordered(self) -> Estimate:
        if self.low > self.high:
            msg = f"interval [{self.low}, {self.high}] is upside down"
            raise ValueError(msg)
        return self

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


class MetricEstimate(Record):
    """One metric of one model on one set of rows, beside the baseline's on the same rows."""

    metric: Metric = Field(description="What was measured.")
    direction: Direction = Field(description="Whether higher or lower is better.")
    model: Estimate = Field(description="The model's value.")
    baseline: Estimate | None = Field(
        default=None, description="The naive baseline's value on the same rows; null where undefined."
    )
    difference: Estimate | None = Field(
        default=None,
        description="Model minus baseline, paired on the same rows; null where the baseline's value is undefined.",
    )
