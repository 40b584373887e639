"""Columns said to be known in advance are asked whether they can be; row-wise checks leave forecasts alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_numeric_table, evidence_of
from ml_engineer.guardrails.check import Check
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.forecast_leaks import LEA030, LEA031
from ml_engineer.guardrails.near_rows import SPL009
from ml_engineer.guardrails.proofs import LEA016
from ml_engineer.guardrails.split import SPL006
from ml_engineer.vocabulary.forecasting import ForecastPlan


def sales(*, known: tuple[str, ...] = ("price",), series: int = 2, rows: int = 120) -> Evidence:
    """Random walks that a price pushes a little, with an invoice written afterwards."""
    rng = np.random.default_rng(0)
    parts = []
    for number in range(series):
        price = rng.choice([8.0, 9.0, 10.0], size=rows)
        y = 100 + np.cumsum(rng.normal(size=rows)) - 0.5 * price
        day = pd.date_range("2024-01-01", periods=rows)
        invoice = 3 * y + 0.05 * rng.normal(size=rows)
        parts.append(pd.DataFrame({"shop": f"{number}", "day": day, "price": price, "invoice": invoice, "y": y}))
    plan: dict[str, Any] = {"time_column": "day", "series_columns": ("shop",), "step": "1D", "step_in_words": "a day"}
    plan |= {"horizon": 7, "season": 7, "folds": 5, "origins_a_fold": 1, "series": series, "known_in_advance": known}
    problem = {"task_type": "forecasting", "primary_metric": "mase", "forecast": ForecastPlan(**plan)}
    return evidence_of(pd.concat(parts, ignore_index=True), problem=problem)


def outcome(check: Check, evidence: Evidence) -> str:
    return check.answer(evidence, stage="train").outcome


def test_a_column_that_moves_with_the_target_is_found() -> None:
    answer = LEA030().answer(sales(known=("price", "invoice")), stage="train")
    assert [seen.columns for seen in answer.observations] == [("invoice",)]
    assert LEA030().finding(answer, stage="train").blocks


def test_a_cause_that_is_known_in_advance_is_let_through() -> None:
    assert outcome(LEA030(), sales()) == "passed"


@pytest.mark.parametrize("name", ["temperature", "windSpeed", "rain_mm"])
def test_what_can_only_be_measured_is_asked_about(name: str) -> None:
    assert outcome(LEA031(), sales(known=(name,))) == "question"


def test_plans_are_not_asked_about() -> None:
    assert outcome(LEA031(), sales(known=("price", "template", "holiday"))) == "passed"


@pytest.mark.parametrize("check", [LEA030(), LEA031()])
def test_other_tasks_have_no_columns_known_in_advance(check: Check) -> None:
    assert outcome(check, evidence_of(a_numeric_table())) == "not_applicable"


@pytest.mark.parametrize("check", [SPL006(), SPL009()])
def test_rows_of_a_series_may_resemble_each_other(check: Check) -> None:
    assert outcome(check, sales()) == "not_applicable"


def test_a_later_target_is_looked_for_within_each_series() -> None:
    evidence = sales()
    frame = evidence.frame.assign(price=evidence.frame.groupby("shop")["y"].shift(-7))
    later = evidence_of(frame, problem={"forecast": evidence.problem.forecast}, plan={})
    definition = later.problem.split.model_copy(update={"strategy": "time", "time_column": "day"})
    problem = later.problem.model_copy(update={"split": definition})

    answer = LEA016().answer(replace(later, problem=problem), stage="train")
    assert [seen.columns for seen in answer.observations] == [("price",)]
