"""LEA, continued: columns that must not be used, by their names and by what was ruled."""

from __future__ import annotations

import re
from typing import ClassVar, Final

import pandas as pd

from ml_engineer.guardrails.cells import is_number, row_hashes
from ml_engineer.guardrails.check import ALL_STAGES, Answer, Observation, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.leakage import LeakageCheck
from ml_engineer.guardrails.wording import quoted, words
from ml_engineer.vocabulary.guardrails import Stage
from ml_engineer.vocabulary.problem import ProblemColumn

__all__ = ["AFTERWARDS", "LEA005", "LEA006"]

AFTERWARDS: Final = re.compile(
    r"\b(outcome|outcomes|result|results|resolution|resolved|cancelled|canceled|cancellation|churned|refund|refunded|"
    r"chargeback|settlement|settled|recovered|recoveries|recovery|charged off|write off|written off|discharge|"
    r"discharged|death|died|deceased|cause of death|autopsy|closed|closure|completed|final|actual|realized|realised|"
    r"fraud flag|confirmed|predicted|prediction|label|ground truth|days to|time to|exit date|end date|"
    r"termination|afterwards)\b"
)
"""Words of things that are known once the outcome is."""


class LEA005(LeakageCheck):
    """Columns in use whose name sounds like something known only afterwards, or that framing was unsure of.

    A name proves nothing, so this only asks. A person's word that the column is known in time ends it.
    """

    title = "Columns that sound known only afterwards"

    def find(self, evidence: Evidence) -> Answer:
        """Match the names of used columns."""
        target_words = words(evidence.problem.target)
        seen = []
        for column in evidence.used:
            reason = self._reason(column, target_words)
            if reason:
                seen.append(Observation("question", f"{quoted(column.name)} {reason}", (column.name,)))
        if not seen:
            return passed(f"none of {len(evidence.used):,} used columns sounds known only afterwards")
        return observed(
            seen,
            remedy="Ask for each whether its value is there when the prediction is made; then frame again with "
            "known_at_prediction or after_the_fact naming it",
        )

    @staticmethod
    def _reason(column: ProblemColumn, target_words: str) -> str:
        if column.decided_by == "person":
            return ""
        if column.availability == "unsure":
            return "may be known only after the prediction moment"
        name = words(column.name)
        if AFTERWARDS.search(name):
            return "sounds known only afterwards"
        plain = ("target", "label", "class", "y")
        within = target_words in name if len(target_words) >= 4 else f" {target_words} " in f" {name} "
        if target_words and target_words not in plain and within and name != target_words:
            return "bears the target's name"
        return ""


class LEA006(LeakageCheck):
    """features.py hands on what the model must not see: the target, or a column that was ruled out."""

    title = "Feature code that hands on ruled-out columns"
    needs_target = False
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    needs = ("features",)

    def find(self, evidence: Evidence) -> Answer:
        """Compare each output of features.py with each ruled-out column, by name and by value."""
        features = evidence.features
        assert features is not None
        ruled_out = self._ruled_out(evidence)
        keys = {key: name for name in ruled_out if (key := self._key(evidence.frame[name])) is not None}
        seen = []
        for name in map(str, features.columns):
            if name in evidence.used_names and features[name].equals(evidence.frame[name]):
                continue  # handed on as it is, which the problem allows; whether it should is LEA007's question
            source = name if name in ruled_out else self._equal(features[name], keys)
            if source is not None:
                same = "" if name == source else f", which equals {quoted(source)} in every row"
                seen.append(
                    Observation("forbids", f"features.py gives {quoted(name)}{same}: {ruled_out[source]}", (name,))
                )
        if not seen:
            return passed(f"none of {features.shape[1]:,} features is the target or a column that was ruled out")
        return observed(
            seen, remedy="Take it out of features.py; if it may be used after all, frame again with known_at_prediction"
        )

    def _equal(self, column: pd.Series, keys: dict[tuple[int, bytes], str]) -> str | None:
        key = self._key(column)
        return None if key is None else keys.get(key)

    @staticmethod
    def _ruled_out(evidence: Evidence) -> dict[str, str]:
        """Columns the model must not see, and why."""
        reasons = {evidence.problem.target: "it is the target"} if evidence.problem.target else {}
        for column in evidence.problem.columns:
            if column.used or column.name not in evidence.frame.columns:
                continue
            if column.availability == "after_the_fact":
                reasons[column.name] = "it is known only after the prediction moment"
            elif column.decided_by == "person" and column.role != "target":
                reasons[column.name] = "a person excluded it"
        return reasons

    @staticmethod
    def _key(column: pd.Series) -> tuple[int, bytes] | None:
        """Equal for columns that name the same rows alike, whatever the names of their values; None if constant."""
        codes, values = pd.factorize(column)
        if len(values) < 2:
            return None
        if len(values) <= len(codes) / 2:
            return len(values), codes.tobytes()
        cells = column.astype(float) if is_number(column) else column.astype(str)
        return len(values), row_hashes(cells.to_frame()).to_numpy().tobytes()
