"""champion.py stands alone and gives what was scored."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ml_engineer.modelling.calibrated import calibrated_model
from ml_engineer.modelling.calibration import Calibration, Calibrator
from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.champion_code import ChampionFacts, render_champion
from ml_engineer.modelling.fits import FitTask, fit_rows, predict, run_task
from ml_engineer.modelling.model_files import save_model
from ml_engineer.modelling.portfolio import baseline_candidate, build_portfolio
from ml_engineer.modelling.refitting import ensemble_of
from ml_engineer.modelling.training_data import TrainingData
from ml_engineer.statistics.weighted_fit import fit_weighted
from ml_engineer.vocabulary.estimates import Estimate
from modelling.tables import make_data, small

FITTING = Path(__file__).resolve().parents[2] / "templates" / "project" / "base" / "models" / "training" / "fitting.py"
# Fits each champion.py on the folds, as a project's train.py does, in a process in which ml_engineer cannot be imported.
ALONE = """
import importlib.util, sys
from pathlib import Path
import joblib, numpy as np, threadpoolctl
threadpoolctl.threadpool_limits(1)
sys.modules["ml_engineer"] = None
features, target, pairs, classification, weights = joblib.load(sys.argv[1])
def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
fit = load(Path(sys.argv[2])).fit
for path in map(Path, sys.argv[3:]):
    calibrated = path.stem.startswith("calibrated")
    champion = load(path)
    predictions = []
    for number, (train, test) in enumerate(pairs):
        # Stored folds are counted from 10 here, to tell numbers from positions.
        known = None if weights is None else weights[train]
        model = fit(champion.build_model(10 + number if calibrated else None), features.iloc[train], target[train], known)
        ask = model.predict_proba if classification else model.predict
        predictions.append(ask(features.iloc[test]))
    joblib.dump(predictions, path.with_suffix(".predictions"))
"""


def calibrations(task: str) -> dict[str, Calibration]:
    """Maps of every kind, another one for each fold."""
    saved = Estimate(value=0.1, low=0.1, high=0.1, method="made up", rows=60)
    line = Calibrator(0.5, 0.25), {0: Calibrator(0.6, -0.2), 1: Calibrator(0.4, 0.1)}
    bent = [Calibrator(levels=(-20.0, 0.0, 20.0), values=(-9.0, 0.1 * number, 3.0)) for number in range(3)]
    kinds = {
        "binary": {
            "calibrated_line": Calibration("sigmoid", *line, saved),
            "calibrated_steps": Calibration("isotonic", bent[2], dict(enumerate(bent[:2])), saved),
        },
        "multiclass": {
            "calibrated": Calibration("temperature", Calibrator(0.5), {0: Calibrator(0.6), 1: Calibrator(1.7)}, saved)
        },
    }
    return kinds.get(task, {})


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_champion_reproduces_its_predictions_where_we_are_not_installed(task: str, tmp_path) -> None:
    data = make_data(task, rows=60, folds=2)
    expected = {}
    alone = [small(one) for one in build_portfolio(data, seed=3, threads=1)]
    together = ensemble_of([(one, 1 / len(alone)) for one in alone], data)
    for fixed in [baseline_candidate(data), *alone, together]:
        text = render_champion(fixed, ChampionFacts("run_1", data.metric, 0.5))
        (tmp_path / f"{fixed.name}.py").write_text(text, encoding="utf-8")
        expected[fixed.name] = [
            run_task(FitTask(fixed, train, test, ""), data, scratch=None).predictions for train, test in data.pairs
        ]
    for name, calibration in calibrations(task).items():
        facts = ChampionFacts(
            "r", "f1", 0.5, calibration=calibration, classes=data.classes, fold_numbers={0: 10, 1: 11}
        )
        (tmp_path / f"{name}.py").write_text(render_champion(together, facts), encoding="utf-8")
        expected[name] = [calibration.apply(fold, raw) for fold, raw in enumerate(expected["ensemble"])]
    _assert_reproduced(expected, data, tmp_path)
    _assert_clean(tmp_path)


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_an_ensemble_some_of_which_takes_no_weights_is_what_the_search_fitted_part_by_part(task: str, tmp_path) -> None:
    plain = make_data(task, rows=90, folds=2)
    data = replace(plain, weights=np.arange(plain.rows) % 3 + 1.0)
    # Neighbours and, of several classes, stacked borders take no weights.
    mixed = {"linear", "neighbours", "support", "extra_trees", "gradient_boosting"}
    parts = [small(one) for one in build_portfolio(data, seed=3, threads=1) if one.name in mixed]
    together = ensemble_of([(one, 1 / len(parts)) for one in parts], data)
    text = render_champion(together, ChampionFacts("run_1", data.metric, 0.5))
    (tmp_path / "ensemble.py").write_text(text, encoding="utf-8")
    shares = [share / sum(weight for _, weight in together.members) for _, share in together.members]
    expected = [
        sum(
            share * run_task(FitTask(part, train, test, ""), data, scratch=None).predictions
            for part, share in zip(parts, shares, strict=True)
        )
        for train, test in data.pairs
    ]
    assert {part.name for part in parts} == mixed
    _assert_reproduced({"ensemble": expected}, data, tmp_path)


def _assert_reproduced(expected: dict[str, list[Any]], data: TrainingData, folder: Path) -> None:
    """Each file's model, fitted where we are not installed, predicts what is expected of it on every fold."""
    rows = data.features, data.target, data.pairs, data.task != "regression", data.weights
    joblib.dump(rows, folder / "data")
    paths = [str(folder / f"{name}.py") for name in expected]
    subprocess.run([sys.executable, "-I", "-c", ALONE, str(folder / "data"), str(FITTING), *paths], check=True)
    for name, predictions in expected.items():
        found = joblib.load(folder / f"{name}.predictions")
        assert max(np.abs(one - two).max() for one, two in zip(predictions, found, strict=True)) < 1e-6, name


