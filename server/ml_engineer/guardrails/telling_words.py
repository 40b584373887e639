"""LEA021: words in a text that give its label away."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.guardrails.cells import is_text
from ml_engineer.guardrails.check import Answer, Observation, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.leakage import LeakageCheck
from ml_engineer.guardrails.wording import percent, quoted

__all__ = ["LEA021"]

_WORDS_AND_MARKS: Final = r"(?u)\w+|[^\w\s]+"


class LEA021(LeakageCheck):
    """A word or mark that stands in nearly all texts of one class and in none of the others.

    It is seldom the language that does this, and mostly whoever wrote the text after the fact: a filter's stamp, a signature, a
    template, the label itself. A model learns the mark, and new texts will not bear it.
    """

    title = "Words that give the answer away"
    of_one_answer = True
    forms = frozenset({"binary", "multiclass"})
    recall: ClassVar[float] = 0.8
    false_alarms: ClassVar[float] = 0.01
    fewest_texts: ClassVar[int] = 30
    """Of a class, below which nothing is told of its words."""
    most_rows: ClassVar[int] = 5_000
    most_classes: ClassVar[int] = 5
    shortest: ClassVar[float] = 20.0
    """Mean length below which a column holds names or codes, which other checks look at."""

    def find(self, evidence: Evidence) -> Answer:
        """Count, for each word, in how many texts of each class it stands."""
        columns = [name for name in evidence.used_names if self._is_running_text(evidence.frame[name])]
        if not columns:
            return does_not_apply("the model sees no running text")
        seen = [found for name in columns for found in self._telling(evidence, name)]
        if not seen:
            return passed(f"no word of {len(columns)} columns of text stands in nearly all texts of one class alone")
        return observed(
            seen,
            remedy="Read some of these texts: if the mark was put there with or after the outcome (a filter, a signature, a template), "
            "cut it out in features.py for all rows; if it is how such texts are written, waive this with the reason",
        )

    def _is_running_text(self, column: pd.Series) -> bool:
        return is_text(column) and column.nunique() > len(column) / 2 and column.str.len().mean() >= self.shortest

    def _telling(self, evidence: Evidence, name: str) -> list[Observation]:
        from sklearn.feature_extraction.text import CountVectorizer

        step = max(1, len(evidence.frame) // self.most_rows)
        texts, values = evidence.frame[name].iloc[::step].fillna("").astype("str"), evidence.target.values[::step]
        counter = CountVectorizer(binary=True, token_pattern=_WORDS_AND_MARKS, min_df=self.fewest_texts)
        try:
            present = counter.fit_transform(texts)
        except ValueError:
            return []  # no word stands in so many texts
        words, found = counter.get_feature_names_out(), []
        labels = np.unique(evidence.frame[evidence.problem.target].astype(str))
        for code in (
            range(evidence.target.classes) if evidence.target.classes <= self.most_classes else evidence.target.judged
        ):
            mine = values == code
            if min(mine.sum(), (~mine).sum()) < self.fewest_texts:
                continue
            inside, outside = self._shares(present, mine), self._shares(present, ~mine)
            telling = np.flatnonzero((inside >= self.recall) & (outside <= self.false_alarms))
            if len(telling):
                # Of several that tell as much, a word says more to a reader than a bracket.
                best = max(
                    telling, key=lambda place: (round(float(inside[place] - outside[place]), 2), len(words[place]))
                )
                bearing = np.asarray(present[:, best].todense()).ravel() > 0
                found.append(
                    Observation(
                        "question",
                        f"{quoted(words[best])} stands in {percent(float(inside[best]))} of the texts in {quoted(name)} of class "
                        f"{quoted(labels[code])} and in {percent(float(outside[best]))} of the others",
                        (name,),
                        tuple(int(row) for row in texts.index[bearing][:3]),
                    )
                )
        return found

    @staticmethod
    def _shares(present: object, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Share of some texts in which each word stands."""
        return np.asarray(present[rows].mean(axis=0)).ravel()  # type: ignore[index]  # sparse, whose stubs know no rows
