"""The first look at development rows, when the problem is framed: whether there is anything to find."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn, untyped

from ml_engineer.unsupervised.judging import Detectors
from ml_engineer.unsupervised.options import counts_to_try
from ml_engineer.unsupervised.rows import mean_of_rows, sample_positions
from ml_engineer.unsupervised.spaces import blocks_of, build_space
from ml_engineer.unsupervised.structureless import compare_with_structureless
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.problem import BaselineSummary, ProblemColumn, SignalTest

__all__ = ["as_numbers_and_words", "look_for_anomalies", "look_for_groups"]

_GROUP_ROWS: Final = 300
_MOST_QUICK: Final = 6
_ANOMALY_ROWS: Final = 2_000

_EXPLAINED: Final = {
    "learnable": "the rows fall into groups more clearly than rows without groups do, and because columns go together",
    "unsure": "groups are there, but shuffling each column by itself leaves them as clear: they are the shapes of single "
    "columns (two humps, a long tail, categories), not rows that are alike in several",
    "not_above_baseline": "no group structure above chance: rows without groups ({nearest}) give groups as clear",
}


def as_numbers_and_words(frame: pd.DataFrame, columns: tuple[ProblemColumn, ...]) -> pd.DataFrame:
    """The used columns as a quick model takes them: time stamps as days."""
    used = {}
    for column in columns:
        if column.used and column.name in frame:
            values = frame[column.name]
            if pd.api.types.is_datetime64_any_dtype(values.dtype):
                values = (values - pd.Timestamp(2000, 1, 1)) / pd.Timedelta(days=1)
            used[column.name] = values
    return pd.DataFrame(used, index=frame.index)


def look_for_groups(features: pd.DataFrame, *, wanted: int | None, seed: int) -> tuple[BaselineSummary, SignalTest]:
    """Quick groups against groups in rows that have none.

    Parameters
    ----------
    features : pandas.DataFrame of shape (n, d)
        Development rows.
    wanted : int or None
        Number of groups that the person asked for.
    seed : int
        Random state.
    """
    rows = features.iloc[sample_positions(len(features), most=_GROUP_ROWS)]
    transformer = build_space(rows, flags_are_words=True).transformer
    counts = counts_to_try(len(rows), wanted=wanted)[:_MOST_QUICK]
    with threadpool_limits(limits=1):
        prepared = np.asarray(transformer.fit_transform(rows), dtype=float)
        found = compare_with_structureless(prepared, blocks_of(transformer), counts, seed=seed)
    rule = f"groups rows that have no groups ({found.nearest})"
    explanation = (
        f"{_EXPLAINED[found.verdict].format(nearest=found.nearest)} (silhouette {found.silhouette} with {found.clusters} "
        f"groups, {found.baseline.value:.3g} in rows without groups)"
    )
    return (
        BaselineSummary(rule=rule, metric="silhouette", score=found.baseline),
        SignalTest(verdict=found.verdict, gain=found.gain, explanation=explanation),
    )


def look_for_anomalies(features: pd.DataFrame, *, fraction: float, seed: int) -> tuple[BaselineSummary, SignalTest]:
    """Two quick detectors against anomalies planted among rows that they have not seen.

    Parameters
    ----------
    features : pandas.DataFrame of shape (n, d)
        Development rows.
    fraction : float
        Share of rows that is to be flagged.
    seed : int
        Random state.
    """
    rows = features.iloc[sample_positions(len(features), most=_ANOMALY_ROWS)]
    order = np.random.default_rng(seed).permutation(len(rows))
    train, test = rows.iloc[order[: len(rows) // 2]], rows.iloc[order[len(rows) // 2 :]]
    transformer = build_space(rows, flags_are_words=False).transformer
    tried: list[tuple[str, Estimate]] = []
    with threadpool_limits(limits=1):
        for name, last in (
            ("an isolation forest", IsolationForest(n_estimators=100, random_state=seed)),
            ("one normal cloud", GaussianMixture(1, reg_covar=1e-3, random_state=seed)),
        ):
            model = Pipeline([("prepare", transformer), ("model", last)]).fit(train)
            judged = Detectors(fraction).judge(model, test, seed=seed)
            tried.append((name, mean_of_rows("planted_roc_auc", judged.values)))
    name, best = max(tried, key=lambda pair: pair[1].value)
    chance = Estimate(value=0.5, low=0.5, high=0.5, method="by definition", rows=len(test))
    gain = best.model_copy(update={"value": best.value - 0.5, "low": best.low - 0.5, "high": best.high - 0.5})
    verdict = "learnable" if gain.low > 0 else "not_above_baseline"
    told = "are told from" if gain.low > 0 else "are not told from"
    explanation = (
        f"rows that were spoilt on purpose {told} real ones (ROC AUC {best} by {name}); whether real anomalies look like "
        "these, the rows cannot say"
    )
    return (
        BaselineSummary(rule="orders rows by chance", metric="planted_roc_auc", score=chance),
        SignalTest(verdict=verdict, gain=gain, explanation=explanation),
    )
