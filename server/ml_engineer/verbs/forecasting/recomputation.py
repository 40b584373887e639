"""Proving a forecasting champion's numbers by computing them again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from math import isclose, isfinite

import numpy as np
import pandas as pd

from ml_engineer import seal
from ml_engineer.errors import MlEngineerError, SealError
from ml_engineer.forecasting.backtest import actual_values
from ml_engineer.forecasting.scores import score
from ml_engineer.project.development import load_development
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record
from ml_engineer.verbs.forecasting.champion import ForecastChampion, load_forecast_champion
from ml_engineer.verbs.forecasting.series import build_series
from ml_engineer.verbs.signature import who_acts
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.passport import Passport, Proof

__all__ = ["prove_forecast_by_computing"]

_TOLERANCE = 1e-6


def prove_forecast_by_computing(layout: ProjectLayout, passport: Passport) -> Iterator[Proof]:
    """The backtest's score from stored forecasts, answers from the model, the sealed score where the vault is here.

    Yields
    ------
    Proof
        One a claim.
    """
    if passport.champion is None:
        return
    claim = "the champion can be loaded, with the rows and the code that it was made from"
    try:
        champion = load_forecast_champion(layout)
        development = load_development(layout, champion.split).frame
    except MlEngineerError as error:
        absent = any(not path.exists() for path in (layout.root / passport.champion.model_path, layout.development))
        yield Proof(claim=claim, outcome="not_checked" if absent else "failed", found=str(error))
        return
    yield Proof(claim=claim, outcome="proved")
    same = seal.frame_sha256(development) == champion.split.development_sha256
    found = "" if same else "their content has another fingerprint"
    claim = "the development rows are those that were dealt"
    yield Proof(claim=claim, outcome="proved" if same else "failed", found=found)
    yield _answers(champion, development)
    yield _backtested(champion, development)
    report = find_record(layout, EvaluationReport)
    if report is not None and report.model_sha256 == champion.training.champion.model_sha256:
        yield _sealed(champion, development, report)


def _answers(champion: ForecastChampion, development: pd.DataFrame) -> Proof:
    claim = "the model answers as it did after training"
    path = champion.layout.known_answers(champion.training.run_id)
    if not path.exists():
        return Proof(claim=claim, outcome="not_checked", found="no answers were kept when it was trained")
    kept, now = pd.read_parquet(path).to_numpy(float), champion.known_answers(development).to_numpy(float)
    if kept.shape == now.shape and np.allclose(kept, now, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True):
        return Proof(claim=claim, outcome="proved")
    return Proof(claim=claim, outcome="failed", found="the last development horizon is forecast otherwise")


def _backtested(champion: ForecastChampion, development: pd.DataFrame) -> Proof:
    recorded, metric = champion.training.champion.score, champion.training.leaderboard.metric
    claim = f"backtested {metric} {recorded.value:.6g} follows from the stored forecasts"
    path = champion.layout.root / champion.training.out_of_fold_path
    if not path.exists():
        return Proof(claim=claim, outcome="not_checked", found=f"{champion.training.out_of_fold_path} is not here")
    series = build_series(development, champion.problem.target, champion.plan, build_features=champion.build_features)
    predicted = pd.read_parquet(path).set_index("row")["predicted"].reindex(development.index).to_numpy(float)
    cells = np.where(series.grid.rows >= 0, predicted[np.maximum(series.grid.rows, 0)], np.nan)
    origins, horizon = series.windows.origins, series.windows.horizon
    forecast = np.stack([cells[:, origin : origin + horizon] for origin in origins])
    mine = score(metric, actual_values(series.grid, origins, horizon), forecast, series.scales)
    return _compared(claim, mine, recorded.value)


def _sealed(champion: ForecastChampion, development: pd.DataFrame, report: EvaluationReport) -> Proof:
    claim = f"held-out {report.primary_metric} {report.primary.model.value:.6g} follows from the sealed rows"
    if not seal.knows_deal(report.deal_id):
        found = "the vault is on the machine that dealt the rows, and not here"
        return Proof(claim=claim, outcome="not_checked", found=found)
    try:
        frame = seal.open_again(
            report.deal_id,
            project_ledger=champion.layout.ledger,
            model_sha256=report.model_sha256,
            now=datetime.now(UTC).isoformat(timespec="seconds"),
            who=who_acts(),
        )
    except SealError as error:
        return Proof(claim=claim, outcome="failed", found=str(error))
    later = champion.later(development, frame[frame[champion.problem.target].notna()])
    other = [
        result.metric
        for result in report.metrics
        if isfinite(result.model.value)
        and not _close(score(result.metric, later.actual, later.forecast, later.scales), result.model.value)
    ]
    found = f"other values of {', '.join(other)}" if other else ""
    return Proof(claim=claim, outcome="failed" if other else "proved", found=found)


def _close(mine: float, recorded: float) -> bool:
    return isclose(mine, recorded, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


def _compared(claim: str, mine: float, recorded: float) -> Proof:
    if _close(mine, recorded):
        return Proof(claim=claim, outcome="proved")
    return Proof(claim=claim, outcome="failed", found=f"computed again: {mine:.6g}, recorded: {recorded:.6g}")
