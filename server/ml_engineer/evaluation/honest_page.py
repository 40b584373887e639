"""The three numbers of the evaluation page, and the comparison with the champion before."""

from __future__ import annotations

from ml_engineer.evaluation.strips import METRIC_NAMES, strip, strip_range
from ml_engineer.vocabulary.evaluation import EvaluationReport

__all__ = ["against_champion_row", "count_sentence", "cross_validated_rows", "percent"]


def cross_validated_rows(report: EvaluationReport) -> list[dict[str, object]]:
    """The primary metric on held-out rows, in cross-validation, and corrected for the choice, on one scale."""
    pairs = [("held-out rows", report.primary.model)]
    honest = report.honest
    if honest is None:
        pairs.append(("cross-validation on development rows", report.cross_validated))
    else:
        among = "1 candidate" if honest.tried == 1 else f"{honest.tried:,} candidates"
        pairs.append((f"cross-validation, the best of {among}", honest.best))
        if honest.corrected is not None:
            pairs.append(("the same, corrected for having been chosen", honest.corrected))
    low, high = strip_range(report.primary_metric, (estimate for _, estimate in pairs))
    return [{"name": name, "estimate": estimate, "bar": strip(estimate, low, high)} for name, estimate in pairs]


def count_sentence(report: EvaluationReport) -> str:
    """What was tried before this number, and what it does to the interval."""
    honest = report.honest
    if honest is None:
        return ""
    tried = f"{honest.tried:,} candidates in {honest.runs:,} training run{'' if honest.runs == 1 else 's'}"
    looked = f"{honest.looks_before} other model{'' if honest.looks_before == 1 else 's'}"
    before = "no other model" if honest.looks_before == 0 else looked
    told = (
        f"On these development rows {tried} were tried, and the held-out rows had judged {before} before; the problem "
        f"allows {honest.look_budget} looks."
    )
    if honest.looks_before:
        told += f" Held-out intervals are widened for that, to {percent(report.primary.model.level)}."
    return f"{told} {honest.note}".strip()


def percent(level: float) -> str:
    """A level as people write it: 0.975 is 97.5 %."""
    return f"{100 * level:.3g} %"


def against_champion_row(report: EvaluationReport) -> dict[str, object] | None:
    """The paired comparison with the model before, in words and as a strip."""
    against = report.against_champion
    if against is None:
        return None
    reach = max(abs(against.gain.low), abs(against.gain.high)) * 1.1 or 1.0
    words = {"better": "Better than", "no_evidence": "No evidence of improvement over", "worse": "Worse than"}
    which = "the promoted champion" if against.promoted else "the model that was evaluated before it"
    return {
        "sentence": f"{words[against.verdict]} {which}",
        "gain": against.gain,
        "metric": METRIC_NAMES[against.metric],
        "model": against.model_sha256[:12],
        "bar": strip(against.gain, -reach, reach, with_zero=True),
        "tone": {"better": "good", "no_evidence": "open", "worse": "bad"}[against.verdict],
    }
