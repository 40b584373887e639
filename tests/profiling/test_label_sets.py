"""Where a row has several labels: what stands between them, when that is plain, and which labels can be learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml_engineer.errors import InputError, UnsupportedTaskError
from ml_engineer.profiling.label_cells import read_cells, seem_labels
from ml_engineer.profiling.label_sets import as_multilabel, combine_columns, find_sets, split_target, uniform_sets
from ml_engineer.vocabulary.requests import FrameProblemRequest


def column(cells: Sequence[str | None]) -> pd.Series:
    return pd.Series(cells, name="genres", dtype="str")


SETS = [["comedy"], ["comedy", "drama"], ["drama", "war"], ["war", "comedy", "drama"], ["war"]]


@pytest.mark.parametrize(
    ("write", "separator"),
    [
        ("|".join, "|"),
        ("; ".join, ";"),
        (", ".join, ","),
        (str, ""),
        (lambda labels: str(labels).replace("'", '"'), ""),
    ],
)
def test_separators_are_found_and_labels_seen(write: Any, separator: str) -> None:
    cells = read_cells(column([write(labels) for labels in SETS] * 30))
    assert cells is not None
    assert cells.separator == separator
    assert cells.label_rows == {"comedy": 90, "drama": 90, "war": 90}
    assert cells.several == 90
    assert seem_labels(cells)


@pytest.mark.parametrize(
    "cells",
    [
        [f"Town {place % 40}, {'Wales' if place % 2 else 'Kent'}" for place in range(400)],  # places
        [f"Last{place % 37}, First{place % 11}" for place in range(400)],  # names
        ["a long sentence, with a comma", "and another one, that is as long"] * 200,
        ["yes", "no"] * 200,
        ["comedy"] * 380 + ["comedy|drama"] * 20,  # hardly any has several
    ],
)
def test_other_text_is_not_taken_for_labels(cells: list[str]) -> None:
    read = read_cells(column(cells))
    assert read is None or not seem_labels(read)
    assert find_sets(column(cells), None) is None


def test_a_column_of_one_label_a_row_is_pointed_to_multiclass() -> None:
    with pytest.raises(UnsupportedTaskError, match="has several labels") as caught:
        find_sets(column(["a", "b", "c"] * 50), "multilabel")
    assert "'multiclass'" in caught.value.remedy


def test_rare_labels_are_left_out_and_told() -> None:
    target = column([*["comedy|drama"] * 40, *["comedy|opera"] * 5, *["drama"] * 30, *["war"] * 30])
    sets = uniform_sets(target.to_frame(), "genres", read_cells(target), inferred=False)  # type: ignore[arg-type]  # None would fail the test as well
    assert sets.labels == ("comedy", "drama", "war")
    assert sets.frame["genres"].iloc[42] == '["comedy"]'
    assert any("'opera' (5 rows)" in note for note in sets.notes)


def test_an_empty_cell_among_texts_is_no_label_and_among_lists_is_unknown() -> None:
    texts = column([*["a|b"] * 30, *["a"] * 30, None, *["b"] * 30])
    lists = column([*['["a", "b"]'] * 30, *['["a"]'] * 30, None, *["[]"] * 30])
    told = [
        uniform_sets(one.to_frame(), "genres", read_cells(one), inferred=True)  # type: ignore[arg-type]  # None would fail the test as well
        for one in (texts, lists)
    ]
    assert told[0].frame["genres"].iloc[60] == "[]"
    assert any("count as rows without any label" in note for note in told[0].notes)
    assert told[1].frame["genres"].isna().sum() == 1
    assert told[1].frame["genres"].iloc[-1] == "[]"


def test_labels_that_were_kept_are_kept_again() -> None:
    target = column(["a|b"] * 30 + ["c|a"] * 30 + ["b"] * 30)
    sets = uniform_sets(target.to_frame(), "genres", read_cells(target), inferred=True, kept=("a", "b"))  # type: ignore[arg-type]  # None would fail the test as well
    assert sets.labels == ("a", "b")
    assert sets.frame["genres"].iloc[30] == '["a"]'


def flags(rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "x": rng.normal(size=rows),
            "toxic": rng.integers(0, 2, rows),
            "insult": rng.integers(0, 2, rows) == 1,
            "threat": np.where(rng.random(rows) < 0.2, "yes", "no"),
        }
    )


def test_columns_of_two_values_become_one_of_sets() -> None:
    frame = flags()
    frame["toxic"] = frame["toxic"].astype(float).mask(frame.index == 7)
    sets = combine_columns(frame, "labels", ["toxic", "insult", "threat"])
    assert list(sets.frame.columns) == ["x", "labels"]
    assert sets.labels == ("insult", "threat", "toxic")
    assert sets.frame["labels"].isna().tolist() == [row == 7 for row in range(200)]
    for row in (0, 1, 2):
        cell = sets.frame["labels"].iloc[row]
        assert ("toxic" in cell, "insult" in cell, "threat" in cell) == (
            frame["toxic"].iloc[row] == 1,
            bool(frame["insult"].iloc[row]),
            frame["threat"].iloc[row] == "yes",
        )
    assert any("'yes' of 'threat' means that a row has the label" in note for note in sets.notes)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"toxic": lambda frame: np.arange(len(frame)) % 3}, (UnsupportedTaskError, "does not tell whether")),
        ({"labels": 1}, (InputError, "the table has one of that name")),
        (
            {"toxic": 0, "threat": lambda frame: (frame.index < 3).astype(int)},
            (UnsupportedTaskError, "Only one label has rows enough"),
        ),
    ],
)
def test_columns_that_are_no_labels_are_refused(change: dict[str, Any], refusal: tuple[type[Exception], str]) -> None:
    with pytest.raises(refusal[0], match=refusal[1]):
        combine_columns(flags().assign(**change), "labels", ["toxic", "insult", "threat"])


def test_a_target_with_commas_names_columns_of_labels() -> None:
    request = as_multilabel(split_target(FrameProblemRequest(data="x.csv", target="toxic, insult,threat")), {})
    assert (request.target, request.label_columns) == ("labels", ["toxic", "insult", "threat"])
    assert request.task_type == "multilabel"
    again = as_multilabel(FrameProblemRequest(data="x.csv", target="labels"), {"label_columns": ["a", "b"]})
    assert again.label_columns == ["a", "b"]
    with pytest.raises(InputError, match="label_columns are for several labels"):
        as_multilabel(FrameProblemRequest(data="x.csv", target="y", label_columns=["a", "b"], task_type="binary"), {})
    with pytest.raises(InputError, match="at least two columns"):
        as_multilabel(FrameProblemRequest(data="x.csv", target="y", label_columns=["a"]), {})
