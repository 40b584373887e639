"""The champion as a web service.

    uvicorn models.serving.app:app            # from the project's folder; then open http://127.0.0.1:8000/docs

It starts without a usable champion too, and says in ``/health`` why it cannot answer. A champion is usable if it is
what its manifest says and its passport is valid: evaluated, and let through by the guardrails.
"""

import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field

from data.features.contract import PROBLEM
from data.features.features import build_features
from models.forecasting.ahead import forecast_rows
from models.serving.champion_file import Champion, UnusableChampionError, load_champion
from models.serving.guard import Counters, Guard
from models.serving.passport import NoPassportError, check_passport
from models.serving.prediction_log import Entry, PredictionLog, now
from models.serving.requests import Body, UnusableRowsError, as_rows

LOGGER = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[2]
MOST_PROBLEMS = 20  # of a refused request that are listed


@dataclass(frozen=True)
class Settings:
    """What may differ between two places that serve the same project."""

    champion_dir: Path = ROOT / "models" / "serving" / "champion"
    prediction_log: Path | None = ROOT / "experiments" / "predictions.db"
    max_body_bytes: int = 20_000_000
    passport: Path = ROOT / "passport.json"
    without_passport: bool = False

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the settings that the environment gives; the rest keep their defaults."""
        log = os.environ.get("PREDICTION_LOG", str(cls.prediction_log))
        return cls(
            champion_dir=Path(os.environ.get("CHAMPION_DIR", cls.champion_dir)),
            prediction_log=Path(log) if log else None,
            max_body_bytes=int(os.environ.get("MAX_BODY_BYTES", cls.max_body_bytes)),
            passport=Path(os.environ.get("PASSPORT", cls.passport)),
            without_passport=os.environ.get("SERVE_WITHOUT_PASSPORT") == "yes",
        )


class Forecast(BaseModel):
    """One moment of one series."""

    series: dict[str, str] = Field(description="The columns that name the series; empty if there is only one.")
    time: str = Field(description="The moment, ISO 8601, or the number that counts it.")
    step: int = Field(description="Step of the horizon, from 1.")
    prediction: float = Field(description="What is forecast.")
    low_90: float | None = Field(default=None, description="Lower end of the 90 % interval; null if it is not known.")
    high_90: float | None = Field(default=None, description="Upper end of the 90 % interval; null if it is not known.")


class Forecasts(BaseModel):
    """The horizon after the last known row."""

    model_config = {"protected_namespaces": ()}

    forecasts: list[Forecast]
    run_id: str = Field(description="The training run that the model comes from.")
    model_sha256: str = Field(description="Hash of the model file.")


@dataclass
class Service:
    """A champion at work, with its log and counters."""

    champion: Champion
    log: PredictionLog | None
    passport: dict[str, Any]
    counters: Counters = field(default_factory=Counters)

    def forecast(self, body: Body, request_id: str) -> Forecasts:
        """Forecast the horizon and log it."""
        started = time.perf_counter()
        try:
            sent = as_rows(body.history, what="history")
            history = _together(self.champion.history, sent)
            table = forecast_rows(
                self.champion.model,
                history,
                as_rows(body.future, what="future"),
                build_features,
                known=PROBLEM.known_in_advance,
            )
        except (UnusableRowsError, ValueError) as error:
            self.counters.add("refused_total")
            raise HTTPException(422, str(error)[:300]) from error
        found = [_forecast(row) for row in table.to_dict(orient="records")]
        self.counters.add("forecasts_total", len(found))
        manifest = self.champion.manifest
        if self.log is not None:
            at, spent = now(), (time.perf_counter() - started) * 1000 / max(len(found), 1)
            self.log.add(
                [
                    Entry(
                        at,
                        request_id,
                        manifest["model_sha256"],
                        {"series": one.series, "time": one.time},
                        one.model_dump(),
                        spent,
                    )
                    for one in found
                ]
            )
        return Forecasts(forecasts=found, run_id=str(manifest["run_id"]), model_sha256=manifest["model_sha256"])


def _together(stored: pd.DataFrame | None, sent: pd.DataFrame | None) -> pd.DataFrame:
    """Rows that were sent over those that are stored."""
    if sent is None and stored is None:
        raise UnusableRowsError("there is no stored history: send the recent rows as history")
    if sent is None or stored is None:
        return stored if sent is None and stored is not None else sent  # type: ignore[return-value]
    by = [PROBLEM.time_column, *PROBLEM.series_columns]
    kept = stored.astype({name: sent[name].dtype for name in PROBLEM.series_columns})
    return pd.concat([kept, sent], ignore_index=True).drop_duplicates(by, keep="last")


def _forecast(row: dict[Any, Any]) -> Forecast:
    moment = row[PROBLEM.time_column]
    return Forecast(
        series={name: str(row[name]) for name in PROBLEM.series_columns},
        time=moment.isoformat() if hasattr(moment, "isoformat") else str(moment),
        step=int(row["step"]),
        prediction=float(row["prediction"]),
        low_90=float(row["low_90"]) if "low_90" in row else None,
        high_90=float(row["high_90"]) if "high_90" in row else None,
    )


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application; it loads the champion when it starts."""
    settings = settings or Settings.from_environment()
    counters = Counters()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        log = None
        try:
            champion = load_champion(settings.champion_dir)
            passport = _passport(settings, champion)
            log = PredictionLog(settings.prediction_log) if settings.prediction_log else None
            app.state.service = Service(champion, log, passport, counters)
        except (UnusableChampionError, NoPassportError) as error:
            app.state.service, app.state.reason = None, str(error)
        yield
        if log is not None:
            log.close()

    app = FastAPI(title="Forecasting service", lifespan=lifespan)
    app.add_middleware(Guard, counters=counters, most_bytes=settings.max_body_bytes)
    app.add_exception_handler(RequestValidationError, _refuse)
    app.add_api_route("/forecast", forecast, methods=["POST"], response_model=Forecasts)
    app.add_api_route("/health", health, methods=["GET"])
    app.add_api_route("/metadata", metadata, methods=["GET"])

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> str:
        """Give sums since the start, in Prometheus' text format."""
        service = app.state.service
        lost = service.log.lost if service is not None and service.log is not None else 0
        return counters.as_text() + f"prediction_log_lost_total {lost}\n"

    return app


