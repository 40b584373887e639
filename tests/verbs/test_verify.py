"""What is claimed of a champion is held against its proofs: every change by hand is found and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml_engineer import seal
from ml_engineer.project.candidate_predictions import write_candidate_predictions
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.project.tally import count_run, load_tally
from ml_engineer.verbs.check_guardrails import check_guardrails
from ml_engineer.verbs.evaluate import evaluate
from ml_engineer.verbs.passports.known_answers import keep_known_answers
from ml_engineer.verbs.passports.writing import update_passport
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.guardrails import GuardrailReport
from ml_engineer.vocabulary.passport import Passport, passport_sha256
from ml_engineer.vocabulary.replies import VerifyReply
from ml_engineer.vocabulary.requests import CheckGuardrailsRequest, EvaluateRequest
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.tally import TallyRun
from verbs.trained_projects import churn, train_project

Call = Callable[..., Any]


@dataclass(frozen=True)
class Verified:
    """A project that was trained, evaluated and checked, in a home of its own with its vault."""

    home: Path
    layout: ProjectLayout

    @property
    def root(self) -> str:
        return str(self.layout.root)

    @property
    def deal_id(self) -> str:
        return load_record(self.layout, SplitPlan).deal_id

    @property
    def vault(self) -> Path:
        return next(self.home.rglob(self.deal_id))


def _build(home: Path) -> ProjectLayout:
    layout = train_project(home, churn(), target="left", task="binary", keys=("customer",)).layout
    split = load_record(layout, SplitPlan)
    chances = {name: np.random.default_rng(7).random(split.development_rows) for name in ("a", "b")}
    predictions = {name: np.c_[1 - chance, chance] for name, chance in chances.items()}
    write_candidate_predictions(layout, "run_test", predictions)
    run = TallyRun(
        run_id="run_test",
        at="2026-01-02T00:00:00+00:00",
        deal_id=split.deal_id,
        development_sha256=split.development_sha256,
        metric="roc_auc",
        finished=2,
    )
    count_run(layout, run)
    (layout.root / "README.md").write_text("# Churn\n\nPredicts who leaves.\n", encoding="utf-8")
    layout.champion_py.parent.mkdir(parents=True, exist_ok=True)
    layout.champion_py.write_text("# code\n", encoding="utf-8")
    keep_known_answers(layout)
    update_passport(layout, written_by="train")
    context = WorkContext(job_id="job_test", journal_dir=home)
    evaluate(EvaluateRequest(project_dir=str(layout.root)), context)
    check_guardrails(CheckGuardrailsRequest(project_dir=str(layout.root), stage="deploy"), context)
    return layout


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The home that tests work in, and a copy of it to begin each of them with."""
    folder = tmp_path_factory.mktemp("verified")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "home" / "data"))
        (folder / "home").mkdir()
        _build(folder / "home")
    shutil.copytree(folder / "home", folder / "copy")
    return folder / "home", folder / "copy"


