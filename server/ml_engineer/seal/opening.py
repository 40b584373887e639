"""Opening the sealed rows: the look is written down first, in both copies of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import pandas as pd

from ml_engineer.errors import SealError
from ml_engineer.hash_chain import clock_faults
from ml_engineer.seal.chain import chained, looked_at, read_copy
from ml_engineer.seal.fingerprints import frame_sha256
from ml_engineer.seal.ledger import Ledger
from ml_engineer.seal.vault import Vault
from ml_engineer.vocabulary.split import Deal, LedgerEntry

__all__ = [
    "Opening",
    "clock_problems",
    "count_looks",
    "ledger_chain",
    "ledger_problems",
    "open_again",
    "open_held_out",
    "project_ledger_problems",
    "project_mark",
    "record_score",
    "was_dealt_here",
]


@dataclass(frozen=True)
class Opening:
    """The sealed rows, opened once.

    Parameters
    ----------
    frame : pandas.DataFrame
        The held-out rows; the index is the row number in the source as it was first sealed.
    look : int
        How many different models these rows have been shown, this one included.
    """

    frame: pd.DataFrame
    look: int


def open_held_out(
    deal_id: str,
    *,
    project_ledger: Path,
    model_sha256: str,
    now: str,
    who: str,
    why: str,
    candidates: int = 0,
    vault: Path | None = None,
) -> Opening:
    """Write a look into both copies of the ledger, then hand out the held-out rows.

    Asking again for a model that was looked at is written down too, but counts as no new look.

    Parameters
    ----------
    deal_id : str
        The deal.
    project_ledger : pathlib.Path
        The project's copy of the ledger.
    model_sha256 : str
        Hash of the model that is evaluated.
    now : str
        Time, ISO 8601 UTC.
    who : str
        User and host.
    why : str
        Reason of the look.
    candidates : int
        How many candidates the project had tried by then; kept where nobody can make it fewer.
    vault : pathlib.Path, optional
        Another vault than the user's.

    Raises
    ------
    SealError
        If the vault does not hold the deal, its rows are not those that were sealed, or the two copies of the
        ledger do not agree. No look is counted then.
    """
    store = Vault(vault)
    sealed = store.load_deal(deal_id)
    frame = _sealed_rows(store, sealed)
    ledger = Ledger(deal_id, store.ledger(deal_id), project_ledger)
    look = {"model_sha256": model_sha256, "candidates": candidates, "at": now, "who": who, "why": why}
    _append(store, ledger, sealed.held_out_sha256, "look", **look)
    return Opening(frame=frame, look=ledger.looks())


def record_score(
    deal_id: str,
    *,
    project_ledger: Path,
    model_sha256: str,
    metrics: dict[str, float],
    now: str,
    who: str,
    vault: Path | None = None,
) -> None:
    """Write what a look gave into both copies of the ledger; metrics that are undefined (NaN) are left out.

    Raises
    ------
    SealError
        If the vault does not hold the deal, or the copies of the ledger do not agree.
    """
    store = Vault(vault)
    sealed = store.load_deal(deal_id)
    ledger = Ledger(deal_id, store.ledger(deal_id), project_ledger)
    # JSON knows no NaN, and an undefined metric is no score.
    defined = {name: value for name, value in metrics.items() if isfinite(value)}
    fields = {"model_sha256": model_sha256, "metrics": defined, "at": now, "who": who}
    _append(store, ledger, sealed.held_out_sha256, "score", **fields)


def count_looks(deal_id: str, *, project_ledger: Path, vault: Path | None = None) -> int:
    """How many different models these rows were shown, under this deal and those it inherited from.

    The two copies of the ledger are counted together: an entry that only one of them holds counts.
    """
    return Ledger(deal_id, Vault(vault).ledger(deal_id), project_ledger).looks()


def ledger_problems(deal_id: str, *, project_ledger: Path, vault: Path | None = None) -> tuple[str, ...]:
    """What does not add up in the two copies of the ledger, one sentence each; empty if all is well.

    Told are: a missing copy, a line that is no entry, an entry that was edited, a broken chain, copies that go
    different ways, and a copy that lost entries of this project. A copy that merely lacks the newest entries of
    another project or machine is none.
    """
    store = Vault(vault)
    return Ledger(deal_id, store.ledger(deal_id), project_ledger).problems()


def project_mark(project_ledger: Path) -> str:
    """The mark by which a project's entries are told from those of other projects: a short hash of its place."""
    return Ledger("", Path(), project_ledger).project


