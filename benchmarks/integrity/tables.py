"""Clean tables: scikit-learn's own, simulated ones with fresh rows to be had, and real files from a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets

Rng = np.random.Generator


@dataclass(frozen=True)
class Table:
    """A table with a target, and what an informed person would tell `frame_problem`.

    `draw` gives as many fresh rows of the same kind as are asked for; only simulated tables have it, and only for
    them is the true score known.
    """

    name: str
    frame: pd.DataFrame
    target: str
    task: str
    told: dict[str, Any] = field(default_factory=dict)
    draw: Callable[[int, Rng], pd.DataFrame] | None = None

    @property
    def real(self) -> bool:
        return self.draw is None


def _words(values: np.ndarray) -> pd.Series:
    return pd.Series(values, dtype="str")


def _customers(rows: int, rng: Rng) -> pd.DataFrame:
    """Binary: numbers and categories that know something of who leaves."""
    tenure = rng.gamma(2.0, 14.0, rows)
    charge = rng.normal(65, 20, rows).clip(15)
    calls = rng.poisson(1.6, rows)
    contract = rng.choice(["month", "year", "two years"], rows, p=[0.55, 0.25, 0.2])
    region = rng.choice(["north", "south", "east", "west"], rows)
    logit = -0.9 - 0.03 * (tenure - 28) + 0.025 * (charge - 65) + 0.45 * (calls - 1.6) + 1.1 * (contract == "month")
    left = rng.random(rows) < 1 / (1 + np.exp(-logit))
    return pd.DataFrame(
        {
            "tenure": tenure.round(1),
            "charge": charge.round(2),
            "calls": calls,
            "contract": _words(contract),
            "region": _words(region),
            "score": rng.normal(0, 1, rows).round(3),
            "left": _words(np.where(left, "yes", "no")),
        }
    )


def _defaults(rows: int, rng: Rng) -> pd.DataFrame:
    """Binary and rare: one row in ten is positive, the signal is strong."""
    income = rng.lognormal(10.4, 0.4, rows)
    debt = rng.gamma(2.0, 4_000, rows)
    late = rng.poisson(0.7, rows)
    purpose = rng.choice(["car", "house", "study", "other"], rows)
    logit = -3.4 + 1.1 * late + 1.6 * np.log(debt / 6_000) - 1.8 * np.log(income / 33_000)
    failed = rng.random(rows) < 1 / (1 + np.exp(-logit))
    return pd.DataFrame(
        {
            "income": income.round(),
            "debt": debt.round(),
            "late_payments": late,
            "purpose": _words(purpose),
            "age": rng.integers(20, 75, rows),
            "defaulted": _words(np.where(failed, "default", "repaid")),
        }
    )


def _plants(rows: int, rng: Rng) -> pd.DataFrame:
    """Three classes that overlap."""
    kind = rng.integers(0, 3, rows)
    height = (
        rng.normal([30, 42, 50], [6, 7, 8]).reshape(3)[kind] if rows == 0 else 30 + 9 * kind + rng.normal(0, 7, rows)
    )
    leaves = rng.poisson(8 + 3 * kind)
    soil = np.where(
        rng.random(rows) < 0.6, np.array(["sand", "clay", "peat"])[kind], rng.choice(["sand", "clay", "peat"], rows)
    )
    return pd.DataFrame(
        {
            "height": height.round(2),
            "leaves": leaves,
            "width": rng.normal(12, 3, rows).round(2),
            "soil": _words(soil),
            "species": _words(np.array(["alba", "minor", "rubra"])[kind]),
        }
    )


def _houses(rows: int, rng: Rng) -> pd.DataFrame:
    """Regression with a heavy right tail."""
    area = rng.lognormal(4.6, 0.35, rows)
    rooms = np.clip(np.round(area / 25 + rng.normal(0, 0.8, rows)), 1, 12)
    age = rng.integers(0, 90, rows)
    quality = rng.choice(["plain", "good", "fine"], rows, p=[0.5, 0.35, 0.15])
    factor = np.select([quality == "fine", quality == "good"], [1.35, 1.15], 1.0)
    price = 1_900 * area * factor * (1 - 0.003 * age) * rng.lognormal(0, 0.16, rows)
    return pd.DataFrame(
        {
            "area": area.round(1),
            "rooms": rooms.astype(int),
            "age": age,
            "quality": _words(quality),
            "distance": rng.gamma(2.0, 3.0, rows).round(2),
            "price": price.round(),
        }
    )


_TOPICS = {
    "yes": [
        "prize",
        "winner",
        "claim",
        "free",
        "cash",
        "urgent",
        "offer",
        "click",
        "reward",
        "bonus",
        "credit",
        "limited",
        "guarantee",
    ],
    "no": [
        "dinner",
        "meeting",
        "tomorrow",
        "thanks",
        "weekend",
        "train",
        "family",
        "project",
        "coffee",
        "football",
        "lecture",
        "garden",
    ],
}
_FILLER = [
    "the",
    "and",
    "you",
    "for",
    "with",
    "this",
    "that",
    "have",
    "from",
    "your",
    "will",
    "are",
    "not",
    "can",
    "just",
    "about",
    "here",
    "there",
    "when",
    "what",
]


def _messages(rows: int, rng: Rng) -> pd.DataFrame:
    """Text: two topics that share most words."""
    spam = rng.random(rows) < 0.35
    texts = []
    for is_spam in spam:
        own = _TOPICS["yes" if is_spam else "no"]
        other = _TOPICS["no" if is_spam else "yes"]
        words = [*rng.choice(_FILLER, 10), *rng.choice(own, 3), *rng.choice(other, rng.integers(1, 3))]
        rng.shuffle(words)
        texts.append(" ".join(words) + f" {rng.integers(1e6)}")
    return pd.DataFrame(
        {
            "message": _words(np.array(texts)),
            "hour": rng.integers(0, 24, rows),
            "length": [len(text) for text in texts],
            "spam": _words(np.where(spam, "yes", "no")),
        }
    )


def _visits(rows: int, rng: Rng) -> pd.DataFrame:
    """Groups, declared: several visits a patient, who are alike."""
    patient = rng.integers(0, max(rows // 5, 1), rows)
    patient.sort()
    frailty = np.random.default_rng(7).normal(0, 1, rows + 1)[patient]
    pressure = 125 + 8 * frailty + rng.normal(0, 9, rows)
    marker = rng.normal(0, 1, rows)
    ill = rng.random(rows) < 1 / (1 + np.exp(-(0.05 * (pressure - 125) + 0.8 * marker)))
    return pd.DataFrame(
        {
            "patient": [f"P{number:05d}" for number in patient],
            "pressure": pressure.round(1),
            "marker": marker.round(3),
            "age": (50 + 12 * np.random.default_rng(8).normal(0, 1, rows + 1)[patient]).round(),
            "ill": _words(np.where(ill, "ill", "well")),
        }
    )


def _demand(rows: int, rng: Rng) -> pd.DataFrame:
    """Time: a steady daily pattern with noise, no trend."""
    when = pd.Timestamp("2023-01-01") + pd.to_timedelta(np.arange(rows), unit="h")
    hour, day = when.hour.to_numpy(), when.dayofweek.to_numpy()
    heat = 15 + 8 * np.sin(2 * np.pi * np.arange(rows) / (24 * 30)) + rng.normal(0, 2, rows)
    demand = 400 + 120 * np.sin(2 * np.pi * (hour - 7) / 24) - 60 * (day >= 5) + 4 * heat + rng.normal(0, 30, rows)
    return pd.DataFrame(
        {
            "when": when,
            "heat": heat.round(1),
            "holiday": (rng.random(rows) < 0.03).astype(int),
            "demand": demand.round(1),
        }
    )


def simulated(rows: int = 1_500, seed: int = 0) -> Iterator[Table]:
    """Tables whose law is known."""
    for name, draw, target, task, told in (
        ("customers", _customers, "left", "binary", {}),
        ("defaults", _defaults, "defaulted", "binary", {}),
        ("plants", _plants, "species", "multiclass", {}),
        ("houses", _houses, "price", "regression", {}),
        ("messages", _messages, "spam", "binary", {}),
        ("visits", _visits, "ill", "binary", {"group_columns": ["patient"]}),
        ("demand", _demand, "demand", "regression", {"time_column": "when"}),
    ):
        yield Table(name, draw(rows, np.random.default_rng(seed)), target, task, told, draw)


def builtin() -> Iterator[Table]:
    """scikit-learn's own sets, shuffled, because they are sorted by class."""
    for name, task in (
        ("iris", "multiclass"),
        ("wine", "multiclass"),
        ("breast_cancer", "binary"),
        ("digits", "multiclass"),
        ("diabetes", "regression"),
    ):
        frame = getattr(datasets, f"load_{name}")(as_frame=True).frame.rename(
            columns=lambda column: str(column).replace(" ", "_")
        )
        if task != "regression":
            frame["target"] = "c" + frame["target"].astype(str)
        yield Table(name, frame.sample(frac=1, random_state=0, ignore_index=True), "target", task)


