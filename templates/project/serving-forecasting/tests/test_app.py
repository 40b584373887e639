"""The service forecasts what the model would, refuses what is malformed, and repeats nothing that was sent."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("fastapi", reason="the serving group is not installed")

from fastapi.testclient import TestClient

from data.features.contract import PROBLEM
from data.features.features import build_features
from models.forecasting.ahead import forecast_rows
from models.forecasting.intervals import Reach
from models.serving.app import Settings, create_app
from models.serving.champion_file import load_champion, save_champion
from models.serving.passport import content_sha256
from models.training.series import build_grid, series_scales

SECRET = "a value that must not come back"


def write_passport(folder: Path, model_sha256: str) -> Path:
    """Write a passport of a model that the guardrails let through."""
    document = {
        "champion": {"model_sha256": model_sha256},
        "gate": {"verdict": "warn", "stage": "deploy", "checked_at": "2026-01-01T00:00:00+00:00"},
        "ledger": {"looks": 1},
        "approvals": [],
    }
    path = folder / "passport.json"
    path.write_text(json.dumps(document | {"passport_sha256": content_sha256(document)}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def parts(development: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows cut in two: a history, and the horizon after it as what is known in advance."""
    moments = np.sort(development[PROBLEM.time_column].unique())
    cut = moments[-PROBLEM.horizon]
    history = development[development[PROBLEM.time_column] < cut]
    future = development[development[PROBLEM.time_column] >= cut]
    return history, future[[PROBLEM.time_column, *PROBLEM.series_columns, *PROBLEM.known_in_advance]]


@pytest.fixture(scope="module")
def settings(parts: tuple[pd.DataFrame, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A champion of this project's kind, fitted on the history and saved."""
    folder = tmp_path_factory.mktemp("champion")
    grid = build_grid(parts[0])
    reach = Reach((1.0,) * PROBLEM.horizon)
    manifest = save_champion(folder / "champion", grid, parts[0], reach, series_scales(grid), run_id="test", score=0.5)
    passport = write_passport(folder, manifest["model_sha256"])
    return Settings(champion_dir=folder / "champion", prediction_log=folder / "log.db", passport=passport)


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[TestClient]:
    """The running service."""
    with TestClient(create_app(settings)) as running:
        yield running


def as_records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as a client would send them."""
    return json.loads(rows.to_json(orient="records", date_format="iso"))


def body(parts: tuple[pd.DataFrame, pd.DataFrame]) -> dict[str, Any]:
    return {"future": as_records(parts[1])} if PROBLEM.known_in_advance else {}


def test_the_stored_history_is_gone_on_from(
    client: TestClient, parts: tuple[pd.DataFrame, pd.DataFrame], settings: Settings
) -> None:
    answer = client.post("/forecast", json=body(parts))
    assert answer.status_code == 200, answer.text
    found = answer.json()["forecasts"]
    champion = load_champion(settings.champion_dir)
    future = parts[1] if PROBLEM.known_in_advance else None
    expected = forecast_rows(champion.model, parts[0], future, build_features, known=PROBLEM.known_in_advance)
    np.testing.assert_allclose([one["prediction"] for one in found], expected["prediction"])
    assert [one["step"] for one in found[: PROBLEM.horizon]] == list(range(1, PROBLEM.horizon + 1))
    assert all(one["low_90"] <= one["prediction"] <= one["high_90"] for one in found)


def test_rows_that_are_sent_go_before_stored_ones(client: TestClient, parts: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    columns = [
        PROBLEM.time_column,
        *PROBLEM.series_columns,
        PROBLEM.target,
        *PROBLEM.known_in_advance,
        *PROBLEM.past_columns,
    ]
    rows = parts[0][columns].tail(3 * max(PROBLEM.season, 4)).copy()
    same = client.post("/forecast", json=body(parts) | {"history": as_records(rows)})
    assert same.status_code == 200, same.text
    stored = client.post("/forecast", json=body(parts)).json()["forecasts"]
    np.testing.assert_allclose(
        [one["prediction"] for one in same.json()["forecasts"]], [one["prediction"] for one in stored]
    )
    rows[PROBLEM.target] = rows[PROBLEM.target] * 3 + 1000
    other = client.post("/forecast", json=body(parts) | {"history": as_records(rows)}).json()["forecasts"]
    assert [one["prediction"] for one in other] != [one["prediction"] for one in stored]


@pytest.mark.parametrize(
    "wrong",
    [
        {"history": [{"unrelated": SECRET}]},
        {"history": [{PROBLEM.time_column: SECRET}]},
        {"history": SECRET},
        {"something": SECRET},
    ],
)
def test_what_is_malformed_is_refused_and_not_repeated(client: TestClient, wrong: dict[str, Any]) -> None:
    answer = client.post("/forecast", json=wrong)
    assert answer.status_code == 422
    assert SECRET not in answer.text


def test_what_is_known_in_advance_must_be_told(client: TestClient) -> None:
    if not PROBLEM.known_in_advance:
        pytest.skip("nothing is known in advance")
    answer = client.post("/forecast", json={})
    assert answer.status_code == 422
    assert "known in advance" in answer.text


def test_without_a_passport_nothing_is_served(settings: Settings, tmp_path: Path) -> None:
    with TestClient(create_app(replace(settings, passport=tmp_path / "none.json"))) as running:
        assert running.get("/health").status_code == 503
    allowed = replace(settings, passport=tmp_path / "none.json", without_passport=True)
    with TestClient(create_app(allowed)) as running:
        assert "not valid" in running.get("/health").json()["passport"]


def test_forecasts_are_logged(settings: Settings, parts: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path) -> None:
    with TestClient(create_app(replace(settings, prediction_log=tmp_path / "log.db"))) as running:
        found = running.post("/forecast", json=body(parts)).json()["forecasts"]
        assert running.get("/metadata").json()["horizon"] == PROBLEM.horizon
        assert "forecasts_total" in running.get("/metrics").text
    with closing(sqlite3.connect(tmp_path / "log.db")) as log:
        assert log.execute("SELECT count(*) FROM predictions").fetchone()[0] == len(found)
