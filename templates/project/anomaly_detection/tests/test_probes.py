"""Planted anomalies are spoilt in the ways they say, and ranked as ROC AUC ranks."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from models.evaluation.probes import placement, plant


def test_mixed_rows_keep_every_column_and_break_what_goes_together() -> None:
    values = np.random.default_rng(0).normal(size=500)
    rows = pd.DataFrame({"a": values, "b": values})
    planted = plant(rows, 1)
    assert sorted(planted["mixed rows"]["a"]) == sorted(values)
    assert abs(np.corrcoef(planted["mixed rows"].T)[0, 1]) < 0.2
    assert (planted["far values"] != rows).sum().sum() == 500
    pd.testing.assert_frame_equal(planted["a third mixed"], plant(rows, 1)["a third mixed"])


def test_the_mean_placement_is_the_area_under_the_curve() -> None:
    rng = np.random.default_rng(0)
    usual, planted = rng.normal(size=200).round(1), rng.normal(0.7, size=200).round(1)
    truth = np.repeat([0, 1], 200)
    assert placement(usual, planted).mean() == pytest.approx(roc_auc_score(truth, np.concatenate([usual, planted])))
