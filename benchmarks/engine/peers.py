"""One peer fitted on one split, in a process and an environment of its own.

    python peers.py PEER JOB.json

JOB.json names the training and held-out files, the target, the kind, the budget in seconds and the seed. The answer
goes to the file that it names: predictions, times, model size, version.
"""

from __future__ import annotations

import json
import pickle
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}


def ours(job: dict[str, Any], features: pd.DataFrame, target: pd.Series) -> tuple[Any, str]:
    from ml_engineer import TabularClassifier, TabularRegressor

    kind = TabularRegressor if job["kind"] == "regression" else TabularClassifier
    return kind(budget_seconds=job["budget"], random_state=job["seed"]).fit(features, target), "ml-engineer"


def autogluon(preset: str) -> Callable[..., tuple[Any, str]]:
    def fit(job: dict[str, Any], features: pd.DataFrame, target: pd.Series) -> tuple[Any, str]:
        from autogluon.tabular import TabularPredictor

        metric = METRICS[job["kind"]] if job["kind"] != "regression" else "root_mean_squared_error"
        predictor = TabularPredictor(
            label="__target", problem_type=job["kind"], eval_metric=metric, path=tempfile.mkdtemp(), verbosity=0
        )
        predictor.fit(features.assign(__target=target.to_numpy()), time_limit=job["budget"], presets=preset, num_cpus=2)
        return _AutoGluon(predictor), "autogluon.tabular"

    return fit


class _AutoGluon:
    def __init__(self, predictor: Any) -> None:
        self.predictor = predictor
        if predictor.problem_type != "regression":
            self.classes_ = np.array(predictor.class_labels)

    def predict(self, features: pd.DataFrame) -> Any:
        return self.predictor.predict(features).to_numpy()

    def predict_proba(self, features: pd.DataFrame) -> Any:
        return self.predictor.predict_proba(features)[list(self.predictor.class_labels)].to_numpy()


def flaml(job: dict[str, Any], features: pd.DataFrame, target: pd.Series) -> tuple[Any, str]:
    from flaml import AutoML

    model = AutoML()
    task = "regression" if job["kind"] == "regression" else "classification"
    metric = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}[job["kind"]]
    model.fit(
        features, target, task=task, metric=metric, time_budget=job["budget"], seed=job["seed"], verbose=0, n_jobs=2
    )
    return model, "flaml"


def lightgbm(job: dict[str, Any], features: pd.DataFrame, target: pd.Series) -> tuple[Any, str]:
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMRegressor if job["kind"] == "regression" else LGBMClassifier
    return _Categories(kind(random_state=job["seed"], verbosity=-1, n_jobs=2)).fit(features, target), "lightgbm"


def catboost(job: dict[str, Any], features: pd.DataFrame, target: pd.Series) -> tuple[Any, str]:
    from catboost import CatBoostClassifier, CatBoostRegressor

    kind = CatBoostRegressor if job["kind"] == "regression" else CatBoostClassifier
    texts = [name for name in features.columns if not pd.api.types.is_numeric_dtype(features[name])]
    model = kind(random_seed=job["seed"], verbose=0, allow_writing_files=False, thread_count=2, cat_features=texts)
    return _Filled(model, texts).fit(features, target), "catboost"


def xgboost(job: dict[str, Any], features: pd.DataFrame, target: pd.Series) -> tuple[Any, str]:
    from xgboost import XGBClassifier, XGBRegressor

    kind = XGBRegressor if job["kind"] == "regression" else XGBClassifier
    model = kind(random_state=job["seed"], n_jobs=2, enable_categorical=True)
    return _Categories(model, codes=job["kind"] != "regression").fit(features, target), "xgboost-cpu"


def plain(model: str) -> Callable[..., tuple[Any, str]]:
    def fit(job: dict[str, Any], features: pd.DataFrame, target: pd.Series) -> tuple[Any, str]:
        from sklearn.compose import make_column_selector, make_column_transformer
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression, RidgeCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        regression = job["kind"] == "regression"
        last = {
            "forest": (RandomForestRegressor if regression else RandomForestClassifier)(random_state=job["seed"]),
            "linear": RidgeCV(np.logspace(-3, 3, 13)) if regression else LogisticRegression(max_iter=500),
        }[model]
        one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5, max_categories=100)
        prepare = make_column_transformer(
            (
                make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
                make_column_selector(dtype_include="number"),
            ),
            (one_hot, make_column_selector(dtype_exclude="number")),
        )
        return make_pipeline(prepare, last).fit(features, target), "scikit-learn"

    return fit


