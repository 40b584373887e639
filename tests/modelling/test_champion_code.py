"""champion.py stands alone and gives what was scored."""

from __future__ import annotations

import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.champion_code import ChampionFacts, render_champion
from ml_engineer.modelling.fits import FitTask, run_task
from ml_engineer.modelling.portfolio import baseline_candidate, build_portfolio
from ml_engineer.modelling.refitting import ensemble_of
from modelling.tables import make_data, small

# Runs each champion.py on the folds in a process in which ml_engineer cannot be imported.
ALONE = """
import importlib.util, sys
from pathlib import Path
import joblib, numpy as np, threadpoolctl
threadpoolctl.threadpool_limits(1)
sys.modules["ml_engineer"] = None
features, target, pairs, classification = joblib.load(sys.argv[1])
for path in map(Path, sys.argv[2:]):
    spec = importlib.util.spec_from_file_location("champion", path)
    champion = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(champion)
    predictions = []
    for train, test in pairs:
        model = champion.build_model().fit(features.iloc[train], target[train])
        ask = model.predict_proba if classification else model.predict
        predictions.append(ask(features.iloc[test]))
    joblib.dump(predictions, path.with_suffix(".predictions"))
"""


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
    joblib.dump((data.features, data.target, data.pairs, task != "regression"), tmp_path / "data")
    paths = [str(tmp_path / f"{name}.py") for name in expected]
    subprocess.run([sys.executable, "-I", "-c", ALONE, str(tmp_path / "data"), *paths], check=True)
    for name, predictions in expected.items():
        found = joblib.load(tmp_path / f"{name}.predictions")
        assert max(np.abs(one - two).max() for one, two in zip(predictions, found, strict=True)) < 1e-6, name
    _assert_clean(tmp_path)


def _assert_clean(folder) -> None:
    """The linter has nothing to say and the formatter nothing to change."""
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "format", "--isolated", "--line-length=120", "--check", folder], check=True)
    families = "--select=ANN,B,C4,D,E,F,I,PT,PTH,RET,RUF,SIM,UP,W"
    ignored = "--ignore=D203,D213,D401,E501,RUF001,RUF003"
    subprocess.run([*ruff, "check", "--isolated", "--line-length=120", families, ignored, folder], check=True)


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
