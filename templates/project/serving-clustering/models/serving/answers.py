"""What is answered for a row: the group that it belongs to, and how clearly."""

import math
from typing import Any

import pandas as pd
from pydantic import BaseModel, Field

from models.serving.champion_file import Champion
from models.training.prediction import clearness, predict


class Answer(BaseModel):
    """The group of one row."""

    predicted: int = Field(description="Number of the group; what its rows have in common is in the evaluation report.")
    clearness: float | None = Field(description="0 between two groups, 1 in the middle of its own; null if not known.")


def answer(champion: Champion, features: pd.DataFrame) -> list[Answer]:
    """Group rows of features, in their order."""
    clear = clearness(champion.model, features)
    return [
        Answer(predicted=int(group), clearness=float(one) if math.isfinite(one) else None)
        for group, one in zip(predict(champion.model, features, None)["predicted"], clear, strict=True)
    ]


def is_finite(one: Answer) -> bool:
    """Tell whether the model had an answer at all: a group always is one."""
    return one.predicted >= 0


def as_logged(one: Answer) -> dict[str, Any]:
    """Give what the prediction log keeps of an answer."""
    return {"predicted": one.predicted}
