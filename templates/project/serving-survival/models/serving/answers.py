"""What is answered for a row: its risk, the chance of no event by some times, and the median time."""

import math
from typing import Any

import pandas as pd
from pydantic import BaseModel, Field

from models.serving.champion_file import Champion
from models.training.prediction import predict
from models.training.survival import median_times, survival_at


class Answer(BaseModel):
    """The prediction for one row."""

    predicted: float = Field(description="The risk score: higher means sooner; only its order means something.")
    survival: dict[str, float] = Field(description="Chance of no event yet by each time; empty if it is not known.")
    median_time: float | None = Field(
        description="Time by which half of rows like this have had the event; null if fewer ever had in the data."
    )


def answer(champion: Champion, features: pd.DataFrame) -> list[Answer]:
    """Predict rows of features, in their order."""
    scores = predict(champion.model, features, None)["predicted"].to_numpy(float)
    curve = champion.manifest.get("survival")
    if curve is None:
        return [Answer(predicted=score, survival={}, median_time=None) for score in scores.tolist()]
    told = survival_at(curve, scores, curve["horizons"])
    names = [f"{time:g}" for time in curve["horizons"]]
    return [
        Answer(predicted=score, survival=dict(zip(names, chances, strict=True)), median_time=median)
        for score, chances, median in zip(scores.tolist(), told.tolist(), median_times(curve, scores), strict=True)
    ]


def is_finite(one: Answer) -> bool:
    """Tell whether the model had an answer at all: far outside of what it was trained on it may not."""
    return math.isfinite(one.predicted)


def as_logged(one: Answer) -> dict[str, Any]:
    """Give what the prediction log keeps of an answer."""
    return {"predicted": one.predicted}
