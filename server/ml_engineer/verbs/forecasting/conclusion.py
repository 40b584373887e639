"""What follows the search for a forecaster: fit on everything, write down, log, put in place."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ml_engineer import tracking
from ml_engineer.errors import ProjectStateError
from ml_engineer.forecasting.backtest import actual_values, backtest_table
from ml_engineer.forecasting.champion_code import render_champion
from ml_engineer.forecasting.estimates import estimate_gain, estimate_score
from ml_engineer.forecasting.forecasters import Average, Forecaster
from ml_engineer.forecasting.grid import Floats
from ml_engineer.forecasting.model_file import SeriesModel, history_of
from ml_engineer.forecasting.plain import plain_modules
from ml_engineer.forecasting.portfolio import smoothing_missing
from ml_engineer.forecasting.remaking import reach_in_time
from ml_engineer.forecasting.search import SearchResult
from ml_engineer.independent_fits import Executor
from ml_engineer.modelling.versions import installed_versions
from ml_engineer.project.candidate_predictions import write_candidate_predictions
from ml_engineer.project.files import replacing, write_text
from ml_engineer.project.records import save_record
from ml_engineer.rendering.documents import render_document
from ml_engineer.verbs.forecasting.rows import ForecastRows
from ml_engineer.verbs.training.champion_files import describe_environment
from ml_engineer.verbs.training.conclusion import STOPPED_EARLY, keep_texts
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.requests import TrainRequest
from ml_engineer.vocabulary.training import CandidateResult, Champion, Family, Leaderboard, TrainingRun

__all__ = ["conclude_forecast"]

_PACKAGES = ("lightgbm", "numpy", "pandas", "scikit-learn", "scipy", "statsmodels")
_MODEL_FILE, _HISTORY_FILE = "model.json", "history.parquet"
_SIMPLICITY: tuple[Family, ...] = ("baseline", "smoothing", "linear", "boosting", "ensemble")

_SCRIPT = '''\
"""The champion for MLflow: rows of the history in, the horizon after them out."""

import json
from pathlib import Path

import mlflow
import pandas as pd


class Champion(mlflow.pyfunc.PythonModel):
    """Forecasts the horizon after the last known row."""

    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        """Read the model file."""
        from models.forecasting.model_file import SeriesModel

        self.model = SeriesModel.from_json(json.loads(Path(context.artifacts["model"]).read_text(encoding="utf-8")))

    def predict(
        self, context: mlflow.pyfunc.PythonModelContext, model_input: pd.DataFrame, params: object = None
    ) -> pd.DataFrame:
        """Forecast; rows to forecast with columns known in advance may follow the history, their target empty."""
        from data.features.features import build_features
        from models.forecasting.ahead import forecast_rows

        return forecast_rows(self.model, model_input, None, build_features, known={known!r})


mlflow.models.set_model(Champion())
'''


@dataclass(frozen=True)
class _Winner:
    """The champion before it is fitted on everything."""

    name: str
    family: Family
    forecaster: Forecaster
    forecast: Floats
    whys: dict[str, str]
    seconds: float
    """What fitting it on all rows is expected to take."""


def conclude_forecast(
    rows: ForecastRows,
    result: SearchResult,
    board: tuple[CandidateResult, ...],
    request: TrainRequest,
    context: WorkContext,
    *,
    executor: Executor,
    deadline: float,
    tracked: tracking.TrackedRun,
    run_id: str,
    started_at: datetime,
) -> TrainingRun:
    """Fit the champion on all development rows, write everything down, log it, and put it in place.

    At `deadline`, a reading of the clock, the champion should be fitted.
    """
    context.report("fitting the champion on all development rows", 0.88)
    layout, series = rows.layout, rows.series
    metric = rows.problem.primary_metric
    winner = _winner(rows, result, simplest=request.champion == "simplest-within-noise")
    actual = actual_values(series.grid, series.windows.origins, series.windows.horizon)
    reach, told = reach_in_time(
        winner.forecaster,
        series.grid,
        series.windows,
        winner.forecast,
        series.scales,
        season=rows.plan.season,
        executor=executor,
        clock=context.clock,
        until=deadline - winner.seconds,
    )
    found = estimate_score(metric, actual, winner.forecast, series.scales)
    gain = estimate_gain(metric, actual, winner.forecast, result.standings[0].forecast, series.scales)
    code = render_champion(
        winner.forecaster, run_id=run_id, metric=metric, score=found.value, name=winner.name, whys=winner.whys
    )
    fitted = copy.deepcopy(winner.forecaster).fit(series.grid, series.grid.length, rows.plan.horizon)
    units = dict(zip(series.grid.names, (float(one) for one in series.scales), strict=True))
    model = SeriesModel(
        series.grid.layout, rows.plan.horizon, rows.plan.season, fitted, units, reach, history_of(series.grid)
    )
    text = json.dumps(model.as_json()) + "\n"
    context.report("saving and logging", 0.94)
    record = TrainingRun(
        parents={parent.kind: parent.content_hash() for parent in (rows.problem, rows.split)},
        run_id=run_id,
        mlflow_run_id=tracked.mlflow_run_id,
        started_at=started_at.isoformat(timespec="seconds"),
        seconds=context.clock() - context.started,
        budget_seconds=request.budget_seconds,
        budget_evaluations=request.budget_evaluations,
        seed=request.seed,
        development_sha256=rows.split.development_sha256,
        leaderboard=Leaderboard(metric=metric, candidates=_with_average(board, winner, found)),
        baseline=next(one for one in board if one.name == "baseline"),
        champion=_champion(rows, winner, found, text=text, code=code),
        decisions=(*result.decisions, *([told] if told else ())),
        gain=gain,
        out_of_fold_path=layout.relative(layout.out_of_fold(run_id)),
        feature_columns=series.grid.layout.known,
        environment=describe_environment(),
        asked=request.model_dump(mode="json", exclude={"project_dir"}),
        code=keep_texts(layout, champion=code),
        stopped_early=result.stopped_early,
        warnings=tuple(_warnings(winner, gain, board, rows, stopped=result.stopped_early)),
    )
    _log(tracked, record, rows, text=text)
    record = record.model_copy(update={"seconds": context.clock() - context.started})
    _write(rows, record, winner, result, text=text, code=code)
    return record


def _winner(rows: ForecastRows, result: SearchResult, *, simplest: bool) -> _Winner:
    """The best, or the simplest that is not clearly worse than it."""
    members = result.champion
    if simplest:
        done = [one for one in result.standings if one.status == "finished"]
        done.sort(key=lambda one: _SIMPLICITY.index(one.entrant.family))
        actual = actual_values(rows.series.grid, rows.series.windows.origins, rows.series.windows.horizon)
        for one in done:
            worse = estimate_gain(
                rows.problem.primary_metric, actual, result.forecast, one.forecast, rows.series.scales
            )
            if worse.low <= 0:
                members = ((1.0, one),)
                break
    entrants = [(weight, one.entrant) for weight, one in members]
    whys = {entrant.name: entrant.why for _, entrant in entrants}
    seconds = sum(one.slowest for _, one in members)
    if len(entrants) == 1:
        entrant = entrants[0][1]
        return _Winner(entrant.name, entrant.family, entrant.forecaster, members[0][1].forecast, whys, seconds)
    average = Average([(weight, entrant.forecaster) for weight, entrant in entrants])
    name = " + ".join(f"{weight:.0%} {entrant.name}" for weight, entrant in entrants)
    return _Winner(f"average ({name})", "ensemble", average, result.forecast, whys, seconds)


def _with_average(board: tuple[CandidateResult, ...], winner: _Winner, found: Estimate) -> tuple[CandidateResult, ...]:
    if winner.family != "ensemble":
        return board
    return (CandidateResult(name=winner.name, family="ensemble", status="finished", score=found), *board)


def _champion(rows: ForecastRows, winner: _Winner, found: Estimate, *, text: str, code: str) -> Champion:
    layout = rows.layout
    return Champion(
        name=winner.name,
        family=winner.family,
        score=found,
        model_path=layout.relative(layout.champion_dir / _MODEL_FILE),
        model_sha256=hashlib.sha256(text.encode()).hexdigest(),
        model_format="json",
        code_path=layout.relative(layout.champion_py),
        code_sha256=hashlib.sha256(code.encode()).hexdigest(),
        features_sha256=rows.features_sha256,
    )


def _warnings(
    winner: _Winner, gain: Estimate, board: tuple[CandidateResult, ...], rows: ForecastRows, *, stopped: bool
) -> Iterable[str]:
    if stopped:
        yield STOPPED_EARLY
    if winner.family == "baseline":
        yield "No forecaster beat the naive rule, so a naive rule is the champion: nothing here is worth deploying."
    elif gain.low <= 0:
        yield "The champion's gain over the naive rule may be chance: its interval reaches zero."
    if smoothing_missing():
        yield "statsmodels is not installed, so exponential smoothing and Theta were not tried: pip install 'ml-engineer[forecast]'."
    failed = [one.name for one in board if one.status == "failed"]
    if failed:
        yield f"{len(failed)} forecaster(s) failed and are listed with the reason: {', '.join(failed[:5])}."
    if len(rows.series.windows.origins) < 8:
        yield f"The backtest has {len(rows.series.windows.origins)} origins only, so that intervals are wide."


def _log(tracked: tracking.TrackedRun, record: TrainingRun, rows: ForecastRows, *, text: str) -> None:
    champion, metric = record.champion, record.leaderboard.metric
    by_name = {one.name: one for one in record.leaderboard.candidates}
    for one in record.leaderboard.candidates:
        if one.status == "failed":
            tracked.log_candidate(one, metric)
    best = next((one for one in record.leaderboard.candidates if one.fold_scores and one.score), record.baseline)
    tracked.log_result(
        by_name[champion.name]
        if by_name[champion.name].fold_scores
        else best.model_copy(update={"score": champion.score}),
        metric=metric,
        numbers={"gain": record.gain.value, "gain_low": record.gain.low, "seconds": record.seconds},
        parameters={
            "champion": champion.name,
            "budget_seconds": record.budget_seconds,
            "seed": record.seed,
            "folds": rows.plan.folds,
            "horizon": rows.plan.horizon,
            "series": len(rows.series.grid.names),
            "rows": len(rows.development.frame),
        },
        tags={
            "features_sha256": champion.features_sha256,
            "code_sha256": champion.code_sha256,
            "model_sha256": champion.model_sha256,
        },
        environment=record.environment,
    )
    features = {
        "data/__init__.py": "",
        "data/features/__init__.py": "",
        "data/features/features.py": rows.layout.features_py.read_text(encoding="utf-8"),
    }
    tracked.log_code_model(
        _SCRIPT.format(known=rows.plan.known_in_advance),
        code={"models/__init__.py": "", **plain_modules(), **features},
        files={_MODEL_FILE: text},
        requirements=[f"{name}=={version}" for name, version in installed_versions(_PACKAGES).items()],
    )


def _write(
    rows: ForecastRows, record: TrainingRun, winner: _Winner, result: SearchResult, *, text: str, code: str
) -> None:
    """The run's own files first, then the champion's, one right after the other."""
    layout, series = rows.layout, rows.series
    table = backtest_table(series.grid, series.windows, winner.forecast, rows.development.frame.index)
    with replacing(layout.out_of_fold(record.run_id)) as temporary:
        table.to_parquet(temporary, index=False)
    done = [one for one in result.standings if one.status == "finished"]
    index = rows.development.frame.index
    predictions = {
        one.entrant.name: backtest_table(series.grid, series.windows, one.forecast, index)["predicted"].to_numpy()
        for one in done
    }
    if winner.family == "ensemble":
        predictions[winner.name] = table["predicted"].to_numpy()
    write_candidate_predictions(layout, record.run_id, predictions)
    write_text(layout.run_dir(record.run_id) / "record.json", record.model_dump_json(indent=2) + "\n")
    latest = rows.development.frame
    first = series.grid.moments[max(series.grid.length - history_of(series.grid), 0)]
    latest = latest[latest[rows.plan.time_column] >= first]
    try:
        layout.champion_dir.mkdir(parents=True, exist_ok=True)
        with replacing(layout.champion_dir / _HISTORY_FILE) as temporary:
            latest.to_parquet(temporary)
        write_text(layout.champion_dir / _MODEL_FILE, text)
        write_text(layout.champion_manifest, json.dumps(_manifest(record, rows), indent=2, ensure_ascii=False) + "\n")
        write_text(layout.champion_py, code)
        save_record(layout, record)
    except OSError as error:
        raise ProjectStateError(
            f"Cannot put the champion into {layout.root}",
            found=error.strerror or str(error),
            remedy="Make the folder writable, then call train again",
        ) from error
    write_text(layout.reports / "search.md", render_document("forecast_search.md", run=record, task=rows.problem))


def _manifest(record: TrainingRun, rows: ForecastRows) -> dict[str, object]:
    champion = record.champion
    return {
        "run_id": record.run_id,
        "model_file": _MODEL_FILE,
        "model_sha256": champion.model_sha256,
        "model_format": "json",
        "task_type": "forecasting",
        "target": rows.problem.target,
        "horizon": rows.plan.horizon,
        "metric": record.leaderboard.metric,
        "score": {"value": champion.score.value, "low": champion.score.low, "high": champion.score.high},
        "features_sha256": champion.features_sha256,
        "feature_columns": list(record.feature_columns),
        "trained_at": record.started_at,
        "packages": installed_versions(_PACKAGES),
    }
