"""A static embedding model in which words of like meaning share a vector, and texts that only it can tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

TOPICS, WORDS_A_TOPIC, DIMENSIONS = 12, 16, 8
"""Texts of one topic share their words with no other topic."""


def _words() -> Iterator[str]:
    """Words that share no more letters than chance has it."""
    rng = np.random.default_rng(0)
    while True:
        yield "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 7))


def vocabulary() -> dict[str, list[list[str]]]:
    """Words of praise and of blame, for each topic others."""
    words = _words()
    return {kind: [[next(words) for _ in range(WORDS_A_TOPIC)] for _ in range(TOPICS)] for kind in ("praise", "blame")}


def reviews(rows: int) -> pd.DataFrame:
    """Texts of praise or blame (``liked``), each in the words of its ``topic``; some are missing."""
    rng, words = np.random.default_rng(1), vocabulary()
    topic = np.arange(rows) % TOPICS
    liked = rng.random(rows) < 0.5
    texts = [
        " ".join(rng.choice(words["praise" if praised else "blame"][one], 5))
        for one, praised in zip(topic, liked, strict=True)
    ]
    frame = pd.DataFrame(
        {"review": pd.Series(texts, dtype="str"), "topic": topic, "liked": np.where(liked, "yes", "no")}
    )
    frame.loc[::97, "review"] = np.nan
    return frame


def synonym_model(folder: Path) -> Path:
    """Save a model that gives all words of praise one vector, all words of blame another, and each a little of its own."""
    from model2vec import StaticModel
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    rng = np.random.default_rng(2)
    meaning = {kind: rng.normal(size=DIMENSIONS) for kind in ("praise", "blame")}
    ids, vectors = {"[UNK]": 0}, [np.zeros(DIMENSIONS)]
    for kind, topics in vocabulary().items():
        for word in (word for words in topics for word in words):
            ids[word] = len(ids)
            vectors.append(meaning[kind] + rng.normal(scale=0.2, size=DIMENSIONS))
    tokenizer = Tokenizer(WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    StaticModel(np.array(vectors, dtype="float32"), tokenizer).save_pretrained(folder)
    return folder
