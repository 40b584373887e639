"""SPL012: held-out rows that development rows give away."""

from __future__ import annotations

from typing import ClassVar

from ml_engineer.guardrails.cells import repeats_by_chance, row_hashes
from ml_engineer.guardrails.check import BEFORE_USE, Answer, Observation, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.split import SplitCheck
from ml_engineer.guardrails.wording import percent, rows_text
from ml_engineer.vocabulary.guardrails import Stage

__all__ = ["SPL012"]


class SPL012(SplitCheck):
    """Held-out rows that stand among the development rows too: a test file with training rows in it, or copies on both sides.

    Rows are compared by the hashes that the vault keeps, so that no sealed row is opened. Equal rows that so few different
    values make likely are no contamination.
    """

    title = "Held-out rows known from development"
    needs_target = False
    blocks_at: ClassVar[frozenset[Stage]] = BEFORE_USE
    notable: ClassVar[float] = 0.01
    forbidden: ClassVar[float] = 0.05

    def find(self, evidence: Evidence) -> Answer:
        """Read the count."""
        if evidence.ledger is None or evidence.ledger.known_held_out_rows is None:
            return does_not_apply("the vault does not hold these rows on this machine")
        known, rows = evidence.ledger.known_held_out_rows, evidence.split.held_out_rows
        share = known / max(rows, 1)
        text = f"{rows_text(known)} of {rows:,} held out ({percent(share)}) equal a development row in every column"
        if share < self.notable:
            return passed(text)
        if evidence.problem.split.strategy != "own_test_file" and self._by_chance(evidence, share):
            return passed(f"{text}, as few different values make likely")
        return observed(
            [Observation("forbids" if share > self.forbidden else "issue", text)],
            remedy="Ask where the copies come from. If the test file holds training rows, take them out and frame again; if rows "
            'repeat, frame again with sql="SELECT DISTINCT ..." or with group_columns naming the key',
        )

    @staticmethod
    def _by_chance(evidence: Evidence, share: float) -> bool:
        """Whether development rows repeat each other about as often, and no more than few values make likely."""
        hashes = row_hashes(evidence.frame)
        repeated = float(hashes.duplicated(keep=False).mean())
        return repeated >= share / 2 and repeats_by_chance(evidence.frame, hashes)
