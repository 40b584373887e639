"""Rows to test with: the development rows where they are, else rows made up from the contract."""

import json

import numpy as np
import pandas as pd
import pytest

from data.features.contract import COLUMNS, PROBLEM, Column
from data.features.rows import conform
from data.features.rules import RELATIONS, RULES, Rules
from models.training.development import DEVELOPMENT

ROWS = 200


def made_up_values(column: Column, rows: int, rng: np.random.Generator) -> list[object]:
    """Make up values that the contract allows; where it sets no limit, such as development rows had."""
    rules = RULES.get(column.name, Rules(column.name, "input", column.storage))
    values: list[object]
    if column.storage == "string":
        values = list(rng.choice(rules.categories or column.categories or ["some text", "other text"], size=rows))
    elif column.storage == "boolean":
        values = [bool(value) for value in rng.integers(2, size=rows)]
    elif column.storage == "datetime":
        first = pd.Timestamp(rules.earliest or column.earliest or "2020-01-01").tz_localize(None)
        last = pd.Timestamp(rules.latest or column.latest or "2021-01-01").tz_localize(None)
        values = [first + share * (last - first) for share in rng.random(rows)]
    else:
        low = next((end for end in (rules.minimum, column.minimum) if end is not None), 0.0)
        high = next((end for end in (rules.maximum, column.maximum) if end is not None and end >= low), low + 1)
        values = [low + share * (high - low) for share in rng.random(rows)]
        if column.storage == "integer":
            values = [round(float(str(value))) for value in values]
    if column.nullable and rules.missing != "error":
        values = [None if missing else value for value, missing in zip(values, rng.random(rows) < 0.1, strict=True)]
    return values


def made_up_rows(rows: int, seed: int = 0) -> pd.DataFrame:
    """Make up rows with a target, as cleaned rows look."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({column.name: pd.Series(made_up_values(column, rows, rng)) for column in COLUMNS})
    table = conform(table)
    for relation in RELATIONS:
        pair = [relation.left, relation.right]
        wrong = ~relation.holds(table[pair[0]], table[pair[1]]) & table[pair].notna().all(axis=1)
        table.loc[wrong, pair] = table.loc[wrong, pair[::-1]].to_numpy()
    if PROBLEM.task == "multilabel":
        sets = [[label for label in PROBLEM.classes if rng.random() < 0.3] for _ in range(rows)]
        table[PROBLEM.target] = [json.dumps(labels, ensure_ascii=False) for labels in sets]
    elif PROBLEM.classes:
        table[PROBLEM.target] = [PROBLEM.classes[place % len(PROBLEM.classes)] for place in range(rows)]
    elif PROBLEM.task == "ranking":
        table[PROBLEM.target] = rng.integers(3, size=rows)
        for name in PROBLEM.group_columns:
            table[name] = np.arange(rows) // 10
    elif PROBLEM.learns_target:
        table[PROBLEM.target] = rng.poisson(3, size=rows) if PROBLEM.counts else rng.normal(size=rows)
    elif PROBLEM.target:
        table[PROBLEM.target] = [PROBLEM.positive_class if place % 20 == 0 else "usual" for place in range(rows)]
    return table


def as_records(rows: pd.DataFrame) -> list[dict[str, object]]:
    """Write cleaned rows as a client would send them: None for missing, time stamps as text."""
    columns = {
        str(name): [
            None if pd.isna(value) else value.isoformat() if isinstance(value, pd.Timestamp) else value
            for value in values.astype(object)
        ]
        for name, values in conform(rows).items()
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


@pytest.fixture(scope="session")
def records(development: pd.DataFrame) -> list[dict[str, object]]:
    """The development rows as a client would send them."""
    return as_records(development)


@pytest.fixture(scope="session")
def development() -> pd.DataFrame:
    """Real development rows, at most a few hundred, or made-up ones."""
    if not DEVELOPMENT.exists():
        return made_up_rows(ROWS)
    rows = pd.read_parquet(DEVELOPMENT)
    places = rows.reset_index(drop=True)
    chosen = set(places.head(ROWS).index)
    # Every class is there, and no column is empty: a model that can be fitted on all rows can be on these.
    if PROBLEM.classes:
        chosen |= set(places.groupby(PROBLEM.target, sort=False).head(max(10, ROWS // len(PROBLEM.classes))).index)
    for column in COLUMNS:
        chosen |= set(places[column.name].dropna().head(10).index)
    return rows.iloc[sorted(chosen)]
