"""Generated code measures, splits and trusts exactly as the package does."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from generated.conftest import Run
from generated.framed import Framed, hostile, penguins, visits
from ml_engineer.guardrails.breaches import find_breaches
from ml_engineer.modelling.feature_frame import feature_frame
from ml_engineer.modelling.frame_reading import readings_of
from ml_engineer.project.contract_yaml import load_contract
from ml_engineer.splitting import fold_pairs
from ml_engineer.statistics.metrics import Outcomes, metric_value, metrics_for
from ml_engineer.vocabulary.model_types import TRUSTED_TYPES
from ml_engineer.vocabulary.passport import passport_sha256

SCORES = """
import json, sys
import pandas as pd
from models.evaluation.metrics import METRICS, score
from models.training.development import fold_pairs, load_development, scored_target
table = pd.read_parquet(sys.argv[1])
rows, folds = load_development()
pairs = [[train.tolist(), test.tolist()] for _, train, test in fold_pairs(folds)]
scores = {name: score(name, table["actual"].to_numpy(), table) for name in METRICS}
print(json.dumps({"scores": scores, "pairs": pairs, "target": scored_target(rows).tolist()}))
"""


HASHING = """
import json, sys
from models.serving.passport import content_sha256
print(content_sha256(json.loads(sys.argv[1])))
"""


def test_a_passport_has_the_hash_that_the_service_expects(projects: dict[str, Path], run: Run) -> None:
    document = {"b": [0.1, 1e-17, 3, None, True], "a": {"\u00e9": '"quoted" \n'}, "passport_sha256": "left out"}
    text = json.dumps(document)
    assert run(projects["penguins"], "-c", HASHING, text).stdout.strip() == passport_sha256(json.loads(text))


FEATURES = """
import sys
import pandas as pd
from data.features.features import build_features
from data.features.rows import conform
build_features(conform(pd.read_parquet(sys.argv[1]))).to_parquet(sys.argv[2])
"""


def test_places_moments_and_written_numbers_become_the_features_that_the_estimators_make(
    projects: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    rows = visits(tmp_path / "ml").frame.drop(columns="returned")
    # From the equator to the pole, a quarter of the way around; and from one side of the date line to the other.
    rows.loc[0, ["home_lat", "home_lng", "shop_lat", "shop_lng"]] = [0.0, 12.0, 90.0, 0.0]
    rows.loc[1, ["home_lat", "home_lng", "shop_lat", "shop_lng"]] = [0.0, 179.5, 0.0, -179.5]
    rows.loc[0, ["when", "joined"]] = [pd.Timestamp("2024-03-01T12:00"), pd.Timestamp("2024-02-28T00:00")]
    rows.loc[0, ["opened", "parcel", "ages"]] = ["01:05:30", "30.5x40 cm", "18-25"]
    rows.loc[1, ["opened", "parcel"]] = ["at noon", None]
    rows.loc[[0, 1, 2, 3], "closed"] = ["3:15 pm", "12:05 AM", "12 PM", "at night"]
    rows.to_parquet(tmp_path / "rows.parquet")
    run(projects["visits"], "-c", FEATURES, str(tmp_path / "rows.parquet"), str(tmp_path / "features.parquet"))
    made = pd.read_parquet(tmp_path / "features.parquet")

    assert made["home__to__shop__km"].iloc[0] == pytest.approx(10_007.5, abs=0.1)
    assert made.loc[1, ["home__to__shop__km", "home__to__shop__east_km"]].tolist() == pytest.approx(
        [111.19] * 2, abs=0.01
    )
    assert made["when__to__joined__days"].iloc[0] == -2.5
    assert made.loc[0, ["opened__minutes", "opened__hour"]].tolist() == [65.5, 1.0]
    assert made.loc[0, ["parcel__1", "parcel__2"]].tolist() == [30.5, 40.0]
    assert made.loc[1, ["opened__minutes", "parcel__1"]].isna().all()
    assert made["closed__minutes"].head(3).tolist() == [915.0, 5.0, 720.0]
    assert made["closed__hour"].head(3).tolist() == [15.0, 0.0, 12.0]
    assert np.isnan(made["closed__minutes"].iloc[3])
    assert "opened" not in made
    assert made.loc[0, ["ages", "ages__1", "ages__2"]].tolist() == ["18-25", 18.0, 25.0]
    ours = feature_frame(rows, names=list(rows), readings=readings_of(rows, list(rows)))
    assert set(made) == set(ours) | {"branch__code"}
    for name in made.select_dtypes("number"):
        np.testing.assert_allclose(made[name], ours[name], rtol=1e-12, err_msg=name)


def test_numbers_that_name_things_get_a_text_beside_them(projects: dict[str, Path], run: Run, tmp_path: Path) -> None:
    rows = visits(tmp_path / "ml").frame.drop(columns="returned").head(4)
    rows["branch"] = [104.0, np.nan, 7.0, -3.0]
    rows.to_parquet(tmp_path / "rows.parquet")
    run(projects["visits"], "-c", FEATURES, str(tmp_path / "rows.parquet"), str(tmp_path / "features.parquet"))
    made = pd.read_parquet(tmp_path / "features.parquet")
    assert made["branch__code"].fillna("missing").tolist() == ["104", "missing", "7", "-3"]
    # Without a missing one they are whole numbers, and still the same texts.
    rows.iloc[[0, 2]].to_parquet(tmp_path / "rows.parquet")
    run(projects["visits"], "-c", FEATURES, str(tmp_path / "rows.parquet"), str(tmp_path / "features.parquet"))
    assert pd.read_parquet(tmp_path / "features.parquet")["branch__code"].tolist() == ["104", "7"]


def simulated(framed: Framed, *, rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    classes = len(framed.problem.classes)
    if not classes:
        actual = rng.normal(size=rows)
        return pd.DataFrame({"actual": actual, "predicted": actual + rng.normal(size=rows)})
    actual = rng.integers(classes, size=rows)
    scores = rng.normal(size=(rows, classes)) + np.eye(classes)[actual]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    table = pd.DataFrame(probabilities, columns=[f"p{code}" for code in range(classes)])
    return table.assign(actual=actual, predicted=probabilities.argmax(axis=1).astype(float))


@pytest.mark.parametrize("make", [penguins, hostile, visits])
def test_metrics_folds_and_target_are_the_packages(
    make: object, projects: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    assert callable(make)
    framed: Framed = make(tmp_path / "ml")
    problem, table = framed.problem, simulated(framed)
    table.to_parquet(tmp_path / "table.parquet")
    result = run(projects[make.__name__], "-c", SCORES, str(tmp_path / "table.parquet"))
    told = json.loads(result.stdout)

    task = problem.task_type
    assert task in {"binary", "multiclass", "regression"}
    outcomes = Outcomes(
        task,
        table["actual"].to_numpy(),
        table["predicted"].to_numpy().astype(int if problem.classes else float),
        probabilities=table[[f"p{code}" for code in range(len(problem.classes))]].to_numpy()
        if problem.classes
        else None,
        n_classes=len(problem.classes),
        costs=problem.costs,
    )
    for metric in metrics_for(task, has_costs=problem.costs is not None):
        assert told["scores"][metric] == pytest.approx(metric_value(metric, outcomes), abs=1e-9, nan_ok=True), metric

    folds = pd.read_parquet(projects[make.__name__] / "data" / "processed" / "folds.parquet")["fold"].to_numpy()
    ours = [[train.tolist(), test.tolist()] for train, test in fold_pairs(folds, framed.split.definition)]
    assert told["pairs"] == ours
    target = framed.frame[problem.target]
    expected = np.unique(target, return_inverse=True)[1] if problem.classes else target
    assert told["target"] == list(expected)


def test_the_types_a_served_model_may_hold_are_those_training_saves(projects: dict[str, Path]) -> None:
    tree = ast.parse((projects["visits"] / "models" / "serving" / "champion_file.py").read_text(encoding="utf-8"))
    value = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "TRUSTED_TYPES"
    )
    assert ast.literal_eval(value) == list(TRUSTED_TYPES)


BREACHES = """
import json, sys
import pandas as pd
from data.features.schema import breaches
found = breaches(pd.read_parquet(sys.argv[1]))
print(json.dumps([[one.column, one.rule, one.level, one.rows, [int(row) for row in one.examples]] for one in found]))
"""


def spoilt(frame: pd.DataFrame) -> pd.DataFrame:
    """Every fifth row spoilt in every column: far away, never seen, missing, or twice."""
    spoilt = frame.copy()
    for place, name in enumerate(frame.columns):
        rows = np.arange(len(frame)) % 5 == place % 5
        values = frame[name]
        if pd.api.types.is_bool_dtype(values):
            continue
        if pd.api.types.is_datetime64_any_dtype(values):
            spoilt[name] = values.mask(rows, pd.Timestamp("1901-01-01"))
        elif pd.api.types.is_numeric_dtype(values):
            spoilt[name] = values.astype("float64").mask(rows, -1e9 - 0.5).mask(rows[::-1].cumsum() == 1)
        else:
            spoilt[name] = values.mask(rows, "never seen").mask(rows[::-1].cumsum() == 1)
    return spoilt


@pytest.mark.parametrize("make", [penguins, hostile, visits])
def test_rows_break_the_contract_there_as_they_do_here(
    make: object, projects: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    assert callable(make)
    framed: Framed = make(tmp_path / "ml")
    rows = spoilt(framed.frame)
    rows.to_parquet(tmp_path / "rows.parquet")
    told = json.loads(run(projects[make.__name__], "-c", BREACHES, str(tmp_path / "rows.parquet")).stdout)
    contract = load_contract(framed.layout)
    assert contract is not None
    ours = [[one.column, one.rule, one.level, one.rows, list(one.examples)] for one in find_breaches(rows, contract)]
    assert sorted(told) == sorted(ours)
    assert {rule for _, rule, *_ in told} >= {"missing", "outside", "unseen"}
