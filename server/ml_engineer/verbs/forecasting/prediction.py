"""Forecast the horizon after the last known row of a history, with intervals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from ml_engineer import seal
from ml_engineer.errors import InputError, SealError
from ml_engineer.forecasting.ahead import forecast_rows
from ml_engineer.forecasting.grid import empty_series
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.seal.recognised import HELD_OUT
from ml_engineer.sources import Table, read_table, write_table
from ml_engineer.verbs.forecasting.champion import ForecastChampion, load_forecast_champion
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.data import DataProfile, DataSource
from ml_engineer.vocabulary.replies import PredictReply
from ml_engineer.vocabulary.requests import PredictRequest

__all__ = ["predict_forecast"]

_PREVIEW_ROWS = 3
_MOST_WARNINGS = 12


def predict_forecast(
    request: PredictRequest, context: WorkContext, layout: ProjectLayout, output: Path
) -> PredictReply:
    """Write the horizon after the last known row; raises as `predict`."""
    context.report("loading the champion", 0.0)
    champion = load_forecast_champion(layout)
    profile = load_record(layout, DataProfile)
    context.report("reading the history", 0.1)
    history = _read(request, request.data, profile)
    future = None if request.future_data is None else _read(request, request.future_data, profile)
    _refuse_missing(history.frame, champion, with_target=True, what="history")
    if future is not None:
        _refuse_missing(future.frame, champion, with_target=False, what="future")
    context.report("forecasting", 0.5)
    try:
        said = forecast_rows(
            champion.model,
            history.frame,
            None if future is None else future.frame,
            champion.build_features,
            known=champion.plan.known_in_advance,
        )
    except ValueError as error:
        remedy = "Bring the whole history as one row a series and moment"
        if champion.plan.known_in_advance:
            remedy += f", and a file with {', '.join(champion.plan.known_in_advance[:5])} for the moments to forecast as future_data"
        raise InputError(f"The rows cannot be forecast from: {error}", remedy=remedy) from error
    left_out = empty_series(history.frame, champion.model.layout)
    warnings = [f"{left_out}: these are not forecast"] if left_out else []
    warnings += [*_sealed_rows(history.frame, champion), *history.report.warnings, *_far_from_training(said, champion)]
    context.report("writing the forecast", 0.8)
    write_table(said, output)
    plan = champion.plan
    series = len(said) // plan.horizon
    first = said[plan.time_column].iloc[0]
    return PredictReply(
        status="done",
        summary=f"Forecast {plan.horizon} moments from {first} on for {series:,} series with "
        f"{champion.training.champion.name} ({champion.training.run_id}) into {output}",
        warnings=warnings[:_MOST_WARNINGS],
        next_step="Read the warnings before the forecast is used" if warnings else "",
        artifacts={"predictions": str(output)},
        project_dir=str(layout.root),
        rows=len(said),
        output=str(output),
        columns=list(said.columns),
        preview=[
            {str(name): _plain(value) for name, value in row.items()}
            for row in said.head(_PREVIEW_ROWS).to_dict(orient="records")
        ],
    )


def _read(request: PredictRequest, path: str, profile: DataProfile) -> Table:
    own = path == request.data
    source = DataSource(
        path=path,
        table=request.table if own else None,
        sql=request.sql if own else None,
        sql_seconds=request.sql_seconds,
        sql_memory_gb=request.sql_memory_gb,
        column_names=None if request.column_names is None or not own else tuple(request.column_names),
    )
    return read_table(source, like=profile.report)


def _refuse_missing(frame: pd.DataFrame, champion: ForecastChampion, *, with_target: bool, what: str) -> None:
    plan = champion.plan
    needed = [plan.time_column, *plan.series_columns, *plan.known_in_advance]
    if with_target:
        needed += [champion.problem.target, *plan.past_columns]
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise InputError(
            f"The {what} lacks {len(missing)} of the columns that the model needs",
            found=", ".join(repr(name) for name in missing[:5]),
            remedy="Add or rename the columns",
        )


def _sealed_rows(frame: pd.DataFrame, champion: ForecastChampion) -> Iterator[str]:
    """Say so if the forecast lies in the sealed time: held against the truth, it would be a look."""
    known = frame[frame[champion.problem.target].notna()]
    if len(known) == 0:
        return
    try:
        recognition = seal.recognise(frame)
    except SealError as error:
        yield f"Whether sealed rows are among these could not be seen: {error}"
        return
    if recognition is None or champion.split.deal_id not in recognition.deals:
        return
    sealed = int((recognition.side == HELD_OUT).sum())
    if sealed < champion.split.held_out_rows:
        yield (
            "The forecast lies in time that is sealed, at least in part. Comparing it with what came true would be a look "
            "that nobody counts; evaluate does it and counts it."
        )


def _far_from_training(said: pd.DataFrame, champion: ForecastChampion) -> Iterator[str]:
    if champion.plan.series_columns:
        keys = said[list(champion.plan.series_columns)].astype(str).agg("\x1f".join, axis=1).unique()
        fresh = [key for key in keys if key not in champion.model.scales]
        if fresh:
            yield f"{len(fresh):,} series were not there in training; they are forecast by what other series taught"


def _plain(value: object) -> str | float | int | None:
    if pd.isna(value):  # type: ignore[call-overload]  # a cell, never a list
        return None
    if isinstance(value, int | float):
        return round(value, 6)
    return str(value)[:80]
