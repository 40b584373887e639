"""The data contract at framing: written where there is none or nobody edited it, else kept and set against the new one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ml_engineer.errors import DefinitionError
from ml_engineer.profiling.contract import draft_contract
from ml_engineer.project.contract_yaml import (
    contract_differences,
    contract_text,
    is_as_written,
    load_contract,
    parse_contract,
)
from ml_engineer.project.development import load_development
from ml_engineer.project.files import write_text
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.contract import DataContract
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["SettledContract", "ensure_contract", "settle_contract"]

_MOST_TOLD = 3


@dataclass(frozen=True)
class SettledContract:
    """What to write, and what to say.

    Parameters
    ----------
    texts : dict of pathlib.Path to str
        Files to write.
    settled : pathlib.Path or None
        An earlier proposal that nothing is left of, to be taken away.
    kept : bool
        Whether a person's file was kept although framing would write another.
    note : str
        What a person should know; empty if nothing.
    """

    texts: dict[Path, str]
    settled: Path | None = None
    kept: bool = False
    note: str = ""

    def among(self, warnings: list[str]) -> list[str]:
        """The note among other warnings: first if a person's edits stand against what framing found, else last."""
        if not self.note:
            return warnings
        return [self.note, *warnings] if self.kept else [*warnings, self.note]


def settle_contract(layout: ProjectLayout, draft: DataContract) -> SettledContract:
    """Decide what becomes of data/contract.yaml.

    A file as we wrote it is replaced, under the next version, if the rules are others now. One that a person edited is
    kept; what framing would write goes beside it as ``contract.new.yaml``, and the differences are told.

    Parameters
    ----------
    layout : ProjectLayout
        The project.
    draft : DataContract
        What the development rows suggest now.
    """
    path = layout.contract_yaml
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return SettledContract({path: contract_text(draft)})
    beside = path.with_name("contract.new.yaml")
    try:
        mine = parse_contract(text, path)
    except DefinitionError as error:
        note = f"data/contract.yaml is not valid and was kept: {error}"
        return SettledContract({beside: contract_text(draft)}, kept=True, note=note)
    changes = contract_differences(mine, draft)
    if not changes:
        return SettledContract({}, settled=beside)
    new = contract_text(draft.model_copy(update={"version": mine.version + 1}))
    more = f" and {len(changes) - _MOST_TOLD} more" if len(changes) > _MOST_TOLD else ""
    told = "; ".join(changes[:_MOST_TOLD]) + more
    if is_as_written(text):
        note = f"Data contract, version {mine.version + 1}: {told}"
        return SettledContract({path: new}, settled=beside, note=note)
    note = f"contract.yaml was edited: kept. contract.new.yaml has {told}"
    return SettledContract({beside: new}, kept=True, note=note)


def ensure_contract(
    layout: ProjectLayout, problem: ProblemDefinition, profile: DataProfile, split: SplitPlan
) -> DataContract:
    """The project's contract; written first from the development rows where a project has none.

    Raises
    ------
    DefinitionError
        If data/contract.yaml is not valid.
    ProjectStateError
        If it cannot be written, or the development rows are not there to draft it from.
    """
    contract = load_contract(layout)
    if contract is None:
        frame = load_development(layout, split).frame
        contract = draft_contract(problem.columns, profile.columns, frame)
        write_text(layout.contract_yaml, contract_text(contract))
    return contract
