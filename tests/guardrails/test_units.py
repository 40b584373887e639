"""DAT014: one column in several units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_numeric_table, a_table, ask, evidence_of, text
from ml_engineer.guardrails.units import DAT014


def weights() -> np.ndarray:
    return np.random.default_rng(0).normal(75, 9, 400)


@pytest.mark.parametrize("frame", [a_table(), a_numeric_table()], ids=["classes", "numbers"])
def test_clean_columns_pass(frame: pd.DataFrame) -> None:
    assert ask(DAT014(), evidence_of(frame)).outcome == "passed"


@pytest.mark.parametrize("factor", [1000.0, 100.0, 1 / 1000, 2.2046, 1 / 2.54], ids=str)
def test_a_few_rows_in_another_unit_are_asked_about_and_shown(factor: float) -> None:
    values = weights()
    values[::20] *= factor
    finding = ask(DAT014(), evidence_of(a_table().assign(weight=values)))
    assert (finding.outcome, finding.columns) == ("question", ("weight",))
    assert set(finding.example_rows) <= set(range(0, 400, 20))


def test_units_in_text_are_counted() -> None:
    values = [f"{value:.1f} {'lb' if row % 8 == 0 else 'kg'}" for row, value in enumerate(weights())]
    finding = ask(DAT014(), evidence_of(a_table().assign(weight=text(values))))
    assert finding.outcome == "issue"
    assert "350 rows in 'kg', 50 rows in 'lb'" in finding.found


def test_one_unit_in_text_is_advice() -> None:
    values = text([f"{value:.1f} kg" for value in weights()])
    assert ask(DAT014(), evidence_of(a_table().assign(weight=values))).outcome == "advice"


def test_categories_that_begin_with_a_digit_are_no_measures() -> None:
    styles = text(np.random.default_rng(0).choice(["1Story", "2Story", "1.5Fin"], 400))
    assert ask(DAT014(), evidence_of(a_table().assign(style=styles))).outcome == "passed"


def test_two_honest_heaps_are_left_alone() -> None:
    generator = np.random.default_rng(0)
    heaps = np.where(generator.random(400) < 0.5, generator.normal(10, 1, 400), generator.normal(60, 6, 400))
    heavy_tail = generator.pareto(1.0, 400) + 1
    assert ask(DAT014(), evidence_of(a_table().assign(heaps=heaps, heavy_tail=heavy_tail))).outcome == "passed"


def test_the_letters_of_a_code_are_no_units() -> None:
    generator = np.random.default_rng(0)
    letters = ["".join(generator.choice(list("ABDEFGHJLNPQ"), 2)) for _ in range(400)]
    frame = a_table().assign(
        postcode=text(
            [f"{number}{ending}" for number, ending in zip(generator.integers(1, 9, 400), letters, strict=True)]
        )
    )
    assert ask(DAT014(), evidence_of(frame)).outcome == "passed"