def _passport(settings: Settings, champion: Champion) -> dict[str, Any]:
    """Give what the passport says; a model without a valid one is served only where that was said in so many words."""
    try:
        return {"valid": True} | check_passport(settings.passport, champion.manifest["model_sha256"])
    except NoPassportError as error:
        if not settings.without_passport:
            told = "set SERVE_WITHOUT_PASSPORT=yes to serve it all the same"
            raise NoPassportError(f"the model has no valid passport: {error}; {told}") from error
        LOGGER.warning("served without a valid passport: %s", error)
        return {"valid": False, "reason": str(error)}


def _service(request: Request) -> Service:
    service: Service | None = request.app.state.service
    if service is None:
        raise HTTPException(503, request.app.state.reason)
    return service


def forecast(request: Request, body: Body) -> Forecasts:
    """Forecast the horizon after the last known row."""
    return _service(request).forecast(body, request.state.request_id)


def health(request: Request) -> dict[str, str]:
    """Say whether forecasts can be made; status 503 and the reason if not."""
    service = _service(request)
    told = "valid" if service.passport["valid"] else f"not valid, served all the same: {service.passport['reason']}"
    return {"status": "ok", "model_sha256": service.champion.manifest["model_sha256"], "passport": told}


def metadata(request: Request) -> dict[str, Any]:
    """Describe the model that answers, and what a request needs."""
    service = _service(request)
    manifest = service.champion.manifest
    told = ("run_id", "model_sha256", "horizon", "metric", "score", "trained_at", "packages")
    about = {
        "task": "forecasting",
        "target": PROBLEM.target,
        "time_column": PROBLEM.time_column,
        "series_columns": list(PROBLEM.series_columns),
        "known_in_advance": list(PROBLEM.known_in_advance),
        "past_columns": list(PROBLEM.past_columns),
        "passport": service.passport,
    }
    return about | {name: manifest.get(name) for name in told}


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    """Say what is wrong with a request without repeating what was sent."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    listed = [
        {"where": [str(part)[:100] for part in problem["loc"]], "problem": str(problem["msg"])[:200]}
        for problem in problems[:MOST_PROBLEMS]
    ]
    return JSONResponse({"problems": listed, "more": max(0, len(problems) - MOST_PROBLEMS)}, status_code=422)


app = create_app()
