"""Running text as the input: what names a task 'text_classification', and what of the texts could mislead a model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from ml_engineer.errors import UnsupportedTaskError
from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.target import TargetReading
from ml_engineer.vocabulary.cell_parts import find_parts
from ml_engineer.vocabulary.problem import ColumnRole, ProblemColumn

__all__ = ["language_of", "list_text_risks", "name_by_inputs", "refuse_without_text"]

_FEWEST_WORDS: Final = 4.0
_LOOKED_AT: Final = 2_000
_SHORT_WORDS, _MANY_SHORT = 3, 0.1
_LONG_WORDS, _MANY_LONG = 2_000, 0.01
_OTHER_LANGUAGE: Final = 0.05
_FEW_OF_IT: Final = 10

_WORD: Final = re.compile(r"[^\W\d_]+")
_SCRIPTS: Final[tuple[tuple[str, int, int], ...]] = (
    ("Greek", 0x370, 0x3FF),
    ("Cyrillic", 0x400, 0x52F),
    ("Hebrew", 0x590, 0x5FF),
    ("Arabic", 0x600, 0x6FF),
    ("Devanagari", 0x900, 0x97F),
    ("Thai", 0xE00, 0xE7F),
    ("Japanese", 0x3040, 0x30FF),
    ("Chinese", 0x4E00, 0x9FFF),
    ("Korean", 0xAC00, 0xD7AF),
)
_UNSPACED: Final = frozenset({"Chinese", "Japanese", "Thai"})
_LITTLE_WORDS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(listed.split())
    for language, listed in {
        "English": "the and you is to of it that this was for are with not have what your be they",
        "German": "der die das und ist nicht ich ein eine mit auf für sie es auch wir zu den von wie",
        "French": "le la les et est pas je une des que pour dans vous il elle nous sur avec ce au",
        "Spanish": "el los las y es que no una por para con como pero muy del su lo está más yo",
        "Italian": "il che di è non per una sono con del della gli anche ma ho più questo lo mi si",
        "Portuguese": "o os as que não uma para com é do da em mas mais você por eu foi no na",
        "Dutch": "het een en niet dat ik van je ze op voor met zijn maar hij wij ook er te aan",
    }.items()
}


def refuse_without_text(frame: pd.DataFrame, target: str, roles: Mapping[str, ColumnRole]) -> None:
    """Refuse a text classification of rows that hold no running text.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        All rows; of their texts only the number of words is looked at.
    target : str
        Column to predict.
    roles : mapping of str to ColumnRole
        What the person said of columns.

    Raises
    ------
    UnsupportedTaskError
        Naming the column with the most words.
    """
    if "text" in roles.values():
        return
    words = {
        str(name): float(frame[name].dropna().head(_LOOKED_AT).str.count(r"\S+").mean())
        for name in frame.columns
        if name != target and isinstance(frame[name].dtype, pd.StringDtype) and frame[name].notna().any()
    }
    if any(number >= _FEWEST_WORDS for number in words.values()):
        return
    most = max(words, key=lambda name: words[name], default=None)
    found = f"the longest texts, of {quoted(most)}, have {words[most]:.1f} words" if most else "no column holds text"
    raise UnsupportedTaskError(
        "The task type 'text_classification' needs a column of running text",
        found=found,
        remedy="Leave task_type out, or name the column with the texts: roles={'COLUMN': 'text'}",
    )


def name_by_inputs(frame: pd.DataFrame, reading: TargetReading, columns: Sequence[ProblemColumn]) -> TargetReading:
    """Call a classification whose inputs are mostly running text by its name.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        Development rows.
    reading : TargetReading
        What the target makes of the problem.
    columns : sequence of ProblemColumn
        Every column as decided.
    """
    texts = [column.name for column in columns if _is_running(frame, column)]
    others = sum(column.used for column in columns) - len(texts)
    if reading.named is not None or reading.task not in {"binary", "multiclass"} or not texts or others > len(texts):
        return reading
    told = ", ".join(quoted(name, 30) for name in texts[:3])
    return replace(reading, named="text_classification", reason=f"{reading.reason}, and the input is text ({told})")


def list_text_risks(frame: pd.DataFrame, columns: Sequence[ProblemColumn]) -> list[str]:
    """What of the texts could mislead a model, one sentence each: short or endless ones, several languages.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        Development rows.
    columns : sequence of ProblemColumn
        Every column as decided; those with text are looked at.
    """
    risks = []
    for column in columns:
        if not _is_running(frame, column):
            continue
        texts = frame[column.name].dropna()
        texts = texts if len(texts) <= _LOOKED_AT else texts.sample(_LOOKED_AT, random_state=0)
        if len(texts):
            risks += _of_lengths(column.name, texts) + _of_languages(column.name, texts)
    return risks


def _is_running(frame: pd.DataFrame, column: ProblemColumn) -> bool:
    """Whether a used column holds running text, and not lists or paths, which are read by their words too."""
    if not column.used or column.role != "text":
        return False
    return find_parts(list(frame[column.name].dropna().head(_LOOKED_AT))) is None


def _of_lengths(name: str, texts: pd.Series) -> list[str]:
    words = texts.str.count(r"\S+").to_numpy(dtype=float)
    # Writing without spaces has few 'words' of many characters.
    unspaced = texts.map(lambda text: _script(text) in _UNSPACED).to_numpy(dtype=bool)
    words = np.where(unspaced, texts.str.len().to_numpy(dtype=float) / 2, words)
    risks = []
    short, long = float((words < _SHORT_WORDS).mean()), float((words > _LONG_WORDS).mean())
    if short > _MANY_SHORT:
        risks.append(
            f"{short:.0%} of the texts in {quoted(name)} have fewer than {_SHORT_WORDS} words: little to go by"
        )
    if long > _MANY_LONG:
        risks.append(
            f"{long:.0%} of the texts in {quoted(name)} are longer than {_LONG_WORDS:,} words: a few words that matter "
            "drown in them; cut them to the telling part in features.py"
        )
    return risks


def _of_languages(name: str, texts: pd.Series) -> list[str]:
    told = Counter(language for language in map(language_of, texts) if language is not None)
    known = sum(told.values())
    if known < _FEW_OF_IT:
        return []
    (first, _), *rest = told.most_common()
    others = [(language, count) for language, count in rest if count >= max(_FEW_OF_IT, _OTHER_LANGUAGE * known)]
    if not others:
        return []
    listed = ", ".join(f"{language} ({count / known:.0%})" for language, count in others)
    several = f"The texts in {quoted(name)} are in several languages: {first} ({told[first] / known:.0%}), {listed}"
    return [f"{several}. What is learned from words of one says nothing of the others: see that each has rows enough"]


def language_of(text: str) -> str | None:
    """The language of a text by its script and its little words; None where neither tells.

    Of languages in Latin letters, seven are known by the twenty words that each uses most.
    """
    script = _script(text)
    if script is not None:
        return script
    words = _WORD.findall(text.casefold())
    hits = {language: sum(word in little for word in words) for language, little in _LITTLE_WORDS.items()}
    first, second = sorted(hits.values(), reverse=True)[:2]
    if first < 2 or first == second:
        return None
    return max(hits, key=lambda language: hits[language])


def _script(text: str) -> str | None:
    """The script of most letters, if it is not Latin."""
    points = [ord(letter) for letter in text[:500] if letter.isalpha()]
    for script, low, high in _SCRIPTS:
        if 2 * sum(low <= point <= high for point in points) > len(points):
            return script
    return None
