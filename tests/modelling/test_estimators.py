"""The search as scikit-learn estimators."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

from ml_engineer import TabularClassifier, TabularRegressor
from ml_engineer.modelling import tabular_estimator

QUICK = {"budget_evaluations": 7, "n_jobs": 1, "folds": 3}


@pytest.mark.filterwarnings("ignore")  # the suite feeds what models warn of
@parametrize_with_checks(
    [TabularClassifier(**QUICK), TabularRegressor(**QUICK)],
    expected_failed_checks=lambda _: dict.fromkeys(
        ("check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"),
        "a row that stands there twice may lie in two folds; one that weighs twice lies in one",
    ),
)
def test_scikit_learns_own_suite(estimator, check) -> None:
    check(estimator)


def mixed_table(rows: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "when": pd.date_range("2024-01-01", periods=rows, freq="7h"),
            "kind": pd.Categorical(rng.choice(["a", "b", "c"], rows)),
            "number": rng.normal(size=rows),
            "flag": rng.random(rows) > 0.5,
            "words": [["red", "blue"] if one else ["green"] for one in rng.random(rows) > 0.5],
            "gap": np.where(rng.random(rows) > 0.7, np.nan, 1.0),
            "spent": pd.to_timedelta(rng.integers(0, 100, rows), unit="min"),
        }
    )
    target = frame["number"] + (frame["kind"] == "a") * 2 + frame["when"].dt.hour / 12
    return frame, target.to_numpy()


def test_a_frame_is_taken_as_it_comes() -> None:
    frame, target = mixed_table()
    model = TabularRegressor(budget_evaluations=40, n_jobs=1).fit(frame, target)
    assert model.score(frame, target) > 0.8
    shuffled = frame.sample(frac=1, random_state=1)
    assert np.allclose(model.predict(shuffled), pd.Series(model.predict(frame)).loc[shuffled.index])
    assert {"candidate", "score", "low", "high", "decisions"} <= set(model.leaderboard_.columns)
    assert model.leaderboard_["candidate"].iloc[0] == model.champion_


def test_a_distance_and_an_elapsed_time_are_learned_from_two_places_and_two_moments() -> None:
    rng = np.random.default_rng(0)
    start = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, 400), unit="D"))
    frame = pd.DataFrame(
        {
            "Pickup Latitude": rng.uniform(40, 41, 400),
            "Pickup Longitude": rng.uniform(-75, -74, 400),
            "Dropoff Latitude": rng.uniform(40, 41, 400),
            "Dropoff Longitude": rng.uniform(-75, -74, 400),
            "ordered": start,
            "delivered": start + pd.Series(pd.to_timedelta(rng.integers(0, 30, 400), unit="D")),
        }
    )
    # 111 km a degree to the north, 84 km a degree to the east at this latitude.
    north = 111.2 * (frame["Dropoff Latitude"] - frame["Pickup Latitude"])
    east = 84.4 * (frame["Dropoff Longitude"] - frame["Pickup Longitude"])
    price = np.hypot(north, east) + 3 * (frame["delivered"] - frame["ordered"]).dt.days
    model = TabularRegressor(budget_evaluations=8, n_jobs=1).fit(frame.iloc[:300], price.iloc[:300])
    assert model.score(frame.iloc[300:], price.iloc[300:]) > 0.99


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"champion": "worst"}, "champion must be 'best' or 'simplest-within-noise', and is 'worst'"),
        ({"metric": "rmse"}, "metric must be one of .*roc_auc.*, or None, and is 'rmse'"),
        ({"folds": 0}, "folds must be a whole number from 2 on, and is 0"),
        ({"n_jobs": 0}, "n_jobs must be a whole number from 1 on, -1 for one fit a core, or None, and is 0"),
        ({"budget_seconds": float("nan")}, "budget_seconds must be a finite number from 0 on, and is nan"),
        ({"budget_evaluations": 0}, "budget_evaluations must be a whole number from 1 on, or None, and is 0"),
        ({"price_milliseconds": -1}, "price_milliseconds must be a number from 0 on, and is -1"),
    ],
)
def test_a_parameter_that_means_nothing_is_refused_by_name(parameters, message: str) -> None:
    frame, target = mixed_table(40)
    with pytest.raises(ValueError, match=message):
        TabularClassifier(**(QUICK | parameters)).fit(frame, target > 1)


def test_two_columns_of_one_name_and_one_group_for_all_rows_are_refused_with_the_reason() -> None:
    frame, target = mixed_table(40)
    with pytest.raises(ValueError, match=r"several columns of one name: \['flag'\]"):
        TabularRegressor(**QUICK).fit(pd.concat([frame, frame[["flag"]]], axis=1), target)
    with pytest.raises(ValueError, match="all 40 rows into one group"):
        TabularRegressor(**QUICK).fit(frame, target, groups=np.zeros(40))


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(lambda days: pd.Series(days.date), id="dates as objects"),
        pytest.param(lambda days: pd.Series(days.strftime("%Y-%m-%d")), id="dates as text"),
        pytest.param(lambda days: pd.Series(days.strftime("%Y-%m-%dT%H:%M:%SZ")), id="moments as text"),
        pytest.param(lambda days: pd.Series(days.day.map("{} kg".format)), id="numbers before a unit"),
        pytest.param(lambda days: pd.Series(days.day.map(str)), id="numbers as text"),
    ],
)
def test_text_that_holds_a_moment_or_a_number_is_read_as_one(column) -> None:
    days = pd.date_range("2024-01-01", periods=400, freq="D")
    frame = pd.DataFrame({"told": column(days), "more": np.arange(400) % 7})
    pay = 3.0 * days.day.to_numpy()
    model = TabularRegressor(budget_evaluations=8, n_jobs=1).fit(frame.iloc[:300], pay[:300])
    assert model.score(frame.iloc[300:], pay[300:]) > 0.99
    strange = frame.iloc[[300]].assign(told="?")
    assert np.isfinite(model.predict(strange)).all()


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(lambda rows: [list(row) for row in rows], id="lists"),
        pytest.param(lambda rows: ["; ".join(row) for row in rows], id="text with semicolons"),
        pytest.param(lambda rows: ["/".join(row) for row in rows], id="paths"),
    ],
)
def test_parts_of_lists_and_paths_count_each_by_itself(cells) -> None:
    rng = np.random.default_rng(0)
    worth = dict(zip([f"t{number}" for number in range(20)], rng.normal(size=20), strict=True))
    rows = [rng.choice(list(worth), 6, replace=False) for _ in range(500)]
    price = np.array([sum(worth[part] for part in row) for row in rows])
    frame = pd.DataFrame({"parts": cells(rows), "more": rng.normal(size=500)})
    model = TabularRegressor(budget_evaluations=8, n_jobs=1).fit(frame.iloc[:400], price[:400])
    assert model.score(frame.iloc[400:], price[400:]) > 0.9


def test_no_time_gives_the_baseline_and_columns_of_one_value_give_it_too() -> None:
    frame, target = mixed_table()
    at_once = TabularRegressor(budget_seconds=0, n_jobs=1).fit(frame, target)
    assert at_once.champion_ == "baseline"
    assert np.allclose(at_once.predict(frame), target.mean())
    empty = pd.DataFrame({"one": 1.0, "same": "a", "none": np.nan}, index=range(300))
    labels = np.where(np.arange(300) % 4 == 0, "few", "many")
    shares = TabularClassifier(**QUICK).fit(empty, labels).predict_proba(empty)
    assert np.allclose(shares, [0.25, 0.75])


def test_a_class_of_two_rows_keeps_its_place_among_the_probabilities() -> None:
    frame, target = mixed_table()
    labels = np.where(target > np.median(target), "high", "low").astype(object)
    labels[[3, 90]] = "odd"
    model = TabularClassifier(**QUICK).fit(frame, labels)
    assert model.classes_.tolist() == ["high", "low", "odd"]
    assert model.predict_proba(frame).shape == (300, 3)
    assert np.allclose(model.out_of_fold_.sum(axis=1), 1)


def test_a_target_of_one_value_in_some_folds_is_learned_from_the_others() -> None:
    frame, target = mixed_table()
    site = np.arange(300) // 60
    model = TabularRegressor(**QUICK).fit(frame, np.where(site < 2, 0.0, target), groups=site)
    assert np.isfinite(model.out_of_fold_).all()
    sides = TabularClassifier(**QUICK).fit(frame, np.where(site < 2, 0, target > 1), groups=site)
    assert sides.champion_ != "baseline"
    late = site >= 2
    assert sides.score(frame[late], target[late] > 1) > 0.8


@pytest.mark.full
def test_two_hundred_thousand_categories_do_not_hide_what_another_column_tells() -> None:
    rng = np.random.default_rng(0)
    number = rng.normal(size=400_000)
    codes = pd.Series(rng.permutation(400_000) // 2).map("k{}".format)
    frame = pd.DataFrame({"code": codes, "number": number})
    target = number + 0.1 * rng.normal(size=400_000)
    assert TabularRegressor(**QUICK).fit(frame, target).score(frame, target) > 0.98


@pytest.mark.full
def test_five_thousand_columns_of_a_hundred_rows_are_learned_no_worse_than_by_the_mean() -> None:
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(size=(100, 5000)))
    target = 3 * wide[7] + rng.normal(size=100)
    model = TabularRegressor(budget_evaluations=7, n_jobs=1).fit(wide, target)
    fresh = pd.DataFrame(rng.normal(size=(100, 5000)))
    truth = 3 * fresh[7] + rng.normal(size=100)
    by_mean = np.mean((truth - target.mean()) ** 2)
    assert np.mean((truth - model.predict(fresh)) ** 2) < 1.05 * by_mean


def test_labels_come_back_as_they_were_given() -> None:
    frame, target = mixed_table()
    labels = np.where(target > np.median(target), "high", "low")
    model = TabularClassifier(**QUICK).fit(frame, labels)
    assert set(model.predict(frame)) == {"high", "low"}
    assert model.classes_.tolist() == ["high", "low"]
    assert np.allclose(model.predict_proba(frame).sum(axis=1), 1)


def test_a_real_table_within_the_time_and_above_a_line() -> None:
    features, target = load_breast_cancer(return_X_y=True, as_frame=True)
    train, test, known, truth = train_test_split(features, target, random_state=0, stratify=target)
    model = TabularClassifier(budget_evaluations=60).fit(train, known)
    assert model.score(test, truth) > 0.95


def test_text_where_numbers_were_learned_is_refused_by_column_and_cell() -> None:
    frame = pd.DataFrame({"lat": np.linspace(50, 52, 40), "lon": np.linspace(7, 9, 40)})
    model = TabularRegressor(**QUICK).fit(frame, frame["lat"])
    as_text = frame.astype(object).astype(str)
    assert np.allclose(model.predict(as_text), model.predict(frame))
    with pytest.raises(ValueError, match="Column 'lat' held numbers when the model was fitted, and holds 'north' now"):
        model.predict(frame.assign(lat="north"))


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(
            lambda level, flag: (level.astype("int64"), flag.astype("str")), id="whole numbers, truths as text"
        ),
        pytest.param(
            lambda level, flag: (level.astype("float64"), flag.astype("int64")), id="numbers, truths as 1 and 0"
        ),
        pytest.param(lambda level, flag: (level.astype("str"), flag.astype(object)), id="text, truths as objects"),
        pytest.param(lambda level, flag: (level.astype(object), flag.astype("boolean")), id="objects, nullable truths"),
    ],
)
def test_a_category_and_a_truth_are_known_again_in_another_type(again) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"level": pd.Categorical(rng.integers(0, 3, 60)), "flag": rng.random(60) > 0.5})
    model = TabularRegressor(**QUICK).fit(frame, 2.0 * frame["level"].astype(int) + frame["flag"])
    level, flag = again(frame["level"], frame["flag"])
    assert np.allclose(model.predict(pd.DataFrame({"level": level, "flag": flag})), model.predict(frame))


@pytest.mark.parametrize("kind", [object, "boolean", "Int64", "string"])
def test_a_missing_truth_is_missing_whatever_it_is_written_as(kind: object) -> None:
    cells = np.arange(60) % 3
    frame = pd.DataFrame(
        {"flag": pd.Series(np.select([cells == 0, cells == 1], [True, False], pd.NA)), "size": cells * 1.0}
    )
    model = TabularRegressor(**QUICK).fit(frame, frame["size"])
    again = frame.assign(
        flag=frame["flag"].map(str).astype("string").where(frame["flag"].notna())
        if kind == "string"
        else frame["flag"].astype(kind)
    )
    assert np.allclose(model.predict(again), model.predict(frame))


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("maybe", "Column 'flag' held true or false when the model was fitted, and holds 'maybe' now"),
        (2, "Column 'flag' held true or false when the model was fitted, and holds 2 now"),
        (None, "Column 'flag' was true or false in every row when the model was fitted, and 40 cells are missing now"),
    ],
)
def test_what_is_neither_true_nor_false_is_refused_by_column_and_cell(cell, message: str) -> None:
    frame = pd.DataFrame({"flag": np.arange(40) % 2 == 0, "size": np.arange(40.0)})
    model = TabularRegressor(**QUICK).fit(frame, frame["size"])
    with pytest.raises(ValueError, match=message):
        model.predict(frame.assign(flag=cell))


def test_a_short_time_and_a_small_table_start_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    class AskedError(Exception):
        pass

    def asked_for(**options):
        raise AskedError(options["workers"])

    monkeypatch.setattr(tabular_estimator, "make_executor", asked_for)
    frame, target = mixed_table(200)
    wide = pd.DataFrame(np.zeros((200, 600)))
    for budget, features, alone in ((9, frame, True), (10, frame, False), (9, wide, False)):
        with pytest.raises(AskedError) as caught:
            TabularRegressor(budget_seconds=budget).fit(features, target)
        assert (caught.value.args[0] == 0) is alone


def test_intervals_are_worked_out_while_others_are_fitted_and_not_after_the_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame, target = mixed_table()
    known: list[str] = []
    leaderboard = tabular_estimator.leaderboard

    def noted(result, data, **options):
        known.extend(options["known"])
        return leaderboard(result, data, **options)

    monkeypatch.setattr(tabular_estimator, "leaderboard", noted)
    model = TabularRegressor(budget_evaluations=40, n_jobs=1).fit(frame, target)
    board = model.leaderboard_
    finished = board.loc[board["status"] == "finished", "candidate"]
    assert len(known) > 2
    assert set(finished) - {"ensemble"} == set(known)


def test_the_same_number_of_fits_gives_the_same_model_in_this_process_and_in_others() -> None:
    features, target = load_diabetes(return_X_y=True, as_frame=True)
    here = TabularRegressor(budget_evaluations=30, n_jobs=1).fit(features, target)
    there = TabularRegressor(budget_evaluations=30, n_jobs=2).fit(features, target)
    assert here.champion_ == there.champion_
    assert np.allclose(here.predict(features), there.predict(features), atol=1e-8)


def test_intervals_hold_about_the_share_they_promise() -> None:
    rng = np.random.default_rng(0)
    features = pd.DataFrame(rng.normal(size=(1200, 3)))
    target = features[0].to_numpy() + rng.normal(size=1200)
    model = TabularRegressor(**QUICK).fit(features.head(600), target[:600])
    low, high = model.predict_interval(features.tail(600), level=0.9).T
    share = np.mean((low <= target[600:]) & (target[600:] <= high))
    assert 0.86 < share < 0.94
    with pytest.raises(ValueError, match="too few for intervals"):
        model.predict_interval(features.head(1), level=0.9999)


def test_intervals_are_wide_for_the_rows_whose_features_tell_of_large_errors() -> None:
    rng = np.random.default_rng(0)
    features = pd.DataFrame(rng.uniform(size=(3000, 4)), columns=["x1", "x2", "x3", "x4"])
    target = (features["x2"] + rng.normal(size=3000) * (0.1 + features["x1"])).to_numpy()
    model = TabularRegressor(**QUICK).fit(features.head(1500), target[:1500])
    low, high = model.predict_interval(features.tail(1500)).T
    inside = (low <= target[1500:]) & (target[1500:] <= high)
    for part in np.array_split(np.argsort(features["x1"].tail(1500).to_numpy()), 3):
        assert np.mean(inside[part]) == pytest.approx(0.9, abs=0.05)
    one = model.predict_interval(features.tail(1), level=0.9)
    assert np.allclose(one, [[low[-1], high[-1]]])
    del model._errors  # as in what an earlier version saved
    with pytest.raises(ValueError, match="fit it again"):
        model.predict_interval(features.tail(1))


def test_rows_that_weigh_thrice_count_three_times_in_what_is_learned() -> None:
    place = np.repeat([0, 1], 400)
    target = np.where(place == 1, np.arange(800) % 2, -3.0)
    features, shown = pd.DataFrame({"place": place}), pd.DataFrame({"place": [1]})
    weights = np.where(target == 1, 3.0, 1.0)
    weighted = TabularRegressor(**QUICK).fit(features, target, sample_weight=weights).predict(shown)[0]
    equal = TabularRegressor(**QUICK).fit(features, target).predict(shown)[0]
    assert weighted == pytest.approx(0.75, abs=0.05)
    assert equal == pytest.approx(0.5, abs=0.05)
    with pytest.raises(ValueError, match="at least one non-zero"):
        TabularRegressor(**QUICK).fit(features, target, sample_weight=np.zeros(800))


def test_rows_of_one_group_stay_on_one_side() -> None:
    frame, target = mixed_table()
    groups = np.repeat(np.arange(30), 10)
    model = TabularRegressor(**QUICK).fit(frame, target, groups=groups)
    assert np.isfinite(model.out_of_fold_).all()


@pytest.mark.parametrize(
    ("features", "target", "message"),
    [
        (pd.DataFrame({"a": [1.0, np.inf] * 10}), [0, 1] * 10, "infinity"),
        (pd.DataFrame({"a": [1.0, 2.0] * 10}), [1] * 20, "only one class"),
        (pd.DataFrame({"a": [1.0, 2.0] * 10}), [0, 1] * 9, "inconsistent numbers of samples"),
        (pd.DataFrame({"a": [1.0, 2.0] * 10}), ["x", "y"] * 9 + ["x", None], "1 of 20 labels are missing"),
        (pd.DataFrame({"a": [1.0, 2.0] * 10}), pd.Series(["x", "y", None, "x"] * 5, dtype="str"), "5 of 20 labels"),
        (pd.DataFrame({"a": [1.0, 2.0] * 10}), pd.Series([0, 1, None, 1] * 5, dtype="Int64"), "5 of 20 labels"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_with_the_reason(features, target, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TabularClassifier(**QUICK).fit(features, target)


@pytest.mark.parametrize(
    ("metric", "lowest", "message"),
    [
        ("pinball", 0.0, "'pinball', which judges a quantile.*predict_interval"),
        ("poisson_deviance", -2.0, "'poisson_deviance', which judges counts, and 1 values of y lie below zero"),
    ],
)
def test_a_metric_that_this_target_or_this_estimator_gives_no_meaning_is_refused(
    metric: str, lowest: float, message: str
) -> None:
    numbers = np.arange(40.0)
    with pytest.raises(ValueError, match=message):
        TabularRegressor(metric=metric, **QUICK).fit(numbers[:, None], np.r_[lowest, numbers[1:]])


def test_a_metric_that_is_undefined_for_every_candidate_is_refused_and_not_won_by_the_first() -> None:
    with pytest.raises(ValueError, match=r"r2 is undefined on this target for each of [0-9]+ candidates"):
        TabularRegressor(metric="r2", **QUICK).fit(np.arange(40.0)[:, None], np.full(40, 3.0))


def test_several_labels_a_row_are_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"several labels a row \(shape \(6, 2\)\).*OneVsRestClassifier"):
        TabularClassifier(budget_evaluations=3, n_jobs=1).fit(np.zeros((6, 1)), np.array([[1, 0], [0, 1]] * 3))
