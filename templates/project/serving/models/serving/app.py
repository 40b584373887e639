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

from data.features.contract import COLUMNS, PROBLEM
from data.features.features import build_features
from data.features.rows import conform
from models.serving.answers import Answer, answer, as_logged, is_finite
from models.serving.champion_file import Champion, UnusableChampionError, load_champion, pickle_allowed
from models.serving.guard import Counters, Guard
from models.serving.passport import NoPassportError, check_passport
from models.serving.prediction_log import Entry, PredictionLog, now
from models.serving.requests import Body, Row

LOGGER = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[2]
MOST_PROBLEMS = 20  # of a refused request that are listed
NOT_LOGGED = frozenset(column.name for column in COLUMNS if column.sensitive)


@dataclass(frozen=True)
class Settings:
    """What may differ between two places that serve the same project."""

    champion_dir: Path = ROOT / "models" / "serving" / "champion"
    prediction_log: Path | None = ROOT / "experiments" / "predictions.db"
    max_body_bytes: int = 5_000_000
    allow_pickle: bool = False
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
            allow_pickle=pickle_allowed(),
            passport=Path(os.environ.get("PASSPORT", cls.passport)),
            without_passport=os.environ.get("SERVE_WITHOUT_PASSPORT") == "yes",
        )


class Predictions(BaseModel):
    """Predictions in the order of the rows that were sent."""

    model_config = {"protected_namespaces": ()}

    predictions: list[Answer]
    run_id: str = Field(description="The training run that the model comes from.")
    model_sha256: str = Field(description="Hash of the model file.")


@dataclass
class Service:
    """A champion at work, with its log and counters."""

    champion: Champion
    log: PredictionLog | None
    passport: dict[str, Any]
    counters: Counters = field(default_factory=Counters)

    def predict(self, rows: list[Row], request_id: str) -> Predictions:
        """Predict rows and log them."""
        started = time.perf_counter()
        inputs = [row.model_dump(by_alias=True) for row in rows]
        frame = conform(pd.DataFrame(inputs))
        answers = self._answer(frame)
        milliseconds = (time.perf_counter() - started) * 1000 / len(rows)
        self._count(frame)
        model_sha256 = self.champion.manifest["model_sha256"]
        if self.log is not None:
            at = now()
            self.log.add(
                [
                    Entry(at, request_id, model_sha256, _loggable(row), as_logged(one), milliseconds)
                    for row, one in zip(inputs, answers, strict=True)
                ]
            )
        return Predictions(predictions=answers, run_id=str(self.champion.manifest["run_id"]), model_sha256=model_sha256)

    def _answer(self, frame: pd.DataFrame) -> list[Answer]:
        """Ask the model; values far outside of its training may be too much for it."""
        try:
            features = build_features(frame)[self.champion.manifest["feature_columns"]]
            answers = answer(self.champion, features)
        except ValueError:
            # Trees refuse what does not fit 32 bits, others what overflows on the way.
            LOGGER.exception("the model refused rows")
            answers = []
        if not answers or not all(is_finite(one) for one in answers):
            self.counters.add("refused_by_model_total", len(frame))
            raise HTTPException(422, "the model has no answer: a value may lie too far outside of its training")
        return answers

    def _count(self, frame: pd.DataFrame) -> None:
        """Count rows, and values that training never saw."""
        self.counters.add("predictions_total", len(frame))
        for column in COLUMNS:
            if column.categories is not None:
                values = frame[column.name].dropna()
                self.counters.add("unknown_categories_total", int((~values.isin(column.categories)).sum()))


def _loggable(row: dict[str, Any]) -> dict[str, Any]:
    """Give what the log keeps of a row: no sensitive column, time stamps as text."""
    kept = {name: value for name, value in row.items() if name not in NOT_LOGGED}
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in kept.items()}


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application; it loads the champion when it starts."""
    settings = settings or Settings.from_environment()
    counters = Counters()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        log = None
        try:
            champion = load_champion(settings.champion_dir, allow_pickle=settings.allow_pickle)
            passport = _passport(settings, champion)
            log = PredictionLog(settings.prediction_log) if settings.prediction_log else None
            app.state.service = Service(champion, log, passport, counters)
        except (UnusableChampionError, NoPassportError) as error:
            app.state.service, app.state.reason = None, str(error)
        yield
        if log is not None:
            log.close()

    app = FastAPI(title="Prediction service", lifespan=lifespan)
    app.add_middleware(Guard, counters=counters, most_bytes=settings.max_body_bytes)
    app.add_exception_handler(RequestValidationError, _refuse)
    app.add_api_route("/predict", predict, methods=["POST"], response_model=Predictions)
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


def predict(request: Request, body: Body) -> Predictions:
    """Predict one row, or each of a list of rows."""
    rows = body if isinstance(body, list) else [body]
    return _service(request).predict(rows, request.state.request_id)


def health(request: Request) -> dict[str, str]:
    """Say whether predictions can be made; status 503 and the reason if not."""
    service = _service(request)
    told = "valid" if service.passport["valid"] else f"not valid, served all the same: {service.passport['reason']}"
    return {"status": "ok", "model_sha256": service.champion.manifest["model_sha256"], "passport": told}


def metadata(request: Request) -> dict[str, Any]:
    """Describe the model that answers."""
    service = _service(request)
    manifest = service.champion.manifest
    told = ("run_id", "model_sha256", "classes", "positive_class", "metric", "score", "trained_at", "packages")
    about = {"task": PROBLEM.task, "target": PROBLEM.target, "passport": service.passport}
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
