"""What is answered for a row: the predicted class and the probability of each."""

import math
from typing import Any

import pandas as pd
from pydantic import BaseModel, Field

from data.features.contract import PROBLEM
from models.serving.champion_file import Champion
from models.training.prediction import PROBABILITIES, predict


class Answer(BaseModel):
    """The prediction for one row."""

    predicted: str = Field(description="The predicted class.")
    probabilities: dict[str, float] = Field(description="Probability of each class.")
    decision_threshold: float | None = Field(
        description="Probability from which the positive class is predicted; null where the likeliest class is."
    )


def answer(champion: Champion, features: pd.DataFrame) -> list[Answer]:
    """Predict rows of features, in their order."""
    threshold = champion.manifest.get("decision_threshold")
    table = predict(champion.model, features, threshold)
    return [
        Answer(
            predicted=PROBLEM.classes[int(code)],
            probabilities=dict(zip(PROBLEM.classes, (float(value) for value in values), strict=True)),
            decision_threshold=threshold,
        )
        for code, values in zip(table["predicted"], table[PROBABILITIES].to_numpy(), strict=True)
    ]


def is_finite(one: Answer) -> bool:
    """Tell whether the model had an answer at all: far outside of what it was trained on it may not."""
    return all(math.isfinite(value) for value in one.probabilities.values())


def as_logged(one: Answer) -> dict[str, Any]:
    """Give what the prediction log keeps of an answer."""
    return {"predicted": one.predicted, "probabilities": one.probabilities}
