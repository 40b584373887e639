"""Attempts to get a fresh look at sealed rows, and what becomes of each."""

from __future__ import annotations

import errno
import json
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml_engineer import seal
from ml_engineer.errors import SealError
from ml_engineer.seal.private_files import replace_bytes
from seal.conftest import NOW, Project
from seal.tables import definition, simulate


@pytest.fixture
def looked(project: Project, customers: pd.DataFrame) -> str:
    """A deal whose held-out rows two models were shown."""
    deal_id = project.frame(customers).receipt.deal_id
    for model in ("model-a", "model-b"):
        project.look(deal_id, model)
        project.score(deal_id, model, accuracy=0.8)
    return deal_id


def lines(project: Project) -> list[str]:
    return project.ledger.read_text(encoding="utf-8").splitlines()


def rewrite(project: Project, kept: list[str]) -> None:
    project.ledger.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def test_the_rows_that_come_out_are_the_rows_that_went_in(project: Project, customers: pd.DataFrame) -> None:
    framing = project.frame(customers)
    opening = project.look(framing.receipt.deal_id)
    pd.testing.assert_frame_equal(opening.frame, customers[framing.held_out], check_index_type=False)
    assert opening.look == 1


def test_rows_are_not_handed_out_when_the_look_cannot_be_written(
    project: Project, customers: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    deal_id = project.frame(customers).receipt.deal_id

    def full_disk(path: Path, content: bytes, *, private: bool) -> None:
        if not private:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace_bytes(path, content, private=private)

    monkeypatch.setattr("ml_engineer.seal.ledger.replace_bytes", full_disk)
    with pytest.raises(SealError, match="No space left"):
        project.look(deal_id)
    monkeypatch.undo()
    assert project.looks(deal_id) == 1
    assert "cut off: 1 of its last entries" in project.problems(deal_id)[0]


def test_another_model_is_another_look_and_the_same_one_is_not(project: Project, looked: str) -> None:
    assert project.looks(looked) == 2
    assert project.look(looked, "model-b").look == 2
    assert project.look(looked, "model-c").look == 3
    assert project.problems(looked) == ()
    assert [json.loads(line)["event"] for line in lines(project)] == [
        "deal", "look", "score", "look", "score", "look", "look",
    ]  # fmt: skip


def test_undefined_metrics_leave_the_ledger_whole(project: Project, looked: str) -> None:
    project.score(looked, "model-b", accuracy=0.7, roc_auc=float("nan"))
    assert project.problems(looked) == ()
    assert json.loads(lines(project)[-1])["metrics"] == {"accuracy": 0.7}


def test_only_the_owner_reads_the_vault(project: Project, looked: str) -> None:
    assert stat.S_IMODE(project.vault.stat().st_mode) == 0o700
    folder = project.vault / looked
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in [*folder.iterdir(), project.vault / ".lock"]:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600 or file == folder
    assert not list(project.vault.glob(".new-*"))


@pytest.mark.parametrize("addition", [simulate(30, seed=9), None], ids=["rows appended", "column changed"])
def test_a_changed_table_inherits_the_looks(
    addition: pd.DataFrame | None, project: Project, looked: str, customers: pd.DataFrame
) -> None:
    changed = customers.assign(visits=0) if addition is None else pd.concat([customers, addition], ignore_index=True)
    again = project.frame(changed)
    assert again.recognition is not None
    assert again.recognition.looks == 2
    assert again.receipt.looks_inherited == 2
    assert project.looks(again.receipt.deal_id) == 2
    assert project.look(again.receipt.deal_id, "model-z").look == 3
    assert project.looks(looked) == 2


def test_moving_rows_after_a_look_needs_to_be_asked_for_and_inherits(
    project: Project, looked: str, customers: pd.DataFrame
) -> None:
    recognition = seal.recognise(customers, vault=project.vault)
    assert recognition is not None
    moved = np.roll(recognition.side == 1, 1)
    with pytest.raises(SealError, match="redeal=true"):
        seal.seal(
            customers,
            moved,
            definition=definition(),
            target="y",
            project_ledger=project.ledger,
            recognition=recognition,
            redeal=False,
            now=NOW,
            who="ann@desk",
            vault=project.vault,
        )
    anew = project.frame(customers, redeal=True, seed=7)
    assert anew.receipt.deal_id != looked
    assert anew.receipt.looks_inherited == 2
    assert json.loads(lines(project)[-1])["event"] == "redeal"


def test_dealing_anew_twice_counts_each_look_once(project: Project, looked: str, customers: pd.DataFrame) -> None:
    second = project.frame(customers, redeal=True, seed=7, now="2027-01-01").receipt
    project.look(second.deal_id, "model-c")
    third = project.frame(customers, redeal=True, seed=8, now="2027-01-02").receipt
    assert third.looks_inherited == 3
    known = seal.recognise(customers, vault=project.vault)
    assert known is not None
    assert (known.deal_id, known.looks) == (third.deal_id, 3)


def test_dealing_anew_and_back_again_keeps_the_last_sides(project: Project, customers: pd.DataFrame) -> None:
    first = project.frame(customers, now="2027-01-01")
    project.look(first.receipt.deal_id)
    second = project.frame(customers, redeal=True, seed=7, now="2027-01-02")
    assert project.frame(customers, now="2027-01-03").receipt.deal_id == second.receipt.deal_id
    third = project.frame(customers, redeal=True, now="2027-01-04")
    assert third.receipt.deal_id == first.receipt.deal_id
    assert project.frame(customers, now="2027-01-05").receipt.deal_id == first.receipt.deal_id
    assert project.looks(first.receipt.deal_id) == 1


def test_dealing_anew_within_the_same_second_still_supersedes(project: Project, customers: pd.DataFrame) -> None:
    for seed in range(1, 6):
        dealt = project.frame(customers, redeal=True, seed=seed).receipt.deal_id
        known = seal.recognise(customers, vault=project.vault)
        assert known is not None
        assert known.deal_id == dealt


def test_dealing_anew_is_free_while_no_look_was_taken(project: Project, customers: pd.DataFrame) -> None:
    project.frame(customers)
    assert project.frame(customers, redeal=True, seed=7).receipt.looks_inherited == 0


def test_deleting_the_projects_ledger_is_told_and_framing_again_brings_it_back(
    project: Project, looked: str, customers: pd.DataFrame
) -> None:
    project.ledger.unlink()
    assert "project's copy of the ledger" in project.problems(looked)[0]
    with pytest.raises(SealError, match="does not add up"):
        project.look(looked, "model-c")
    project.frame(customers)
    assert project.problems(looked) == ()
    assert project.looks(looked) == 2
    assert json.loads(lines(project)[-1])["event"] == "repair"


def test_deleting_the_vault_is_told_and_framing_again_brings_the_same_rows_back(
    project: Project, looked: str, customers: pd.DataFrame
) -> None:
    before = project.look(looked, "model-b").frame
    shutil.rmtree(project.vault)
    assert "vault's ledger" in project.problems(looked)[0]
    assert project.looks(looked) == 2
    with pytest.raises(SealError, match="frame_problem"):
        project.look(looked, "model-c")
    again = project.frame(customers)
    assert again.receipt.deal_id == looked
    assert project.problems(looked) == ()
    opening = project.look(looked, "model-c")
    assert opening.look == 3
    pd.testing.assert_frame_equal(opening.frame, before)


def test_deleting_the_vault_and_changing_the_table_inherits_the_looks(
    project: Project, looked: str, customers: pd.DataFrame
) -> None:
    shutil.rmtree(project.vault)
    again = project.frame(customers.drop(columns="town"))
    assert again.receipt.deal_id != looked
    assert again.receipt.looks_inherited == 2


def test_deleting_the_project_leaves_the_looks_in_the_vault(
    project: Project, looked: str, customers: pd.DataFrame
) -> None:
    shutil.rmtree(project.root)
    assert project.frame(customers).receipt.deal_id == looked
    assert project.looks(looked) == 2


def test_another_project_on_the_same_table_shares_rows_and_looks(
    project: Project, looked: str, customers: pd.DataFrame
) -> None:
    other = Project(project.root.parent / "other", project.vault)
    assert other.frame(customers).receipt.deal_id == looked
    assert other.looks(looked) == 2
    assert other.look(looked, "model-c").look == 3
    assert project.problems(looked) == ()
    assert project.looks(looked) == 3


def test_a_copied_project_goes_on_counting(project: Project, looked: str) -> None:
    shutil.copytree(project.root, project.root.parent / "copy")
    copy = Project(project.root.parent / "copy", project.vault)
    assert copy.problems(looked) == ()
    assert copy.look(looked, "model-c").look == 3
    assert project.look(looked, "model-d").look == 4
    assert copy.problems(looked) == ()


def test_an_edited_entry_is_told_and_stops_looks(project: Project, looked: str, customers: pd.DataFrame) -> None:
    kept = lines(project)
    kept[2] = kept[2].replace("0.8", "0.9")
    rewrite(project, kept)
    assert "entry 2 (score) was edited" in project.problems(looked)[0]
    with pytest.raises(SealError, match="edited"):
        project.look(looked, "model-c")
    project.frame(customers)
    assert project.problems(looked) == ()
    assert '"accuracy":0.8' in lines(project)[2]
    assert "edited" in json.loads(lines(project)[-1])["why"]
    assert "0.9" in (project.ledger.parent / "ledger-damaged-1.jsonl").read_text(encoding="utf-8")


def test_a_removed_entry_breaks_the_chain(project: Project, looked: str) -> None:
    kept = lines(project)
    rewrite(project, [*kept[:1], *kept[2:]])
    assert "entries before entry 2 (score) were taken out: 1" in project.problems(looked)[0]
    assert project.looks(looked) == 2


def test_a_beginning_that_was_cut_off_is_told(project: Project, looked: str) -> None:
    rewrite(project, lines(project)[1:])
    assert "the beginning was cut off: the first that is left is entry 1 (look)" in project.problems(looked)[0]
    assert project.looks(looked) == 2


def test_a_ledger_that_was_begun_anew_is_told_beside_the_old_one(
    project: Project, looked: str, customers: pd.DataFrame
) -> None:
    fresh = Project(project.root.parent / "elsewhere", project.root.parent / "an empty vault")
    fresh.frame(customers, now="2027-01-01T00:00:00+00:00")
    shutil.copy(fresh.ledger, project.ledger)
    assert "begun 2027-01-01T00:00:00+00:00) have no entry in common" in project.problems(looked)[0]
    assert "deleted and begun anew" in project.problems(looked)[0]


@pytest.mark.parametrize("side", ["project", "vault"])
def test_a_copy_that_was_cut_off_is_told_and_the_next_look_notes_it(side: str, project: Project, looked: str) -> None:
    path = project.ledger if side == "project" else project.vault / looked / "ledger.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines(project)[:3]), encoding="utf-8")
    assert "cut off: 2 of its last entries" in project.problems(looked)[0]
    assert project.looks(looked) == 2
    assert project.look(looked, "model-c").look == 3
    assert project.problems(looked) == ()
    assert [json.loads(line)["event"] for line in lines(project)[-2:]] == ["repair", "look"]


def test_a_half_written_line_is_told(project: Project, looked: str) -> None:
    text = project.ledger.read_text(encoding="utf-8")
    project.ledger.write_text(text[:-20], encoding="utf-8")
    assert "line 5 is not a ledger entry" in project.problems(looked)[0]


def test_copies_that_went_different_ways_are_told_and_no_look_is_lost(
    project: Project, looked: str, customers: pd.DataFrame
) -> None:
    clone = Project(project.root.parent / "clone", project.root.parent / "vault of another machine")
    shutil.copytree(project.root, clone.root)
    clone.frame(customers)
    clone.look(looked, "model-x")
    project.look(looked, "model-y")
    shutil.copy(clone.ledger, project.ledger)
    assert "disagree after 5 entries that they share" in project.problems(looked)[0]
    assert project.looks(looked) == 4
    with pytest.raises(SealError, match="disagree"):
        project.look(looked, "model-z")
    project.frame(customers)
    assert project.problems(looked) == ()
    assert project.looks(looked) == 4


def test_a_clone_brings_its_looks_back(project: Project, looked: str, customers: pd.DataFrame) -> None:
    clone = Project(project.root.parent / "clone", project.root.parent / "vault of another machine")
    shutil.copytree(project.root, clone.root)
    clone.frame(customers)
    clone.look(looked, "model-x")
    shutil.copy(clone.ledger, project.ledger)
    assert project.problems(looked) == ()
    assert project.look(looked, "model-z").look == 4


def test_rows_changed_in_the_vault_are_not_handed_out(project: Project, looked: str) -> None:
    path = project.vault / looked / "held_out.parquet"
    frame = pd.read_parquet(path)
    frame.assign(y=1 - frame["y"]).to_parquet(path)
    with pytest.raises(SealError, match="changed in the vault"):
        project.look(looked, "model-c")
    assert project.looks(looked) == 2


def test_a_damaged_file_of_rows_is_told(project: Project, looked: str) -> None:
    (project.vault / looked / "held_out.parquet").write_bytes(b"PAR1")
    with pytest.raises(SealError, match="cannot be read"):
        project.look(looked)


def test_one_file_holds_the_ledgers_of_several_tables(project: Project, looked: str) -> None:
    other = project.frame(simulate(seed=3)).receipt.deal_id
    project.look(other, "model-a")
    assert (project.looks(looked), project.looks(other)) == (2, 1)
    assert project.problems(looked) == project.problems(other) == ()


def test_looks_at_the_same_time_are_all_counted(project: Project, looked: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: project.look(looked, f"model-{number}"), range(8)))
    assert project.looks(looked) == 10
    assert project.problems(looked) == ()


