"""Looks of other projects are named by the place and the target of the project that took them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ml_engineer import seal
from seal.conftest import Project


def test_the_look_of_another_project_is_named(tmp_path: Path, customers: pd.DataFrame) -> None:
    first, second = (Project(tmp_path / name, tmp_path / "vault") for name in ("first", "second"))
    deal_id = first.frame(customers).receipt.deal_id
    first.look(deal_id)
    first.look(deal_id, "model-b")
    second.frame(customers)
    told = seal.looks_of_others(deal_id, project_ledger=second.ledger, vault=second.vault)
    assert told == (seal.OtherLooks(str(tmp_path / "first" / "experiments"), "y", 2),)
    assert seal.looks_of_others(deal_id, project_ledger=first.ledger, vault=first.vault) == ()


def test_a_damaged_list_of_places_costs_the_name_and_not_the_count(tmp_path: Path, customers: pd.DataFrame) -> None:
    first, second = (Project(tmp_path / name, tmp_path / "vault") for name in ("first", "second"))
    deal_id = first.frame(customers).receipt.deal_id
    first.look(deal_id)
    second.frame(customers)
    (tmp_path / "vault" / "projects.json").write_text("[1", encoding="utf-8")
    told = seal.looks_of_others(deal_id, project_ledger=second.ledger, vault=second.vault)
    assert told == (seal.OtherLooks("", "", 1),)
