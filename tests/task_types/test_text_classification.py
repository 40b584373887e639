"""Texts are told apart by their words, and the words are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from filler import FILLER
from ml_engineer.errors import UnsupportedTaskError
from ml_engineer.profiling.running_text import language_of, list_text_risks
from ml_engineer.vocabulary.problem import ProblemColumn
from task_types.conftest import Finished, go, stands_alone


def messages(rows: int = 400) -> pd.DataFrame:
    """'prize' makes a message unwanted; all other words are the same for both kinds."""
    rng = np.random.default_rng(0)
    unwanted = rng.random(rows) < 0.4
    texts = []
    for bad in unwanted:
        words = list(rng.choice(FILLER, rng.integers(5, 12)))
        if bad:
            words.insert(int(rng.integers(len(words))), "prize")
        texts.append(" ".join([*words, f"ref{rng.integers(10_000)}"]))
    return pd.DataFrame({"message": texts, "kind": np.where(unwanted, "spam", "ham")})


@pytest.fixture(scope="module")
def finished(home: Path) -> Finished:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        return go(home, messages(), "kind", candidates=["words"], folders=("serving", "monitoring", "llm"))


def test_a_table_of_texts_is_recognised_and_learned(finished: Finished) -> None:
    assert finished.problem.task_type == "text_classification"
    assert finished.problem.form == "binary"
    assert finished.report.primary.model.value > 0.99
    assert (finished.scored["prediction"] == messages()["kind"]).mean() > 0.97
    assert finished.training.champion.model_format == "skops"


def test_the_word_that_decides_is_named_first_with_what_it_speaks_for(finished: Finished) -> None:
    first = finished.report.words[0]
    assert (first.word, first.label) == ("prize", "spam")
    assert first.change.low > 0.3
    assert all(abs(other.change.value) < first.change.value / 3 for other in finished.report.words[1:])
    page = finished.layout.evaluation_html.read_text(encoding="utf-8")
    assert "<h3>Words</h3>" in page
    assert "prize" in page


@pytest.mark.full
def test_the_project_stands_alone(finished: Finished) -> None:
    stands_alone(finished.layout)


def test_rows_without_text_are_refused_with_what_to_do(home: Path) -> None:
    table = pd.DataFrame({"size": range(40), "colour": ["red", "blue"] * 20, "kind": ["a", "b", "a", "a"] * 10})
    with pytest.raises(UnsupportedTaskError, match="needs a column of running text") as caught:
        go(home / "refused", table, "kind", candidates=[], task_type="text_classification")
    assert "Leave task_type out" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("They said that it was for you and not for the others", "English"),
        ("Ich habe das nicht gewusst und es ist auch nicht wichtig", "German"),
        ("Je ne sais pas où elle est, mais il y a une lettre pour vous dans la boîte", "French"),
        ("Привет, как дела сегодня", "Cyrillic"),
        ("今日は天気がいいですね", "Japanese"),
        ("12345 67890", None),
    ],
)
def test_a_language_is_told_by_its_script_or_its_little_words(text: str, language: str | None) -> None:
    assert language_of(text) == language


def test_several_languages_and_short_texts_are_risks() -> None:
    column = ProblemColumn(name="note", role="text", used=True, reason="")
    english, german = "this is what they have for you", "das ist nicht für die anderen und ich bin da"
    mixed = pd.DataFrame({"note": [english] * 60 + [german] * 40})
    assert "English (60%), German (40%)" in list_text_risks(mixed, [column])[0]
    short = pd.DataFrame({"note": ["ok then"] * 30 + [english] * 70})
    assert list_text_risks(short, [column]) == ["30% of the texts in 'note' have fewer than 3 words: little to go by"]
    assert list_text_risks(pd.DataFrame({"note": [english] * 100}), [column]) == []
