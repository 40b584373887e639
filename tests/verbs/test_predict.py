"""Predictions come in the rows' order beside their keys, and what differs from the known data is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml_engineer.errors import InputError, ProjectStateError, SourceError
from ml_engineer.project.records import load_record, save_record
from ml_engineer.verbs.champion import load_champion
from ml_engineer.vocabulary.training import TrainingRun
from verbs.trained_projects import TrainedProject, churn, train_project

Call = Callable[..., Any]


@pytest.fixture
def leavers(tmp_path: Path) -> TrainedProject:
    return train_project(tmp_path, churn(), target="left", task="binary", keys=("customer",))


@pytest.fixture
def new_rows(tmp_path: Path) -> Path:
    """Twenty customers of another year, without the target."""
    path = tmp_path / "new customers.csv"
    churn(20, seed=9).drop(columns="left").to_csv(path, index=False)
    return path


def test_rows_stay_in_order_beside_their_keys(leavers: TrainedProject, call: Call, new_rows: Path) -> None:
    reply = call("predict", project_dir=leavers.root, data=str(new_rows))
    written = pd.read_csv(reply.output)
    given = pd.read_csv(new_rows)
    answers = load_champion(leavers.layout).answer(given)
    assert list(written.columns) == ["row", "customer", "prediction", "probability_no", "probability_yes"]
    assert written["row"].tolist() == list(range(20))
    assert written["customer"].tolist() == given["customer"].tolist()
    assert answers.probabilities is not None
    assert written["probability_yes"].to_numpy() == pytest.approx(answers.probabilities[:, 1])
    assert written["prediction"].tolist() == ["yes" if code else "no" for code in answers.predicted]
    assert reply.output == str(leavers.layout.reports / "predictions-new_customers.csv")
    assert reply.rows == 20


def test_reply_shows_three_rows_of_the_file(leavers: TrainedProject, call: Call, new_rows: Path) -> None:
    reply = call("predict", project_dir=leavers.root, data=str(new_rows))
    assert len(reply.preview) == 3
    assert list(reply.preview[0]) == reply.columns
    assert reply.preview[0]["customer"] == "C0000"
    assert len(reply.model_dump_json()) < 2500


def test_threshold_in_force_is_applied(leavers: TrainedProject, call: Call, new_rows: Path) -> None:
    training = load_record(leavers.layout, TrainingRun)
    champion = training.champion.model_copy(update={"decision_threshold": 0.99})
    save_record(leavers.layout, training.model_copy(update={"champion": champion}))
    written = pd.read_csv(call("predict", project_dir=leavers.root, data=str(new_rows)).output)
    assert (written["probability_yes"] > 0.5).any()
    assert (written["prediction"] == "yes").tolist() == (written["probability_yes"] >= 0.99).tolist()


@pytest.mark.parametrize(
    ("ending", "read"),
    [("csv", pd.read_csv), ("parquet", pd.read_parquet), ("xlsx", pd.read_excel), ("json", pd.read_json)],
)
def test_ending_of_the_output_chooses_the_format(
    leavers: TrainedProject, call: Call, new_rows: Path, ending: str, read: Callable[..., pd.DataFrame]
) -> None:
    output = new_rows.parent / "out" / f"scores.{ending}"
    reply = call("predict", project_dir=leavers.root, data=str(new_rows), output=str(output))
    assert read(output)["customer"].tolist() == [f"C{number:04d}" for number in range(20)]
    assert reply.output == str(output)


def test_regression_gives_the_prediction_interval(tmp_path: Path, call: Call, new_rows: Path) -> None:
    frame = churn().drop(columns="left")
    frame["spend"] = 3 * frame["charge"] + np.random.default_rng(0).normal(size=400)
    project = train_project(tmp_path, frame, target="spend", task="regression", keys=("customer",))
    written = pd.read_csv(call("predict", project_dir=project.root, data=str(new_rows)).output)
    interval = load_record(project.layout, TrainingRun).champion.interval
    assert interval is not None
    assert (written["high_90"] - written["low_90"]).to_numpy() == pytest.approx(interval.mean_width)
    assert written["prediction"].between(written["low_90"], written["high_90"]).all()


def test_target_in_the_file_changes_nothing_and_is_told(leavers: TrainedProject, call: Call, tmp_path: Path) -> None:
    frame = churn(20, seed=9)
    without, with_target, turned = (tmp_path / name for name in ("without.csv", "with.csv", "turned.csv"))
    frame.drop(columns="left").to_csv(without, index=False)
    frame.to_csv(with_target, index=False)
    frame.assign(left="no").to_csv(turned, index=False)
    replies = [call("predict", project_dir=leavers.root, data=str(path)) for path in (without, with_target, turned)]
    assert not any("target" in warning for warning in replies[0].warnings)
    assert any("'left'; it was ignored" in warning for warning in replies[1].warnings)
    texts = {Path(reply.output).read_text(encoding="utf-8") for reply in replies}
    assert len(texts) == 1


def test_sealed_rows_among_them_are_told(leavers: TrainedProject, call: Call, new_rows: Path) -> None:
    reply = call("predict", project_dir=leavers.root, data=str(leavers.data))
    assert reply.warnings[0].startswith("100 of these rows are this project's sealed held-out rows")
    fresh = call("predict", project_dir=leavers.root, data=str(new_rows))
    assert not any("sealed" in warning for warning in fresh.warnings)


def test_missing_column_is_refused_with_the_nearest_name(leavers: TrainedProject, call: Call, tmp_path: Path) -> None:
    path = tmp_path / "renamed.csv"
    churn(5).drop(columns=["left", "sex"]).rename(columns={"charge": "charges"}).to_csv(path, index=False)
    with pytest.raises(InputError, match=r"lacks 2 of the columns .* 'charge' \(nearest there: 'charges'\), 'sex'"):
        call("predict", project_dir=leavers.root, data=str(path))
    assert not leavers.layout.reports.exists()


def test_unseen_and_out_of_range_cells_are_counted_and_told(
    leavers: TrainedProject, call: Call, tmp_path: Path
) -> None:
    frame = churn(20, seed=9).drop(columns="left").astype({"charge": object, "region": object})
    frame.loc[:1, "region"] = "atlantis\nhello"
    frame.loc[2, "charge"] = 1e6
    path = tmp_path / "odd.csv"
    frame.to_csv(path, index=False)
    reply = call("predict", project_dir=leavers.root, data=str(path))
    told = "\n".join(reply.warnings)
    assert "'region' holds a text that is not among its categories in 2 rows: 'atlantis hello' (row 0, 1)." in told
    assert "'charge' lies outside of " in told
    assert "in 1 row: 1e+06 (row 2)." in told
    assert reply.rows == 20


def with_empty_and_unreadable_cells(tmp_path: Path) -> Path:
    frame = churn(20, seed=9).drop(columns="left").astype({"months": object})
    frame.loc[3, "months"] = "many"
    frame.loc[4:6, "charge"] = None
    frame.to_csv(tmp_path / "gaps.csv", index=False)
    return tmp_path / "gaps.csv"


def test_rows_that_break_the_contract_are_refused_by_name_and_nothing_is_scored(
    leavers: TrainedProject, call: Call, tmp_path: Path
) -> None:
    reply = call("predict", project_dir=leavers.root, data=str(with_empty_and_unreadable_cells(tmp_path)))
    assert (reply.status, reply.rows) == ("refused", None)
    assert "'charge' is missing in 3 rows, where a value is needed (row 4, 5, 6)" in reply.summary
    told = "\n".join(reply.warnings)
    assert "'months' is missing in 1 row" in told
    assert "many" in told  # what could not be read is said by the reader
    assert "data/contract.yaml" in reply.next_step
    assert not leavers.layout.reports.exists()


def test_a_person_loosens_a_rule_in_one_line(tmp_path: Path, call: Call) -> None:
    project = train_project(tmp_path, churn(), target="left", task="binary", keys=("customer",), sensitive=("sex",))
    path = project.layout.contract_yaml
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("missing: error", "missing: warn"), encoding="utf-8")
    reply = call("predict", project_dir=project.root, data=str(with_empty_and_unreadable_cells(tmp_path)))
    assert reply.rows == 20
    assert any(warning.startswith("'charge' is missing in 3 rows") for warning in reply.warnings)


def test_a_person_tightens_a_rule_and_sensitive_values_stay_masked(tmp_path: Path, call: Call, new_rows: Path) -> None:
    project = train_project(
        tmp_path / "p", churn(), target="left", task="binary", keys=("customer",), sensitive=("sex",)
    )
    path = project.layout.contract_yaml
    text = path.read_text(encoding="utf-8").replace("categories: [female, male]", "categories: [female]")
    text = text.replace("categories: [male, female]", "categories: [female]")
    head, tail = text.split("  sex:", 1)
    path.write_text(f"{head}  sex:{tail.replace('unseen: warn', 'unseen: error', 1)}", encoding="utf-8")
    reply = call("predict", project_dir=project.root, data=str(new_rows))
    assert reply.status == "refused"
    assert "'sex' holds a text that is not among its categories" in reply.summary
    assert ": (masked) (row " in reply.summary
    assert "male" not in reply.model_dump_json().replace("female", "")


def test_one_row_is_enough(leavers: TrainedProject, call: Call, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    churn(1).drop(columns="left").to_json(path, orient="records")
    assert call("predict", project_dir=leavers.root, data=str(path)).rows == 1


def test_keys_that_bear_our_names_do_not_collide(tmp_path: Path, call: Call) -> None:
    frame = churn().rename(columns={"customer": "prediction"})
    project = train_project(tmp_path, frame, target="left", task="binary", keys=("prediction",))
    path = tmp_path / "new.csv"
    frame.head(4).drop(columns="left").to_csv(path, index=False)
    written = pd.read_csv(call("predict", project_dir=project.root, data=str(path)).output)
    assert list(written.columns)[:3] == ["row", "prediction", "prediction_"]
    assert written["prediction"].tolist() == frame["prediction"].head(4).tolist()


def test_rows_are_never_overwritten_by_their_predictions(leavers: TrainedProject, call: Call, new_rows: Path) -> None:
    before = new_rows.read_bytes()
    with pytest.raises(InputError, match="overwrite"):
        call("predict", project_dir=leavers.root, data=str(new_rows), output=str(new_rows))
    assert new_rows.read_bytes() == before


def test_an_unknown_ending_is_refused_before_a_row_is_read(leavers: TrainedProject, call: Call, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="endings"):
        call(
            "predict", project_dir=leavers.root, data=str(tmp_path / "absent.csv"), output=str(tmp_path / "scores.xls")
        )


def test_unknown_ending_and_missing_file_are_refused(
    leavers: TrainedProject, call: Call, new_rows: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="endings"):
        call("predict", project_dir=leavers.root, data=str(new_rows), output=str(tmp_path / "scores.docx"))
    with pytest.raises(SourceError):
        call("predict", project_dir=leavers.root, data=str(tmp_path / "nowhere.csv"))


def test_swapped_model_is_refused(leavers: TrainedProject, call: Call, new_rows: Path) -> None:
    next(leavers.layout.champion_dir.glob("model.*")).write_bytes(b"another")
    with pytest.raises(ProjectStateError, match="is not the model that was recorded"):
        call("predict", project_dir=leavers.root, data=str(new_rows))
    assert not leavers.layout.reports.exists()
