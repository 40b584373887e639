"""The ledger of looks in its two copies: beside the vault and in the project.

One copy may lag behind the other, because another project or another machine wrote entries: the shorter is brought
up to date when something is written next. Everything else (a copy missing, cut off, edited, or going another way) is
a problem, which `ledger_problems` tells, which stops `open_held_out`, and which framing again repairs: the repair is
an entry of its own, and no look is forgotten over it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_engineer.errors import SealError
from ml_engineer.hash_chain import to_lines
from ml_engineer.seal.chain import Copy, chained, looked_at, looks_inherited, parse_copy, read_copy
from ml_engineer.seal.private_files import disk_errors, replace_bytes
from ml_engineer.vocabulary.split import LedgerEntry

__all__ = ["Ledger"]

_REMEDY = (
    "Put the ledger back from version control, or call frame_problem on the source again: it brings both copies into "
    "agreement, writes down that it did, and keeps every look counted"
)


@dataclass(frozen=True)
class Ledger:
    """The ledger of one deal.

    Parameters
    ----------
    deal_id : str
        The deal.
    vault_path, project_path : pathlib.Path
        The two copies; the project's may hold other deals too.
    """

    deal_id: str
    vault_path: Path
    project_path: Path

    @property
    def project(self) -> str:
        """Short hash of the project's place, by which its entries are told from those of other projects."""
        return hashlib.sha256(str(self.project_path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:12]

    def copies(self) -> tuple[Copy | None, Copy | None]:
        """The vault's copy and the project's."""
        return read_copy(self.vault_path, self.deal_id), read_copy(self.project_path, self.deal_id)

    def problems(self) -> tuple[str, ...]:
        """What does not add up, one sentence each; empty if all is well."""
        vault, project = self.copies()
        found = [f"The vault's ledger of {self.deal_id} is missing: {self.vault_path}."] if vault is None else []
        if project is None:
            found.append(f"The project's copy of the ledger of {self.deal_id} is missing: {self.project_path}.")
        found += [f"In the vault's ledger, {fault}." for fault in (vault.faults if vault else ())]
        found += [f"In the project's copy of the ledger, {fault}." for fault in (project.faults if project else ())]
        lost = self._lost_looks(self.entries())
        if lost:
            found.append(
                f"The vault keeps answers of {len(lost)} models to the held-out rows whose looks are in neither copy of "
                "the ledger."
            )
        if found or vault is None or project is None:
            return tuple(found)
        return self._disagreements(vault, project)

    def looks(self) -> int:
        """Different models that were looked at under this deal and those before it, by both copies together."""
        entries = self.entries()
        return len(looked_at(entries)) + len(self._lost_looks(entries)) + looks_inherited(entries)

    def entries(self) -> tuple[LedgerEntry, ...]:
        """Every entry that either copy holds; those in both are given once."""
        found = [entry for copy in self.copies() if copy is not None for entry in copy.entries]
        return tuple({entry.model_dump_json(): entry for entry in found}.values())

    def settled(self, *, repair: bool, **context: Any) -> tuple[LedgerEntry, ...]:
        """The chain that both copies agree on.

        Parameters
        ----------
        repair : bool
            Mend what does not add up, with an entry that says so; otherwise it is an error.
        context : Any
            Fields of that entry: at, who, held_out_sha256.

        Raises
        ------
        SealError
            If a copy is missing, edited, broken or going another way, and `repair` is false.
        """
        vault, project = self.copies()
        problems = self.problems()
        if vault and project and not vault.faults and not project.faults and _one_continues_other(vault, project):
            chain = max(vault.chain, project.chain, key=len)
            return self._noted(chain, problems, context) if problems else chain
        if not repair:
            raise SealError("The ledger of looks does not add up", found=" ".join(problems).rstrip("."), remedy=_REMEDY)
        known = [copy for copy in (vault, project) if copy is not None]
        chain = max((copy.chain for copy in known), key=len, default=())
        # A project or a machine that meets the deal for the first time has nothing to repair.
        first_meeting = len(known) == 1 and not known[0].faults and not self._was_here(known[0])
        lost = self._lost_looks([entry for copy in known for entry in copy.entries])
        if not lost and (not known or first_meeting):
            return chain
        chain = self._noted(chain, problems, context)
        for copy in known:
            for entry in copy.entries:
                if entry.event == "look" and not looked_at([entry]) <= looked_at(chain):
                    chain = (*chain, _taken_over(chain[-1], entry))
        for model in lost:
            fields = {"event": "look", "deal_id": self.deal_id, "model_sha256": model, **context}
            chain = (*chain, chained(chain[-1], why="found again by the answers kept in the vault", **fields))
        return chain

    def write(self, chain: Sequence[LedgerEntry]) -> None:
        """Put `chain` into both copies, the vault's first; a copy that does not lead up to it is kept beside."""
        with disk_errors(self.vault_path):
            _keep_if_damaged(self.vault_path, self.deal_id, chain)
            replace_bytes(self.vault_path, to_lines(chain), private=True)
        self.write_project(chain)

    def write_project(self, chain: Sequence[LedgerEntry]) -> None:
        """Put `chain` into the project's copy; what it holds of other deals stays."""
        with disk_errors(self.project_path):
            _keep_if_damaged(self.project_path, self.deal_id, chain)
            old = self.project_path.read_bytes() if self.project_path.exists() else b""
            others = b"".join(line + b"\n" for line in old.splitlines() if _is_of_another_deal(line, self.deal_id))
            replace_bytes(self.project_path, others + to_lines(chain), private=False)

    def _disagreements(self, vault: Copy, project: Copy) -> tuple[str, ...]:
        if not _one_continues_other(vault, project):
            return (_parted(vault.chain, project.chain),)
        missing = vault.chain[project.sound :] or project.chain[vault.sound :]
        own = sum(entry.project == self.project for entry in missing)
        if not own:
            return ()
        place = "vault's ledger" if vault.sound < project.sound else "project's copy of the ledger"
        return (
            f"The {place} was cut off: {len(missing)} of its last entries missing, {own} of them made by this project.",
        )

    def _noted(
        self, chain: tuple[LedgerEntry, ...], problems: tuple[str, ...], context: dict[str, Any]
    ) -> tuple[LedgerEntry, ...]:
        note = {"event": "repair", "deal_id": self.deal_id, "project": self.project, "why": " ".join(problems)}
        return (*chain, chained(chain[-1] if chain else None, **note, **context))

    def _lost_looks(self, entries: Sequence[LedgerEntry]) -> tuple[str, ...]:
        """Models whose answers lie in the vault, so that they were looked at, and whose look is not among `entries`."""
        kept = {path.stem for path in (self.vault_path.parent / "answers").glob("*.parquet")}
        return tuple(sorted(kept - looked_at(entries)))

    def _was_here(self, copy: Copy) -> bool:
        return any(entry.project == self.project for entry in copy.entries)


def _one_continues_other(first: Copy, second: Copy) -> bool:
    shared = min(first.sound, second.sound)
    return first.chain[:shared] == second.chain[:shared]


def _parted(vault: Sequence[LedgerEntry], project: Sequence[LedgerEntry]) -> str:
    """How two whole chains differ, neither of which continues the other."""
    same = next(place for place, both in enumerate(zip(vault, project, strict=False)) if both[0] != both[1])
    if same == 0:
        return (
            f"The vault's ledger ({_counted(vault)}, begun {vault[0].at}) and the project's copy ({_counted(project)}, begun "
            f"{project[0].at}) have no entry in common: one of them was deleted and begun anew."
        )
    return (
        f"The vault's ledger and the project's copy disagree after {same} entries that they share: {_counted(vault[same:])} follow in "
        f"the vault's and {_counted(project[same:])} in the project's. Entries were cut off and others written in their place, or two "
        "copies of the project were used side by side."
    )


def _counted(entries: Sequence[LedgerEntry]) -> str:
    return "1 entry" if len(entries) == 1 else f"{len(entries)} entries"


def _taken_over(previous: LedgerEntry, look: LedgerEntry) -> LedgerEntry:
    fields = look.model_dump(exclude={"sequence", "previous_sha256", "entry_sha256"})
    fields["why"] = f"taken over from a copy that did not agree: {look.why}"
    return chained(previous, **fields)


def _is_of_another_deal(line: bytes, deal_id: str) -> bool:
    copy = parse_copy(line, deal_id)
    return bool(line.strip()) and not copy.entries and not copy.faults


def _keep_if_damaged(path: Path, deal_id: str, chain: Sequence[LedgerEntry]) -> None:
    """Keep what is about to be replaced, if `chain` does not simply continue it."""
    copy = read_copy(path, deal_id)
    if copy is None or (not copy.faults and tuple(chain[: copy.sound]) == copy.entries):
        return
    number = 1
    while (kept := path.with_name(f"{path.stem}-damaged-{number}{path.suffix}")).exists():
        number += 1
    replace_bytes(kept, path.read_bytes(), private=True)
