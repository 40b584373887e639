"""A clone finds its held-out rows again."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from ml_engineer import seal
from ml_engineer.errors import SealError
from ml_engineer.vocabulary.split import SplitPlan
from seal.conftest import Project
from seal.tables import simulate


def restore(project: Project, frame: pd.DataFrame, plan: SplitPlan) -> seal.SealReceipt:
    return seal.restore(frame, plan, target="y", project_ledger=project.ledger, vault=project.vault)


@pytest.mark.parametrize("with_list", [True, False])
def test_a_lost_vault_is_rebuilt_from_the_source(with_list: bool, project: Project, customers: pd.DataFrame) -> None:
    framing = project.frame(customers)
    deal_id = framing.receipt.deal_id
    before = project.look(deal_id).frame
    shutil.rmtree(project.vault)
    if not with_list:
        project.ledger.with_suffix(".rows").unlink()
    receipt = restore(project, customers, project.plan(framing))
    assert receipt.held_out_sha256 == framing.receipt.held_out_sha256
    assert seal.knows_deal(deal_id, vault=project.vault)
    assert project.problems(deal_id) == ()
    opening = project.look(deal_id, "model-b")
    assert opening.look == 2
    pd.testing.assert_frame_equal(opening.frame, before)


def test_a_table_that_grew_is_restored_in_any_order(project: Project) -> None:
    everyone = simulate(500)
    project.frame(everyone[:400])
    framing = project.frame(everyone)
    shutil.rmtree(project.vault)
    mixed = everyone.sample(frac=1, random_state=0)
    receipt = restore(project, mixed, project.plan(framing))
    assert receipt.deal_id == framing.receipt.deal_id
    known = seal.recognise(everyone, vault=project.vault)
    assert known is not None
    np.testing.assert_array_equal(known.side == 1, framing.held_out)


def test_missing_rows_are_counted(project: Project, customers: pd.DataFrame) -> None:
    framing = project.frame(customers)
    shutil.rmtree(project.vault)
    gone = customers.index[framing.held_out][:3]
    with pytest.raises(SealError, match=r"3 of 80 held-out rows .* the source has 397 rows, and 400 were dealt"):
        restore(project, customers.drop(index=gone), project.plan(framing))
    assert not seal.knows_deal(framing.receipt.deal_id, vault=project.vault)


def test_another_table_is_refused_without_the_list_too(project: Project, customers: pd.DataFrame) -> None:
    framing = project.frame(customers)
    shutil.rmtree(project.vault)
    project.ledger.with_suffix(".rows").write_text("not a list", encoding="utf-8")
    with pytest.raises(SealError, match="cannot be found in the source"):
        restore(project, simulate(400, seed=4), project.plan(framing))


def test_without_a_sound_ledger_nothing_is_restored(project: Project, customers: pd.DataFrame) -> None:
    framing = project.frame(customers)
    shutil.rmtree(project.vault)
    project.ledger.unlink()
    with pytest.raises(SealError, match="version control"):
        restore(project, customers, project.plan(framing))


def test_restoring_what_is_there_changes_nothing(project: Project, customers: pd.DataFrame) -> None:
    framing = project.frame(customers)
    project.look(framing.receipt.deal_id)
    restore(project, customers, project.plan(framing))
    assert project.looks(framing.receipt.deal_id) == 1
    assert project.problems(framing.receipt.deal_id) == ()
