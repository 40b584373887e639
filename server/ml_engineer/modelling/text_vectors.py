"""Columns of running text as vectors of a static embedding model on the user's own machine, and that model as files.

champion.py gets the text of `TextVectors` as it stands here, so the class imports nothing of ours.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline

from ml_engineer.errors import InputError, MissingExtraError

__all__ = [
    "TEXT_MODEL",
    "VECTORS_IMPORTS",
    "TextVectors",
    "check_text_model",
    "share_text_models",
    "text_model_files",
    "text_model_sha256",
    "vectors_source",
]

TEXT_MODEL = "TEXT_MODEL"
"""The constant of champion.py that names the model's folder."""
VECTORS_IMPORTS = "from pathlib import Path\nfrom typing import Self"
"""What the class needs of the standard library."""
_FILES = (
    "config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
    "tokenizer.json",
    "0_StaticEmbedding/model.safetensors",
    "0_StaticEmbedding/tokenizer.json",
)
"""What model2vec reads, in any of its layouts."""
_BESIDE = ("README.md", "LICENSE", "LICENSE.txt", "LICENSE.md")
"""What belongs to a model without changing a vector."""
_HOW_TO_GET = (
    "Name a folder that model2vec saved: StaticModel.save_pretrained(FOLDER), for example of a model that "
    "model2vec.distill.distill(MODEL) made of a sentence transformer (pip install 'model2vec[distill]'). Nothing is "
    "downloaded here"
)


class TextVectors(TransformerMixin, BaseEstimator):
    """Texts as vectors of length 1 of a static embedding model (model2vec): texts of like meaning lie close together.

    A text's vector is the mean of the vectors of its words, which the model in `folder` holds: nothing is learned here.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def fit(self, X: np.ndarray, y: object = None) -> Self:
        """Load the model, which then is a part of this one."""
        from model2vec import StaticModel

        # Asked first: any other name model2vec would take for one to download.
        if not Path(self.folder).is_dir():
            raise FileNotFoundError(f"there is no text model in {self.folder} on this machine")
        self.model_ = StaticModel.from_pretrained(self.folder)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Give the vectors of n texts, shape (n, d); a text of no known word is all zeros."""
        vectors = np.asarray(self.model_.encode(list(X), use_multiprocessing=False), dtype="float64")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(lengths > 0, lengths, 1.0)


def vectors_source() -> str:
    """The class as champion.py has it; it needs `VECTORS_IMPORTS`, numpy and the two bases of scikit-learn."""
    return inspect.getsource(TextVectors).rstrip()


def share_text_models(models: Iterable[Any]) -> None:
    """Let fitted models that read texts by one text model hold it once: it is most of what their file weighs."""
    first: dict[str, Any] = {}
    for model in models:
        pipeline = getattr(model, "regressor_", model)
        preparation = pipeline.steps[0][1] if isinstance(pipeline, Pipeline) else None
        for _, part, _ in getattr(preparation, "transformers_", ()):
            for step in getattr(part, "named_steps", {}).values():
                if isinstance(step, TextVectors):
                    step.model_ = first.setdefault(step.folder, step.model_)


def check_text_model(folder: Path) -> None:
    """Refuse what cannot be used as a text model.

    Raises
    ------
    MissingExtraError
        If model2vec is not installed.
    InputError
        If there is no such folder, or no static model in it.
    """
    if find_spec("model2vec") is None:
        raise MissingExtraError(
            "text_model needs the part 'text' of ml-engineer, which is not installed",
            found="missing: model2vec",
            remedy="Install it with: `pip install 'ml-engineer[text]'`",
        )
    if not folder.is_dir():
        what = "a file" if folder.exists() else "no folder of that name on this machine"
        raise InputError(f"There is no text model {str(folder)!r}", found=what, remedy=_HOW_TO_GET)
    try:
        vectors = TextVectors(str(folder)).fit(np.empty(0)).transform(np.array(["word"]))
    except Exception as error:  # whatever lies in a folder of anybody's, and what reading it raises
        found = f"model2vec: {type(error).__name__}, {' '.join(str(error).split())[:200]}"
        raise InputError(f"{folder} holds no static embedding model", found=found, remedy=_HOW_TO_GET) from error
    if not np.isfinite(vectors).all():
        raise InputError(f"The text model in {folder} gives vectors that are not finite", remedy=_HOW_TO_GET)


def text_model_files(folder: Path) -> Iterator[str]:
    """Files that make up the model, relative to its folder, in a stable order; those that change no vector last."""
    yield from (name for name in (*_FILES, *_BESIDE) if (folder / name).is_file())


def text_model_sha256(folder: Path) -> str:
    """SHA-256 (hex) over names and contents of the files that decide what a text's vector is."""
    digest = hashlib.sha256()
    for name in _FILES:
        if (folder / name).is_file():
            with (folder / name).open("rb") as stream:
                digest.update(f"{name}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()
