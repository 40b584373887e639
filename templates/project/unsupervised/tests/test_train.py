"""What champion.py builds is deterministic, and gives the recorded score."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.features.features import build_features
from data.features.rows import conform
from models.serving.champion_file import load_champion, save_champion
from models.training import champion, train
from models.training.candidates import build_candidates
from models.training.development import DEVELOPMENT, ROOT, learned_target, sample_positions
from models.training.prediction import judge, match, predict


def test_the_same_code_and_rows_give_the_same_answers(development: pd.DataFrame) -> None:
    features = build_features(conform(development))
    first, second = (predict(champion.build_model().fit(features), features, None) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert list(first.columns) == ["predicted"]


def test_a_value_of_every_row_is_what_the_score_is_the_mean_of(development: pd.DataFrame) -> None:
    features = build_features(conform(development))
    model = champion.build_model().fit(features)
    judged = judge(model, features, 0)
    pd.testing.assert_frame_equal(judged, judge(model, features, 0))
    assert judged["value"].between(-1, 1).all()
    pd.testing.assert_frame_equal(match(judged, model, features), judged)


def test_of_many_rows_the_same_ones_are_looked_at_each_time() -> None:
    positions = sample_positions(100_000)
    assert len(positions) == len(set(positions.tolist())) == 5_000
    assert np.array_equal(positions, sample_positions(100_000))
    assert np.array_equal(sample_positions(7), np.arange(7))


def test_a_saved_champion_has_a_manifest_and_answers_the_same(development: pd.DataFrame, tmp_path: Path) -> None:
    features = build_features(conform(development))
    model = champion.build_model().fit(features, learned_target(development))
    save_champion(
        tmp_path,
        model,
        features.columns.tolist(),
        run_id="test",
        metric=champion.METRIC,
        score=0.5,
        decision_threshold=0.25,
        interval=None,
    )
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["feature_columns"] == features.columns.tolist()
    assert manifest["decision_threshold"] == 0.25
    again = load_champion(tmp_path, allow_pickle=True).model
    pd.testing.assert_frame_equal(predict(again, features, None), predict(model, features, None))


def test_candidates_can_be_fitted(development: pd.DataFrame) -> None:
    features = build_features(conform(development))
    for name, model in build_candidates().items():
        assert len(predict(model.fit(features), features, None)) == len(features), name


def test_the_project_needs_no_ml_engineer() -> None:
    code = [path.read_text(encoding="utf-8") for folder in ("data", "models") for path in (ROOT / folder).rglob("*.py")]
    forbidden = "ml_" + "engineer"
    assert not any(f"import {forbidden}" in text or f"from {forbidden}" in text for text in code)
    assert forbidden not in sys.modules


@pytest.mark.skipif(not DEVELOPMENT.exists(), reason="development rows are not on this machine")
@pytest.mark.skipif(champion.EXPECTED_SCORE is None, reason="there is no recorded score yet")
def test_the_recorded_score_is_reproduced(capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["--no-track"]) == 0, capsys.readouterr().out
