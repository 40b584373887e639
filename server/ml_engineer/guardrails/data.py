"""DAT: whether the table is fit to learn from."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd

from ml_engineer.guardrails.cells import repeats_by_chance, row_hashes
from ml_engineer.guardrails.check import ALL_STAGES, Answer, Check, Observation, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.wording import listed, percent, quoted, rows_text
from ml_engineer.vocabulary.guardrails import Family, Guardrail, Stage
from ml_engineer.vocabulary.problem import OutcomeForm

__all__ = ["DAT001", "DAT002", "DAT003", "DAT004", "DAT005"]

_CLASSIFICATION: frozenset[OutcomeForm] = frozenset({"binary", "multiclass"})


class _DataCheck(Check):
    family: ClassVar[Family] = "data"
    guardrail: ClassVar[Guardrail] = "data_quality"


class DAT001(_DataCheck):
    """Rows that repeat an earlier one.

    Repeats count some cases more than once and, when they fall on both sides of a split, let the model be
    examined on what it has learned. Unique identifiers are left out of the comparison. Tables with few different values
    repeat themselves by chance, so the number of equal pairs is compared with what independent columns would give.
    """

    title = "Rows that repeat"
    needs_target = False
    worrying_share: ClassVar[float] = 0.05
    notable_share: ClassVar[float] = 0.01

    def find(self, evidence: Evidence) -> Answer:
        """Compare rows by hash."""
        frame = evidence.frame[_without_identifiers(evidence)]
        hashes = row_hashes(frame)
        repeats = hashes.duplicated()
        share = float(repeats.mean())
        if share < self.notable_share:
            return passed(f"{rows_text(int(repeats.sum()))} of {len(frame):,} repeat an earlier one")
        if repeats_by_chance(frame, hashes):
            return passed(
                f"{rows_text(int(repeats.sum()))} ({percent(share)}) repeat an earlier one, "
                "no more than so few different values make likely"
            )
        seen = Observation(
            "issue" if share >= self.worrying_share else "advice",
            f"{rows_text(int(repeats.sum()))} of {len(frame):,} ({percent(share)}) repeat an earlier one "
            "in every column but identifiers",
            rows=tuple(int(row) for row in frame.index[hashes.duplicated(keep=False)][:4]),
        )
        return observed(
            [seen],
            remedy='Ask whether repeats are real cases; if not, frame again with sql="SELECT DISTINCT ... FROM '
            "'FILE'\"; if one thing was recorded several times, name its key with group_columns",
        )


def _without_identifiers(evidence: Evidence) -> list[str]:
    """Columns of the table, unless they are identifiers with a value of their own in every row."""
    skipped = {
        column.name
        for column in evidence.problem.columns
        if column.role == "identifier"
        and column.name in evidence.frame.columns
        and evidence.frame[column.name].is_unique
    }
    return [name for name in evidence.frame.columns if name not in skipped]


class DAT002(_DataCheck):
    """Rows that the model cannot tell apart, with different labels.

    They are either label errors or cases whose deciding column is not in the table, and they put a ceiling on
    accuracy. Where most rows share their features with others, mixed labels are what a probability is for: advice.
    """

    title = "Same features, different label"
    of_single_rows = True
    of_one_answer = True
    notable_share: ClassVar[float] = 0.01
    worrying_ceiling: ClassVar[float] = 0.95
    far_apart: ClassVar[float] = 0.25
    """Of all ranks, for targets that are numbers."""

    def find(self, evidence: Evidence) -> Answer:
        """Group rows by their features and count labels."""
        if not evidence.used_names:
            return passed("the model sees no column")
        if not evidence.target.classes:
            return self._far_apart(evidence)
        hashes = row_hashes(evidence.frame[evidence.used_names]).to_numpy()
        target = evidence.frame[evidence.problem.target]
        groups = pd.DataFrame({"key": hashes, "label": evidence.target.values}, index=evidence.frame.index)
        labels = groups.groupby("key")["label"].transform("nunique")
        mixed = labels > 1
        share = float(mixed.mean())
        if share < self.notable_share:
            return passed(f"{rows_text(int(mixed.sum()))} of {len(groups):,} share all features with another label")
        ceiling = groups.groupby(["key", "label"]).size().groupby("key").max().sum() / len(groups)
        coarse = groups["key"].nunique() < len(groups) / 2
        first = groups.loc[mixed, "key"].iloc[0]
        rows = groups.index[groups["key"] == first]
        example = listed([quoted(value) for value in dict.fromkeys(target.loc[rows])], limit=3)
        seen = Observation(
            "advice" if coarse or ceiling > self.worrying_ceiling else "issue",
            f"{rows_text(int(mixed.sum()))} of {len(groups):,} ({percent(share)}) share all features with a row of "
            f"another label (for example {example}), so that no model can reach more than {percent(float(ceiling))} "
            "accuracy on these rows",
            rows=tuple(int(row) for row in rows[:4]),
        )
        return observed(
            [seen],
            remedy="Ask whether labels are in doubt, or which column tells such cases apart and is not in the table",
        )

    def _far_apart(self, evidence: Evidence) -> Answer:
        """The same for numbers: equal rows whose targets lie far apart."""
        hashes = row_hashes(evidence.frame[evidence.used_names]).to_numpy()
        rows = pd.DataFrame({"key": hashes, "rank": evidence.target.values}, index=evidence.frame.index)
        ranks = rows.groupby("key")["rank"]
        spread = ranks.transform("max") - ranks.transform("min")
        mixed = spread > self.far_apart
        share = float(mixed.mean())
        text = f"{rows_text(int(mixed.sum()))} of {len(rows):,} ({percent(share)}) share all features with a row whose target lies more than {percent(self.far_apart)} of all ranks away"
        if share < self.notable_share:
            return passed(text)
        coarse = rows["key"].nunique() < len(rows) / 2
        first = rows.index[rows["key"] == rows.loc[mixed, "key"].iloc[0]]
        seen = Observation("advice" if coarse else "issue", text, rows=tuple(int(row) for row in first[:4]))
        return observed(
            [seen],
            remedy="Ask whether values are in doubt, or which column tells such cases apart and is not in the table",
        )


class DAT003(_DataCheck):
    """A class with too few rows: it cannot be learned on one part and examined on another."""

    title = "Class too small"
    of_one_answer = True
    forms = _CLASSIFICATION
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    comfortable_rows: ClassVar[int] = 30

    def find(self, evidence: Evidence) -> Answer:
        """Count development rows per class."""
        counts = evidence.frame[evidence.problem.target].astype(str).value_counts()
        folds = evidence.problem.split.folds
        seen = [
            Observation(
                "forbids" if rows < folds else "advice",
                f"class {quoted(label)} has {rows_text(int(rows))} in development"
                + (f", fewer than the {folds} folds" if rows < folds else ""),
            )
            for label, rows in counts.items()
            if rows < self.comfortable_rows
        ]
        if not seen:
            return passed(f"the smallest class has {rows_text(int(counts.min()))} in development")
        return observed(
            seen,
            remedy="Collect more rows of the class, merge it with a related one, or leave it out with "
            'sql="SELECT ... WHERE ..."; below 30 rows nothing reliable can be said about it',
        )


class DAT004(_DataCheck):
    """A rare class and a metric that looks good without ever finding it."""

    title = "Imbalance that the metric hides"
    of_one_answer = True
    forms = _CLASSIFICATION
    common_share: ClassVar[float] = 0.8
    rare_share: ClassVar[float] = 0.02

    def find(self, evidence: Evidence) -> Answer:
        """Hold the class shares against the primary metric."""
        shares = evidence.frame[evidence.problem.target].astype(str).value_counts(normalize=True)
        metric = evidence.problem.primary_metric
        most, least = float(shares.iloc[0]), float(shares.iloc[-1])
        if metric == "accuracy" and most >= self.common_share:
            text = (
                f"{percent(most)} of rows are {quoted(shares.index[0])}, so always saying so gives an accuracy of "
                f"{most:.2f}"
            )
            return observed(
                [Observation("issue", text)],
                remedy="Frame again with metric='average_precision' (binary) or metric='balanced_accuracy'",
            )
        if metric == "roc_auc" and least < self.rare_share:
            text = f"{quoted(shares.index[-1])} is {percent(least)} of rows; ROC AUC looks good even if most alarms are false"
            return observed(
                [Observation("advice", text)], remedy="Frame again with metric='average_precision' if alarms cost work"
            )
        return passed(f"classes hold {percent(least)} to {percent(most)} of rows; {metric} does not hide that")


class DAT005(_DataCheck):
    """Rows without a target value. If they are missing for a reason, the rest is no fair picture."""

    title = "Rows without a target value"
    worrying_share: ClassVar[float] = 0.05

    def find(self, evidence: Evidence) -> Answer:
        """Compare the table's rows with those that were dealt."""
        dealt = evidence.split.development_rows + evidence.split.held_out_rows
        left_out = max(0, evidence.profile.rows - dealt)
        if not left_out:
            return passed(f"all {dealt:,} rows have a target value")
        share = left_out / evidence.profile.rows
        seen = Observation(
            "question" if share >= self.worrying_share else "advice",
            f"{rows_text(left_out)} of {evidence.profile.rows:,} ({percent(share)}) have no value of "
            f"{quoted(evidence.problem.target)} and were left out",
        )
        return observed(
            [seen],
            remedy="Ask why the target is missing there; if it depends on the outcome, the model learns a biased part",
        )
