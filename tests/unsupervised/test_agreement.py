"""Agreement of groupings, silhouettes and placements against values worked out by hand or by scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_score

from ml_engineer.unsupervised.agreement import aligned, halves, prediction_strength, row_silhouettes
from ml_engineer.unsupervised.portraits import portray_groups, typical_row, unusual_columns
from ml_engineer.unsupervised.spaces import blocks_of, build_space
from ml_engineer.unsupervised.structureless import KINDS, draw_structureless


def test_prediction_strength_is_the_worst_groups_share_of_pairs_kept_together() -> None:
    own = np.array([0, 0, 0, 0, 1, 1, 1])
    foreign = np.array([5, 5, 5, 6, 7, 7, 7])
    assert prediction_strength(own, foreign) == pytest.approx(3 * 2 / (4 * 3))
    assert prediction_strength(own, own) == 1.0
    assert prediction_strength(np.array([0, 0, 1]), np.array([0, 0, 0])) == 0.0


def test_groups_get_the_numbers_of_the_reference_and_new_ones_get_numbers_of_their_own() -> None:
    assert aligned(np.array([2, 2, 0, 0, 1]), np.array([0, 0, 1, 1, 1])).tolist() == [0, 0, 1, 1, 2]


def test_the_mean_over_rows_is_the_silhouette_and_one_group_has_none() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 30)
    rows = rng.normal(size=(60, 2)) + 4 * labels[:, None]
    assert row_silhouettes(rows, labels).mean() == pytest.approx(silhouette_score(rows, labels))
    assert (row_silhouettes(rows, np.zeros(60, dtype=int)) == 0).all()


def test_halves_keep_rows_that_belong_together_on_one_side() -> None:
    clusters = np.repeat(np.arange(10), 4)
    first, second = halves(40, clusters=clusters, rng=np.random.default_rng(0))
    assert not set(clusters[first]) & set(clusters[second])
    assert sorted([*first, *second]) == list(range(40))


def test_rows_without_groups_keep_means_and_covariances_or_every_columns_values() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(500, 2)) @ [[2.0, 1.5], [0.0, 0.4]], columns=["a", "b"])
    frame["word"] = rng.choice(["x", "y", "z"], 500)
    transformer = build_space(frame, flags_are_words=True).transformer
    prepared = np.asarray(transformer.fit_transform(frame))
    blocks = blocks_of(transformer)
    assert [len(block.columns) for block in blocks] == [1, 1, 3]
    drawn = {kind: draw_structureless(prepared, blocks, kind, rows=4000, rng=rng) for kind in KINDS}
    real = np.corrcoef(prepared[:, :2].T)[0, 1]
    assert np.corrcoef(drawn["one cloud"][:, :2].T)[0, 1] == pytest.approx(real, abs=0.03)
    assert abs(np.corrcoef(drawn["shuffled columns"][:, :2].T)[0, 1]) < 0.06
    assert set(np.unique(drawn["shuffled columns"][:, 0])) <= set(prepared[:, 0])
    for rows in drawn.values():
        assert (rows[:, 2:].sum(axis=1) == 1).all()


def test_a_portrait_names_what_sets_a_group_apart_and_reasons_name_the_column_that_is_wrong() -> None:
    labels = np.repeat([0, 1], [60, 40])
    frame = pd.DataFrame(
        {"size": np.where(labels == 1, 9.0, 1.0) + np.tile([0.0, 0.5], 50), "noise": np.tile([1, 2], 50)}
    )
    first, second = portray_groups(frame, labels)
    assert (first.group, first.rows, second.rows) == (0, 60, 40)
    assert [value.column for value in second.typical] == ["size"]
    assert second.typical[0].inside.value == pytest.approx(9.25)
    odd = pd.DataFrame({"size": [50.0], "noise": [1]})
    (told,) = unusual_columns(odd, typical_row(frame), lambda rows: rows["size"].to_numpy(float))
    assert told == ("'size' is 50, usual is 1.5",)
