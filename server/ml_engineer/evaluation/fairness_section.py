"""What the evaluation page shows of groups of people: one table a column and measure, verdict first."""

from __future__ import annotations

from collections.abc import Sequence

from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.fairness import (
    FairnessAssessment,
    FairnessMeasure,
    FairnessVerdict,
    GroupCell,
    GroupComparison,
    MitigationTrial,
)

__all__ = ["fairness_context", "mitigation_rows"]

_TITLES: dict[FairnessMeasure, str] = {
    "selection_rate": "called positive",
    "recall": "recall (found among the positives)",
    "false_positive_rate": "false-positive rate",
    "precision": "precision (right among those called)",
    "calibration": "calibration (observed minus predicted share)",
    "accuracy": "accuracy",
    "mae": "mean absolute error",
    "mean_error": "mean error (predicted minus actual)",
}
_TONES: dict[FairnessVerdict, str] = {
    "disparity shown": "bad",
    "within the tolerance you set": "good",
    "not enough data": "open",
    "not assessed": "open",
}
_MOST_CELLS = 30


def fairness_context(fairness: FairnessAssessment | None) -> dict[str, object] | None:
    """What the template lays out; none if nothing was compared.

    Parameters
    ----------
    fairness : FairnessAssessment, optional
        As the record holds it.
    """
    if fairness is None:
        return None
    ordered = sorted(fairness.comparisons, key=lambda one: (len(one.columns), one.columns, not one.decides))
    return {
        "basis": fairness.basis,
        "reason": fairness.use_reason,
        "tolerance": fairness.tolerance,
        "comparisons": [_comparison(one) for one in ordered],
    }


def _comparison(one: GroupComparison) -> dict[str, object]:
    crossed = len(one.columns) == 2
    # Cells that went into a pool lie in the record; a page with a thousand of them helps nobody.
    shown = one.cells[:_MOST_CELLS]
    ends = _ends([cell.estimate for cell in shown if cell.estimate is not None])
    return {
        "title": " and ".join(one.columns),
        "measure": _TITLES[one.measure],
        "decides": one.decides,
        "verdict": one.verdict,
        "reason": one.reason,
        "tone": _TONES[one.verdict],
        "difference": one.difference,
        "by_chance": one.expected_by_chance,
        "relative": one.measure in {"mae", "mean_error"},
        "four_fifths": one.four_fifths,
        "crossed": crossed,
        "rows": [_cell(cell, ends, crossed=crossed) for cell in shown],
        "more": len(one.cells) - len(shown),
    }


def _ends(estimates: list[Estimate]) -> tuple[float, float]:
    if not estimates:
        return 0.0, 1.0
    low, high = min(one.low for one in estimates), max(one.high for one in estimates)
    room = 0.08 * (high - low) or 0.5
    return low - room, high + room


def _cell(cell: GroupCell, ends: tuple[float, float], *, crossed: bool) -> dict[str, object]:
    low, span = ends[0], ends[1] - ends[0]
    bar = None
    if cell.estimate is not None:
        left, right, dot = (
            round(100 * (value - low) / span, 2)
            for value in (cell.estimate.low, cell.estimate.high, cell.estimate.value)
        )
        bar = {"left": left, "width": max(round(right - left, 2), 0.6), "dot": dot, "zero": None}
    return {"cell": cell, "bar": bar, "shrunk": cell.shrunk if crossed else None}


def mitigation_rows(trials: Sequence[MitigationTrial]) -> list[dict[str, object]]:
    """One row a mitigation: what it does to the difference, and what it costs."""
    return [
        {
            "trial": trial,
            "tone": None if trial.verdict is None else _TONES[trial.verdict],
            "measure": _TITLES[trial.measure],
        }
        for trial in trials
    ]
