"""What champion.py builds is deterministic, learns, and gives the recorded score."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.features.contract import PROBLEM
from data.features.features import build_features
from data.features.rows import conform
from models.serving.champion_file import load_champion, save_champion
from models.training import champion, train
from models.training.candidates import build_candidates
from models.training.development import DEVELOPMENT, ROOT, fold_pairs, learned_target
from models.training.fitting import fit
from models.training.prediction import as_table, predict


def test_the_same_code_and_rows_give_the_same_predictions(development: pd.DataFrame) -> None:
    features, target = build_features(conform(development)), learned_target(development)
    first, second = (
        predict(fit(champion.build_model(), features, target, None), features, champion.DECISION_THRESHOLD)
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(first, second)
    assert list(first.columns) == [name for name in as_table(np.arange(1)).columns if name not in {"row", "fold"}]


def test_folds_of_rows_in_time_only_look_back() -> None:
    folds = np.array([0, 0, 1, 1, 2, 2])
    pairs = fold_pairs(folds)
    if PROBLEM.split != "time":
        assert [number for number, _, _ in pairs] == [0, 1, 2]
    else:
        assert [number for number, _, _ in pairs] == [1, 2]
        assert all(folds[train_rows].max() < number for number, train_rows, _ in pairs)


def test_a_saved_champion_has_a_manifest_and_predicts_the_same(development: pd.DataFrame, tmp_path: Path) -> None:
    features, target = build_features(conform(development)), learned_target(development)
    model = fit(champion.build_model(), features, target, None)
    save_champion(
        tmp_path,
        model,
        features.columns.tolist(),
        run_id="test",
        metric=champion.METRIC,
        score=0.5,
        decision_threshold=None,
        interval=None,
    )
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["feature_columns"] == features.columns.tolist()
    assert manifest["classes"] == PROBLEM.classes
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", manifest["model_file"]]
    again = load_champion(tmp_path, allow_pickle=True).model
    pd.testing.assert_frame_equal(predict(again, features, None), predict(model, features, None))


def test_candidates_can_be_fitted(development: pd.DataFrame) -> None:
    features, target = build_features(conform(development)), learned_target(development)
    candidates = build_candidates()
    assert isinstance(candidates, dict)
    for name, model in candidates.items():
        assert len(fit(model, features, target, None).predict(features)) == len(features), name


def test_the_project_needs_no_ml_engineer() -> None:
    code = [path.read_text(encoding="utf-8") for folder in ("data", "models") for path in (ROOT / folder).rglob("*.py")]
    forbidden = "ml_" + "engineer"
    assert not any(f"import {forbidden}" in text or f"from {forbidden}" in text for text in code)
    assert forbidden not in sys.modules


@pytest.mark.skipif(not DEVELOPMENT.exists(), reason="development rows are not on this machine")
@pytest.mark.skipif(champion.EXPECTED_SCORE is None, reason="there is no recorded score yet")
def test_the_recorded_score_is_reproduced(capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["--no-track"]) == 0, capsys.readouterr().out
