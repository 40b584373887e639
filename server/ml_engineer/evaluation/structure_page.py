"""What the evaluation page shows where nothing is predicted, worked out from the records."""

from __future__ import annotations

from collections.abc import Mapping

from ml_engineer.evaluation.page import format_number
from ml_engineer.evaluation.strips import METRIC_NAMES
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.guardrails import GuardrailReport
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.structure import StructureEvidence
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["structure_context"]

_HEADLINES = {
    "clustering": {
        "better_than_baseline": ("good", "Groups are there, more clearly than in rows without groups"),
        "no_evidence": ("open", "No group structure above chance"),
        "worse_than_baseline": ("bad", "No group structure above chance: rows without groups are grouped more clearly"),
    },
    "anomaly_detection": {
        "better_than_baseline": ("good", "Anomalies are ranked higher than chance would"),
        "no_evidence": ("open", "No evidence that anomalies are ranked higher than by chance"),
        "worse_than_baseline": ("bad", "Anomalies are ranked lower than by chance"),
    },
}


def structure_context(
    *,
    problem: ProblemDefinition,
    split: SplitPlan,
    training: TrainingRun,
    report: EvaluationReport,
    guardrails: GuardrailReport | None,
    pictures: Mapping[str, str],
) -> dict[str, object]:
    """Everything that ``evaluation_without_target.html`` names; parameters as of `page.page_context`."""
    tone, headline = _HEADLINES[problem.task_type][report.verdict]
    findings = [] if guardrails is None else guardrails.findings
    return {
        "problem": problem,
        "split": split,
        "training": training,
        "report": report,
        "evidence": report.structure or StructureEvidence(),
        "trained": training.structure or StructureEvidence(),
        "guardrails": guardrails,
        "findings": [each for each in findings if each.outcome not in {"passed", "not_applicable"}],
        "pictures": dict(pictures),
        "number": format_number,
        "metric_name": lambda name: METRIC_NAMES.get(name, name),
        "tone": tone,
        "headline": headline,
    }
