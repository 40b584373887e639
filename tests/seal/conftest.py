"""A project that frames tables and looks at models, without the verbs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ml_engineer import seal
from ml_engineer.vocabulary.split import SplitPlan
from seal.tables import definition, simulate

NOW = "2026-11-23T06:00:00Z"


@dataclass(frozen=True)
class Framing:
    """What framing gave: the sides by row number, the receipt, and what was known before."""

    held_out: pd.Series
    receipt: seal.SealReceipt
    recognition: seal.Recognition | None


@dataclass
class Project:
    """A project's ledger and the vault it uses."""

    root: Path
    vault: Path

    @property
    def ledger(self) -> Path:
        return self.root / "experiments" / "ledger.jsonl"

    def frame(
        self, frame: pd.DataFrame, target: str = "y", *, redeal: bool = False, now: str = NOW, **changes: Any
    ) -> Framing:
        rule = definition(**changes)
        recognition = seal.recognise(frame, vault=self.vault)
        held_out = seal.deal(frame, rule, target=target, recognition=None if redeal else recognition)
        receipt = seal.seal(
            frame,
            held_out,
            definition=rule,
            target=target,
            project_ledger=self.ledger,
            recognition=recognition,
            redeal=redeal,
            now=now,
            who="ann@desk",
            vault=self.vault,
        )
        return Framing(pd.Series(held_out, index=frame.index), receipt, recognition)

    def look(self, deal_id: str, model: str = "model-a") -> seal.Opening:
        return seal.open_held_out(
            deal_id,
            project_ledger=self.ledger,
            model_sha256=model,
            now=NOW,
            who="ann@desk",
            why="to see",
            vault=self.vault,
        )

    def score(self, deal_id: str, model: str = "model-a", **metrics: float) -> None:
        seal.record_score(
            deal_id,
            project_ledger=self.ledger,
            model_sha256=model,
            metrics=metrics,
            now=NOW,
            who="ann@desk",
            vault=self.vault,
        )

    def looks(self, deal_id: str) -> int:
        return seal.count_looks(deal_id, project_ledger=self.ledger, vault=self.vault)

    def problems(self, deal_id: str) -> tuple[str, ...]:
        return seal.ledger_problems(deal_id, project_ledger=self.ledger, vault=self.vault)

    def plan(self, framing: Framing, **changes: Any) -> SplitPlan:
        receipt = framing.receipt
        held_out = int(framing.held_out.sum())
        return SplitPlan(
            deal_id=receipt.deal_id,
            definition=definition(**changes),
            table_sha256=receipt.table_sha256,
            development_rows=len(framing.held_out) - held_out,
            held_out_rows=held_out,
            development_sha256=receipt.development_sha256,
            held_out_sha256=receipt.held_out_sha256,
            fold_rows=(),
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of its own, with a vault of its own."""
    return Project(root=tmp_path / "ml", vault=tmp_path / "vault")


@pytest.fixture
def customers() -> pd.DataFrame:
    """Four hundred simulated customers."""
    return simulate()


@pytest.fixture
def birds(penguins: Path) -> pd.DataFrame:
    """The example data that ships."""
    return pd.read_csv(penguins)
