"""What a backtested score is worth after so many forecasters were tried on the same development rows."""

from __future__ import annotations

import numpy as np

from ml_engineer.errors import ProjectStateError
from ml_engineer.forecasting.grid import Floats
from ml_engineer.forecasting.scores import scales_of
from ml_engineer.project.candidate_predictions import read_candidate_predictions
from ml_engineer.project.development import load_development
from ml_engineer.project.tally import load_tally
from ml_engineer.statistics.metrics import Outcomes, metric_value
from ml_engineer.statistics.selection import corrected_score
from ml_engineer.verbs.forecasting.champion import ForecastChampion
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.evaluation import HonestScore

__all__ = ["honest_forecast_score"]

_AS_ROWS: dict[Metric, Metric] = {"mase": "mae", "mae": "mae", "rmsse": "rmse", "rmse": "rmse"}
"""A forecasting metric as one of rows, once values are in the units of their series."""
_ROUNDING = 1e-5


def honest_forecast_score(champion: ForecastChampion, *, looks_before: int) -> HonestScore:
    """Count what was tried on these development rows, and correct the champion's score for the choice.

    Parameters
    ----------
    champion : ForecastChampion
        The champion.
    looks_before : int
        Models that the sealed horizons had judged before.
    """
    tally = load_tally(champion.layout).of_rows(champion.split.development_sha256)
    metric = champion.training.leaderboard.metric
    count = HonestScore(
        best=champion.training.champion.score,
        tried=tally.candidates,
        runs=len(tally.runs),
        looks_before=looks_before,
        look_budget=champion.problem.look_budget,
    )
    if metric not in _AS_ROWS:
        return count.model_copy(update={"note": f"{metric} is a ratio of sums, for which the choice is not corrected."})
    found: dict[str, Floats] = {}
    for run in tally.runs:
        try:
            of_run = read_candidate_predictions(champion.layout, run.run_id) or {}
        except ProjectStateError:
            continue
        found |= {f"{run.run_id} {name}": values for name, values in of_run.items()}
    own = found.get(f"{champion.training.run_id} {champion.training.champion.name}")
    if own is None or len(found) < 2:
        return count.model_copy(update={"note": "No other forecaster's backtest is here, so nothing is corrected for."})
    outcomes = _outcomes(champion, own, found, metric)
    mine = metric_value(_AS_ROWS[metric], outcomes[0])
    # Those that scored better were passed over for other reasons, and lend this score no luck.
    beaten = [one for one in outcomes if metric_value(_AS_ROWS[metric], one) >= mine - _ROUNDING * max(1.0, abs(mine))]
    corrected = corrected_score(_AS_ROWS[metric], beaten, seed=champion.training.seed)
    return count.model_copy(update={"corrected": corrected, "compared": len(outcomes)})


def _outcomes(champion: ForecastChampion, own: Floats, found: dict[str, Floats], metric: Metric) -> list[Outcomes]:
    """Each forecaster's backtest, the champion first, in time order and in the unit that the metric has."""
    development = load_development(champion.layout, champion.split).frame
    grid = champion.grid(development)
    units = np.ones(len(development))
    if metric in {"mase", "rmsse"}:
        scales = scales_of(grid.values, champion.plan.season)
        for line, places in enumerate(grid.rows):
            units[places[places >= 0]] = scales[line]
    order = np.argsort(development[champion.plan.time_column].to_numpy(), kind="stable")
    actual = development[champion.problem.target].to_numpy(float)
    rows = order[np.isfinite(own[order])]
    same = [values for values in found.values() if values.shape == own.shape and np.isfinite(values[rows]).all()]
    same = [values for values in same if values is not own]
    return [
        Outcomes("regression", actual[rows] / units[rows], values[rows] / units[rows], blocks=True)
        for values in (own, *same)
    ]
