"""Writing ``reports/evaluation.html`` from the records and pictures that lie in a project."""

from __future__ import annotations

from pathlib import Path

from ml_engineer.evaluation.page import page_context
from ml_engineer.evaluation.plots import for_page
from ml_engineer.evaluation.structure_page import structure_context
from ml_engineer.project.definition import load_problem
from ml_engineer.project.files import write_text
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record, load_record
from ml_engineer.rendering.documents import render_document
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.guardrails import GuardrailReport
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["write_evaluation_page"]


def write_evaluation_page(layout: ProjectLayout) -> Path:
    """Render the page from what is recorded; no look is taken, nothing is computed anew.

    `evaluate` calls this, and whoever changes what the page shows may, as after the guardrails were checked.

    Raises
    ------
    ProjectStateError
        If a record is missing or cannot be read.
    """
    training = load_record(layout, TrainingRun)
    report = load_record(layout, EvaluationReport)
    problem = load_problem(layout)
    if not problem.learns_target:
        context = structure_context(
            problem=problem,
            split=load_record(layout, SplitPlan),
            training=training,
            report=report,
            guardrails=_guardrails_of(layout, training),
            pictures=_pictures(layout, report),
        )
        write_text(layout.evaluation_html, render_document("evaluation_without_target.html", **context))
        return layout.evaluation_html
    context = page_context(
        problem=problem,
        split=load_record(layout, SplitPlan),
        training=training,
        report=report,
        guardrails=_guardrails_of(layout, training),
        pictures=_pictures(layout, report),
    )
    write_text(layout.evaluation_html, render_document("evaluation.html", **context))
    return layout.evaluation_html


def _guardrails_of(layout: ProjectLayout, training: TrainingRun) -> GuardrailReport | None:
    """The guardrail report, if it was made for this training run."""
    report = find_record(layout, GuardrailReport)
    if report is None or report.parents.get(TrainingRun.kind) != training.content_hash():
        return None
    return report


def _pictures(layout: ProjectLayout, report: EvaluationReport) -> dict[str, str]:
    """Inline SVG by file name without ending; a picture that was deleted is left out."""
    found = {}
    for plot in report.plots:
        path = layout.root / plot.path
        if path.exists():
            found[path.stem] = for_page(path.read_text(encoding="utf-8"), name=path.stem, title=plot.name)
    return found
