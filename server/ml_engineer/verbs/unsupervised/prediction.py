"""What `predict` writes for a row where nothing is predicted: its group, or how unusual it is and why."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml_engineer.evaluation.prediction import Predictions
from ml_engineer.project.development import load_development
from ml_engineer.unsupervised.judging import anomaly_scores, clearness
from ml_engineer.unsupervised.portraits import typical_row, unusual_columns
from ml_engineer.verbs.champion import LoadedChampion
from ml_engineer.verbs.unsupervised.rows import used_columns

__all__ = ["structure_columns"]

_MOST_EXPLAINED = 200


def structure_columns(champion: LoadedChampion, frame: pd.DataFrame, answers: Predictions) -> dict[str, object]:
    """Columns of the file of answers.

    Of flagged rows, the 200 most unusual are explained: which columns' typical values would make them less unusual.

    Parameters
    ----------
    champion : LoadedChampion
        The champion.
    frame : pandas.DataFrame of shape (n, columns)
        Cleaned rows.
    answers : Predictions
        Groups or scores, as the champion answered.
    """
    if champion.problem.task_type == "clustering":
        features = champion.build_features(frame.drop(columns=champion.problem.target, errors="ignore"))
        return {"group": answers.predicted.astype(int), "clearness": clearness(champion.model, features)}
    scores = answers.predicted.astype(float)
    threshold = champion.training.champion.flag_threshold
    flagged = scores >= (np.inf if threshold is None else threshold)
    return {"score": scores, "flagged": flagged, "unusual": _explained(champion, frame, scores, flagged)}


def _explained(champion: LoadedChampion, frame: pd.DataFrame, scores: np.ndarray, flagged: np.ndarray) -> np.ndarray:
    problem, texts = champion.problem, np.full(len(frame), "", dtype=object)
    rows = np.flatnonzero(flagged)
    rows = rows[np.argsort(-scores[rows], kind="stable")][:_MOST_EXPLAINED]
    development = used_columns(problem, load_development(champion.layout, champion.split).frame)
    told = unusual_columns(
        used_columns(problem, frame).iloc[rows],
        typical_row(development),
        lambda raw: anomaly_scores(champion.model, champion.build_features(raw)),
    )
    texts[rows] = ["; ".join(columns) for columns in told]
    return texts
