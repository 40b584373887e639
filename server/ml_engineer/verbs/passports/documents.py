"""Holding the numbers in a project's documents against the records."""

from __future__ import annotations

from collections.abc import Iterator

from ml_engineer.errors import MlEngineerError
from ml_engineer.project.claims import unsupported_claims
from ml_engineer.project.definition import load_problem
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.rendering.documents import render_document
from ml_engineer.verbs.framing.files import problem_document
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.passport import Passport, Proof
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["prove_documents"]

_DOCUMENTS = ("README.md", "PROBLEM.md", "MODEL_CARD.md", "model_card.md", "CARD.md")


def prove_documents(layout: ProjectLayout, passport: Passport) -> Iterator[Proof]:
    """No document says a number that is in no record."""
    hashed = {file.path for file in passport.files}
    paths = [layout.root / name for name in _DOCUMENTS]
    paths += sorted(layout.reports.glob("*.md")) if layout.reports.is_dir() else []
    # A file system that does not tell upper from lower case finds one card under two names.
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if not path.is_file() or layout.relative(path) in hashed:
            continue
        status = path.stat()
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        text = path.read_text(encoding="utf-8", errors="replace")
        generated = _generated_problem(layout) if path == layout.problem_md else ()
        claim = f"every number in {layout.relative(path)} is in a record"
        claims = unsupported_claims(text, passport.numbers, generated=generated)
        told = [f"line {each.line}: {each.number} in {each.text[:80]!r}" for each in claims[:5]]
        yield Proof(claim=claim, outcome="failed" if claims else "proved", found="; ".join(told))


def _generated_problem(layout: ProjectLayout) -> list[str]:
    """Lines of PROBLEM.md as the records give it."""
    try:
        profile, split = load_record(layout, DataProfile), load_record(layout, SplitPlan)
        problem = load_problem(layout)
        text = render_document(problem_document(problem), problem=problem, profile=profile, split=split)
    except MlEngineerError:
        return []
    return text.splitlines()
