"""The target: there, usable, and what task it makes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml_engineer.errors import InputError, UnsupportedTaskError
from ml_engineer.profiling.column_names import nearest_columns, require_columns
from ml_engineer.profiling.label_spelling import align_labels
from ml_engineer.profiling.positive_class import choose_positive
from ml_engineer.profiling.target import read_target
from ml_engineer.profiling.target_rows import clean_target

RNG = np.random.default_rng(0)


def text(values: list[object], name: str = "y") -> pd.Series:
    return pd.Series(values, dtype="str", name=name)


def test_a_misspelled_target_names_the_nearest_columns() -> None:
    with pytest.raises(InputError, match="nearest names: 'Churn'") as caught:
        require_columns(["churn "], ["tenure", "Churn"], argument="target")
    assert "Pass target as it is spelled in the data" in str(caught.value)


def test_a_name_too_short_to_be_near_any_shows_the_columns_there_are() -> None:
    columns = ["target", *(f"f{number}" for number in range(90))]
    with pytest.raises(InputError, match=r"the columns are: 'target', 'f0'.* and 71 more"):
        require_columns(["0"], columns, argument="target")


def test_case_and_spaces_do_not_hide_a_near_name() -> None:
    assert nearest_columns("saleprice", ["Lot Area", "SalePrice"]) == ["SalePrice"]


def test_rows_without_a_target_are_left_out_and_counted() -> None:
    frame = pd.DataFrame({"x": range(20), "y": [1.0, 0.0] * 9 + [np.nan, np.inf]})
    cleaned = clean_target(frame, "y")
    assert len(cleaned.frame) == 18
    assert cleaned.frame["y"].dtype == "int64"
    assert cleaned.notes == ("2 rows without a usable value of 'y' are left out",)


def test_a_target_without_gaps_is_left_alone() -> None:
    frame = pd.DataFrame({"x": range(20), "y": [0, 1] * 10})
    assert clean_target(frame, "y").frame is frame


def test_numbers_with_one_odd_word_are_numbers() -> None:
    frame = pd.DataFrame({"y": text(["4.5", "5", "6", "3"] * 10 + ["Not yet rated"] * 5), "x": range(45)})
    cleaned = clean_target(frame, "y")
    assert cleaned.frame["y"].dtype == "float64"
    assert len(cleaned.frame) == 40
    assert "'Not yet rated' (5 rows) is taken for 'not known'" in cleaned.notes[0]


def test_a_target_without_any_value_is_refused() -> None:
    with pytest.raises(InputError, match="no value in any of the 12 rows"):
        clean_target(pd.DataFrame({"y": [np.nan] * 12, "x": range(12)}), "y")


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(InputError, match="Too few rows"):
        clean_target(pd.DataFrame({"y": [0, 1, 0], "x": range(3)}), "y")


def test_a_constant_target_is_refused() -> None:
    with pytest.raises(InputError, match="one value only"):
        read_target(text(["yes"] * 20))


def test_a_text_of_its_own_in_each_row_is_refused() -> None:
    with pytest.raises(InputError, match="different in nearly every row"):
        read_target(text([f"text {index}" for index in range(50)]))


@pytest.mark.parametrize(
    ("column", "task", "classes"),
    [
        (text(["no", "yes"] * 20), "binary", ("no", "yes")),
        (pd.Series([True, False] * 20, name="y"), "binary", ("False", "True")),
        (pd.Series([0, 1] * 20, name="y"), "binary", ("0", "1")),
        (text(["a", "c", "b"] * 20), "multiclass", ("a", "b", "c")),
        (pd.Series([3, 4, 5, 10] * 20, name="y"), "multiclass", ("3", "4", "5", "10")),
        (pd.Series([*range(15)] * 10, name="species code"), "multiclass", tuple(str(code) for code in range(15))),
        (pd.Series([*range(15)] * 10, name="y"), "regression", ()),
        (pd.Series([0, 1, 2, 3] * 20, name="number of children"), "regression", ()),
        (pd.Series([0] * 40 + [1] * 20 + [2] * 9 + [3] * 4 + [4], name="y"), "regression", ()),
        (pd.Series([0, 0, 0, 1, 1, 2] * 9, name="ncases"), "regression", ()),
        (pd.Series([3.5, 4.0, 4.5] * 20, name="rating"), "regression", ()),
        (pd.Series(RNG.normal(size=60), name="y"), "regression", ()),
        (pd.Series(RNG.integers(0, 10_000, 60), name="y"), "regression", ()),
    ],
    ids=lambda value: str(getattr(value, "name", value)),
)
def test_the_values_decide_the_task(column: pd.Series, task: str, classes: tuple[str, ...]) -> None:
    reading = read_target(column)
    assert (reading.task, reading.classes) == (task, classes)


def test_classes_stand_in_the_order_of_scikit_learn() -> None:
    column = pd.Series([10, 9, 2] * 10, name="class")
    assert read_target(column).classes == tuple(str(value) for value in np.unique(column))


def test_ordered_levels_ask_whether_distances_count() -> None:
    reading = read_target(pd.Series([3, 4, 5, 6] * 20, name="quality"))
    assert (reading.task_type, [question.id for question in reading.questions]) == ("ordinal", ["target"])
    plain = read_target(pd.Series([3, 4, 5, 6] * 20, name="y"))
    assert plain.task_type == "multiclass"
    assert "'ordinal' for steps" in plain.questions[0].argument


def test_the_person_may_name_the_task() -> None:
    levels = pd.Series([3, 4, 5, 6] * 20, name="quality")
    assert read_target(levels, task_type="regression").task == "regression"


@pytest.mark.parametrize(
    ("column", "task"),
    [
        (text(["a", "b", "c"] * 9), "binary"),
        (text(["a", "b"] * 9), "regression"),
        (pd.Series([0, 1] * 9), "multiclass"),
    ],
)
def test_a_task_that_does_not_fit_the_values_is_refused(column: pd.Series, task: str) -> None:
    with pytest.raises(UnsupportedTaskError, match="does not fit the target"):
        read_target(column, task_type=task)  # type: ignore[arg-type]


def test_time_stamps_cannot_be_a_target() -> None:
    with pytest.raises(UnsupportedTaskError, match="time stamps"):
        read_target(pd.Series(pd.date_range("2024", periods=20), name="y"))


@pytest.mark.parametrize(
    ("classes", "rows", "positive"),
    [
        (("No", "Yes"), (9, 1), "Yes"),
        (("no", "yes"), (1, 9), "yes"),
        (("0", "1"), (1, 9), "1"),
        (("1", "2"), (7, 3), "2"),
        (("<=50K", ">50K"), (7, 3), ">50K"),
        (("ham", "spam"), (3, 7), "spam"),
        (("a", "b"), (5, 5), "b"),
    ],
)
def test_the_positive_class_is_the_usual_one_or_the_rarer(
    classes: tuple[str, str], rows: tuple[int, int], positive: str
) -> None:
    assert choose_positive(classes, rows)[0] == positive


def test_a_positive_class_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="the classes are 'no' and 'yes'"):
        read_target(text(["no", "yes"] * 20), positive_class="maybe")


def test_labels_of_a_test_file_may_be_spelled_a_little_differently() -> None:
    labels, notes = align_labels(text(["<=50K", ">50K"]), text([" <=50K.", ">50K"]))
    assert labels.tolist() == ["<=50K", ">50K"]
    assert "' <=50K.' as '<=50K'" in notes[0] or "'<=50K.' as '<=50K'" in notes[0]


def test_labels_that_differ_by_case_only_are_left_alone() -> None:
    labels, notes = align_labels(text(["a", "A"]), text(["a", "A."]))
    assert (labels.tolist(), notes) == (["a", "A."], ())


def test_a_test_file_with_other_labels_is_refused() -> None:
    with pytest.raises(InputError, match="No label of the test file"):
        align_labels(text(["no", "yes"]), text(["0", "1"]))
