"""SPL014: sets of rows that were put together by their outcomes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.stats import chi2

from ml_engineer.guardrails.check import Answer, Observation, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.set_totals import Floats, RowSets, outcome_columns, repeated_values, spread_of_totals
from ml_engineer.guardrails.split import SplitCheck
from ml_engineer.guardrails.wording import quoted

__all__ = ["SPL014"]


class SPL014(SplitCheck):
    """Sets of rows put together by outcome, such as one case and its matched controls, dealt by single rows.

    The outcomes of such a set add up to (nearly) the same in every set, which strangers' do not. Whoever knows some rows of a set
    then knows the rest: if the others were controls, this one is the case. A new set has no others, so that random folds
    flatter the model that learns the sets apart.
    """

    title = "Matched sets that are split up"
    of_one_answer = True
    of_single_rows = True
    too_even: ClassVar[float] = 0.5
    """Variance of the sets' totals, as a share of what chance gives; where a fifth of the rows of matched sets is held out, a fifth
    is expected."""
    chance: ClassVar[float] = 1e-4
    """Of totals as even as these, by a chi-squared distribution, whose lower tail is the longer one: few counts are rarer yet."""

    def find(self, evidence: Evidence) -> Answer:
        """Look at the totals of the target over rows that share a value."""
        inputs, declared = set(map(str, evidence.inputs.columns)), evidence.problem.split.group_columns
        seen = []
        for name, sets in repeated_values(evidence):
            if name in declared:
                continue
            share = min(self._share(sets, values[sets.rows]) for values in outcome_columns(evidence))
            if share < self.too_even:
                text = (
                    f"outcomes of the {len(sets.sizes):,} sets of rows that share {quoted(name)} add up to nearly the same in "
                    f"every set (variance {share:.2f} of what chance gives), and the sets are split up"
                )
                seen.append(Observation("question" if name in inputs else "advice", text, (name,)))
        if not seen:
            return passed("no column puts rows into sets whose outcomes are more alike in sum than chance makes them")
        return observed(
            seen,
            remedy="Ask whether rows were matched or drawn by set. If so, frame again with group_columns naming the column, "
            "which keeps sets whole and the column out of the model; if it only counts rows, name it in exclude_columns",
        )

    def _share(self, sets: RowSets, values: Floats) -> float:
        """Variance of the totals over that of strangers' outcomes; 1 if it may be chance."""
        expected = float(np.var(values))
        if expected <= 0:
            return 1.0
        share = spread_of_totals(sets, values) / expected
        freedom = len(sets.sizes) - 1
        return share if float(chi2.cdf(share * freedom, freedom)) < self.chance else 1.0