def test_framing_at_the_same_time_makes_one_deal(project: Project, customers: pd.DataFrame) -> None:
    projects = [Project(project.root.parent / str(number), project.vault) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        deals = set(pool.map(lambda each: each.frame(customers).receipt.deal_id, projects))
    assert len(deals) == 1
    assert len(list(project.vault.glob("deal_*"))) == 1
    assert all(each.problems(*deals) == () for each in projects)


MODEL = "5e" * 32


def test_deleting_both_copies_of_the_ledger_gives_no_fresh_look(
    project: Project, looked: str, customers: pd.DataFrame
) -> None:
    opening = project.look(looked, MODEL)
    seal.keep_answers(
        looked,
        model_sha256=MODEL,
        rows=opening.frame.index,
        answers=np.zeros((len(opening.frame), 1)),
        vault=project.vault,
    )
    project.ledger.unlink()
    (project.vault / looked / "ledger.jsonl").unlink()
    told = project.problems(looked)
    assert any("answers of 1 models" in problem for problem in told)
    assert project.looks(looked) == 1
    project.frame(customers)
    assert project.problems(looked) == ()
    assert project.looks(looked) == 1
    assert project.look(looked, "model-z").look == 2


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("the whole file doubled", "entry 0 (deal) stands there twice"),
        ("a line doubled", "entry 1 (look) stands there twice"),
        ("two lines exchanged", "entry 2 (score) stands before others that it follows: the order was changed"),
    ],
)
def test_a_ledger_that_was_shuffled_or_doubled_is_told_and_stops_looks(
    project: Project, looked: str, deed: str, told: str
) -> None:
    kept = lines(project)
    if deed == "the whole file doubled":
        rewrite(project, kept * 2)
    elif deed == "a line doubled":
        rewrite(project, [*kept[:2], kept[1], *kept[2:]])
    else:
        rewrite(project, [kept[0], kept[2], kept[1], *kept[3:]])
    assert told in project.problems(looked)[0]
    assert project.looks(looked) == 2
    with pytest.raises(SealError, match="does not add up"):
        project.look(looked, "model-c")


