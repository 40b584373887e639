"""Forecasts without a project: from one series or a long table, with intervals, as scikit-learn's estimators are used."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils import estimator_checks

from forecasting.series import WEEK, promoted, shop
from ml_engineer import Forecaster
from ml_engineer.errors import InputError

QUICK = {"horizon": 7, "budget_evaluations": 8}


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_set_params,
    ],
)
def test_scikit_learns_checks_of_what_is_no_table_of_numbers(check) -> None:
    check("Forecaster", Forecaster())


def test_one_series_is_forecast_from_its_index_with_intervals_that_hold_what_comes() -> None:
    rows = shop(days=227)
    series = rows.set_index("day")["sales"]
    model = Forecaster(**QUICK).fit(series[:-7])
    said = model.predict()
    assert said["day"].tolist() == series.index[-7:].tolist()
    truth = 50 + 0.05 * np.arange(220, 227) + WEEK[np.arange(220, 227) % 7]
    assert np.abs(said["prediction"] - truth).max() < 2
    assert said["low_90"].le(series[-7:].to_numpy()).mean() > 0.7
    assert said["high_90"].ge(series[-7:].to_numpy()).mean() > 0.7
    assert model.leaderboard_["mase"].iloc[0] < model.leaderboard_.set_index("name")["mase"]["baseline"]
    later = model.predict(history=series)
    assert later["day"].iloc[0] == series.index[-1] + pd.Timedelta(days=1)


def test_a_long_table_of_two_series_gives_a_horizon_for_each_and_the_same_again() -> None:
    first, second = shop(days=150), shop(days=150, level=500.0, seed=3)
    rows = pd.concat([first.assign(place="north"), second.assign(place="south")])
    model = Forecaster("sales", "day", series_columns=("place",), **QUICK)
    said = model.fit(rows.sample(frac=1, random_state=0)).predict()
    assert said.groupby("place")["step"].apply(list).tolist() == [list(range(1, 8))] * 2
    means = said.groupby("place")["prediction"].mean()
    assert means["north"] == pytest.approx(62, abs=3)
    assert means["south"] == pytest.approx(512, abs=5)
    assert np.allclose(clone(model).fit(rows).predict()["prediction"], said["prediction"])


def test_what_is_known_in_advance_moves_the_forecast() -> None:
    rows = promoted(days=220)
    model = Forecaster("sales", "day", known_in_advance=("promotion",), **QUICK).fit(rows)
    ahead = pd.DataFrame({"day": pd.date_range(rows["day"].iloc[-1], periods=8, freq="D")[1:]})
    with_it, without = (model.predict(ahead.assign(promotion=value))["prediction"] for value in (1, 0))
    assert np.mean(with_it - without) == pytest.approx(20, abs=3)


def led(days: int = 300) -> pd.DataFrame:
    """Sales are what visitors were a week ago; the number of visitors is not known in advance."""
    rng = np.random.default_rng(0)
    visitors = 100 + 20 * rng.normal(size=days + 7)
    moments = pd.date_range("2024-01-01", periods=days, freq="D")
    sales = visitors[:days] + rng.normal(size=days)
    return pd.DataFrame(
        {"day": moments, "sales": sales, "visitors": visitors[7:], "number": np.arange(days), "same": 1.0}
    )


def test_the_past_of_columns_that_are_not_known_in_advance_is_learned_from() -> None:
    rows = led()
    model = Forecaster("sales", "day", **QUICK).fit(rows[:-7])
    assert model.model_.layout.past == ("visitors",)
    blind = Forecaster("sales", "day", **QUICK).fit(rows[["day", "sales"]][:-7])
    seeing, guessing = (
        np.abs(one.predict()["prediction"].to_numpy() - rows["sales"][-7:].to_numpy()).mean() for one in (model, blind)
    )
    assert seeing < 0.6 * guessing
    with pytest.raises(InputError, match="lacks columns whose past the forecaster learned from"):
        model.predict(history=rows[["day", "sales"]])


def test_columns_without_any_value_or_with_numbers_for_names_are_left_out() -> None:
    rows = shop(days=120)
    plain = Forecaster("sales", "day", **QUICK).fit(rows)
    more = rows.assign(**{kind: pd.array([pd.NA] * 120, dtype=kind) for kind in ("Int64", "Float64", "boolean")})
    more[0], more[1] = np.arange(120) % 9, np.random.default_rng(0).normal(size=120)
    model = Forecaster("sales", "day", **QUICK).fit(more)
    assert model.model_.layout.past == ()
    assert np.array_equal(model.predict(history=more)["prediction"], plain.predict()["prediction"])


def test_a_table_whose_only_column_has_a_number_for_a_name_is_forecast() -> None:
    series = shop(days=120).set_index("day")["sales"]
    said = Forecaster(**QUICK).fit(series.to_frame(0)).predict()
    assert np.array_equal(said["prediction"], Forecaster(**QUICK).fit(series).predict()["prediction"])


def test_two_columns_of_numbers_and_no_target_are_refused() -> None:
    with pytest.raises(InputError, match="2 numeric columns: sales, promotion"):
        Forecaster(**QUICK).fit(promoted(days=120).set_index("day"))


def two_shops() -> pd.DataFrame:
    return pd.concat([shop(days=120, seed=seed).assign(shop=name) for seed, name in enumerate("ab")], ignore_index=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda rows: rows.index == 130,
            "'sales' is infinite in 1 rows, the first at 2023-01-12 00:00:00 of the series b",
        ),
        (lambda rows: rows["shop"] == "b", "'sales' is infinite in 120 rows"),
    ],
)
def test_infinite_values_are_no_gaps_and_are_refused_with_series_and_moment(change, message: str) -> None:
    rows = two_shops()
    spoiled = rows.assign(sales=rows["sales"].mask(change(rows), np.inf))
    settings = {"target": "sales", "time_column": "day", "series_columns": ("shop",)} | QUICK
    with pytest.raises(InputError, match=message):
        Forecaster(**settings).fit(spoiled)
    model = Forecaster(**settings).fit(rows)
    with pytest.raises(ValueError, match=message):
        model.predict(history=spoiled)


def test_a_series_without_any_value_is_refused_by_name() -> None:
    rows = two_shops()
    empty = rows.assign(sales=rows["sales"].mask(rows["shop"] == "b"))
    settings = {"target": "sales", "time_column": "day", "series_columns": ("shop",)} | QUICK
    with pytest.raises(InputError, match="1 of 2 series have no value of 'sales', the first of them b"):
        Forecaster(**settings).fit(empty)
    with pytest.raises(InputError, match="no row has a value of 'sales'"):
        Forecaster(**settings).fit(rows.assign(sales=np.nan))


def test_a_series_that_is_empty_yet_is_not_forecast_and_keeps_no_other_from_it() -> None:
    rows = two_shops()
    model = Forecaster(target="sales", time_column="day", series_columns=("shop",), **QUICK).fit(rows)
    new = rows[rows["shop"] == "b"].assign(shop="new", sales=np.nan)
    said = model.predict(history=pd.concat([rows, new], ignore_index=True))
    pd.testing.assert_frame_equal(said, model.predict(history=rows))