def _assert_clean(folder) -> None:
    """The linter has nothing to say and the formatter nothing to change."""
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "format", "--isolated", "--line-length=120", "--check", folder], check=True)
    families = "--select=ANN,B,C4,D,E,F,I,PT,PTH,RET,RUF,SIM,UP,W"
    ignored = "--ignore=D203,D213,D401,E501,RUF001,RUF003"
    subprocess.run([*ruff, "check", "--isolated", "--line-length=120", families, ignored, folder], check=True)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_calibrated_model_is_what_its_code_builds_and_is_saved_safely(task: str, tmp_path) -> None:
    data = make_data(task, rows=60, folds=2)
    linear = build_portfolio(data, seed=3, threads=1)[0]
    rows = np.arange(data.rows)
    fitted = fit_rows(linear, data, rows)
    raw = predict(fitted, data, rows)
    for calibration in calibrations(task).values():
        model = calibrated_model(linear.build(), fitted, calibration.everything, data.classes)
        assert predict(model, data, rows) == pytest.approx(calibration.everything.apply(raw), abs=1e-12)
        names: dict[str, Any] = {}
        exec(
            render_champion(linear, ChampionFacts("r", "f1", 0.5, calibration=calibration, classes=data.classes)), names
        )
        assert predict(names["build_model"]().fit(data.features, data.target), data, rows) == pytest.approx(
            predict(model, data, rows), abs=1e-9
        )
        counted = fit_weighted(clone(model), data.features, data.target, np.where(rows < 30, 1.0, 0.0))
        half = fit_rows(linear, data, rows[:30])
        assert predict(counted, data, rows[:30]) == pytest.approx(
            calibration.everything.apply(predict(half, data, rows[:30])), abs=0.1
        )
        refitted = clone(model).fit(data.features.iloc[:40], data.target[:40])
        assert refitted.predict(data.features).shape == (60,)
        assert save_model(model, tmp_path, check=data.features).model_format == "skops"
        assert model.feature_names_in_.tolist() == list(data.features.columns)


def test_the_facts_stand_in_the_file_as_python() -> None:
    text = render_champion(
        baseline_candidate(make_data()), ChampionFacts("run_7", "log_loss", 0.25, None, 0.4, "0.4: least cost")
    )
    names: dict[str, object] = {}
    exec(text, names)
    assert {name: names[name] for name in ("RUN_ID", "METRIC", "EXPECTED_SCORE", "DECISION_THRESHOLD")} == {
        "RUN_ID": "run_7",
        "METRIC": "log_loss",
        "EXPECTED_SCORE": 0.25,
        "DECISION_THRESHOLD": 0.4,
    }
    assert "# Chosen so: 0.4: least cost." in text


def test_each_list_of_columns_stands_there_once_with_the_reasons_of_all_who_use_it() -> None:
    data = make_data("regression")
    data = replace(data, features=data.features[["width (mm)", "count"]])
    names = {"linear", "extra_trees"}
    parts = [(one, 0.5) for one in build_portfolio(data, seed=0, threads=1) if one.name in names]
    text = render_champion(ensemble_of(parts, data), ChampionFacts(run_id="r", metric="rmse", score=1.0))
    assert text.count('["width (mm)", "count"]') == 1
    told = " ".join(line.removeprefix("# ") for line in text.splitlines())
    assert "Trees take numbers as they are" in told
    assert "mean 0 and variance 1" in told


def test_the_folds_that_a_score_rests_on_stand_beside_it() -> None:
    names: dict[str, object] = {}
    exec(render_champion(baseline_candidate(make_data()), ChampionFacts("run_7", "log_loss", 0.5, (3, 4))), names)
    assert names["FOLDS"] == [3, 4]
    assert names["EXPECTED_SCORE"] == 0.5


def test_what_cannot_be_written_down_is_taken_from_candidates_py_and_said(tmp_path) -> None:
    candidates = (
        "from sklearn.linear_model import LogisticRegression\nfrom sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import FunctionTransformer\n\n"
        "def build_candidates():\n"
        "    return {'my \"own\"': make_pipeline(FunctionTransformer(lambda rows: rows), LogisticRegression(C=0.2))}\n"
    )
    (tmp_path / "candidates.py").write_text(candidates, encoding="utf-8")
    candidate = Candidate(
        'my "own"',
        "user",
        make_pipeline(FunctionTransformer(lambda rows: rows), LogisticRegression(C=0.2)),
        origin="0" * 64,
        seed=5,
    )
    text = render_champion(candidate, ChampionFacts("run_7", "log_loss", 0.3))
    path = tmp_path / "champion.py"
    path.write_text(text, encoding="utf-8")
    names: dict[str, object] = {"__file__": str(path)}
    exec(text, names)
    with pytest.warns(UserWarning, match="has changed since"):
        model = names["build_model"]()  # type: ignore[operator]  # a function of the generated text
    assert model[-1].get_params()["random_state"] == 5
    assert model[-1].C == 0.2
    assert "<lambda>" in text
    path.with_name("candidates.py").unlink()
    _assert_clean(tmp_path)
