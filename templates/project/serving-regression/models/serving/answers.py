"""What is answered for a row: the predicted number and the interval that holds nine in ten outcomes."""

import math
from typing import Any

import pandas as pd
from pydantic import BaseModel, Field

from models.serving.champion_file import Champion
from models.training.prediction import interval_ends, predict


class Answer(BaseModel):
    """The prediction for one row."""

    predicted: float = Field(description="The predicted number, in the target's unit.")
    low: float | None = Field(description="Lower end of the 90 % prediction interval; null if it is not known.")
    high: float | None = Field(description="Upper end of the 90 % prediction interval; null if it is not known.")


def answer(champion: Champion, features: pd.DataFrame) -> list[Answer]:
    """Predict rows of features, in their order."""
    predicted = predict(champion.model, features, None)["predicted"].to_numpy()
    interval = champion.manifest.get("interval")
    if interval is None:
        return [Answer(predicted=value, low=None, high=None) for value in predicted.tolist()]
    low, high = interval_ends(interval, predicted, features)
    return [
        Answer(predicted=value, low=lowest, high=highest)
        for value, lowest, highest in zip(predicted.tolist(), low.tolist(), high.tolist(), strict=True)
    ]


def is_finite(one: Answer) -> bool:
    """Tell whether the model had an answer at all: far outside of what it was trained on it may not."""
    return math.isfinite(one.predicted)


def as_logged(one: Answer) -> dict[str, Any]:
    """Give what the prediction log keeps of an answer."""
    return {"predicted": one.predicted}
