"""What the service answers: the horizon after the last known row of each series."""

import time
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from fastapi import HTTPException
from pydantic import BaseModel, Field

from data.features.contract import PROBLEM
from data.features.features import build_features
from models.forecasting.ahead import forecast_rows
from models.serving.champion_file import Champion
from models.serving.guard import Counters
from models.serving.prediction_log import Entry, PredictionLog, now
from models.serving.requests import Body, UnusableRowsError, as_rows

TITLE = "Forecasting service"
ENDPOINT = "/forecast"
SUMMARY = "Forecast the horizon after the last known row."
MOST_BODY_BYTES = 20_000_000


class Forecast(BaseModel):
    """One moment of one series."""

    series: dict[str, str] = Field(description="The columns that name the series; empty if there is only one.")
    time: str = Field(description="The moment, ISO 8601, or the number that counts it.")
    step: int = Field(description="Step of the horizon, from 1.")
    prediction: float = Field(description="What is forecast.")
    low_90: float | None = Field(default=None, description="Lower end of the 90 % interval; null if it is not known.")
    high_90: float | None = Field(default=None, description="Upper end of the 90 % interval; null if it is not known.")


class Reply(BaseModel):
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

    def answer(self, body: Body, request_id: str) -> Reply:
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
        return Reply(forecasts=found, run_id=str(manifest["run_id"]), model_sha256=manifest["model_sha256"])

    def about(self) -> dict[str, Any]:
        """Describe the model that answers, and what a request needs."""
        told = ("run_id", "model_sha256", "horizon", "metric", "score", "trained_at", "packages")
        about = {
            "task": "forecasting",
            "target": PROBLEM.target,
            "time_column": PROBLEM.time_column,
            "series_columns": list(PROBLEM.series_columns),
            "known_in_advance": list(PROBLEM.known_in_advance),
            "past_columns": list(PROBLEM.past_columns),
            "passport": self.passport,
        }
        return about | {name: self.champion.manifest.get(name) for name in told}


def _together(stored: pd.DataFrame | None, sent: pd.DataFrame | None) -> pd.DataFrame:
    """Rows that were sent over those that are stored."""
    if sent is None or stored is None:
        known = stored if sent is None else sent
        if known is None:
            raise UnusableRowsError("there is no stored history: send the recent rows as history")
        return known
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
