"""Small simulated tables whose truth is known, and a journal that counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold

from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.training_data import TrainingData


class CountingJournal(dict[str, Any]):
    """Keeps finished fits in memory."""

    def find(self, key: str) -> Any:
        return self.get(key)

    def keep(self, key: str, arrays: Any) -> None:
        assert key not in self, "a finished fit was done again"
        self[key] = {name: np.asarray(value) for name, value in arrays.items()}


def mixed_features(rows: int, *, seed: int = 0) -> pd.DataFrame:
    """Numbers, a long tail, nearly always nothing, a flag, few and many categories, and text, some of it missing."""
    rng = np.random.default_rng(seed)
    words = np.array(["good", "bad", "ugly", "fine", "grand", "poor"])
    frame = pd.DataFrame(
        {
            "width (mm)": rng.normal(size=rows),
            "count": rng.integers(0, 6, rows),
            "in'come\n": rng.lognormal(sigma=2, size=rows),
            "flag": rng.random(rows) > 0.5,
            'co"lour': pd.Series(rng.choice(["red", "green", "blue"], rows), dtype="str"),
            "class": pd.Series([f"k{code}" for code in rng.integers(0, 90, rows)], dtype="str"),
            "{comment}": pd.Series([" ".join(rng.choice(words, 5)) for _ in range(rows)], dtype="str"),
            "fee": np.where(np.arange(rows) % 15 == 3, np.arange(rows) + 1.0, 0.0),
        }
    )
    for step, name in enumerate(["width (mm)", 'co"lour', "{comment}"], start=5):
        frame.loc[::step, name] = np.nan
    return frame


def make_data(
    task: str = "binary", *, rows: int = 240, folds: int = 3, signal: float = 2.0, seed: int = 0, **changes: Any
) -> TrainingData:
    """A table whose target depends on the number, the colour and a word with the strength `signal`."""
    rng = np.random.default_rng([seed, 1])
    features = mixed_features(rows, seed=seed)
    strength = (
        features["width (mm)"].fillna(0)
        + (features['co"lour'] == "red")
        - features["{comment}"].str.contains("bad").fillna(value=False).astype(float)
    )
    score = (signal * strength + rng.normal(size=rows)).to_numpy()
    target: np.ndarray = score
    metric = "rmse"
    if task == "binary":
        target, metric = np.where(score > np.median(score), "yes", "no").astype(object), "log_loss"
    elif task == "multiclass":
        target, metric = np.digitize(score, np.quantile(score, [0.33, 0.66])), "log_loss"
    splitter = KFold if task == "regression" else StratifiedKFold
    pairs = tuple(splitter(folds, shuffle=True, random_state=seed).split(features, target))
    settings = {
        "target": target,
        "metric": metric,
        "pairs": pairs,
        "positive_class": "yes" if task == "binary" else None,
    }
    return TrainingData(
        task=task,
        features=features,
        fingerprint=f"{task}{rows}{folds}{signal}{seed}",
        **settings | changes,
    )


def small(candidate: Candidate) -> Candidate:
    """The candidate with few trees, where only its kind matters."""
    if candidate.growing is None:
        return candidate
    return candidate.with_parameters(
        "few trees.", **{"iterations" if candidate.growing == "catboost" else "n_estimators": 8}
    )
