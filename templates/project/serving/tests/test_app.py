"""The service answers what the model would, refuses what is malformed, and repeats nothing that was sent."""

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

from data.features.contract import COLUMNS, PROBLEM
from data.features.features import build_features
from data.features.rows import conform
from data.features.rules import RULES
from models.serving.app import Settings, create_app
from models.serving.champion_file import save_champion
from models.serving.passport import content_sha256
from models.serving.prediction_log import PredictionLog
from models.serving.requests import Row
from models.training import champion
from models.training.development import learned_target
from models.training.fitting import fit
from models.training.prediction import predict

SECRET = "a value that must not come back"
FIRST = COLUMNS[0].name


def write_passport(folder: Path, model_sha256: str, **changes: Any) -> Path:
    """Write a passport of a model that the guardrails let through."""
    gate = {"verdict": "warn", "stage": "deploy", "checked_at": "2026-01-01T00:00:00+00:00"}
    document = {
        "champion": {"model_sha256": model_sha256},
        "gate": gate,
        "ledger": {"looks": 1},
        "approvals": [{"model_sha256": model_sha256, "approved_by": "Ada"}],
    } | changes
    path = folder / "passport.json"
    path.write_text(json.dumps(document | {"passport_sha256": content_sha256(document)}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def settings(development: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A champion of this project's kind, fitted on few rows and saved."""
    folder = tmp_path_factory.mktemp("champion")
    features = build_features(conform(development))
    save_champion(
        folder / "champion",
        fit(champion.build_model(), features, learned_target(development), None),
        features.columns.tolist(),
        run_id="test",
        metric=champion.METRIC,
        score=0.5,
        decision_threshold=champion.DECISION_THRESHOLD,
        interval={"level": 0.9, "at": [0.0], "below": [0.5], "above": [1.5], "least": None},
    )
    manifest = json.loads((folder / "champion" / "manifest.json").read_text(encoding="utf-8"))
    return Settings(
        folder / "champion",
        folder / "predictions.db",
        max_body_bytes=200_000,
        allow_pickle=True,
        passport=write_passport(folder, manifest["model_sha256"]),
    )


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[TestClient]:
    """The running service."""
    with TestClient(create_app(settings)) as running:
        yield running


def test_answers_are_the_models_own(
    client: TestClient, settings: Settings, development: pd.DataFrame, records: list[dict[str, Any]]
) -> None:
    rows = development.head(20)
    answers = client.post("/predict", json=records[:20]).json()["predictions"]
    features = build_features(conform(rows))
    learned = build_features(conform(development)), learned_target(development)
    model = fit(champion.build_model(), *learned, None)
    expected = predict(model, features, champion.DECISION_THRESHOLD)
    if PROBLEM.classes:
        got = np.array([[one["probabilities"][name] for name in PROBLEM.classes] for one in answers])
        told = expected[[f"p{code}" for code in range(len(PROBLEM.classes))]]
        np.testing.assert_allclose(got, told.to_numpy(), atol=1e-9)
    else:
        np.testing.assert_allclose([one["predicted"] for one in answers], expected["predicted"], rtol=1e-9)
    if PROBLEM.task == "regression":
        assert all(one["high"] - one["low"] == pytest.approx(2.0) for one in answers)


def test_one_row_is_answered_as_in_a_list(client: TestClient, records: list[dict[str, Any]]) -> None:
    alone, listed = (client.post("/predict", json=body).json()["predictions"] for body in (records[0], records[:1]))
    assert alone == listed
    assert len(alone) == 1


def test_null_is_refused_where_the_contract_says_so(client: TestClient, records: list[dict[str, Any]]) -> None:
    for column in COLUMNS:
        if column.name not in RULES:
            continue
        status = client.post("/predict", json=records[0] | {column.name: None}).status_code
        if RULES[column.name].missing == "error":
            assert status == 422, column.name
        elif column.nullable:
            assert status == 200, column.name


def test_the_request_model_is_that_of_the_contract() -> None:
    required = {field.alias for field in Row.model_fields.values() if field.is_required()}
    assert required & set(RULES) == {
        column.name for column in COLUMNS if column.name in RULES and RULES[column.name].missing == "error"
    }


def test_a_value_beyond_an_error_limit_is_refused_with_what_is_allowed(
    client: TestClient, records: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [column for column in COLUMNS if column.storage in {"integer", "float"} and column.name in RULES]
    if not numbers:
        pytest.skip("no column holds numbers")
    name = numbers[0].name
    monkeypatch.setitem(RULES, name, replace(RULES[name], minimum=0.0, maximum=7.0, outside="error", masked=False))
    monkeypatch.setattr("models.serving.requests.RELATIONS", [])
    row = records[0] | {name: 8}
    problems = client.post("/predict", json=row).json()["problems"]
    mine = [problem["problem"] for problem in problems if name in problem["where"]]
    assert any("8" in text and "allowed: 0 to 7" in text for text in mine)


def test_an_unknown_category_is_answered_and_counted(
    client: TestClient, records: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [column for column in COLUMNS if column.categories is not None]
    if not listed:
        pytest.skip("no column has listed categories")
    if listed[0].name in RULES:
        monkeypatch.setitem(RULES, listed[0].name, replace(RULES[listed[0].name], unseen="warn"))
    response = client.post("/predict", json=records[0] | {listed[0].name: "never seen in training"})
    assert response.status_code == 200
    assert "unknown_categories_total 0" not in client.get("/metrics").text


def hostile_bodies(row: dict[str, Any]) -> dict[str, bytes]:
    """Bodies that are wrong in ways that services often get wrong."""

    def with_raw(name: str, raw: str) -> bytes:
        return json.dumps(row | {name: "\x00"}).replace('"\\u0000"', raw).encode()

    bodies = {
        "no json": SECRET.encode(),
        "empty": b"",
        "no rows": b"[]",
        "a text": json.dumps(SECRET).encode(),
        "a number": b"1",
        "unknown column": json.dumps(row | {"surplus": SECRET}).encode(),
        "a list for a value": with_raw(FIRST, json.dumps([SECRET])),
        "an object for a value": with_raw(FIRST, json.dumps({SECRET: 1})),
        "half a character": with_raw(FIRST, r'"\ud800"'),
        "deeply nested": b"[" * 50_000,
        "too many rows": json.dumps([{}] * 1001).encode(),
        "no such encoding": b"\xff\xfe\x00",
    }
    for column in COLUMNS:
        if column.storage in {"integer", "float"}:
            bodies["nan"] = with_raw(column.name, "NaN")
            bodies["infinity"] = with_raw(column.name, "1e400")
            bodies["number as text"] = with_raw(column.name, json.dumps(SECRET))
            bodies["truth value for a number"] = with_raw(column.name, "true")
        if not column.nullable:
            bodies["missing column"] = json.dumps({k: v for k, v in row.items() if k != column.name}).encode()
    return bodies


def test_hostile_bodies_are_refused_without_an_echo(client: TestClient, records: list[dict[str, Any]]) -> None:
    for name, body in hostile_bodies(records[0]).items():
        response = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
        assert response.status_code in {400, 422}, (name, response.status_code, response.text[:300])
        assert SECRET not in response.text, name


def test_a_huge_number_is_refused_or_answered_but_never_an_error(
    client: TestClient, records: list[dict[str, Any]]
) -> None:
    one_of_each = {column.storage: column for column in COLUMNS}.values()
    for column in one_of_each:
        for value in (
            10**400,
            -(10**30),
            1e308,
            "9999-12-31T23:59:59-14:00",
            "0001-01-01T00:00:00+14:00",
            "x" * 90_000,
        ):
            body = json.dumps(records[0] | {column.name: value})
            response = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
            assert response.status_code in {200, 400, 422}, (column.name, response.text[:200])


def test_a_body_that_is_too_large_is_refused_even_without_its_length(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        yield b"["
        for _ in range(50):
            yield b" " * 10_000

    response = client.post("/predict", content=endless(), headers={"Content-Type": "application/json"})
    assert response.status_code == 413


def test_requests_have_an_identity(client: TestClient) -> None:
    assert client.get("/health", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"
    assert client.get("/health", headers={"X-Request-ID": "<script>"}).headers["X-Request-ID"].isalnum()


def test_the_service_describes_itself(client: TestClient) -> None:
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/health").json()["passport"] == "valid"
    about = client.get("/metadata").json()
    assert about["target"] == PROBLEM.target
    assert (about["passport"]["verdict"], about["passport"]["approved_by"]) == ("warn", "Ada")
    schema = client.get("/openapi.json").json()["components"]["schemas"]["Row"]
    assert list(schema["properties"]) == [column.name for column in COLUMNS]


def test_predictions_are_logged_without_sensitive_columns(settings: Settings, records: list[dict[str, Any]]) -> None:
    with TestClient(create_app(settings)) as running:
        running.post("/predict", json=records[:3], headers={"X-Request-ID": "logged"})
    assert settings.prediction_log is not None
    with closing(sqlite3.connect(settings.prediction_log)) as connection:
        lines = connection.execute("SELECT inputs, answer FROM predictions WHERE request_id = 'logged'").fetchall()
    assert len(lines) == 3
    assert set(json.loads(lines[0][0])) == {column.name for column in COLUMNS if not column.sensitive}
    assert "predicted" in json.loads(lines[0][1])


def test_a_log_that_cannot_be_written_costs_no_prediction(
    settings: Settings, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    broken = replace(settings, prediction_log=tmp_path / "file" / "predictions.db")
    app = create_app(broken)
    with TestClient(app) as running:
        assert running.post("/predict", json=records[:3]).status_code == 200
        log: PredictionLog = app.state.service.log
    assert log.lost == 3


def test_without_a_champion_the_service_says_why(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    with TestClient(create_app(Settings(tmp_path, None))) as running:
        assert running.get("/health").status_code == 503
        assert "train a model first" in running.post("/predict", json=records[0]).json()["detail"]


def copy_champion(folder: Path, target: Path, **changes: str) -> None:
    """Copy the saved champion with a manifest that says something else."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (target / manifest["model_file"]).write_bytes((folder / manifest["model_file"]).read_bytes())
    (target / "manifest.json").write_text(json.dumps(manifest | changes), encoding="utf-8")


@pytest.mark.parametrize(
    ("key", "reason"),
    [("model_sha256", "not the one that the manifest describes"), ("features_sha256", "features.py has changed")],
)
def test_a_champion_that_was_tampered_with_is_not_loaded(
    settings: Settings, tmp_path: Path, key: str, reason: str
) -> None:
    copy_champion(settings.champion_dir, tmp_path, **{key: "0" * 64})
    with TestClient(create_app(replace(settings, champion_dir=tmp_path))) as running:
        assert reason in running.get("/health").json()["detail"]


def test_a_pickle_is_not_loaded_unless_allowed(settings: Settings, tmp_path: Path) -> None:
    copy_champion(settings.champion_dir, tmp_path, model_format="pickle")
    with TestClient(create_app(Settings(tmp_path, None))) as running:
        assert "can run any code" in running.get("/health").json()["detail"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"champion": {"model_sha256": "0" * 64}}, "about another model"),
        ({"champion": None}, "about another model"),
        ({"gate": None}, "guardrails were not checked"),
        ({"gate": {"verdict": "block", "stage": "deploy"}}, "the guardrails say 'block'"),
    ],
)
def test_a_model_without_a_valid_passport_is_not_served(
    settings: Settings, records: list[dict[str, Any]], tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    model_sha256 = json.loads(settings.passport.read_text(encoding="utf-8"))["champion"]["model_sha256"]
    refused = replace(settings, passport=write_passport(tmp_path, model_sha256, **changes))
    with TestClient(create_app(refused)) as running:
        assert reason in running.get("/health").json()["detail"]
        assert running.post("/predict", json=records[0]).status_code == 503


@pytest.mark.parametrize("deed", ["missing", "edited", "damaged", "no object"])
def test_a_passport_that_is_none_is_not_believed(settings: Settings, tmp_path: Path, deed: str) -> None:
    text = settings.passport.read_text(encoding="utf-8")
    written = {"edited": text.replace("warn", "pass"), "damaged": text[:-9], "no object": "[]"}
    path = tmp_path / "passport.json"
    if deed in written:
        path.write_text(written[deed], encoding="utf-8")
    with TestClient(create_app(replace(settings, passport=path))) as running:
        assert "no valid passport" in running.get("/health").json()["detail"]


def test_serving_without_a_passport_is_said_so_and_shown(
    settings: Settings, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    allowed = replace(settings, passport=tmp_path / "passport.json", without_passport=True)
    with TestClient(create_app(allowed)) as running:
        assert running.post("/predict", json=records[0]).status_code == 200
        assert "not valid, served all the same: there is no passport.json" in running.get("/health").json()["passport"]
        assert running.get("/metadata").json()["passport"]["valid"] is False