class _Categories:
    """Texts as categories with the training rows' levels."""

    def __init__(self, model: Any, *, codes: bool = False) -> None:
        self.model, self.codes = model, codes

    def _frame(self, features: pd.DataFrame) -> pd.DataFrame:
        return features.assign(
            **{name: pd.Categorical(features[name], categories=levels) for name, levels in self.levels.items()}
        )

    def fit(self, features: pd.DataFrame, target: pd.Series) -> _Categories:
        texts = [name for name in features.columns if not pd.api.types.is_numeric_dtype(features[name])]
        self.levels = {name: sorted(features[name].dropna().unique()) for name in texts}
        if self.codes:
            self.classes_, target = np.unique(target, return_inverse=True)
        self.model.fit(self._frame(features), target)
        if not self.codes and hasattr(self.model, "classes_"):
            self.classes_ = self.model.classes_
        return self

    def predict(self, features: pd.DataFrame) -> Any:
        return self.model.predict(self._frame(features))

    def predict_proba(self, features: pd.DataFrame) -> Any:
        return self.model.predict_proba(self._frame(features))


class _Filled:
    """Texts without missing values, which CatBoost does not take."""

    def __init__(self, model: Any, texts: list[str]) -> None:
        self.model, self.texts = model, texts

    def _frame(self, features: pd.DataFrame) -> pd.DataFrame:
        return features.assign(
            **{name: features[name].astype(object).fillna("missing").astype(str) for name in self.texts}
        )

    def fit(self, features: pd.DataFrame, target: pd.Series) -> _Filled:
        self.model.fit(self._frame(features), target)
        self.classes_ = getattr(self.model, "classes_", None)
        return self

    def predict(self, features: pd.DataFrame) -> Any:
        return self.model.predict(self._frame(features))

    def predict_proba(self, features: pd.DataFrame) -> Any:
        return self.model.predict_proba(self._frame(features))


PEERS: dict[str, Callable[..., tuple[Any, str]]] = {
    "ours": ours,
    "autogluon_medium": autogluon("medium_quality"),
    "autogluon_best": autogluon("best_quality"),
    "autogluon_v150": autogluon("best_quality_v150"),
    "flaml": flaml,
    "lightgbm": lightgbm,
    "catboost": catboost,
    "xgboost": xgboost,
    "forest": plain("forest"),
    "linear": plain("linear"),
}


def main() -> None:
    """Fit the peer, predict the held-out rows, and write down what came of it."""
    peer, path = sys.argv[1], Path(sys.argv[2])
    job = json.loads(path.read_text(encoding="utf-8"))
    train, test = pd.read_pickle(job["train"]), pd.read_pickle(job["test"])
    features, target = train.drop(columns=job["target"]), train[job["target"]]
    rows = test.drop(columns=job["target"])
    if peer != "ours":
        # LightGBM refuses some names of columns, and it alone or inside of others would fail for them.
        plain_names = {name: f"x{place}" for place, name in enumerate(features.columns)}
        features, rows = features.rename(columns=plain_names), rows.rename(columns=plain_names)
    started = time.monotonic()
    model, package = PEERS[peer](job, features, target)
    fitted = time.monotonic()
    regression = job["kind"] == "regression"
    predictions = np.asarray(model.predict(rows) if regression else model.predict_proba(rows), dtype=float)
    predicted = time.monotonic()
    np.savez(
        job["answer"],
        predictions=predictions,
        classes=np.array([]) if regression else np.asarray(model.classes_).astype(str),
        seconds=np.array([fitted - started, predicted - fitted]),
        bytes=np.array(_size(model)),
        version=np.array(version(package)),
    )


def _size(model: Any) -> int:
    try:
        return len(pickle.dumps(getattr(model, "model_", model)))
    except (pickle.PicklingError, TypeError, AttributeError):
        return -1


if __name__ == "__main__":
    main()
