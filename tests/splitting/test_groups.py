"""Groups of rows."""

from __future__ import annotations

import pandas as pd
import pytest

from ml_engineer.errors import InputError
from ml_engineer.splitting import group_codes


def test_groups_are_named_by_all_their_columns_and_missing_keys_stand_alone() -> None:
    frame = pd.DataFrame({"id": ["a", "a", "b", None, None, "a"], "sort": [1, 1, 1, 1, 1, 2]})
    codes = group_codes(frame, ("id", "sort"))
    assert codes[0] == codes[1]
    assert len(set(codes.tolist())) == 5
    assert sorted(set(codes.tolist())) == list(range(5))


def test_a_group_column_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="'nowhere'"):
        group_codes(pd.DataFrame({"id": [1]}), ("nowhere",))