_ADULT = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
    "income",
]


def real(folder: Path, *, most_rows: int = 4_000) -> Iterator[Table]:
    """Files that others made, with their known leaks taken out; larger ones are sampled."""
    for name, file, target, task, options, dropped, told in (
        (
            "adult",
            "adult/adult-train.csv",
            "income",
            "binary",
            {"names": _ADULT, "skipinitialspace": True, "na_values": "?"},
            [],
            {},
        ),
        (
            "titanic",
            "titanic/titanic3.csv",
            "survived",
            "binary",
            {},
            ["boat", "body", "home.dest", "name", "ticket"],
            {},
        ),
        (
            "german",
            "german_credit/german.csv",
            "good",
            "binary",
            {"names": [*(f"a{i}" for i in range(20)), "good"]},
            [],
            {},
        ),
        ("telco", "telco_churn/Telco-Customer-Churn.csv", "Churn", "binary", {}, [], {}),
        ("california", "california_housing/housing.csv", "median_house_value", "regression", {}, [], {}),
        ("ames", "ames_housing/AmesHousing.csv", "SalePrice", "regression", {}, [], {}),
        ("diamonds", "diamonds/diamonds.csv", "price", "regression", {}, [], {}),
        (
            "wine_quality",
            "wine_quality/winequality-red.csv",
            "quality",
            "regression",
            {"sep": None, "engine": "python"},
            [],
            {},
        ),
        ("sms", "sms_spam/spam.csv", "v1", "binary", {"encoding": "latin-1", "usecols": ["v1", "v2"]}, [], {}),
        ("bike", "bike_sharing/hour.csv", "cnt", "regression", {}, ["casual", "registered"], {"time_column": "dteday"}),
    ):
        path = folder / file
        if not path.exists():
            continue
        frame = pd.read_csv(path, **options).drop(columns=dropped)
        if name == "german":
            frame["good"] = np.where(frame["good"] == 1, "good", "bad")
        if len(frame) > most_rows and "time_column" not in told:
            frame = frame.sample(most_rows, random_state=0, ignore_index=True)
        yield Table(name, frame.head(max(most_rows, len(frame) if "time_column" in told else 0)), target, task, told)