def test_a_clock_that_was_set_back_is_told_and_its_look_is_counted(project: Project, looked: str) -> None:
    assert seal.clock_problems(looked, project_ledger=project.ledger, vault=project.vault) == ()
    opening = seal.open_held_out(
        looked,
        project_ledger=project.ledger,
        model_sha256="model-c",
        now="2019-01-01T00:00:00Z",
        who="ann@desk",
        why="nobody will know",
        vault=project.vault,
    )
    assert opening.look == 3
    (told,) = seal.clock_problems(looked, project_ledger=project.ledger, vault=project.vault)
    assert "Entry 5 says 2019-01-01T00:00:00Z, earlier than the entry before it" in told


def test_only_a_model_that_was_looked_at_is_scored_again_and_it_is_no_look(project: Project, looked: str) -> None:
    def again(model: str) -> pd.DataFrame:
        return seal.open_again(
            looked, project_ledger=project.ledger, model_sha256=model, now=NOW, who="ann@desk", vault=project.vault
        )

    pd.testing.assert_frame_equal(again("model-a"), project.look(looked, "model-a").frame)
    assert project.looks(looked) == 2
    assert [json.loads(line)["event"] for line in lines(project)][-2:] == ["check", "look"]
    with pytest.raises(SealError, match="Only a model that was looked at"):
        again("model-c")


def test_answers_to_sealed_rows_are_kept_for_the_owner_only(project: Project, looked: str) -> None:
    rows = project.look(looked, MODEL).frame.index
    answers = np.arange(2.0 * len(rows)).reshape(-1, 2)
    seal.keep_answers(looked, model_sha256=MODEL, rows=rows, answers=answers, vault=project.vault)
    found = seal.find_answers(looked, model_sha256=MODEL, rows=rows[::-1], vault=project.vault)
    assert found is not None
    np.testing.assert_array_equal(found, answers[::-1])
    assert seal.find_answers(looked, model_sha256=MODEL, rows=[*rows, 10**6], vault=project.vault) is None
    path = project.vault / looked / "answers" / f"{MODEL}.parquet"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with pytest.raises(SealError, match="no hash of a model"):
        seal.keep_answers(looked, model_sha256="../../x", rows=rows, answers=answers, vault=project.vault)
