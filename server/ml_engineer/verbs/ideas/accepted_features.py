"""Which feature code is in force, that ideas are held against."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ml_engineer.project.code_store import find_code, keep_code, keep_file
from ml_engineer.project.ideas import load_ideas
from ml_engineer.project.records import find_record, load_record
from ml_engineer.rendering.project import render_project
from ml_engineer.verbs.training.rows import TrainingRows
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["AcceptedFeatures", "accepted_features", "framed_features"]


@dataclass(frozen=True)
class AcceptedFeatures:
    """Feature code that was accepted.

    Parameters
    ----------
    path : pathlib.Path
        Where its text is kept.
    sha256 : str
        Hash of the text.
    source : str
        Who accepted it, in words.
    """

    path: Path
    sha256: str
    source: str


def accepted_features(rows: TrainingRows) -> AcceptedFeatures:
    """The features of the idea kept last or of the champion, whichever came later; else the columns as they were framed.

    Raises
    ------
    ProjectStateError
        If the log of ideas does not add up.
    """
    layout = rows.layout
    known: list[tuple[str, str, str]] = []
    kept = [one for one in load_ideas(layout) if one.verdict == "kept"]
    if kept:
        known.append((kept[-1].at, kept[-1].features_sha256, f"the idea {kept[-1].name!r}, kept before"))
    run = find_record(layout, TrainingRun)
    if run is not None:
        known.append((run.started_at, run.champion.features_sha256, f"the champion of {run.run_id}"))
        if run.champion.features_sha256 == rows.features_sha256:
            keep_file(layout, layout.features_py)  # of a run from before texts were kept
    for _, sha256, source in sorted(known, reverse=True):
        path = find_code(layout, sha256)
        if path is not None:
            return AcceptedFeatures(path, sha256, source)
    return framed_features(rows)


def framed_features(rows: TrainingRows) -> AcceptedFeatures:
    """The code that scaffold_project renders: every column that the model may see, as it is."""
    layout = rows.layout
    rendered = render_project(rows.problem, load_record(layout, DataProfile), rows.split)
    sha256 = keep_code(layout, rendered["data/features/features.py"])
    path = find_code(layout, sha256)
    assert path is not None  # just written
    return AcceptedFeatures(path, sha256, "the columns as they were framed")
