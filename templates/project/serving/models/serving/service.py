"""What the service answers: a prediction for each row that is sent."""

import logging
import time
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from fastapi import HTTPException
from pydantic import BaseModel, Field

from data.features.contract import COLUMNS, PROBLEM
from data.features.features import build_features
from data.features.rows import conform
from models.serving.answers import Answer, answer, as_logged, is_finite
from models.serving.champion_file import Champion
from models.serving.guard import Counters
from models.serving.prediction_log import Entry, PredictionLog, now
from models.serving.requests import Body

LOGGER = logging.getLogger(__name__)
TITLE = "Prediction service"
ENDPOINT = "/predict"
SUMMARY = "Predict one row, or each of a list of rows."
MOST_BODY_BYTES = 5_000_000
NOT_LOGGED = frozenset(column.name for column in COLUMNS if column.sensitive)


class Reply(BaseModel):
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

    def answer(self, body: Body, request_id: str) -> Reply:
        """Predict rows and log them."""
        started = time.perf_counter()
        rows = body if isinstance(body, list) else [body]
        inputs = [row.model_dump(by_alias=True) for row in rows]
        frame = conform(pd.DataFrame(inputs))
        answers = self._predict(frame)
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
        return Reply(predictions=answers, run_id=str(self.champion.manifest["run_id"]), model_sha256=model_sha256)

    def about(self) -> dict[str, Any]:
        """Describe the model that answers."""
        told = ("run_id", "model_sha256", "classes", "positive_class", "metric", "score", "trained_at", "packages")
        about = {"task": PROBLEM.task, "target": PROBLEM.target, "passport": self.passport}
        return about | {name: self.champion.manifest.get(name) for name in told}

    def _predict(self, frame: pd.DataFrame) -> list[Answer]:
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
