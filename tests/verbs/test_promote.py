"""A champion goes into use by a person's word, through a gate that passes, and an earlier one can be put back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ml_engineer import tracking
from ml_engineer.errors import InputError, ProjectStateError
from ml_engineer.modelling.model_files import TRUSTED_TYPES, save_model
from ml_engineer.project.development import load_development
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record, save_record
from ml_engineer.verbs.evaluate import evaluate
from ml_engineer.verbs.passports.known_answers import keep_known_answers
from ml_engineer.verbs.passports.writing import update_passport
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.requests import EvaluateRequest
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun
from verbs.trained_projects import churn, train_project

Call = Callable[..., Any]

WORD = {"approved_by": "Ada", "reason": "the board agreed to it"}


def train_again(layout: ProjectLayout, run_id: str, strength: float) -> None:
    """Fit another model, track it, and put it in place as `train` does."""
    before = load_record(layout, TrainingRun)
    frame = load_development(layout, load_record(layout, SplitPlan)).frame
    features, target = frame[list(before.feature_columns)], frame["left"].to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength)).fit(features, target)
    saved = save_model(model, layout.champion_dir, check=features.head(20))
    layout.champion_py.parent.mkdir(parents=True, exist_ok=True)
    layout.champion_py.write_text(f"# {run_id}\n", encoding="utf-8")
    result = before.leaderboard.candidates[0]
    with tracking.start_run(
        layout, experiment="churn", run_id=run_id, data_sha256=before.development_sha256, data_name="development"
    ) as run:
        run.log_result(
            result.model_copy(update={"fold_scores": (0.8, 0.9)}),
            metric="roc_auc",
            numbers={},
            parameters={"seed": 0},
            tags={},
            environment=before.environment,
        )
        run.log_model(
            model, example=features.head(3), model_format="skops", trusted_types=TRUSTED_TYPES, requirements=["skops"]
        )
    champion = before.champion.model_copy(
        update={"model_sha256": saved.sha256, "code_sha256": file_sha256(layout.champion_py)}
    )
    shutil.copytree(layout.run_dir(before.run_id), layout.run_dir(run_id), dirs_exist_ok=True)
    record = before.model_copy(
        update={
            "run_id": run_id,
            "mlflow_run_id": run.mlflow_run_id,
            "champion": champion,
            "out_of_fold_path": layout.relative(layout.out_of_fold(run_id)),
        }
    )
    save_record(layout, record)
    (layout.run_dir(run_id) / "record.json").write_text(record.model_dump_json(), encoding="utf-8")
    layout.champion_manifest.write_text(json.dumps({"run_id": run_id, "model_sha256": saved.sha256}), encoding="utf-8")
    keep_known_answers(layout)
    update_passport(layout, written_by="train")


@dataclass(frozen=True)
class Promotable:
    """A tracked and evaluated project in a home of its own."""

    layout: ProjectLayout

    @property
    def root(self) -> str:
        return str(self.layout.root)

    @property
    def model(self) -> str:
        return file_sha256(self.layout.champion_dir / "model.skops")

    def approvals(self) -> list[dict[str, Any]]:
        if not self.layout.approvals.exists():
            return []
        return [json.loads(line) for line in self.layout.approvals.read_text(encoding="utf-8").splitlines()]

    def passport(self) -> dict[str, Any]:
        return json.loads(self.layout.passport.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For copying only."""
    folder = tmp_path_factory.mktemp("promotable")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "home" / "data"))
        (folder / "home").mkdir()
        frame = churn().drop(columns=["region", "sex"])
        layout = train_project(folder / "home", frame, target="left", task="binary", keys=("customer",)).layout
        train_again(layout, "run_first", 1.0)
        context = WorkContext(job_id="job_test", journal_dir=folder)
        evaluate(EvaluateRequest(project_dir=str(layout.root)), context)
    return folder / "home"


