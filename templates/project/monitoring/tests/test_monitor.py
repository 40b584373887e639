"""The monitor is quiet on rows like those of training, and speaks up when a column changes."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.features.contract import COLUMNS
from data.features.rows import conform
from data.features.rules import RULES
from models.serving import monitor
from models.serving.drift import make_bins, stability_index, thresholds
from models.serving.monitor import comparable_columns, compare

ROWS = 200


@pytest.fixture(scope="module")
def reference(development: pd.DataFrame) -> pd.DataFrame:
    """Development rows as they are compared."""
    return comparable_columns(conform(development))


def alarms(reference: pd.DataFrame, windows: int, *, rate: float = 0.01) -> int:
    """Count the alarms over windows drawn from the reference itself."""
    drawn = (reference.sample(ROWS, replace=True, random_state=seed) for seed in range(windows))
    return sum(any(one.drifted for one in compare(reference, window, false_alarm_rate=rate)) for window in drawn)


def test_rows_like_those_of_training_raise_no_alarm(reference: pd.DataFrame) -> None:
    # One alarm in a hundred is what is promised; three in five happen by chance once in 100,000 projects.
    assert alarms(reference, 5) <= 2


def test_thresholds_keep_the_promised_rate_of_false_alarms() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({f"x{place}": rng.normal(size=2000) for place in range(5)})
    bins = {name: make_bins(rows[name]) for name in rows}
    before = [bins[name].count(rows[name]) for name in rows]
    limits = thresholds(before, 100, false_alarm_rate=0.05)
    fired = 0
    for _ in range(400):
        window = pd.DataFrame({name: rng.normal(size=100) for name in rows})
        indices = [
            float(stability_index(old, bins[name].count(window[name]))) for name, old in zip(rows, before, strict=True)
        ]
        fired += any(index > limit for index, limit in zip(indices, limits, strict=True))
    assert 0.015 < fired / 400 < 0.1


def test_a_column_that_changes_raises_an_alarm_and_stands_first(reference: pd.DataFrame) -> None:
    for name in reference.columns[:5]:
        window = reference.sample(ROWS, replace=True, random_state=1)
        strange = "never seen in training" if not pd.api.types.is_float_dtype(reference[name]) else 1e12
        window = window.assign(**{name: strange})
        first = compare(reference, window, false_alarm_rate=0.01)[0]
        assert first.drifted
        assert first.column == name
        assert first.unseen_share == 1.0


def test_values_that_go_missing_raise_an_alarm(reference: pd.DataFrame) -> None:
    name = reference.isna().mean().idxmin()
    window = reference.sample(ROWS, replace=True, random_state=1)
    window[name] = window[name].mask(np.arange(ROWS) % 2 == 0)
    change = next(one for one in compare(reference, window, false_alarm_rate=0.01) if one.column == name)
    assert change.drifted
    assert change.missing_share >= 0.5


def test_a_half_shift_is_found_in_two_hundred_rows() -> None:
    rng = np.random.default_rng(0)
    before = pd.DataFrame({f"x{place}": rng.normal(size=5000) for place in range(30)})
    window = pd.DataFrame({name: rng.normal(size=300) for name in before}).assign(x7=rng.normal(0.6, size=300))
    changes = compare(before, window, false_alarm_rate=0.01)
    assert changes[0].column == "x7"
    assert changes[0].drifted


def write_inputs(path: Path, records: list[dict[str, object]]) -> None:
    """Write a log as the service does, without sensitive columns."""
    hidden = {column.name for column in COLUMNS if column.sensitive}
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE predictions (id INTEGER PRIMARY KEY, inputs TEXT, answer TEXT)")
        for record in records:
            inputs = json.dumps({name: value for name, value in record.items() if name not in hidden})
            answer = json.dumps({"predicted": 1.0})
            connection.execute("INSERT INTO predictions (inputs, answer) VALUES (?, ?)", (inputs, answer))


def test_the_command_judges_a_log_and_writes_both_reports(
    development: pd.DataFrame, records: list[dict[str, object]], tmp_path: Path
) -> None:
    development.to_parquet(tmp_path / "development.parquet")
    write_inputs(tmp_path / "log.db", records)
    places = {"--reference": "development.parquet", "--log": "log.db", "--champion": "none", "--output": "reports"}
    arguments = [part for name, place in places.items() for part in (name, str(tmp_path / place))]
    assert monitor.main(arguments) == monitor.QUIET
    report = json.loads((tmp_path / "reports" / "monitor.json").read_text(encoding="utf-8"))
    assert report["verdict"] == "quiet"
    assert report["rows"] == len(records)
    assert (tmp_path / "reports" / "monitor.md").read_text(encoding="utf-8").startswith("# Drift: quiet")

    name = next(column.name for column in COLUMNS if not column.sensitive and column.storage != "datetime")
    write_inputs(tmp_path / "changed.db", [record | {name: None} for record in records])
    arguments[arguments.index("--log") + 1] = str(tmp_path / "changed.db")
    assert monitor.main(arguments) == monitor.DRIFT


@pytest.mark.parametrize("rows", [0, 5])
def test_too_few_rows_are_no_silence(
    rows: int, development: pd.DataFrame, records: list[dict[str, object]], tmp_path: Path
) -> None:
    development.to_parquet(tmp_path / "development.parquet")
    if rows:
        write_inputs(tmp_path / "log.db", records[:rows])
    places = {"--reference": "development.parquet", "--log": "log.db", "--output": "reports"}
    arguments = [part for name, place in places.items() for part in (name, str(tmp_path / place))]
    assert monitor.main(arguments) == monitor.CANNOT_JUDGE
    assert "Nothing was compared" in (tmp_path / "reports" / "monitor.md").read_text(encoding="utf-8")


def test_a_file_of_rows_can_be_judged(development: pd.DataFrame, tmp_path: Path) -> None:
    development.to_parquet(tmp_path / "development.parquet")
    development.to_csv(tmp_path / "rows.csv", index=False)
    arguments = ["--reference", str(tmp_path / "development.parquet"), "--output", str(tmp_path)]
    assert monitor.main([*arguments, "--data", str(tmp_path / "rows.csv")]) == monitor.QUIET
    development.drop(columns=COLUMNS[0].name).to_csv(tmp_path / "less.csv", index=False)
    less = [*arguments, "--data", str(tmp_path / "less.csv")]
    assert monitor.main(less) == (monitor.QUIET if COLUMNS[0].sensitive else monitor.CANNOT_JUDGE)


def test_names_in_the_report_cannot_become_markup() -> None:
    assert monitor._cell("a|b`c\n# d") == "`a b c # d`"


def test_broken_rules_of_the_contract_are_counted(
    development: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    column = next((one for one in COLUMNS if one.storage in {"integer", "float"} and one.name in RULES), None)
    if column is None:
        pytest.skip("no column holds numbers")
    monkeypatch.setitem(RULES, column.name, replace(RULES[column.name], minimum=-1e20, maximum=-1e19, outside="warn"))
    rows = conform(development)
    rows.to_parquet(tmp_path / "rows.parquet")
    monitor.main(["--data", str(tmp_path / "rows.parquet"), "--output", str(tmp_path)])
    report = json.loads((tmp_path / "monitor.json").read_text(encoding="utf-8"))
    counted = next(one for one in report["contract"] if one["column"] == column.name)
    assert (counted["rule"], counted["level"]) == ("outside", "warn")
    assert counted["rows"] == rows[column.name].notna().sum()
    assert "Broken rules of data/contract.yaml" in (tmp_path / "monitor.md").read_text(encoding="utf-8")
