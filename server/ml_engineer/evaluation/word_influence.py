"""Which words move a model of running text, and towards what: each is taken out of texts that the model had not seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.evaluation.importance import CrossFit
from ml_engineer.evaluation.prediction import positive_code, predict
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.evaluation import WordInfluence
from ml_engineer.vocabulary.problem import ProblemDefinition

__all__ = ["word_influences"]

_WORD: Final = re.compile(r"\b\w\w+\b")
_MOST_WORDS, _MOST_TEXTS, _FEWEST_TEXTS = 40, 60, 8
_MOST_TOLD: Final = 20
_LONGEST_NUMBER: Final = 4
_SURE: Final = 1.96

Floats = npt.NDArray[np.float64]


def word_influences(
    fitted: CrossFit,
    rows: pd.DataFrame,
    problem: ProblemDefinition,
    build_features: Callable[[pd.DataFrame], pd.DataFrame],
    *,
    clock: Callable[[], float],
    budget_seconds: float,
    seed: int = 0,
) -> tuple[WordInfluence, ...]:
    """What taking a word out of the texts that hold it does to predictions, out of fold.

    Of the words in at least eight texts, those are tried whose texts are predicted most unlike the others; the target
    decides nothing.

    Parameters
    ----------
    fitted : CrossFit
        Models fitted on folds, and rows that each had not seen.
    rows : pandas.DataFrame of shape (n, columns)
        Development rows without the target.
    problem : ProblemDefinition
        Names the columns of text and the classes.
    build_features : callable
        The project's features.py.
    clock, budget_seconds
        No word is begun after this.
    seed : int
        Random state of the choice among texts that hold a word.

    Returns
    -------
    tuple of WordInfluence
        Those whose 95 % interval leaves out zero, the strongest first; empty where no column holds text.

    Notes
    -----
    The interval is normal, over the differences of single texts.
    """
    asked = _Asked(fitted, rows, problem, build_features)
    rng, until = np.random.default_rng(seed), clock() + budget_seconds
    found: list[WordInfluence] = []
    for column in (column.name for column in problem.features if column.role == "text"):
        texts = rows[column].iloc[fitted.rows]
        for word in _telling_words(texts, asked.plain):
            if clock() > until:
                break
            places = np.flatnonzero(texts.map(lambda text, word=word: word in _words(text)).to_numpy(dtype=bool))
            if len(places) > _MOST_TEXTS:
                places = np.sort(rng.choice(places, _MOST_TEXTS, replace=False))
            found.append(_influence(column, word, asked.plain[places] - asked.without(word, column, places), problem))
    sure = [one for one in found if one.change.low > 0 or one.change.high < 0]
    return tuple(sorted(sure, key=lambda one: -abs(one.change.value))[:_MOST_TOLD])


class _Asked:
    """The models of the folds, asked about their own unseen rows."""

    def __init__(
        self,
        fitted: CrossFit,
        rows: pd.DataFrame,
        problem: ProblemDefinition,
        build_features: Callable[[pd.DataFrame], pd.DataFrame],
    ) -> None:
        self._fitted, self._rows, self._problem, self._build = fitted, rows, problem, build_features
        self.plain = self._answers(rows.iloc[fitted.rows], fitted.part_of_row)

    def without(self, word: str, column: str, places: npt.NDArray[np.intp]) -> Floats:
        """Answers, (m, k), for the rows at these places of the sample, with `word` taken out of `column`."""
        sample = self._rows.iloc[self._fitted.rows[places]].copy(deep=False)
        pattern = re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)
        taken = [pattern.sub(" ", text) for text in sample[column]]
        sample[column] = pd.Series(taken, index=sample.index, dtype=sample[column].dtype)
        return self._answers(sample, self._fitted.part_of_row[places])

    def _answers(self, sample: pd.DataFrame, part_of_row: npt.NDArray[np.intp]) -> Floats:
        features = self._build(sample)
        answers = np.zeros((len(sample), max(len(self._problem.classes), 1)))
        for number, part in enumerate(self._fitted.parts):
            own = part_of_row == number
            if own.any():
                told = predict(part.model, features[own], self._problem)
                # A model without probabilities says which class, and nothing more.
                values: Any = told.predicted if told.probabilities is None else told.probabilities
                if told.probabilities is None and self._problem.classes:
                    values = np.eye(len(self._problem.classes))[told.predicted.astype(int)]
                answers[own] = np.asarray(values, dtype=float).reshape(int(own.sum()), -1)
        return answers


def _words(text: object) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower())) if isinstance(text, str) else frozenset()


def _telling_words(texts: pd.Series, answers: Floats) -> list[str]:
    """Words whose texts are predicted most unlike the rest, for their number."""
    held = [_words(text) for text in texts]
    counts = Counter(word for words in held for word in words if not _is_long_number(word))
    common = [word for word, count in counts.items() if _FEWEST_TEXTS <= count <= 0.9 * len(held)]
    middle = answers.mean(axis=0)
    strength = {}
    for word in common:
        inside = np.array([word in words for words in held])
        strength[word] = float(np.abs(answers[inside].mean(axis=0) - middle).max()) * np.sqrt(counts[word])
    return sorted(common, key=lambda word: (-strength[word], word))[:_MOST_WORDS]


def _is_long_number(word: str) -> bool:
    """Whether a word may be somebody's number, which has no place on a page."""
    return sum(letter.isdigit() for letter in word) > _LONGEST_NUMBER


def _influence(column: str, word: str, changes: Floats, problem: ProblemDefinition) -> WordInfluence:
    """Mean change of the prediction towards the class that the word speaks for most."""
    code = int(np.argmax(np.abs(changes.mean(axis=0))))
    if problem.form == "binary":
        code = positive_code(problem)
    values = changes[:, code]
    value = float(values.mean())
    half = _SURE * float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else np.inf
    return WordInfluence(
        column=column,
        word=word,
        label=problem.classes[code] if problem.classes else "",
        change=Estimate(
            value=value,
            low=value - half,
            high=value + half,
            method=f"normal, over {len(values)} texts with and without it",
            rows=len(values),
        ),
    )