@pytest.fixture
def evaluated(pristine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Promotable:
    """Trained, tracked and evaluated."""
    # A place of its own, because MLflow keeps what it opened at a place for the whole process.
    home = tmp_path / "home"
    shutil.copytree(pristine, home)
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    return Promotable(ProjectLayout(home / "ml"))


@pytest.fixture
def project(evaluated: Promotable) -> Promotable:
    """Trained and tracked, and not evaluated."""
    (evaluated.layout.records / "evaluation.json").unlink()
    evaluated.layout.evaluation_html.unlink()
    update_passport(evaluated.layout, written_by="train")
    return evaluated


def alias(project: Promotable) -> tracking.RegisteredChampion | None:
    return tracking.find_champion(project.layout, title=project.passport()["problem"]["title"])


def test_an_approved_champion_gets_the_alias_and_its_approval_is_kept(evaluated: Promotable, call: Call) -> None:
    reply = call("promote", project_dir=evaluated.root, **WORD)
    assert (reply.status, reply.run_id, reply.approved_by) == ("done", "run_first", "Ada"), reply
    found = alias(evaluated)
    assert found is not None
    assert (found.version, found.mlflow_run_id) == ("1", load_record(evaluated.layout, TrainingRun).mlflow_run_id)
    (entry,) = evaluated.approvals()
    assert (entry["event"], entry["approved_by"], entry["reason"]) == ("promote", "Ada", "the board agreed to it")
    assert entry["model_sha256"] == evaluated.model
    assert evaluated.passport()["approvals"] == [entry]
    assert call("verify", project_dir=evaluated.root, full=True).verdict == "valid"


def test_a_blocking_gate_refuses_and_moves_nothing(project: Promotable, call: Call) -> None:
    reply = call("promote", project_dir=project.root, **WORD)
    assert reply.status == "refused"
    assert "MOD002" in reply.summary
    assert (alias(project), project.approvals()) == (None, [])


def test_a_finding_that_was_overridden_does_not_block_and_is_named_in_the_approval(
    project: Promotable, call: Call
) -> None:
    for code in ("MOD002", "MOD003", "MOD004"):
        call("waive_finding", project_dir=project.root, code=code, reason="a trial for one day only", name="Ada")
    reply = call("promote", project_dir=project.root, **WORD)
    assert reply.status == "done", reply
    assert "MOD002" in project.approvals()[0]["waived"]


def test_what_cannot_be_proved_is_not_promoted(evaluated: Promotable, call: Call) -> None:
    path = evaluated.layout.root / "README.md"
    path.write_text("It is 99.9 % accurate.\n", encoding="utf-8")
    reply = call("promote", project_dir=evaluated.root, **WORD)
    assert reply.status == "refused"
    assert "README.md" in reply.summary
    assert evaluated.approvals() == []


@pytest.mark.parametrize("word", [{**WORD, "approved_by": "  x "}, {**WORD, "reason": "ok         "}])
def test_a_word_that_says_nothing_is_refused(evaluated: Promotable, call: Call, word: dict[str, str]) -> None:
    with pytest.raises(InputError, match="says nothing"):
        call("promote", project_dir=evaluated.root, **word)
    assert evaluated.approvals() == []


@pytest.mark.parametrize("missing", ["approved_by", "reason"])
def test_name_and_reason_are_asked_for(evaluated: Promotable, call: Call, missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        call("promote", project_dir=evaluated.root, **{key: value for key, value in WORD.items() if key != missing})


def test_the_same_champion_is_not_approved_twice(evaluated: Promotable, call: Call) -> None:
    call("promote", project_dir=evaluated.root, **WORD)
    reply = call("promote", project_dir=evaluated.root, approved_by="Grace", reason="once more, to be sure")
    assert "in use already" in reply.summary
    assert len(evaluated.approvals()) == 1


def test_an_earlier_champion_is_put_back_whole(evaluated: Promotable, call: Call) -> None:
    call("promote", project_dir=evaluated.root, **WORD)
    first, report = evaluated.model, load_record(evaluated.layout, EvaluationReport)
    train_again(evaluated.layout, "run_second", 0.01)
    call("evaluate", project_dir=evaluated.root)
    second = call("promote", project_dir=evaluated.root, **WORD)
    assert (second.run_id, second.before) == ("run_second", "run_first")
    assert evaluated.model != first
    back = call("promote", project_dir=evaluated.root, rollback=True, approved_by="Ada", reason="it misbehaves in use")
    assert (back.run_id, back.before) == ("run_first", "run_second")
    assert evaluated.model == first
    assert evaluated.layout.champion_py.read_text(encoding="utf-8") == "# run_first\n"
    assert load_record(evaluated.layout, TrainingRun).run_id == "run_first"
    assert load_record(evaluated.layout, EvaluationReport) == report
    found = alias(evaluated)
    assert found is not None
    assert found.version == "1"
    assert [entry["event"] for entry in evaluated.approvals()] == ["promote", "promote", "rollback"]
    assert call("verify", project_dir=evaluated.root, full=True).failed == []
    forward = call("promote", project_dir=evaluated.root, to="run_second", **WORD)
    assert forward.run_id == "run_second"


def test_there_must_be_something_to_go_back_to(evaluated: Promotable, call: Call) -> None:
    with pytest.raises(InputError, match="no earlier champion"):
        call("promote", project_dir=evaluated.root, rollback=True, **WORD)
    with pytest.raises(InputError, match="never promoted"):
        call("promote", project_dir=evaluated.root, to="run_first", **WORD)


def test_other_feature_code_is_not_fed_to_an_earlier_champion(evaluated: Promotable, call: Call) -> None:
    call("promote", project_dir=evaluated.root, **WORD)
    features = evaluated.layout.features_py
    kept = features.read_text(encoding="utf-8")
    features.write_text(f"{kept}\n# changed\n", encoding="utf-8")
    with pytest.raises(ProjectStateError, match="not the feature code"):
        call("promote", project_dir=evaluated.root, to="run_first", **WORD)
    assert len(evaluated.approvals()) == 1


def test_a_log_that_was_edited_is_told_and_nothing_is_promoted(evaluated: Promotable, call: Call) -> None:
    call("promote", project_dir=evaluated.root, **WORD)
    log = evaluated.layout.approvals
    log.write_text(log.read_text(encoding="utf-8").replace("Ada", "Eve"), encoding="utf-8")
    told = call("verify", project_dir=evaluated.root).failed
    assert any("entry 0 was edited" in line for line in told)
    with pytest.raises(ProjectStateError, match="does not add up"):
        call("promote", project_dir=evaluated.root, **WORD)


@pytest.mark.parametrize("deed", ["removed", "doubled"])
def test_an_approval_that_was_removed_or_doubled_is_told(evaluated: Promotable, call: Call, deed: str) -> None:
    call("promote", project_dir=evaluated.root, **WORD)
    log = evaluated.layout.approvals
    log.write_bytes(b"" if deed == "removed" else log.read_bytes() * 2)
    assert call("verify", project_dir=evaluated.root).verdict == "invalid"


def test_an_alias_that_somebody_moved_without_approval_is_found(evaluated: Promotable, call: Call) -> None:
    title = evaluated.passport()["problem"]["title"]
    run = load_record(evaluated.layout, TrainingRun).mlflow_run_id
    version = tracking.register_run(evaluated.layout, title=title, mlflow_run_id=run)
    tracking.move_champion(evaluated.layout, title=title, version=version, tags={})
    told = call("verify", project_dir=evaluated.root, full=True).failed
    assert told == ["no alias was set without approval: it stands for version 1, and approved was none"]