def was_dealt_here(deal_id: str, *, project_ledger: Path, vault: Path | None = None) -> bool:
    """Whether the project's ledger holds entries that were made at this very place, so that a vault should be here."""
    ledger = Ledger(deal_id, Vault(vault).ledger(deal_id), project_ledger)
    return any(entry.project == ledger.project for entry in ledger.entries())


def project_ledger_problems(deal_id: str, *, project_ledger: Path) -> tuple[str, ...]:
    """What does not add up in the project's copy alone: all that can be told where there is no vault."""
    copy = read_copy(project_ledger, deal_id)
    if copy is None:
        return (f"The project's copy of the ledger of {deal_id} is missing: {project_ledger}.",)
    return tuple(f"In the project's copy of the ledger, {fault}." for fault in copy.faults)


def clock_problems(deal_id: str, *, project_ledger: Path, vault: Path | None = None) -> tuple[str, ...]:
    """Entries of the ledger that claim to be older than the ones before them, one sentence each.

    The order of entries is held by the chain and not by their times, so a clock that was set back hides no look;
    but the times can then not be believed.
    """
    return clock_faults(ledger_chain(deal_id, project_ledger=project_ledger, vault=vault))


def ledger_chain(deal_id: str, *, project_ledger: Path, vault: Path | None = None) -> tuple[LedgerEntry, ...]:
    """The longer unbroken chain of the two copies, the vault's if they are equally long; empty if there is none."""
    copies = Ledger(deal_id, Vault(vault).ledger(deal_id), project_ledger).copies()
    return max((copy.chain for copy in copies if copy is not None), key=len, default=())


def open_again(
    deal_id: str, *, project_ledger: Path, model_sha256: str, now: str, who: str, vault: Path | None = None
) -> pd.DataFrame:
    """Hand out the held-out rows to score a model again that was looked at, so that its score can be proved.

    The opening is written down as a 'check'. It is no look: the same model on the same rows tells nothing new, and the
    caller says no more than whether the score is the same.

    Raises
    ------
    SealError
        If the model was never looked at, or for the reasons of `open_held_out`.
    """
    store = Vault(vault)
    sealed = store.load_deal(deal_id)
    ledger = Ledger(deal_id, store.ledger(deal_id), project_ledger)
    if model_sha256 not in looked_at(ledger.entries()):
        raise SealError(
            "Only a model that was looked at can be scored again",
            found=f"the ledger of {deal_id} holds no look for model {model_sha256[:12]}…",
            remedy="Call evaluate, which counts the look",
        )
    frame = _sealed_rows(store, sealed)
    fields = {"model_sha256": model_sha256, "at": now, "who": who, "why": "to verify its score"}
    _append(store, ledger, sealed.held_out_sha256, "check", **fields)
    return frame


def _sealed_rows(store: Vault, sealed: Deal) -> pd.DataFrame:
    frame = store.load_held_out(sealed.deal_id)
    if frame_sha256(frame) != sealed.held_out_sha256:
        raise SealError(
            f"The held-out rows of {sealed.deal_id} were changed in the vault",
            found="their fingerprint is not the one that was sealed",
            remedy=f"Move {store.folder(sealed.deal_id)} away and call frame_problem on the source again: the same rows "
            "are dealt again, and looks that the project's ledger holds stay counted",
        )
    return frame


def _append(store: Vault, ledger: Ledger, held_out_sha256: str, event: str, **fields: object) -> None:
    with store.locked():
        chain = ledger.settled(repair=False, at=fields["at"], who=fields["who"], held_out_sha256=held_out_sha256)
        entry = chained(
            chain[-1],
            event=event,
            deal_id=ledger.deal_id,
            held_out_sha256=held_out_sha256,
            project=ledger.project,
            **fields,
        )
        ledger.write((*chain, entry))
