"""What is answered for a row: the predicted number and the interval that holds nine in ten outcomes."""

import math
from typing import Any

import pandas as pd
from pydantic import BaseModel, Field

from models.serving.champion_file import Champion
from models.training.prediction import predict


class Answer(BaseModel):
    """The prediction for one row."""

    predicted: float = Field(description="The predicted number, in the target's unit.")
    low: float | None = Field(description="Lower end of the 90 % prediction interval; null if it is not known.")
    high: float | None = Field(description="Upper end of the 90 % prediction interval; null if it is not known.")


def answer(champion: Champion, features: pd.DataFrame) -> list[Answer]:
    """Predict rows of features, in their order."""
    width = champion.manifest.get("interval_half_width")
    return [
        Answer(
            predicted=value,
            low=None if width is None else value - width,
            high=None if width is None else value + width,
        )
        for value in (float(one) for one in predict(champion.model, features, None)["predicted"])
    ]


def is_finite(one: Answer) -> bool:
    """Tell whether the model had an answer at all: far outside of what it was trained on it may not."""
    return math.isfinite(one.predicted)


def as_logged(one: Answer) -> dict[str, Any]:
    """Give what the prediction log keeps of an answer."""
    return {"predicted": one.predicted}
