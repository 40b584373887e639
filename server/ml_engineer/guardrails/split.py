"""SPL: whether the folds and the held-out rows can tell the truth."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.guardrails.cells import repeats_by_chance, row_hashes
from ml_engineer.guardrails.check import (
    ALL_STAGES,
    BEFORE_USE,
    Answer,
    Check,
    Observation,
    does_not_apply,
    observed,
    passed,
)
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.keys import is_one_thing, likeness
from ml_engineer.guardrails.wording import percent, quoted, quoted_list, rows_text
from ml_engineer.vocabulary.guardrails import Family, Guardrail, Stage

__all__ = ["SPL001", "SPL002", "SPL006", "SPL007", "SPL008", "SplitCheck"]


class SplitCheck(Check):
    """What the checks of this family share."""

    family: ClassVar[Family] = "split"
    guardrail: ClassVar[Guardrail] = "held_out_evaluation"


def _keys(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series:
    """One key a row for the values of some columns; rows with a missing part have none."""
    keys = row_hashes(frame[list(columns)]).astype("float64")
    return keys.mask(frame[list(columns)].isna().any(axis=1))


def _rows_split_up(keys: pd.Series, folds: npt.NDArray[np.integer]) -> pd.Series:
    """Whether each row's key occurs in more than one fold."""
    return pd.Series(folds, index=keys.index).groupby(keys).transform("nunique").fillna(0) > 1


class SPL001(SplitCheck):
    """Rows of one declared group in several folds: the model is examined on acquaintances."""

    title = "Groups across folds"
    needs_target = False
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES

    def applies_to(self, evidence: Evidence) -> str:
        """Only where groups were declared."""
        return super().applies_to(evidence) or ("" if _groups(evidence) else "no group columns are declared")

    def find(self, evidence: Evidence) -> Answer:
        """Count rows whose group occurs in more than one fold."""
        columns = _groups(evidence)
        apart = _rows_split_up(_keys(evidence.frame, columns), evidence.folds)
        if not apart.any():
            return passed(f"each group of {quoted_list(columns)} lies in one fold")
        seen = Observation(
            "forbids",
            f"{rows_text(int(apart.sum()))} of {len(apart):,} share {quoted_list(columns)} with a row of another fold",
            columns,
            tuple(int(row) for row in apart.index[apart][:4]),
        )
        return observed([seen], remedy="Frame again with split='grouped' and the same group_columns")


def _groups(evidence: Evidence) -> tuple[str, ...]:
    """Declared group columns that the table has."""
    declared = evidence.problem.split.group_columns
    return declared if declared and set(declared) <= set(evidence.frame.columns) else ()


class SPL002(SplitCheck):
    """A column that names things with several rows each, while rows are dealt as if they were strangers.

    Identifiers are looked at, and categories with many values whose rows resemble each other in the other columns too.
    """

    title = "Groups that were not declared"
    of_single_rows = True
    of_one_answer = True
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    fewest_share: ClassVar[float] = 0.05
    forbidden_share: ClassVar[float] = 0.2
    """Share of rows with a relative in another fold from which scores are theirs more than by the way."""
    most_rows_per_group: ClassVar[float] = 50.0
    worth_asking: ClassVar[float] = 0.05
    likeness: ClassVar[float] = 0.2
    """Share of the target's variance that groups explain beyond chance, from which random folds mislead."""

    def find(self, evidence: Evidence) -> Answer:
        """Look at keys whose values repeat."""
        candidates = [name for name in evidence.keys if name not in evidence.problem.split.group_columns]
        seen = [found for name in candidates if (found := self._observation(evidence, name)) is not None]
        if not seen:
            return passed("no key outside the declared groups has rows in several folds that resemble each other")
        return observed(
            seen,
            remedy="Ask whether a prediction is made for things already seen; if not, frame again with group_columns naming "
            "the key (several columns if the number alone is not unique)",
        )

    def _observation(self, evidence: Evidence, name: str) -> Observation | None:
        keys = _keys(evidence.frame, (name,))
        apart = _rows_split_up(keys, evidence.folds)
        per_group = keys.notna().sum() / max(keys.nunique(), 1)
        if apart.mean() < self.fewest_share or per_group > self.most_rows_per_group:
            return None
        alike = likeness(evidence.target.values, keys.to_numpy(), classes=evidence.target.classes)
        if alike <= self.worth_asking:
            return None
        # Where rows are grouped already, somebody thought of keys, and another one may be a matter of taste.
        strangers = evidence.problem.split.strategy not in ("grouped", "own_test_file")
        many = alike > self.likeness and apart.mean() >= self.forbidden_share
        sure = many and is_one_thing(evidence.problem, evidence.frame, name)
        return Observation(
            "forbids" if strangers and sure else "question",
            f"{percent(float(apart.mean()))} of rows share {quoted(name)} with a row of another fold, and rows that share "
            f"it resemble each other in the target (intraclass correlation {alike:.2f})",
            (name,),
            tuple(int(row) for row in apart.index[apart][:4]),
        )


