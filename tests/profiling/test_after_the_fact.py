"""Planted leaks are found, easy problems are left alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, make_regression

from ml_engineer.profiling.after_the_fact import Suspicion, find_suspects
from ml_engineer.profiling.columns import profile_columns
from ml_engineer.profiling.quick_inputs import encode_inputs
from ml_engineer.profiling.quick_model import QuickTarget
from ml_engineer.profiling.restatement import find_restatements
from ml_engineer.profiling.roles import Structure, read_roles

ROWS = 1_500
RNG = np.random.default_rng(0)
HONEST = {f"x{index}": RNG.normal(size=ROWS) for index in range(4)}
CLASS = (HONEST["x0"] + HONEST["x1"] + RNG.normal(size=ROWS) > 0.8).astype(int)
AMOUNT = 3 * HONEST["x0"] + HONEST["x1"] ** 2 + RNG.normal(size=ROWS)


def suspects(target: np.ndarray, name: str = "y", /, **columns: object) -> dict[str, Suspicion]:
    frame = pd.DataFrame({**columns, name: target})
    for column in frame:
        if frame[column].dtype == object:
            frame[column] = frame[column].astype("str")
    used = [
        column
        for column in read_roles(frame, profile_columns(frame, {}), Structure(target=name))
        if column.role != "target"
    ]
    classes = len(np.unique(target))
    task = "regression" if target.dtype == float else "binary" if classes == 2 else "multiclass"
    folds = np.random.default_rng(1).integers(0, 4, len(frame))
    return find_suspects(
        frame,
        used,
        target_name=name,
        target=QuickTarget(task, target, 0 if task == "regression" else classes),  # type: ignore[arg-type]
        inputs=encode_inputs(frame, used),
        pairs=[(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(4)],
        halves=folds % 2 == 0,
        seed=0,
    )


def strengths(found: dict[str, Suspicion]) -> dict[str, str]:
    return {name: suspicion.strength for name, suspicion in found.items()}


def test_honest_columns_raise_no_suspicion() -> None:
    assert suspects(CLASS, **HONEST) == {}
    assert suspects(AMOUNT, **HONEST) == {}


def test_cells_filled_for_one_outcome_are_strong_evidence_with_numbers() -> None:
    lifeboat = np.where(CLASS & (RNG.random(ROWS) < 0.95), RNG.choice(list("ABC"), ROWS), None)
    found = suspects(CLASS, **HONEST, place=lifeboat)
    assert strengths(found) == {"place": "strong"}
    assert "filled cells have a positive share of 100%" in found["place"].reason


def test_cells_filled_for_some_rows_of_one_class_only_are_strong_evidence() -> None:
    body = np.where((CLASS == 0) & (RNG.random(ROWS) < 0.2), RNG.normal(size=ROWS), np.nan)
    assert strengths(suspects(CLASS, **HONEST, number=body)) == {"number": "strong"}


def test_cells_that_are_filled_more_often_for_one_outcome_are_asked_about() -> None:
    cabin = np.where(RNG.random(ROWS) < np.where(CLASS, 0.6, 0.25), RNG.choice(list("ABC"), ROWS), None)
    assert strengths(suspects(CLASS, **HONEST, cabin=cabin)) == {"cabin": "weak"}


def test_cells_missing_at_random_are_no_evidence() -> None:
    gaps = np.where(RNG.random(ROWS) < 0.5, HONEST["x0"], np.nan)
    assert suspects(CLASS, **HONEST, gaps=gaps) == {}


def test_missing_cells_that_go_with_one_of_three_classes_are_evidence() -> None:
    classes = RNG.integers(0, 3, ROWS)
    sent = np.where(classes == 2, RNG.normal(size=ROWS), np.nan)
    assert strengths(suspects(classes, **HONEST, sent=sent)) == {"sent": "strong"}


def test_missing_cells_that_go_with_an_amount_are_evidence() -> None:
    refund = np.where(np.median(AMOUNT) < AMOUNT, RNG.normal(size=ROWS), np.nan)
    assert strengths(suspects(AMOUNT, **HONEST, sent=refund)) == {"sent": "strong"}


def test_a_copy_of_the_answer_is_strong_evidence() -> None:
    found = suspects(CLASS, **HONEST, copy=np.where(CLASS, "won", "gone"))
    assert strengths(found) == {"copy": "strong"}
    assert "alone it has a ROC AUC of 1.000, while the other columns together reach 0.8" in found["copy"].reason


def test_two_copies_of_the_answer_do_not_cover_for_each_other() -> None:
    found = suspects(CLASS, **HONEST, one=np.where(CLASS, "won", "gone"), two=CLASS * 3.0 + 1)
    assert strengths(found) == {"one": "strong", "two": "strong"}


def test_a_noisy_copy_of_the_answer_is_asked_about() -> None:
    noisy = np.where(RNG.random(ROWS) < 0.05, 1 - CLASS, CLASS)
    assert strengths(suspects(CLASS, **HONEST, code=noisy)) == {"code": "weak"}


@pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
def test_an_easy_problem_is_no_leak(load: object) -> None:
    data = load(as_frame=True)  # type: ignore[operator]
    frame = data.data.rename(columns={name: name.replace("worst", "top") for name in data.data})
    found = suspects(data.target.to_numpy(), **frame)
    assert "strong" not in strengths(found).values()


def test_parts_of_a_total_are_strong_evidence() -> None:
    casual, registered = RNG.poisson(20, ROWS).astype(float), RNG.poisson(90, ROWS).astype(float)
    found = suspects(casual + registered, **HONEST, casual=casual, registered=registered)
    assert strengths(found) == {"casual": "strong", "registered": "strong"}
    assert "the target equals their sum" in found["casual"].reason


def test_the_same_amount_in_another_unit_is_strong_evidence() -> None:
    assert strengths(suspects(AMOUNT, **HONEST, cents=AMOUNT * 100 + 7)) == {"cents": "strong"}


def test_price_times_quantity_is_asked_about() -> None:
    price, quantity = RNG.uniform(1, 9, ROWS), RNG.uniform(1, 9, ROWS)
    found = suspects(price * quantity, **HONEST, price=price, quantity=quantity)
    assert strengths(found) == {"price": "weak", "quantity": "weak"}
    assert "their product" in found["price"].reason


def test_a_noise_free_linear_problem_is_no_sum_of_parts() -> None:
    matrix, target = make_regression(500, 6, n_informative=4, noise=0, random_state=0)
    names = [f"x{index}" for index in range(6)]
    assert find_restatements(names, matrix, target) == ()


def test_a_total_is_found_where_cells_are_missing() -> None:
    parts = RNG.uniform(0, 9, (400, 3))
    matrix = np.column_stack([parts, RNG.normal(size=400)])
    matrix[::7, 3] = np.nan
    found = find_restatements(["a", "b", "c", "d"], matrix, parts.sum(axis=1))
    assert [set(restatement.columns) for restatement in found] == [{"a", "b", "c"}]


@pytest.mark.parametrize("name", ["outcome", "date closed", "days to default", "y_reason", "resolution"])
def test_a_name_that_speaks_of_afterwards_is_asked_about(name: str) -> None:
    target_name = "left_y" if name == "y_reason" else "y"
    found = suspects(CLASS, target_name, **HONEST, **{name.replace("y_reason", "left_y_reason"): RNG.normal(size=ROWS)})
    assert list(strengths(found).values()) == ["weak"]


@pytest.mark.parametrize("name", ["previous_outcome", "last result", "duration", "total", "body mass"])
def test_a_name_alone_that_may_be_known_before_is_left_alone(name: str) -> None:
    assert suspects(CLASS, **HONEST, **{name: RNG.normal(size=ROWS)}) == {}


def test_name_and_numbers_together_are_strong_evidence() -> None:
    noisy = np.where(RNG.random(ROWS) < 0.05, 1 - CLASS, CLASS)
    assert strengths(suspects(CLASS, **HONEST, resolution=noisy)) == {"resolution": "strong"}


@pytest.mark.parametrize("rows", [150, ROWS])
def test_an_amount_that_the_class_was_cut_from_is_strong_evidence(rows: int) -> None:
    amount = RNG.normal(size=rows)
    honest = {name: values[:rows] for name, values in HONEST.items()}
    assert strengths(suspects((amount > 0.3).astype(int), **honest, amount=amount)) == {"amount": "strong"}


def test_two_strong_features_are_no_leak() -> None:
    one, two = RNG.normal(size=ROWS), RNG.normal(size=ROWS)
    assert suspects((one + two > 0).astype(int), **HONEST, one=one, two=two) == {}


def test_a_score_named_like_a_target_that_is_called_a_label_is_late() -> None:
    score = np.where(CLASS == 1, RNG.integers(65, 100, ROWS), RNG.integers(5, 80, ROWS))
    found = suspects(CLASS, "Churn Label", **HONEST, **{"Churn Score": score})
    assert strengths(found) == {"Churn Score": "strong"}
    assert "its name contains the target's" in found["Churn Score"].reason


def test_a_late_score_does_not_stand_in_for_the_answer_when_another_column_is_judged() -> None:
    score = np.where(CLASS == 1, RNG.integers(65, 100, ROWS), RNG.integers(5, 80, ROWS))
    state = np.where(CLASS == 1, "gone", "here").astype(object)
    found = suspects(CLASS, "Churn Label", **HONEST, **{"Churn Score": score, "Customer State": state})
    assert strengths(found) == {"Churn Score": "strong", "Customer State": "strong"}


def test_a_column_that_carries_the_name_of_a_late_one_is_asked_about() -> None:
    status = np.where(CLASS == 1, "gone", "here").astype(object)
    columns = {"reservation_status": status, "reservation_status_code": RNG.normal(size=ROWS), "status": HONEST["x0"]}
    found = suspects(CLASS, **HONEST, **columns)
    assert strengths(found) == {"reservation_status": "strong", "reservation_status_code": "weak"}


def test_a_column_numbered_like_the_target_is_asked_about_if_it_knows_much_of_it() -> None:
    earlier = AMOUNT + RNG.normal(size=ROWS)
    found = suspects(AMOUNT, "grade_3", **HONEST, grade_2=earlier, grade_1=RNG.normal(size=ROWS))
    assert strengths(found) == {"grade_2": "weak"}
    assert "numbered like the target" in found["grade_2"].reason


def test_columns_numbered_by_their_place_in_a_file_without_names_are_not_alike() -> None:
    found = suspects(AMOUNT, "column_3", **HONEST, column_2=AMOUNT + RNG.normal(size=ROWS))
    assert strengths(found) == {}


def test_the_end_of_a_time_that_is_the_target_is_late_and_its_beginning_is_not() -> None:
    begin = pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 10**6, ROWS), "s")
    minutes = np.exp(RNG.normal(3, 0.5, ROWS))
    end = begin + pd.to_timedelta(minutes * 60, "s")
    found = suspects(minutes.round(0), "minutes", **HONEST, pickup=begin, dropoff=end)
    assert strengths(found) == {"dropoff": "strong"}
    assert "the time from 'pickup' to 'dropoff' in minutes" in found["dropoff"].reason


def test_times_that_have_nothing_to_do_with_the_target_are_left_alone() -> None:
    begin = pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 10**6, ROWS), "s")
    end = begin + pd.to_timedelta(RNG.integers(60, 600, ROWS), "s")
    assert suspects(AMOUNT, **HONEST, pickup=begin, dropoff=end) == {}
