"""A row is answered with every label whose probability reaches the threshold, and with no other."""

from typing import Any

import pandas as pd
import pytest

pytest.importorskip("fastapi", reason="the serving group is not installed")

from data.features.contract import PROBLEM
from data.features.features import build_features
from data.features.rows import conform
from models.serving.answers import answer
from models.serving.champion_file import Champion
from models.training import champion
from models.training.development import learned_target
from models.training.fitting import fit


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.1])
def test_labels_from_the_threshold_on_are_chosen(development: pd.DataFrame, threshold: float) -> None:
    features, learned = build_features(conform(development)), learned_target(development)
    model: Any = fit(champion.build_model(), features, learned, None)
    answers = answer(Champion(model, {"decision_threshold": threshold}), features.head(20))
    for one in answers:
        assert list(one.probabilities) == PROBLEM.classes
        assert one.predicted == [label for label, chance in one.probabilities.items() if chance >= threshold]
