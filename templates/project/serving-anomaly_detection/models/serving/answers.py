"""What is answered for a row: how unlike the others it is, whether it is flagged, and which columns make it so."""

import math
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field

from data.features.contract import COLUMNS
from data.features.features import build_features
from data.features.rows import conform
from models.serving.champion_file import Champion
from models.training.prediction import predict, scores

MOST_NAMED = 3


class Answer(BaseModel):
    """The anomaly score of one row."""

    predicted: float = Field(description="Anomaly score; higher is less like the rows of training.")
    flagged: bool = Field(description="Whether the score lies among the share of rows that is to be flagged.")
    unusual: list[str] = Field(
        description="Of a flagged row, the features whose typical value would make it less unusual, the most first."
    )


def answer(champion: Champion, features: pd.DataFrame) -> list[Answer]:
    """Score rows of features, in their order."""
    threshold = champion.manifest.get("decision_threshold")
    found = predict(champion.model, features, None)["predicted"].to_numpy()
    flagged = found >= threshold if threshold is not None else np.zeros(len(found), dtype=bool)
    return [
        Answer(
            predicted=float(one),
            flagged=bool(mark),
            unusual=_unusual(champion, features.iloc[[place]], float(one)) if mark else [],
        )
        for place, (one, mark) in enumerate(zip(found, flagged, strict=True))
    ]


def _unusual(champion: Champion, row: pd.DataFrame, score: float) -> list[str]:
    """Name the features that make a row unusual: the score falls when they have their typical value."""
    typical = build_features(conform(pd.DataFrame([{column.name: column.typical for column in COLUMNS}])))
    typical = typical[row.columns]
    varied = [name for name in row.columns if typical[name].notna().all()]
    pieces = [row.assign(**{name: typical[name].to_numpy()}).astype(row.dtypes.to_dict()) for name in varied]
    if not pieces:
        return []
    falls = score - scores(champion.model, pd.concat(pieces))
    order = np.argsort(-falls, kind="stable")[:MOST_NAMED]
    return [str(varied[place]) for place in order if falls[place] > 0]


def is_finite(one: Answer) -> bool:
    """Tell whether the model had an answer at all: far outside of what it was trained on it may not."""
    return math.isfinite(one.predicted)


def as_logged(one: Answer) -> dict[str, Any]:
    """Give what the prediction log keeps of an answer."""
    return {"predicted": one.predicted}
