"""Tables with a target, for the engine's benchmark: real ones from a folder, and those that scikit-learn ships."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split

Kind = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True)
class Task:
    """A table, its target, and how it is read."""

    name: str
    kind: Kind
    target: str
    read: Callable[[Path], pd.DataFrame]

    def split(self, folder: Path, *, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Training and held-out rows: a quarter is held out, by class where there are classes."""
        frame = self.read(folder)
        frame = frame[frame[self.target].notna()].reset_index(drop=True)
        classes = frame[self.target] if self.kind != "regression" else None
        train, test = train_test_split(frame, test_size=0.25, random_state=seed, stratify=classes)
        return train.reset_index(drop=True), test.reset_index(drop=True)


def _csv(path: str, **options: object) -> Callable[[Path], pd.DataFrame]:
    return lambda folder: pd.read_csv(folder / path, **options)  # type: ignore[call-overload]


def _without(read: Callable[[Path], pd.DataFrame], *columns: str) -> Callable[[Path], pd.DataFrame]:
    return lambda folder: read(folder).drop(columns=list(columns))


def _telco(folder: Path) -> pd.DataFrame:
    frame = pd.read_csv(folder / "telco_churn/Telco-Customer-Churn.csv").drop(columns="customerID")
    return frame.assign(TotalCharges=pd.to_numeric(frame["TotalCharges"], errors="coerce"))


def _adult(folder: Path) -> pd.DataFrame:
    frame = pd.read_csv(folder / "adult/adult-train.csv", header=None, skipinitialspace=True, na_values="?")
    return frame.rename(columns={place: f"c{place}" for place in frame.columns})


def _german(folder: Path) -> pd.DataFrame:
    frame = pd.read_csv(folder / "german_credit/german.csv", header=None)
    return frame.rename(columns={place: f"c{place}" for place in frame.columns})


def _bundled(load: Callable[..., object]) -> Callable[[Path], pd.DataFrame]:
    def read(_: Path) -> pd.DataFrame:
        bunch = load(as_frame=True)
        return bunch.data.assign(target=bunch.target)  # type: ignore[attr-defined]

    return read


TASKS = {
    task.name: task
    for task in (
        Task("titanic", "binary", "survived", _without(_csv("titanic/titanic3.csv"), "boat", "body")),
        Task("telco", "binary", "Churn", _telco),
        Task("adult", "binary", "c14", _adult),
        Task("german", "binary", "c20", _german),
        Task("breast_cancer", "binary", "target", _bundled(datasets.load_breast_cancer)),
        Task(
            "wine_quality", "multiclass", "quality", _csv("wine_quality/winequality-red.csv", sep=None, engine="python")
        ),
        Task("wine", "multiclass", "target", _bundled(datasets.load_wine)),
        Task("digits", "multiclass", "target", _bundled(datasets.load_digits)),
        Task("california", "regression", "median_house_value", _csv("california_housing/housing.csv")),
        Task("ames", "regression", "SalePrice", _without(_csv("ames_housing/AmesHousing.csv"), "Order", "PID")),
        Task(
            "bike",
            "regression",
            "cnt",
            _without(_csv("bike_sharing/hour.csv"), "instant", "dteday", "casual", "registered"),
        ),
        Task("diamonds", "regression", "price", _csv("diamonds/diamonds.csv")),
        Task("diabetes", "regression", "target", _bundled(datasets.load_diabetes)),
    )
}
