"""Features depend on a row alone and see nothing that is not known in advance, so that serving sees what training saw."""

import pandas as pd

from data.features.contract import PROBLEM
from data.features.features import build_features
from models.training.series import only_known


def test_features_are_row_local(development: pd.DataFrame) -> None:
    rows = only_known(development).head(50)
    together = build_features(rows)
    for place in (0, len(rows) // 2, len(rows) - 1):
        pd.testing.assert_frame_equal(build_features(rows.iloc[[place]]), together.iloc[[place]], check_dtype=False)
    shuffled = rows.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(build_features(shuffled).loc[rows.index], together)


def test_features_keep_the_index_and_change_nothing(development: pd.DataFrame) -> None:
    rows = only_known(development)
    before = rows.copy(deep=True)
    features = build_features(rows)
    assert features.index.equals(rows.index)
    pd.testing.assert_frame_equal(rows, before)


def test_features_take_no_name_of_a_column_that_is_not_known_in_advance(development: pd.DataFrame) -> None:
    taken = {PROBLEM.target, PROBLEM.time_column, *PROBLEM.series_columns, *PROBLEM.past_columns}
    assert not taken & set(build_features(only_known(development)).columns)
