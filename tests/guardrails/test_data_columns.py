"""DAT on columns: each check fires on a planted fault and stays silent on clean columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_numeric_table, a_table, ask, evidence_of, text
from ml_engineer.guardrails.check import Check
from ml_engineer.guardrails.data_columns import DAT006, DAT007, DAT008, DAT009, DAT010, DAT011, DAT013
from ml_engineer.guardrails.sentinels import DAT012


@pytest.mark.parametrize("check", [DAT006(), DAT007(), DAT008(), DAT009(), DAT010(), DAT011(), DAT012(), DAT013()])
@pytest.mark.parametrize("frame", [a_table(), a_numeric_table()], ids=["classes", "numbers"])
def test_clean_columns_pass(check: Check, frame: pd.DataFrame) -> None:
    assert ask(check, evidence_of(frame)).outcome == "passed"


def with_column(values: object, *, name: str = "extra") -> pd.DataFrame:
    return a_table().assign(**{name: values})


def test_a_constant_column_is_named() -> None:
    finding = ask(DAT006(), evidence_of(with_column(1)))
    assert (finding.outcome, finding.columns) == ("advice", ("extra",))


def test_a_renamed_copy_of_a_column_is_named() -> None:
    copy = a_table()["kind"].map({"red": "r", "green": "g", "blue": "b"}).astype("str")
    finding = ask(DAT006(), evidence_of(with_column(copy)))
    assert "'extra' says the same as 'kind'" in finding.found


def test_different_numbers_without_repeats_are_no_copies() -> None:
    assert ask(DAT006(), evidence_of(with_column(np.arange(400) * 0.5))).outcome == "passed"


def test_a_word_among_numbers_is_shown() -> None:
    values = ["unknown" if row % 20 == 0 else str(row % 37) for row in range(400)]
    finding = ask(DAT007(), evidence_of(with_column(text(values))))
    assert finding.outcome == "issue"
    assert "95 % of 'extra' are numbers; the rest is 'unknown'" in finding.found
    assert finding.example_rows == (0, 20, 40)


def test_keys_of_letters_and_digits_are_not_taken_for_numbers() -> None:
    values = [f"A{row}" if row % 3 == 0 else str(row) for row in range(400)]
    assert ask(DAT007(), evidence_of(with_column(text(values)))).outcome == "passed"


@pytest.mark.parametrize(
    "values",
    [text([f"k{row}" for row in range(400)]), np.random.default_rng(1).permutation(400) + 5_000],
    ids=["text", "counter"],
)
def test_a_key_among_the_features_is_named(values: object) -> None:
    finding = ask(DAT008(), evidence_of(with_column(values)))
    assert (finding.outcome, finding.columns) == ("issue", ("extra",))


def test_a_key_that_the_model_does_not_see_is_no_concern() -> None:
    frame = with_column(text([f"k{row}" for row in range(400)]))
    evidence = evidence_of(frame, columns={"extra": {"role": "identifier", "used": False}})
    assert ask(DAT008(), evidence).outcome == "passed"


def test_sentences_are_no_key() -> None:
    frame = with_column(text([f"this is what passenger number {row} wrote to us" for row in range(400)]))
    assert ask(DAT008(), evidence_of(frame)).outcome == "passed"


def test_a_column_that_is_mostly_empty_is_named_with_its_share() -> None:
    values = np.where(np.arange(400) % 10 == 0, 1.0, np.nan)
    assert "'extra' is empty in 90 %" in ask(DAT009(), evidence_of(with_column(values))).found


def test_spellings_of_one_category_are_shown_together() -> None:
    frame = a_table()
    frame.loc[:20, "kind"] = "Red "
    finding = ask(DAT010(), evidence_of(frame))
    assert finding.outcome == "issue"
    assert "'red'" in finding.found
    assert "'Red '" in finding.found


def test_infinite_features_block_training() -> None:
    frame = a_table()
    frame.loc[7, "x"] = np.inf
    finding = ask(DAT011(), evidence_of(frame), stage="train")
    assert finding.blocks
    assert finding.example_rows == (7,)


@pytest.mark.parametrize("code", [-1, -9, -200, -999, 999, 9999])
def test_a_code_for_no_value_is_found_with_its_rows(code: float) -> None:
    values = np.random.default_rng(2).uniform(0, 60, 400)
    values[::20] = code
    finding = ask(DAT012(), evidence_of(with_column(values)))
    assert (finding.outcome, finding.columns) == ("issue", ("extra",))
    assert f"'extra' is {code:g} in 20 rows" in finding.found


def test_zero_kelvin_is_asked_about() -> None:
    values = np.random.default_rng(2).normal(290, 5, 400)
    values[::40] = 0
    assert ask(DAT012(), evidence_of(with_column(values))).outcome == "question"


def test_a_handful_of_zero_sizes_among_many_rows_is_asked_about() -> None:
    frame = pd.concat([a_table()] * 20, ignore_index=True)
    frame["width"] = np.random.default_rng(2).normal(6, 0.5, len(frame)).round(2)
    frame.loc[:5, "width"] = 0
    finding = ask(DAT012(), evidence_of(frame))
    assert (finding.outcome, finding.columns) == ("question", ("width",))
    assert "'width' is 0 in 6 rows" in finding.found


def test_honest_negative_numbers_and_zeros_are_left_alone() -> None:
    generator = np.random.default_rng(3)
    spread = generator.integers(-20, 20, 400)
    mostly_none = np.where(generator.random(400) < 0.7, 0, generator.exponential(100, 400))
    frame = a_table().assign(spread=spread, mostly_none=mostly_none)
    assert ask(DAT012(), evidence_of(frame)).outcome == "passed"


def test_a_nothing_that_most_rows_are_is_left_alone() -> None:
    values = np.where(np.arange(400) % 10 == 0, np.linspace(350, 900, 400), 0)
    assert ask(DAT012(), evidence_of(with_column(values))).outcome == "passed"


def test_coded_answers_are_no_measurements() -> None:
    assert ask(DAT012(), evidence_of(with_column(np.arange(400) % 3 - 1))).outcome == "passed"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ("someone{}@example.org", "e-mail addresses"),
        ("+44 20 7946 0{:03d}", "telephone numbers"),
        ("to claim call 02079460{:03d}.", "telephone numbers"),
        ("192.168.1.{}", "IP addresses"),
        ("Doe, Mr. John {}", "names with titles"),
        ("4539 1488 0343 6467 of {}", "payment card numbers"),
        ("GB29 NWBK 6016 1331 9268 19 of {}", "IBANs"),
    ],
)
def test_personal_values_are_recognised_and_never_shown(values: str, kind: str) -> None:
    column = text([values.format(row % 200) for row in range(400)])
    finding = ask(DAT013(), evidence_of(with_column(column)))
    assert (finding.outcome, finding.columns) == ("question", ("extra",))
    assert kind in finding.found
    assert values[:6] not in finding.found


def test_codes_padded_with_zeros_are_no_telephone_numbers() -> None:
    column = text([f"02079460{row:03d}" for row in range(400)])
    assert ask(DAT013(), evidence_of(with_column(column))).outcome == "passed"


def test_a_personal_column_that_the_model_does_not_see_is_advice() -> None:
    frame = with_column(text([f"name {row}" for row in range(400)]), name="first_name")
    evidence = evidence_of(frame, columns={"first_name": {"used": False}})
    assert ask(DAT013(), evidence).outcome == "advice"


def test_a_yes_or_no_about_a_telephone_is_nothing_personal() -> None:
    assert ask(DAT013(), evidence_of(with_column(text(["yes", "no"] * 200), name="telephone"))).outcome == "passed"


def test_dates_written_as_text_are_no_telephone_numbers() -> None:
    values = text([f"2011-0{1 + row % 9}-{10 + row % 18}" for row in range(400)])
    assert ask(DAT013(), evidence_of(with_column(values))).outcome == "passed"


def test_a_code_among_honest_numbers_is_asked_about() -> None:
    values = np.random.default_rng(2).uniform(0, 5000, 400).round()
    values[::20] = 999
    finding = ask(DAT012(), evidence_of(with_column(values)))
    assert (finding.outcome, finding.columns) == ("question", ("extra",))


def test_a_date_that_stands_for_none_is_found() -> None:
    days = pd.Series(pd.date_range("2020-01-01", periods=400))
    days[::20] = pd.Timestamp("1900-01-01")
    finding = ask(DAT012(), evidence_of(with_column(days)))
    assert (finding.outcome, finding.example_rows) == ("issue", (0, 20, 40))


def test_labels_spelled_in_several_ways_block_with_the_sql_that_mends_them() -> None:
    frame = a_table()
    frame["y"] = text([label.upper() if row % 3 == 0 else label for row, label in enumerate(frame["y"])])
    finding = ask(DAT010(), evidence_of(frame), stage="train")
    assert finding.blocks
    assert "the target 'y' spells 2 of its categories in several ways" in finding.found
    assert "lower(trim(LABEL))" in finding.remedy


def test_labels_of_one_letter_may_differ_in_case() -> None:
    frame = a_table().assign(y=text(["a", "A", "b", "B"] * 100))
    assert ask(DAT010(), evidence_of(frame)).outcome == "passed"
