"""Everything that framing leaves in the project, written together or not at all."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.project.development import write_development, write_folds
from ml_engineer.project.files import replacing
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.problem_yaml import problem_text
from ml_engineer.rendering.documents import render_document
from ml_engineer.verbs.framing.contract import SettledContract
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["FramedProject", "problem_document", "write_project"]


@dataclass(frozen=True)
class FramedProject:
    """What is written.

    Parameters
    ----------
    problem, profile, split : records
        The framed problem, the table's profile, the deal.
    development : pandas.DataFrame of shape (n, columns)
        Development rows.
    folds : numpy.ndarray of shape (n,)
        Fold of each.
    edited_text : str or None
        An earlier problem.yaml with a person's edits, to be kept beside the new one.
    contract : SettledContract
        What becomes of data/contract.yaml.
    more_folds : tuple of numpy.ndarray of shape (n,)
        Further foldings, where rows are few.
    """

    problem: ProblemDefinition
    profile: DataProfile
    split: SplitPlan
    development: pd.DataFrame
    folds: npt.NDArray[np.integer]
    edited_text: str | None = None
    contract: SettledContract = field(default_factory=lambda: SettledContract({}))
    more_folds: tuple[npt.NDArray[np.integer], ...] = ()


def problem_document(problem: ProblemDefinition) -> str:
    """The document that PROBLEM.md is rendered from."""
    return "PROBLEM.md" if problem.learns_target else "PROBLEM_without_target.md"


def write_project(layout: ProjectLayout, framed: FramedProject) -> dict[str, str]:
    """Write all files of a framed problem; each is complete beside its place before the first is put there.

    Returns
    -------
    dict of str to str
        Absolute paths of the documents, by name.

    Raises
    ------
    ProjectStateError
        If the project cannot be written or the disk is full; it is as it was before.
    """
    texts = {
        layout.problem_yaml: problem_text(framed.problem),
        layout.problem_md: render_document(
            problem_document(framed.problem),
            problem=framed.problem,
            profile=framed.profile,
            split=framed.split,
        ),
        layout.raw_manifest: _manifest(framed.profile),
    }
    for record in (framed.problem, framed.profile, framed.split):
        texts[layout.records / f"{record.kind}.json"] = record.model_dump_json(indent=2) + "\n"
    texts |= framed.contract.texts
    artifacts = {"problem_md": layout.problem_md, "problem_yaml": layout.problem_yaml}
    if framed.edited_text is not None:
        before = layout.problem_yaml.with_name("problem.before.yaml")
        texts[before] = framed.edited_text
        artifacts["problem_before"] = before
    gitignore = layout.root / ".gitignore"
    if not gitignore.exists():
        texts[gitignore] = render_document("gitignore")
    with ExitStack() as stack:
        write_development(framed.development, stack.enter_context(replacing(layout.development)))
        folds = stack.enter_context(replacing(layout.folds))
        write_folds(framed.development, framed.folds, folds, more_folds=framed.more_folds)
        for path, text in texts.items():
            stack.enter_context(replacing(path)).write_text(text, encoding="utf-8", newline="\n")
    if framed.contract.settled is not None:
        framed.contract.settled.unlink(missing_ok=True)
    return {name: str(path) for name, path in artifacts.items()}


def _manifest(profile: DataProfile) -> str:
    """Where the original data lies, how it was read and what identifies it: the profile without its columns."""
    fields = {"source", "test_source", "fingerprint", "report"}
    return profile.model_dump_json(include=fields, indent=2) + "\n"
