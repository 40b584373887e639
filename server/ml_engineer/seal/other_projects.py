"""Which other projects on this machine looked at the same rows: a count without a name cannot be understood."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ml_engineer.seal.chain import looked_at
from ml_engineer.seal.ledger import Ledger
from ml_engineer.seal.vault import Vault

__all__ = ["OtherLooks", "looks_of_others"]


@dataclass(frozen=True)
class OtherLooks:
    """Looks that another project took.

    Parameters
    ----------
    project : str
        Folder of its ledger; empty if it was never framed on this machine.
    target : str
        What it predicts; empty if unknown.
    looks : int
        How many models it showed to the rows.
    """

    project: str
    target: str
    looks: int


def looks_of_others(deal_id: str, *, project_ledger: Path, vault: Path | None = None) -> tuple[OtherLooks, ...]:
    """Looks by other projects at the rows of a deal, under it and the deals it follows, in the order of their first.

    Parameters
    ----------
    deal_id : str
        The deal.
    project_ledger : pathlib.Path
        The project's copy of the ledger.
    vault : pathlib.Path, optional
        Another vault than the user's.
    """
    store = Vault(vault)
    deals = [deal_id, *(store.load_deal(deal_id).ancestors if store.holds(deal_id) else ())]
    ledgers = [Ledger(name, store.ledger(name), project_ledger) for name in deals]
    by_project: dict[str, int] = {}
    for ledger in ledgers:
        entries = ledger.entries()
        for name in dict.fromkeys(entry.project for entry in entries if entry.event == "look"):
            looks = len(looked_at(entry for entry in entries if entry.project == name))
            by_project[name] = by_project.get(name, 0) + looks
    by_project.pop(ledgers[0].project, None)
    known = store.projects()
    return tuple(
        OtherLooks(known.get(name, {}).get("path", ""), known.get(name, {}).get("target", ""), looks)
        for name, looks in by_project.items()
    )
