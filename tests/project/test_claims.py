"""A number that says how good the model is must be in a record; other numbers are nobody's business."""

from __future__ import annotations

import pytest

from ml_engineer.project.claims import unsupported_claims
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.passport import PassportNumber


def number(value: float, low: float, high: float, *, name: str = "cross_validated.champion.score") -> PassportNumber:
    estimate = Estimate(value=value, low=low, high=high, method="bootstrap", rows=200)
    return PassportNumber(name=name, estimate=estimate, artefact="experiments/records/training.json", place="")


KNOWN = [number(0.87654, 0.8512, 0.9018), number(-12.345, -20, 1234.5)]


@pytest.mark.parametrize(
    "line",
    [
        "The model reaches an accuracy of 0.877 on rows it never saw.",
        "Accuracy 87.7 % [85 %, 90 %], 95 % interval.",
        "An AUC of .88, or 88%.",
        "The error falls by 12.3, which may be as much as 1,234.5.",
        "The score is \N{MINUS SIGN}12.345.",
    ],
)
def test_numbers_of_the_records_are_supported_however_they_are_rounded(line: str) -> None:
    assert unsupported_claims(line, KNOWN) == ()


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("Our model is 93 % accurate.", "93 %"),
        ("Accuracy: 0.93", "0.93"),
        ("| recall | 0.912 |", "0.912"),
        ("- error below 3.5%", "3.5%"),
        ("It is correct in 99 percent of cases.", "99 percent"),
        ("ROC AUC=0.971 (better than last year)", "0.971"),
        ("**F1 .94**", ".94"),
        ("Accuracy is 95 %.", "95 %"),
    ],
)
def test_a_number_that_no_record_holds_is_named_with_its_line(line: str, number: str) -> None:
    (claim,) = unsupported_claims(f"# Title\n\n{line}\n", KNOWN)
    assert (claim.line, claim.number) == (3, number)


@pytest.mark.parametrize(
    "line",
    [
        "Needs Python 3.11 and 20 % of the rows were sealed.",
        "Its score is printed by `accuracy 0.99`.",
        "See https://example.org/accuracy/0.99 for the score.",
        "```\naccuracy 0.99\n```",
        "The score was computed on 2026-01-05 at 10:30 with version 1.2.3.",
        "We measured accuracy on 200 rows in 5 folds.",
        "Better use lightgbm 4.6.0.",
    ],
)
def test_versions_dates_counts_and_code_are_not_claims(line: str) -> None:
    assert unsupported_claims(line, KNOWN) == ()


def test_a_small_number_is_no_support_for_a_large_share() -> None:
    small = [*KNOWN, number(0.0093, 0.004, 0.02)]
    assert len(unsupported_claims("It scores 0.93.", small)) == 1
    assert unsupported_claims("It gains 0.93 %.", small) == ()


def test_a_metric_is_supported_by_its_own_numbers_alone() -> None:
    known = [
        *KNOWN,
        number(0.93, 0.91, 0.95, name="held_out.metrics.accuracy.model"),
        number(0.94, 0.92, 0.96, name="held_out.fairness.comparisons.0.cells.Female.estimate"),
        number(0.97, 0.96, 0.98, name="held_out.importances.tenure.drop"),
    ]
    assert unsupported_claims("Its accuracy is 0.93, and 0.94 for women.", known) == ()
    assert unsupported_claims("Without tenure its score falls by 0.97.", known) == ()
    for line in ("Its ROC AUC is 0.93.", "Its AUC for all is 0.94.", "Its score is 0.97."):
        assert len(unsupported_claims(line, known)) == 1


def test_lines_that_were_generated_are_known() -> None:
    line = "- Accuracy of 0.5 would be good enough."
    assert unsupported_claims(line, KNOWN, generated=[line]) == ()
    assert len(unsupported_claims(line.replace("0.5", "0.6"), KNOWN, generated=[line])) == 1
