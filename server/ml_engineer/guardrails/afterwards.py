"""LEA, continued: columns known only after the fact, by their values and by their times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pandas as pd

from ml_engineer.guardrails.cells import is_text
from ml_engineer.guardrails.check import Answer, Observation, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.leakage import LeakageCheck
from ml_engineer.guardrails.ruled_out import AFTERWARDS
from ml_engineer.guardrails.wording import percent, quoted, quoted_list, rows_text, words

__all__ = ["LEA012", "LEA013"]


class LEA012(LeakageCheck):
    """Categories that speak of the outcome: 'refunded', 'case closed', 'deceased', or the very name of a class.

    A word proves nothing. But where the rows that bear it nearly all have one outcome, the word was probably written after it.
    """

    title = "Values that speak of the outcome"
    most_categories: ClassVar[int] = 200
    fewest_rows: ClassVar[int] = 10
    purity: ClassVar[float] = 0.9
    beyond_chance: ClassVar[float] = 0.5
    """How much of the way from the class's share to 1 the purity must go."""
    shortest_label: ClassVar[int] = 4
    percentiles_apart: ClassVar[float] = 0.2
    surprise: ClassVar[float] = 5.0
    """Standard errors, for targets that are numbers."""

    def find(self, evidence: Evidence) -> Answer:
        """Read the categories of used text columns, and look at the outcome of the rows that bear the words."""
        labels = {words(label) for label in evidence.problem.classes}
        telling = {label for label in labels if len(label) >= self.shortest_label and not label.isdigit()}
        seen: list[Observation] = []
        looked_at = 0
        for name in evidence.used_names:
            column = evidence.frame[name]
            counts = column.value_counts() if is_text(column) else pd.Series(dtype=int)
            if not 1 < len(counts) <= self.most_categories:
                continue
            looked_at += 1
            plain = {str(value): words(str(value)) for value in counts.index}
            spoken = [value for value, text in plain.items() if text in telling or AFTERWARDS.search(text)]
            find = self._by_class if evidence.target.classes else self._by_size
            seen.extend(find(evidence, name, spoken))
        if not seen:
            return passed(f"no category of {looked_at:,} used text columns speaks of the outcome and goes with it")
        return observed(
            seen,
            remedy="Ask when the value is written; if it is after the outcome, frame again with after_the_fact naming the column",
        )

    def _by_class(self, evidence: Evidence, name: str, spoken: list[str]) -> Iterator[Observation]:
        """One for each outcome that some of the words go with, the words together."""
        outcomes = evidence.frame[evidence.problem.target].astype(str)
        usual = outcomes.value_counts(normalize=True)
        column = evidence.frame[name]
        shares = pd.crosstab(column[column.isin(spoken)], outcomes)
        for label in map(str, shares.columns):
            purity = shares[label] / shares.sum(axis=1)
            needed = max(self.purity, 1 - (1 - self.beyond_chance) * (1 - float(usual[label])))
            pure = [str(value) for value in shares.index[purity >= needed]]
            bears = column.isin(pure).to_numpy()
            if bears.sum() >= self.fewest_rows:
                share = float((outcomes[bears] == label).mean())
                yield Observation(
                    "question",
                    f"{quoted(name)} says {quoted_list(pure, limit=3)} in {rows_text(int(bears.sum()))}, of which "
                    f"{percent(share)} are {quoted(label)} ({percent(float(usual[label]))} of all rows)",
                    (name,),
                    tuple(int(row) for row in evidence.frame.index[bears][:3]),
                )

    def _by_size(self, evidence: Evidence, name: str, spoken: list[str]) -> Iterator[Observation]:
        """Whether the rows that bear the words have larger or smaller targets than the rest."""
        bears = evidence.frame[name].isin(spoken).to_numpy()
        if min(bears.sum(), (~bears).sum()) < self.fewest_rows:
            return
        ranks = evidence.target.values
        there, elsewhere = float(ranks[bears].mean()), float(ranks[~bears].mean())
        error = float(ranks.std()) * (1 / bears.sum() + 1 / (~bears).sum()) ** 0.5
        if abs(there - elsewhere) > max(self.percentiles_apart, self.surprise * error):
            text = (
                f"{quoted(name)} says {quoted_list(spoken, limit=3)} in {rows_text(int(bears.sum()))}, whose target lies at percentile "
                f"{100 * there:.0f} on average ({100 * elsewhere:.0f} elsewhere)"
            )
            yield Observation("question", text, (name,), tuple(int(row) for row in evidence.frame.index[bears][:3]))


class LEA013(LeakageCheck):
    """A time that lies after the moment that rows are dated by: written down later, so perhaps after the outcome.

    Times are compared with the declared time column or, if there is none, with the earliest of the table's time columns. A
    time that always lies the same span later (a due date) tells nothing new.
    """

    title = "Times later than the row"
    needs_target = False
    later_share: ClassVar[float] = 0.95
    fewest_rows: ClassVar[int] = 30

    def applies_to(self, evidence: Evidence) -> str:
        """Only where there are two columns of times."""
        return super().applies_to(evidence) or (
            "" if len(_times(evidence)) > 1 else "the table has no two columns of times"
        )

    def find(self, evidence: Evidence) -> Answer:
        """Compare each used time with the row's own."""
        frame, names = evidence.frame, _times(evidence)
        declared = evidence.problem.split.time_column
        first = declared if declared in names else min(names, key=lambda name: frame[name].median())
        own = frame[str(first)]
        seen = []
        for name in names:
            if name == first or name not in evidence.used_names:
                continue
            spans = (frame[name] - own).dropna().dt.total_seconds()
            if len(spans) < self.fewest_rows or spans.nunique() < 3 or (spans > 0).mean() < self.later_share:
                continue
            days = spans.quantile([0.1, 0.9]) / 86_400
            text = (
                f"{quoted(name)} is later than {quoted(first)} in {percent(float((spans > 0).mean()))} of {rows_text(len(spans))} "
                f"that have both, mostly by {days.iloc[0]:.3g} to {days.iloc[1]:.3g} days"
            )
            seen.append(Observation("question", text, (name,), tuple(int(row) for row in spans.index[:3])))
        if not seen:
            return passed(f"no used time lies after {quoted(first)} as a rule")
        return observed(
            seen,
            remedy="Ask whether the time is known when the prediction is made; if not, frame again with after_the_fact naming it",
        )


def _times(evidence: Evidence) -> list[str]:
    """Columns of times that vary."""
    return [
        column.name
        for column in evidence.problem.columns
        if column.name in evidence.frame.columns
        and column.role != "target"
        and pd.api.types.is_datetime64_any_dtype(evidence.frame[column.name].dtype)
        and evidence.frame[column.name].min() < evidence.frame[column.name].max()
    ]
