"""A row is answered with its chances over time, which fall with time and with risk."""

from typing import Any

import numpy as np
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
from models.training.prediction import predict
from models.training.survival import fit_curve


def test_chances_fall_with_time_and_with_risk(development: pd.DataFrame) -> None:
    features, learned = build_features(conform(development)), learned_target(development)
    model: Any = fit(champion.build_model(), features, learned, None)
    scores = predict(model, features, None)["predicted"].to_numpy()
    curve = fit_curve(learned, scores)
    answers = answer(Champion(model, {"survival": curve}), features)
    chances = np.array([list(one.survival.values()) for one in answers])
    assert chances.shape == (len(features), len(curve["horizons"]))
    assert (np.diff(chances, axis=1) <= 0).all()
    if curve["slope"] > 0:
        riskiest, safest = int(scores.argmax()), int(scores.argmin())
        assert (chances[riskiest] <= chances[safest]).all()
