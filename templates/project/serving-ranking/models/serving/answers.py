"""What is answered for the rows of one query: the score of each, and its place in the order of the scores."""

import math
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field

from models.serving.champion_file import Champion
from models.training.prediction import predict


class Answer(BaseModel):
    """The score and the place of one row; the rows of one request are one query."""

    predicted: float = Field(description="The score: higher comes first; it has no unit and means nothing alone.")
    rank: int = Field(description="Place among the rows of this request, from 1; rows of equal score share the first.")


def answer(champion: Champion, features: pd.DataFrame) -> list[Answer]:
    """Score rows of features, in their order, and tell the place of each."""
    scores = predict(champion.model, features, None)["predicted"].to_numpy()
    ranks = 1 + (scores[None, :] > scores[:, None]).sum(axis=1)
    return [
        Answer(predicted=float(score), rank=int(rank)) for score, rank in zip(scores, np.asarray(ranks), strict=True)
    ]


def is_finite(one: Answer) -> bool:
    """Tell whether the model had an answer at all: far outside of what it was trained on it may not."""
    return math.isfinite(one.predicted)


def as_logged(one: Answer) -> dict[str, Any]:
    """Give what the prediction log keeps of an answer."""
    return {"predicted": one.predicted, "rank": one.rank}
