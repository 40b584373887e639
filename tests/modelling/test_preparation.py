"""Preparation by family: inside the fold, and robust to what the fold did not show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from ml_engineer.modelling.columns import Columns, sort_columns
from ml_engineer.modelling.preparation import prepare
from modelling.tables import make_data, mixed_features


@pytest.mark.parametrize("view", ["scaled", "dense", "codes", "levels", "shares", "words"])
def test_rows_unlike_those_of_the_fold_are_still_prepared(view) -> None:
    data = make_data("binary", rows=240)
    preparation = prepare(sort_columns(data.features), view, rows=240, seed=0, target_type="binary")
    assert preparation is not None
    preparation.transformer.fit(data.features, data.target)
    strange = mixed_features(5, seed=9)
    strange.loc[0] = [np.nan, 0, np.nan, True, np.nan, np.nan, np.nan, np.nan]
    strange['co"lour'] = pd.Series(["never seen"] * 5, dtype="str")
    prepared = preparation.transformer.transform(strange.astype(data.features.dtypes))
    dense = prepared.toarray() if hasattr(prepared, "toarray") else prepared
    assert len(dense) == 5
    if view in {"scaled", "dense", "words"}:
        assert np.isfinite(dense).all()


def test_the_median_is_the_folds_own() -> None:
    frame = pd.DataFrame({"a": [0.0, 0.0, np.nan, 100.0, 100.0, 100.0]})
    preparation = prepare(sort_columns(frame), "scaled", rows=6, seed=0, target_type="continuous")
    assert preparation is not None
    fitted = preparation.transformer.fit(frame.iloc[:3])
    assert fitted.named_transformers_["numbers"]["fill"].statistics_.tolist() == [0.0]


def test_a_row_unlike_all_others_is_no_further_out_than_the_furthest_that_were_seen() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"area": rng.normal(1500, 500, 400), "price": rng.lognormal(10, 2, 400)})
    target = (frame["area"] / 500).to_numpy()
    preparation = prepare(sort_columns(frame), "scaled", rows=400, seed=0, target_type="continuous")
    assert preparation is not None
    model = make_pipeline(preparation.transformer, Ridge()).fit(frame, target)
    mistaken = model.predict(pd.DataFrame({"area": [1500.0, 150_000.0], "price": [22_000.0, 1e30]}))
    assert mistaken[0] == pytest.approx(3, abs=0.1)
    assert mistaken[1] == pytest.approx(3 + 4, abs=0.3)


def test_a_rare_value_keeps_its_size_and_weighs_no_more_than_any_other() -> None:
    """In units of its own variance, the fee of one row in fifty would be ten times as far out as other numbers."""
    fees = np.where(np.arange(500) % 50 == 7, np.arange(500) / 10, 0.0)
    frame = pd.DataFrame({"fee": fees})
    preparation = prepare(sort_columns(frame), "scaled", rows=500, seed=0, target_type="continuous")
    assert preparation is not None
    prepared = preparation.transformer.fit_transform(frame)[:, 0]
    assert prepared.min() == prepared[0] == 0
    assert prepared.max() == 1
    assert (np.diff(prepared[fees > 0]) > 0).all()
    assert preparation.transformer.transform(pd.DataFrame({"fee": [1e9]}))[0, 0] == 1


def test_midnight_is_near_to_both_sides_for_models_that_add_up() -> None:
    frame = pd.DataFrame({"hour": np.tile(np.arange(24.0), 10)})
    preparation = prepare(sort_columns(frame), "scaled", rows=240, seed=0, target_type="continuous")
    assert preparation is not None
    curves = preparation.transformer.fit_transform(frame)[:24]
    steps = np.linalg.norm(curves - np.roll(curves, 1, axis=0), axis=1)
    assert steps[0] == pytest.approx(steps[3], rel=0.01)  # from 23 to 0 as from 2 to 3: three hours from knot to knot
    assert steps[0] < np.linalg.norm(curves[0] - curves[12]) / 2


def test_a_difference_of_two_numbers_is_seen_by_trees_on_crossed_numbers() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(600, 4)), columns=list("abcd"))
    target = np.sin(3 * (frame["a"] - frame["b"])).to_numpy()
    errors = {}
    for view in ("shares", "crossed"):
        preparation = prepare(sort_columns(frame), view, rows=400, seed=0, target_type="continuous")
        assert preparation is not None
        model = make_pipeline(preparation.transformer, ExtraTreesRegressor(50, max_leaf_nodes=60, random_state=0))
        errors[view] = np.std(model.fit(frame[:400], target[:400]).predict(frame[400:]) - target[400:])
    assert errors["crossed"] < 0.6 * errors["shares"]


def test_one_number_alone_is_crossed_with_nothing() -> None:
    columns = sort_columns(pd.DataFrame({"a": np.arange(9.0)}))
    views = [prepare(columns, view, rows=9, seed=0, target_type="binary") for view in ("shares", "crossed")]
    assert repr(views[0]) == repr(views[1])


def test_no_usable_column_gives_no_preparation() -> None:
    assert prepare(Columns(constant=("a",)), "codes", rows=10, seed=0, target_type="binary") is None


def test_the_lists_name_every_usable_column_once() -> None:
    columns = sort_columns(mixed_features(400))
    for view in ("scaled", "dense", "codes", "shares", "words"):
        preparation = prepare(columns, view, rows=400, seed=0, target_type="binary")
        assert preparation is not None
        named = [name for part in preparation.lists for name in part.columns]
        assert sorted(named) == sorted(mixed_features(1).columns)


def test_whole_numbers_as_a_target_are_no_classes_to_the_means_of_a_category() -> None:
    frame = pd.DataFrame({"kind": pd.Series(["a", "b"] * 200, dtype="str")})
    counts = np.tile(np.arange(40.0), 10)
    preparation = prepare(sort_columns(frame), "shares", rows=400, seed=0, target_type="continuous")
    assert preparation is not None
    assert preparation.transformer.fit_transform(frame, counts).shape == (400, 1)


def test_codes_of_categories_stand_first_and_are_told() -> None:
    columns = sort_columns(mixed_features(400))
    for view in ("codes", "levels"):
        preparation = prepare(columns, view, rows=400, seed=0, target_type="binary")
        assert preparation is not None
        assert preparation.category_positions == (0, 1)


def test_curves_bend_numbers_and_tell_of_gaps() -> None:
    frame = mixed_features(400).drop(columns="{comment}")
    preparation = prepare(sort_columns(frame), "splines", rows=400, seed=0, target_type="binary")
    assert preparation is not None
    bent = preparation.transformer.fit_transform(frame, np.arange(400) % 2)
    dense = bent.toarray() if hasattr(bent, "toarray") else bent
    assert np.isfinite(dense).all()
    assert [part.constant for part in preparation.lists][:2] == ["NUMBERS", "NUMBERS_WITH_GAPS"]