@pytest.fixture
def project(pristine: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Verified:
    home, copy = pristine
    shutil.rmtree(home)
    shutil.copytree(copy, home)
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    return Verified(home, ProjectLayout(home / "ml"))


def failures(reply: VerifyReply) -> str:
    assert reply.verdict == "invalid"
    return "\n".join(reply.failed)


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def passport(project: Verified) -> dict[str, Any]:
    return json.loads(project.layout.passport.read_text(encoding="utf-8"))


def forge(project: Verified, change: Callable[[dict[str, Any]], None]) -> None:
    """Edit the passport as somebody would who knows how its hash is made."""
    document = passport(project)
    change(document)
    document["passport_sha256"] = passport_sha256(document)
    project.layout.passport.write_text(json.dumps(document), encoding="utf-8")


def test_an_untouched_project_is_valid_and_all_its_numbers_are_named(project: Verified, call: Call) -> None:
    reply = call("verify", project_dir=project.root)
    assert (reply.verdict, reply.failed, reply.not_checked) == ("valid", [], [])
    names = {number["name"] for number in passport(project)["numbers"]}
    assert {
        "cross_validated.champion.score",
        "held_out.metrics.roc_auc.model",
        "held_out.metrics.roc_auc.difference",
        "held_out.honest.corrected",
    } <= names


def test_all_numbers_can_be_computed_again_without_a_new_look(project: Verified, call: Call) -> None:
    reply = call("verify", project_dir=project.root, full=True)
    assert (reply.verdict, reply.failed, reply.not_checked) == ("valid", [], [])
    assert seal.count_looks(project.deal_id, project_ledger=project.layout.ledger) == 1
    events = [json.loads(line)["event"] for line in project.layout.ledger.read_text("utf-8").splitlines()]
    assert events == ["deal", "look", "score", "check"]
    assert call("verify", project_dir=project.root, full=True).verdict == "valid"


def test_a_report_edited_by_hand_is_found(project: Verified, call: Call) -> None:
    edit(project.layout.evaluation_html, "<h1>", "<h1>Certified: ")
    assert "reports/evaluation.html is as check_guardrails left it" in failures(
        call("verify", project_dir=project.root)
    )


def test_a_swapped_model_is_found_even_if_the_manifest_goes_along(project: Verified, call: Call) -> None:
    model = next(project.layout.champion_dir.glob("model.*"))
    model.write_bytes(model.read_bytes() + b"\0")
    assert "the model file that is served is the champion's" in failures(call("verify", project_dir=project.root))


@pytest.mark.parametrize(
    ("file", "before", "after", "words"),
    [
        ("experiments/records/evaluation.json", '"look": 1', '"look": 2', "evaluation.json is as evaluate left it"),
        ("experiments/records/training.json", '"seed": 0', '"seed": 1', "training.json is as train left it"),
        ("data/features/features.py", "Select", "Choose", "features.py is as train left it"),
        ("problem.yaml", "primary_metric: roc_auc", "primary_metric: accuracy", "the problem changed since"),
        ("passport.json", '"verdict": "block"', '"verdict": "pass"', "passport.json was edited"),
    ],
)
def test_an_edited_file_is_found(
    project: Verified, call: Call, *, file: str, before: str, after: str, words: str
) -> None:
    edit(project.layout.root / file, before, after)
    assert words in failures(call("verify", project_dir=project.root))


def test_a_better_score_written_everywhere_in_the_project_is_found_by_the_ledger(project: Verified, call: Call) -> None:
    record = project.layout.records / "evaluation.json"
    document = json.loads(record.read_text(encoding="utf-8"))
    document["metrics"][0]["model"]["value"] = document["metrics"][0]["model"]["high"]
    record.write_text(json.dumps(document), encoding="utf-8")
    update_passport(project.layout, written_by="train")
    told = failures(call("verify", project_dir=project.root))
    assert told.startswith("the held-out scores are those in the ledger: roc_auc")
    assert "\n" not in told


def test_a_better_cross_validated_score_is_found_by_computing_it_again(project: Verified, call: Call) -> None:
    record = project.layout.records / "training.json"
    document = json.loads(record.read_text(encoding="utf-8"))
    score = document["champion"]["score"]
    score["value"] = score["high"]
    record.write_text(json.dumps(document), encoding="utf-8")
    update_passport(project.layout, written_by="train")
    told = failures(call("verify", project_dir=project.root, full=True))
    assert "follows from the out-of-fold predictions: computed again" in told


def test_a_number_in_the_readme_that_no_record_holds_is_named_with_its_line(project: Verified, call: Call) -> None:
    readme = project.layout.root / "README.md"
    value = next(x for x in passport(project)["numbers"] if x["name"] == "held_out.metrics.roc_auc.model")
    good = f"ROC AUC {value['estimate']['value']:.3f} on held-out rows.\n"
    readme.write_text(f"# Churn\n\n{good}", encoding="utf-8")
    assert call("verify", project_dir=project.root).verdict == "valid"
    readme.write_text(f"# Churn\n\n{good}It is 99.5 % accurate.\n", encoding="utf-8")
    told = failures(call("verify", project_dir=project.root))
    assert "README.md" in told
    assert "line 4: 99.5 %" in told


def test_forged_numbers_waivers_and_gates_are_held_against_the_records(project: Verified, call: Call) -> None:
    forge(project, lambda document: document["numbers"][-1]["estimate"].update(method="a better one"))
    assert "reported numbers stand in the records" in failures(call("verify", project_dir=project.root))
    forge(project, lambda document: document["gate"].update(verdict="pass"))
    assert "the guardrail report says something else" in failures(call("verify", project_dir=project.root))
    forge(project, lambda document: document["numbers"].clear())
    assert "the passport holds every number of the records" in failures(call("verify", project_dir=project.root))


@pytest.mark.parametrize(
    ("section", "field", "value", "words"),
    [
        (
            "problem",
            "title",
            "Predict the weather",
            "what is said of the problem is what the records say: another title",
        ),
        ("data", "source", "census.csv", "what is said of the rows is what the records say: another source"),
        ("champion", "name", "a better one", "what is said of the champion is what the records say: another name"),
        ("environment", "cores", 64, "what is said of the environment is what the records say: another cores"),
        ("gate", "findings", [], "the guardrail report says something else"),
    ],
)
def test_forged_sections_are_held_against_the_records(
    project: Verified, call: Call, *, section: str, field: str, value: object, words: str
) -> None:
    forge(project, lambda document: document[section].update({field: value}))
    assert words in failures(call("verify", project_dir=project.root))


def test_a_contract_edited_by_hand_is_found_until_the_guardrails_have_seen_it(project: Verified, call: Call) -> None:
    contract = project.layout.contract_yaml
    contract.write_text(contract.read_text("utf-8") + "# looser now\n", encoding="utf-8")
    assert "data/contract.yaml is as check_guardrails left it" in failures(call("verify", project_dir=project.root))
    call("check_guardrails", project_dir=project.root, stage="deploy")
    assert call("verify", project_dir=project.root).verdict == "valid"


def test_a_picture_drawn_anew_is_found_though_the_page_took_it_up(project: Verified, call: Call) -> None:
    picture = next((project.layout.reports / "plots").glob("*.svg"))
    edit(picture, "<svg", "<!-- better --><svg")
    call("check_guardrails", project_dir=project.root, stage="deploy")
    assert f"plots/{picture.name} is as evaluate left it" in failures(call("verify", project_dir=project.root))


def test_a_source_that_lives_on_is_told_and_is_no_fault(project: Verified, call: Call) -> None:
    source = next(project.home.glob("*.csv"))
    source.write_text(source.read_text("utf-8") + "\n", encoding="utf-8")
    reply = call("verify", project_dir=project.root, full=True)
    assert reply.verdict == "valid"
    assert reply.not_checked == [
        f"the source still holds the table that was dealt: {source.name} has changed since it was read"
    ]


def test_a_waiver_without_a_reason_is_found(project: Verified, call: Call) -> None:
    call("waive_finding", project_dir=project.root, code="RDY001", reason="tracking is elsewhere", name="Ada")
    assert passport(project)["waivers"][0]["name"] == "Ada"
    assert call("verify", project_dir=project.root).verdict == "valid"
    edit(project.layout.records / "waivers.json", "tracking is elsewhere", "          ")
    edit(project.layout.records / "waivers.json", '"Ada"', '"   "')
    assert "without a reason: RDY001; without a name: RDY001" in failures(call("verify", project_dir=project.root))


def test_runs_taken_out_of_the_tally_are_found(project: Verified, call: Call) -> None:
    count_run(project.layout, load_tally(project.layout).runs[0].model_copy(update={"finished": 1}))
    told = failures(call("verify", project_dir=project.root))
    assert "the tally now says 1" in told
    assert "at least 2 candidates were tried, as the ledger says: the tally counts 1" in told


@pytest.mark.parametrize("lost", ["the ledger", "its last line", "the vault"])
def test_a_lost_or_cut_ledger_and_a_lost_vault_are_found(project: Verified, call: Call, lost: str) -> None:
    if lost == "the ledger":
        project.layout.ledger.unlink()
    elif lost == "the vault":
        shutil.rmtree(project.vault)
    else:
        lines = project.layout.ledger.read_bytes().splitlines(keepends=True)
        project.layout.ledger.write_bytes(b"".join(lines[:-1]))
    told = failures(call("verify", project_dir=project.root))
    assert "the ledger of looks is whole, and its two copies agree" in told


def test_a_ledger_cut_in_both_copies_is_found_by_the_passport(project: Verified, call: Call) -> None:
    for path in (project.layout.ledger, project.vault / "ledger.jsonl"):
        path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    told = failures(call("verify", project_dir=project.root))
    assert "the ledger holds the 3 entries that the passport saw" in told
    assert "The vault keeps answers of 1 model" in told


def test_no_passport_is_no_proof(project: Verified, call: Call) -> None:
    project.layout.passport.unlink()
    reply = call("verify", project_dir=project.root)
    assert "there is no passport.json" in failures(reply)
    assert "Call train" in reply.next_step


@pytest.mark.parametrize("text", ["", "{}", "[]", "{", "\x00", '{"numbers": 3}'])
def test_a_passport_that_is_none_is_told(project: Verified, call: Call, text: str) -> None:
    project.layout.passport.write_text(text, encoding="utf-8")
    assert "passport.json" in failures(call("verify", project_dir=project.root))


def test_a_passport_that_was_written_anew_after_an_edit_says_so(project: Verified, call: Call) -> None:
    edit(project.layout.passport, '"verdict": "block"', '"verdict": "pass"')
    call("check_guardrails", project_dir=project.root, stage="deploy")
    reply = call("verify", project_dir=project.root)
    assert reply.verdict == "valid"
    assert "did not add up: passport.json was edited" in reply.warnings[0]
    assert "begun by check_guardrails" in reply.warnings[1]


def test_a_verb_that_did_not_write_a_file_does_not_bless_it(project: Verified, call: Call) -> None:
    edit(project.layout.evaluation_html, "<h1>", "<h1>Certified: ")
    call("waive_finding", project_dir=project.root, code="RDY001", reason="tracking is elsewhere", name="Ada")
    assert "reports/evaluation.html" in failures(call("verify", project_dir=project.root))


def test_a_clone_without_data_model_and_vault_proves_what_it_can(
    project: Verified, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = ProjectLayout(tmp_path / "clone" / "ml")
    shutil.copytree(project.layout.root, clone.root, ignore=shutil.ignore_patterns("*.parquet", "model.*"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "another machine"))
    reply = call("verify", project_dir=str(clone.root), full=True)
    assert (reply.verdict, reply.failed) == ("valid", [])
    told = "\n".join(reply.not_checked)
    assert "the vault is on the machine that dealt the rows" in told
    assert "not kept in version control" in told
    edit(clone.evaluation_html, "<h1>", "<h1>Certified: ")
    assert call("verify", project_dir=str(clone.root)).verdict == "invalid"


def test_a_copied_project_is_verified_against_the_same_vault(project: Verified, call: Call, tmp_path: Path) -> None:
    shutil.copytree(project.layout.root, tmp_path / "copy")
    assert call("verify", project_dir=str(tmp_path / "copy"), full=True).verdict == "valid"


def test_a_model_that_answers_otherwise_is_found(project: Verified, call: Call) -> None:
    path = project.layout.known_answers("run_test")
    kept = pd.read_parquet(path)
    kept["p1"] = 1 - kept["p1"]
    kept.to_parquet(path, index=False)
    told = failures(call("verify", project_dir=project.root, full=True))
    assert "the model answers as it did after training" in told


def test_the_passport_holds_no_row_and_stays_small(project: Verified) -> None:
    text = project.layout.passport.read_text(encoding="utf-8")
    assert Passport.model_validate_json(text).champion is not None
    assert len(text) < 40_000
    assert "C0001" not in text


def test_a_fresh_look_by_deleting_vault_and_records_is_noted_by_the_passport(project: Verified, call: Call) -> None:
    for path in (project.layout.ledger, project.vault / "ledger.jsonl"):
        path.unlink()
    shutil.rmtree(project.vault / "answers")
    update_passport(project.layout, written_by="train")
    told = call("verify", project_dir=project.root).warnings
    assert told == ["The passport before counted 1 looks, and the ledger now holds 0."]


@pytest.mark.parametrize(
    ("deed", "code"),
    [("edited record", "RDY013"), ("edited passport", "RDY013"), ("edited score", "RDY014"), ("lost tally", "RDY012")],
)
def test_the_gate_blocks_what_was_edited_by_hand(project: Verified, call: Call, deed: str, code: str) -> None:
    record = project.layout.records / "evaluation.json"
    if deed == "edited record":
        edit(record, '"look": 1', '"look": 3')
    elif deed == "edited passport":
        edit(project.layout.passport, '"verdict": "block"', '"verdict": "pass"')
    elif deed == "lost tally":
        (project.layout.records / "tally.json").unlink()
    else:
        document = json.loads(record.read_text(encoding="utf-8"))
        document["metrics"][0]["model"]["value"] = document["metrics"][0]["model"]["high"]
        record.write_text(json.dumps(document), encoding="utf-8")
    call("check_guardrails", project_dir=project.root, stage="deploy")
    findings = {finding.code: finding for finding in load_record(project.layout, GuardrailReport).findings}
    assert findings[code].blocks
