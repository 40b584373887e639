"""What is answered for a row: the labels that are chosen and the probability of each label."""

import math
from typing import Any

import pandas as pd
from pydantic import BaseModel, Field

from data.features.contract import PROBLEM
from models.serving.champion_file import Champion
from models.training.prediction import CHOSEN, PROBABILITIES, USUAL_THRESHOLD, predict


class Answer(BaseModel):
    """The prediction for one row."""

    predicted: list[str] = Field(description="The labels that are chosen; there may be none.")
    probabilities: dict[str, float] = Field(description="Probability of each label; they do not add up to 1.")
    decision_threshold: float = Field(description="Probability from which a label is chosen.")


def answer(champion: Champion, features: pd.DataFrame) -> list[Answer]:
    """Predict rows of features, in their order."""
    threshold = champion.manifest.get("decision_threshold")
    threshold = USUAL_THRESHOLD if threshold is None else float(threshold)
    table = predict(champion.model, features, threshold)
    return [
        Answer(
            predicted=[label for label, one in zip(PROBLEM.classes, chosen, strict=True) if one],
            probabilities=dict(zip(PROBLEM.classes, (float(value) for value in values), strict=True)),
            decision_threshold=threshold,
        )
        for chosen, values in zip(table[CHOSEN].to_numpy(), table[PROBABILITIES].to_numpy(), strict=True)
    ]


def is_finite(one: Answer) -> bool:
    """Tell whether the model had an answer at all: far outside of what it was trained on it may not."""
    return all(math.isfinite(value) for value in one.probabilities.values())


def as_logged(one: Answer) -> dict[str, Any]:
    """Give what the prediction log keeps of an answer."""
    return {"predicted": one.predicted, "probabilities": one.probabilities}
