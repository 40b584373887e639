"""The rows of a request are one query, and are answered with their order."""

from typing import Any

import pandas as pd
import pytest

pytest.importorskip("fastapi", reason="the serving group is not installed")

from data.features.features import build_features
from data.features.rows import conform
from models.serving.answers import answer
from models.serving.champion_file import Champion
from models.training import champion
from models.training.development import learned_target
from models.training.fitting import fit


def test_ranks_follow_the_scores_and_the_best_row_is_first(development: pd.DataFrame) -> None:
    features = build_features(conform(development))
    fitted: Any = fit(champion.build_model(), features, learned_target(development))
    answers = answer(Champion(fitted, {}), features.head(20))
    ordered = sorted(answers, key=lambda one: one.rank)
    assert [one.predicted for one in ordered] == sorted((one.predicted for one in answers), reverse=True)
    assert ordered[0].rank == 1
    assert max(one.rank for one in answers) <= 20