class SPL006(SplitCheck):
    """The same row in several folds: the model is examined on what it learned by heart.

    Equal rows are normal where few values exist. Where they are not, a quick model is scored on the stored folds, and
    again with equal rows kept together: the difference is what they flatter.
    """

    title = "Equal rows across folds"
    of_single_rows = True
    of_one_answer = True
    cost = "models"
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    fewest_share: ClassVar[float] = 0.01
    flattery: ClassVar[float] = 0.02
    forbidden_flattery: ClassVar[float] = 0.05

    def find(self, evidence: Evidence) -> Answer:
        """Count rows with an equal row in another fold, and measure what they are worth."""
        if evidence.inputs.shape[1] == 0:
            return does_not_apply("the model sees no column")
        keys = pd.Series(row_hashes(evidence.inputs).to_numpy(), index=evidence.inputs.index)
        apart = _rows_split_up(keys, evidence.folds)
        share = float(apart.mean())
        if share < self.fewest_share:
            return passed(f"{rows_text(int(apart.sum()))} of {len(apart):,} have an equal row in another fold")
        if repeats_by_chance(evidence.inputs, keys):
            return passed(
                f"{percent(share)} of rows have an equal row in another fold, as few different values make likely"
            )
        together = pd.Series(evidence.folds, index=keys.index).groupby(keys).transform("first").to_numpy()
        probe = evidence.probe
        stored, honest = probe.together(), probe.together_on(together)
        text = (
            f"{rows_text(int(apart.sum()))} of {len(apart):,} ({percent(share)}) have an equal row in another fold; a quick "
            f"model gets a {probe.target.measure} of {stored:.3f}, and {honest:.3f} with equal rows kept together"
        )
        if stored - honest <= self.flattery:
            return passed(f"{text}: they do not flatter")
        seen = Observation(
            "forbids" if stored - honest > self.forbidden_flattery else "issue",
            text,
            rows=tuple(int(row) for row in apart.index[apart][:4]),
        )
        return observed(
            [seen],
            remedy="Ask whether repeats are real cases; otherwise frame again with sql=\"SELECT DISTINCT ... FROM 'FILE'\", or "
            "with group_columns if one thing was recorded several times",
        )


class SPL007(SplitCheck):
    """Held-out rows so few that no claim can rest on them."""

    title = "Held-out rows for the claim"
    of_single_rows = True
    of_one_answer = True
    blocks_at: ClassVar[frozenset[Stage]] = BEFORE_USE
    fewest_rows: ClassVar[int] = 10
    comfortable_rows: ClassVar[int] = 50
    fewest_per_class: ClassVar[int] = 10

    def find(self, evidence: Evidence) -> Answer:
        """Count held-out rows, and those to be expected of the rarest class."""
        rows = evidence.split.held_out_rows
        width = 0.98 / np.sqrt(max(rows, 1))
        seen = []
        text = f"{rows_text(rows)} are held out: a share such as accuracy is known to about ±{100 * width:.0f} points"
        if rows < self.comfortable_rows:
            seen.append(Observation("forbids" if rows < self.fewest_rows else "issue", text))
        if evidence.target.classes:
            shares = evidence.frame[evidence.problem.target].astype(str).value_counts(normalize=True)
            expected = float(shares.iloc[-1]) * rows
            if expected < self.fewest_per_class:
                seen.append(
                    Observation(
                        "issue",
                        f"about {expected:.0f} of {rows:,} held-out rows are of class {quoted(shares.index[-1])}, so that "
                        f"its recall is hardly known",
                    )
                )
        if not seen:
            return passed(text)
        return observed(
            seen,
            remedy="Collect more rows, or frame a new problem with a larger held_out_fraction; until then read the "
            "intervals, not the scores",
        )


class SPL008(SplitCheck):
    """Rows of a table seen before that could not be matched to one earlier row."""

    title = "Rows recognised without doubt"
    needs_target = False
    worrying_share: ClassVar[float] = 0.01

    def find(self, evidence: Evidence) -> Answer:
        """Read what the deal recorded."""
        plan = evidence.split
        if not plan.matched_rows and not plan.ambiguous_rows:
            return does_not_apply("the rows were not seen before")
        rows = plan.development_rows + plan.held_out_rows
        if not plan.ambiguous_rows:
            return passed(f"{rows_text(plan.matched_rows)} seen before kept their side, none in doubt")
        seen = Observation(
            "issue" if plan.ambiguous_rows > self.worrying_share * rows else "advice",
            f"{rows_text(plan.ambiguous_rows)} of {rows:,} match more than one earlier row, so that some held-out rows may "
            "have been seen in development",
        )
        return observed([seen], remedy="Remove repeated rows, or name a key column, and frame again")
