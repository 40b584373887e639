"""Features depend on a row alone, so that serving sees what training saw."""

import pandas as pd

from data.features.contract import PROBLEM
from data.features.features import build_features
from data.features.rows import conform


def test_features_are_row_local(development: pd.DataFrame) -> None:
    rows = conform(development).head(50)
    together = build_features(rows)
    for place in (0, len(rows) // 2, len(rows) - 1):
        alone = build_features(rows.iloc[[place]])
        pd.testing.assert_frame_equal(alone, together.iloc[[place]], check_dtype=False)
    shuffled = rows.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(build_features(shuffled).loc[rows.index], together)


def test_features_keep_the_index_and_change_nothing(development: pd.DataFrame) -> None:
    rows = conform(development)
    before = rows.copy(deep=True)
    features = build_features(rows)
    assert features.index.equals(rows.index)
    pd.testing.assert_frame_equal(rows, before)


def test_features_are_numbers_texts_or_truth_values(development: pd.DataFrame) -> None:
    features = build_features(conform(development))
    kinds = {str(dtype) for dtype in features.dtypes}
    assert all(kind.startswith(("int", "float", "bool", "str", "string")) for kind in kinds), kinds


def test_features_do_not_need_the_target(development: pd.DataFrame) -> None:
    assert PROBLEM.target not in build_features(conform(development)).columns
