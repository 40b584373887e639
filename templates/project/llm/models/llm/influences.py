"""What a prediction rests on: how it changes when one input has its typical value instead of its own."""

from dataclasses import dataclass

import pandas as pd

from data.features.contract import COLUMNS, PROBLEM
from data.features.features import build_features
from data.features.rows import conform
from models.serving.champion_file import Champion
from models.training.prediction import predict

MOST = 8


@dataclass(frozen=True)
class Influence:
    """One input of one prediction."""

    column: str
    value: object
    typical: object
    effect: float  # prediction as it is, minus the prediction with the typical value


@dataclass(frozen=True)
class Explainable:
    """A prediction with what it rests on, the strongest first."""

    predicted: str | float
    probability: float | None  # of the predicted class
    influences: list[Influence]


def look_into(champion: Champion, row: pd.DataFrame) -> Explainable:
    """Predict one row, and once more for every column set to its typical value.

    Parameters
    ----------
    champion : Champion
        The model with its manifest.
    row : pandas.DataFrame of one row
        With the contract's columns.
    """
    own = conform(row.head(1))
    varied = [column for column in COLUMNS if column.typical is not None]
    rows = pd.concat([own.astype(object)] * (1 + len(varied)), ignore_index=True)
    for place, column in enumerate(varied, start=1):
        rows.loc[place, column.name] = column.typical
    features = build_features(conform(rows))[champion.manifest["feature_columns"]]
    table = predict(champion.model, features, champion.manifest.get("decision_threshold"))
    code = _explained(table.iloc[0]) if PROBLEM.classes else None
    numbers = (table["predicted"] if code is None else table[f"p{code}"]).tolist()
    found = [
        Influence(column.name, own[column.name].iloc[0], column.typical, numbers[0] - number)
        for column, number in zip(varied, numbers[1:], strict=True)
    ]
    strongest = sorted((one for one in found if one.effect != 0), key=lambda one: -abs(one.effect))[:MOST]
    if code is None:
        return Explainable(float(numbers[0]), None, strongest)
    return Explainable(PROBLEM.classes[code], float(numbers[0]), strongest)


def _explained(answer: pd.Series) -> int:
    """Give the class whose probability is explained: the predicted one, or of several labels a row the likeliest."""
    if PROBLEM.task == "multilabel":
        return int(answer[[f"p{code}" for code in range(len(PROBLEM.classes))]].to_numpy(float).argmax())
    return int(answer["predicted"])
