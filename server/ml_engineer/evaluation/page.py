"""What the evaluation page shows, worked out from the records: the template only lays it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import isfinite

from ml_engineer.evaluation.fairness_section import fairness_context, mitigation_rows
from ml_engineer.evaluation.honest_page import against_champion_row, count_sentence, cross_validated_rows, percent
from ml_engineer.evaluation.strips import METRIC_NAMES, Bar, strip, strip_range
from ml_engineer.statistics.baselines import baseline_rule
from ml_engineer.statistics.intervals import wilson
from ml_engineer.vocabulary.estimates import Direction, Estimate, MetricEstimate
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.guardrails import GuardrailReport
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["METRIC_NAMES", "Bar", "format_number", "page_context"]

_HEADLINES = {
    "better_than_baseline": ("good", "Better than the naive baseline"),
    "no_evidence": ("open", "No evidence that it beats the naive baseline"),
    "worse_than_baseline": ("bad", "Worse than the naive baseline"),
}
_ADVICE = {
    "better_than_baseline": "The rows it was never trained on agree that it has learned something. Whether that is "
    "worth deploying is a person's decision: weigh the size of the gain, what errors cost, and the open guardrails.",
    "no_evidence": "On rows it was never trained on, the gain over the baseline could be nothing. Do not deploy it; "
    "more rows, or columns that tell more, would have to come first.",
    "worse_than_baseline": "On rows it was never trained on, the naive rule does better. Do not deploy it; look for "
    "columns that are not known in time, and for rows that differ between then and now.",
}
_MOST_MATRIX_CLASSES = 20
_MOST_IMPORTANCES = 15


def format_number(value: float) -> str:
    """A number for people: about three digits, thousands apart."""
    size = abs(value)
    if not isfinite(value):
        return "undefined"
    if size >= 1000:
        text = f"{value:,.0f}"
    elif size >= 100:
        text = f"{value:.1f}"
    elif size >= 1:
        text = f"{value:.2f}"
    elif size >= 0.001 or size == 0:
        text = f"{value:.3f}"
    elif size >= 0.0001:
        text = f"{value:.4f}"
    else:
        text = f"{value:.1e}"
    return text.replace("-", "\N{MINUS SIGN}")


def page_context(
    *,
    problem: ProblemDefinition,
    split: SplitPlan,
    training: TrainingRun,
    report: EvaluationReport,
    guardrails: GuardrailReport | None,
    pictures: Mapping[str, str],
) -> dict[str, object]:
    """Everything that ``evaluation.html`` names.

    Parameters
    ----------
    problem, split, training, report
        The records of the project.
    guardrails : GuardrailReport, optional
        If the guardrails have been checked for this evaluation.
    pictures : mapping of str to str
        Inline SVG by name, as `plots.for_page` gave them.

    Returns
    -------
    dict
        Texts, numbers and `Bar` values; the template escapes every text.
    """
    tone, headline = _HEADLINES[report.verdict]
    return {
        "problem": problem,
        "split": split,
        "training": training,
        "report": report,
        "guardrails": guardrails,
        "pictures": dict(pictures),
        "number": format_number,
        "metric_name": lambda name: METRIC_NAMES.get(name, name),
        "tone": tone,
        "headline": headline,
        "advice": _ADVICE[report.verdict],
        "target_sentence": _target_sentence(problem, report),
        "primary_name": METRIC_NAMES[report.primary_metric],
        "metrics": [_metric_row(result) for result in report.metrics],
        "cross_validated": cross_validated_rows(report),
        "count_sentence": count_sentence(report),
        "against_champion": against_champion_row(report),
        "percent": percent,
        "baseline_rule": _baseline_rule(problem, report),
        "steps": _steps(report),
        "differences": [row for result in report.metrics if (row := _difference_row(result)) is not None],
        "labels": _labels(report),
        "confusion": _confusion(report),
        "groups": _groups(report),
        "fairness": fairness_context(report.fairness),
        "mitigations": mitigation_rows(report.mitigations),
        "importances": _importances(report),
        "words": _words(report),
        "candidates": _candidates(training),
        "findings": _findings(guardrails),
    }


def _baseline_rule(problem: ProblemDefinition, report: EvaluationReport) -> str:
    if problem.forecast is not None:
        return problem.baseline.rule
    return baseline_rule(problem.form, metric=report.primary_metric)


def _steps(report: EvaluationReport) -> list[dict[str, object]]:
    """The primary metric by step of the horizon, each beside the naive rule's."""
    shown = report.steps
    if not shown:
        return []
    low, high = strip_range(report.primary_metric, [step.model for step in shown])
    high = max(high, *(step.baseline for step in shown))
    naive = [
        step.model.model_copy(update={"value": step.baseline, "low": 0.0, "high": step.baseline}) for step in shown
    ]
    return [
        {"step": step, "bar": strip(step.model, low, high), "baseline_dot": strip(beside, low, high).dot}
        for step, beside in zip(shown, naive, strict=True)
    ]


def _end(value: float) -> str:
    return f"{value:,.4g}".replace("-", "\N{MINUS SIGN}") if abs(value) < 1e6 else format_number(value)


