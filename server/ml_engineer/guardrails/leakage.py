"""LEA: whether a column carries the answer, which will not be there when the model is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ml_engineer.guardrails.check import ALL_STAGES, Answer, Check, Observation, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.wording import listed, quoted, quoted_list
from ml_engineer.vocabulary.guardrails import Family, Guardrail, Stage

__all__ = ["LEA001"]


class _LeakageCheck(Check):
    family: ClassVar[Family] = "leakage"
    guardrail: ClassVar[Guardrail] = "data_quality"


@dataclass(frozen=True)
class _Thresholds:
    """When a column is too good: its power alone, and how far the model falls without it."""

    suspicious: float
    blocking: float
    fall: float


class LEA001(_LeakageCheck):
    """A column that predicts the target alone.

    Alone it proves nothing: some problems are easy. So the model is fitted without the column (and its near copies):
    if it falls, the column was the answer; if it holds, other columns know the same, and the problem is easy. A
    regression target may honestly hang on one measurement, so that the bar is higher there.
    """

    title = "Column that predicts the target alone"
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    cost = "models"
    classes: ClassVar[_Thresholds] = _Thresholds(suspicious=0.9, blocking=0.9, fall=0.08)
    numbers: ClassVar[_Thresholds] = _Thresholds(suspicious=0.9, blocking=0.97, fall=0.05)
    most_ablations: ClassVar[int] = 6

    def find(self, evidence: Evidence) -> Answer:
        """Probe each input alone, then the model without those that are suspicious."""
        probe = evidence.probe
        limits = self.classes if evidence.target.classes else self.numbers
        suspects = sorted(
            (name for name, power in probe.alone.items() if power > limits.suspicious),
            key=lambda name: -probe.alone[name],
        )
        measure, rows = probe.target.measure, probe.rows
        if not suspects:
            best = max(probe.alone.items(), key=lambda item: item[1], default=None)
            strongest = f"; the strongest is {quoted(best[0])} with {best[1]:.2f}" if best else ""
            return passed(f"no column alone exceeds a {measure} of {limits.suspicious}{strongest} ({rows:,} rows)")
        seen = []
        for copies in self._clusters(evidence, suspects)[: self.most_ablations]:
            alone, full, without = probe.alone[copies[0]], probe.together(), probe.together(without=frozenset(copies))
            if full - without <= limits.fall:
                continue
            names = quoted_list(copies, limit=3)
            seen.append(
                Observation(
                    "issue" if alone > limits.blocking else "question",
                    f"{names} alone gives a {measure} of {alone:.3f}; a quick model gives {full:.3f} with it and "
                    f"{without:.3f} without it",
                    tuple(copies),
                )
            )
        if not seen:
            texts = [
                f"{quoted(name)} alone gives {probe.alone[name]:.3f} and the model without it "
                f"{probe.together(without=frozenset(copies)):.3f}"
                for copies in self._clusters(evidence, suspects)[:3]
                for name in copies[:1]
            ]
            return passed(f"an easy problem rather than a leak ({measure}): {listed(texts, join='; ')}")
        return observed(
            seen,
            remedy="Ask whether the column is known at the prediction moment and not made from the outcome; if not, frame "
            "again with after_the_fact naming it; if it is, a person may waive this with the reason",
        )

    @staticmethod
    def _clusters(evidence: Evidence, suspects: list[str]) -> list[list[str]]:
        """Suspects with their near copies, strongest first; a copy hides a leak from the ablation if it stays."""
        clusters: list[list[str]] = []
        placed: set[str] = set()
        for name in suspects:
            if name not in placed:
                copies = evidence.probe.near_copies(name, suspects) - placed
                placed |= copies
                clusters.append(sorted(copies, key=suspects.index))
        return clusters