def _metric_row(result: MetricEstimate) -> dict[str, object]:
    both = [result.model] if result.baseline is None else [result.model, result.baseline]
    low, high = strip_range(result.metric, both)
    return {
        "name": METRIC_NAMES[result.metric],
        "direction": result.direction,
        "model": result.model,
        "baseline": result.baseline,
        "bar": strip(result.model, low, high),
        "baseline_dot": None if result.baseline is None else strip(result.baseline, low, high).dot,
        "ends": (_end(low), _end(high)),
    }


def _sign(estimate: Estimate, direction: Direction) -> str:
    """'good' if the whole interval is an improvement, 'bad' if all of it is a loss, 'open' otherwise."""
    low, high = (estimate.low, estimate.high) if direction == "higher" else (-estimate.high, -estimate.low)
    return "good" if low > 0 else "bad" if high < 0 else "open"


def _difference_row(result: MetricEstimate) -> dict[str, object] | None:
    if result.difference is None or result.baseline is None:
        return None
    reach = max(abs(result.difference.low), abs(result.difference.high)) * 1.1 or 1.0
    return {
        "name": METRIC_NAMES[result.metric],
        "direction": result.direction,
        "baseline": result.baseline,
        "difference": result.difference,
        "bar": strip(result.difference, -reach, reach, with_zero=True),
        "tone": _sign(result.difference, result.direction),
    }


def _target_sentence(problem: ProblemDefinition, report: EvaluationReport) -> str:
    if problem.target_score is None or report.primary_metric != problem.primary_metric:
        return ""
    low, high, wanted = report.primary.model.low, report.primary.model.high, problem.target_score
    if report.primary.direction == "lower":
        low, high, wanted = -high, -low, -wanted
    name = f"The score that would be good enough, {format_number(problem.target_score)}, is"
    if low >= wanted:
        return f"{name} reached: the whole interval is at least as good."
    if high < wanted:
        return f"{name} not reached: the whole interval is poorer."
    return f"{name} inside the interval: the held-out rows cannot tell whether it is reached."


def _confusion(report: EvaluationReport) -> dict[str, object] | None:
    """The matrix with the share of each actual class that was predicted so, and recall per class."""
    matrix = report.confusion
    if matrix is None or len(matrix.labels) > _MOST_MATRIX_CLASSES:
        return None
    rows = []
    for place, (label, counts) in enumerate(zip(matrix.labels, matrix.counts, strict=True)):
        total = sum(counts)
        cells = [{"count": count, "shade": round(62 * count / total) if total else 0} for count in counts]
        recall = wilson(counts[place], total) if total else None
        rows.append({"label": label, "cells": cells, "total": total, "recall": recall})
    return {"labels": matrix.labels, "rows": rows}


def _labels(report: EvaluationReport) -> list[dict[str, object]]:
    """Each of several labels, on a strip from 0 to 1 beside the share of rows that have it."""
    found: list[dict[str, object]] = []
    for result in report.labels:
        precision = result.average_precision
        bar = None if precision is None else strip(precision, 0.0, 1.0)
        found.append({"result": result, "bar": bar, "share_dot": round(100 * result.share, 2)})
    return found


def _groups(report: EvaluationReport) -> list[dict[str, object]]:
    """Results by sensitive column and metric, each with a strip on a scale of their own."""
    found = []
    by_place = sorted(report.groups, key=lambda result: (result.column, result.metric))
    for (column, metric), results in groupby(by_place, key=lambda result: (result.column, result.metric)):
        members = sorted(results, key=lambda result: -result.rows)
        valued = [result.estimate for result in members if result.estimate is not None]
        low, high = strip_range(metric, valued) if valued else (0.0, 1.0)
        rows = [
            {"result": result, "bar": None if result.estimate is None else strip(result.estimate, low, high)}
            for result in members
        ]
        found.append({"column": column, "metric": METRIC_NAMES.get(metric, metric), "rows": rows})
    return found


def _importances(report: EvaluationReport) -> list[dict[str, object]]:
    shown = report.importances[:_MOST_IMPORTANCES]
    if not shown:
        return []
    low = min(0.0, *(importance.drop.low for importance in shown))
    high = max(importance.drop.high for importance in shown)
    return [
        {
            "feature": importance.feature,
            "drop": importance.drop,
            "bar": strip(importance.drop, low, high, with_zero=True),
            "needed": importance.drop.low > 0,
        }
        for importance in shown
    ]


def _words(report: EvaluationReport) -> list[dict[str, object]]:
    """Words that move the prediction, each with a strip on one scale."""
    reach = max((abs(end) for one in report.words for end in (one.change.low, one.change.high)), default=1.0)
    return [{"influence": one, "bar": strip(one.change, -reach, reach, with_zero=True)} for one in report.words]


def _candidates(training: TrainingRun) -> list[dict[str, object]]:
    candidates = training.leaderboard.candidates
    scored = [candidate.score for candidate in candidates if candidate.score is not None]
    low, high = strip_range(training.leaderboard.metric, scored) if scored else (0.0, 1.0)
    return [
        {
            "candidate": candidate,
            "champion": candidate.name == training.champion.name,
            "bar": None if candidate.score is None else strip(candidate.score, low, high),
        }
        for candidate in candidates
    ]


def _findings(guardrails: GuardrailReport | None) -> Sequence[object]:
    """Findings that a person should read: everything that did not pass and does apply."""
    if guardrails is None:
        return ()
    return [finding for finding in guardrails.findings if finding.outcome not in {"passed", "not_applicable"}]
