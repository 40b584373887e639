"""A tabular foundation model (TabICL) whose weights are a file on the user's own machine, as a classifier and a regressor.

champion.py gets the text of the class that it needs as it stands here, so the classes import nothing of ours.
"""

from __future__ import annotations

import inspect
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from ml_engineer.errors import InputError, MissingExtraError

__all__ = [
    "FOUNDATION_IMPORTS",
    "FOUNDATION_MODEL",
    "FoundationClassifier",
    "FoundationRegressor",
    "OwnWeights",
    "check_foundation_model",
    "foundation_source",
]

FOUNDATION_MODEL = "FOUNDATION_MODEL"
"""The constant of champion.py that names the file of weights."""
FOUNDATION_IMPORTS = "from pathlib import Path\nfrom typing import Any, Self"
"""What a class needs of the standard library."""
_HOW_TO_GET = (
    "Name a checkpoint of TabICL on this machine (a .ckpt file that its authors publish, one for classes and one for "
    "numbers; read the licence that comes with it). Nothing is downloaded here"
)


class OwnWeights(BaseEstimator):
    """What a classifier and a regressor by TabICL share: the weights are in a file, and go into the pickle.

    Nothing is learned in `fit` but the scale of the columns. A fitted one predicts where the file is not.
    """

    def __init__(self, weights: str, n_jobs: int = 1, random_state: int = 0) -> None:
        self.weights = weights
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, kind: Any, X: np.ndarray, y: np.ndarray) -> None:
        # Asked first: another name would be taken for a place to download to.
        if not Path(self.weights).is_file():
            raise FileNotFoundError(f"there is no file of weights {self.weights} on this machine")
        how: dict[str, Any] = {"n_jobs": self.n_jobs, "random_state": self.random_state, "device": "cpu"}
        model = kind(model_path=self.weights, allow_auto_download=False, **how)
        self.model_ = model.fit(np.asarray(X, dtype="float64"), y)

    def __getstate__(self) -> Any:
        """Let TabICL put its weights into the pickle; left to itself, it would look for their file again."""
        if hasattr(self, "model_"):
            self.model_._save_model_weights = True
        return super().__getstate__()


class FoundationClassifier(ClassifierMixin, OwnWeights):
    """TabICL (Qu et al. 2025): a transformer that learned from made-up tables reads the training rows with each question."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Keep the rows, and load the weights."""
        from tabicl import TabICLClassifier

        self._fit(TabICLClassifier, X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probability of each class, shape (n, k)."""
        shares = np.asarray(self.model_.predict_proba(np.asarray(X, dtype="float64")), dtype="float64")
        return shares / shares.sum(axis=1, keepdims=True)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The likeliest class of each row, shape (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class FoundationRegressor(RegressorMixin, OwnWeights):
    """TabICL (Qu et al. 2025): a transformer that learned from made-up tables reads the training rows with each question."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Keep the rows, and load the weights."""
        from tabicl import TabICLRegressor

        self._fit(TabICLRegressor, X, y)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The expected number of each row, shape (n,)."""
        return np.asarray(self.model_.predict(np.asarray(X, dtype="float64")), dtype="float64")


def foundation_source(class_name: str) -> str:
    """The class of that name as champion.py has it; needs `FOUNDATION_IMPORTS`, numpy and two bases of scikit-learn."""
    kind = {"FoundationClassifier": FoundationClassifier, "FoundationRegressor": FoundationRegressor}[class_name]
    return f"{inspect.getsource(OwnWeights).rstrip()}\n\n\n{inspect.getsource(kind).rstrip()}"


def check_foundation_model(weights: Path, *, task: str) -> None:
    """Refuse what cannot be used as a foundation model for this kind of task.

    Parameters
    ----------
    weights : pathlib.Path
        A checkpoint of TabICL; it is read as numbers, and no code in it is run.
    task : {'binary', 'multiclass', 'multilabel', 'regression'}
        What is learned: weights are for classes or for numbers.

    Raises
    ------
    MissingExtraError
        If TabICL is not installed.
    InputError
        If there is no such file, no checkpoint in it, or one of the other kind.
    """
    if find_spec("tabicl") is None:
        raise MissingExtraError(
            "foundation_model needs the part 'foundation' of ml-engineer, which is not installed",
            found="missing: tabicl",
            remedy="Install it with: `pip install 'ml-engineer[foundation]'` (it brings PyTorch, on Linux with gigabytes for "
            "graphics cards unless its build for CPUs was installed before)",
        )
    if not weights.is_file():
        what = "a folder" if weights.exists() else "no file of that name on this machine"
        raise InputError(f"There is no foundation model {str(weights)!r}", found=what, remedy=_HOW_TO_GET)
    learns: Literal["classes", "numbers"] = "numbers" if task == "regression" else "classes"
    found = _kind_of(weights)
    if found != learns:
        raise InputError(
            f"The foundation model in {weights} cannot learn this target",
            found=f"weights for {found}, and the target is of {learns}",
            remedy=_HOW_TO_GET,
        )


def _kind_of(weights: Path) -> Literal["classes", "numbers"]:
    """What the weights predict; a checkpoint says so by how many classes it knows."""
    import torch

    try:
        config = torch.load(weights, map_location="cpu", weights_only=True, mmap=True)["config"]
        kind: Literal["classes", "numbers"] = "classes" if config.get("max_classes", 10) else "numbers"
        model = FoundationClassifier if kind == "classes" else FoundationRegressor
        model(str(weights)).fit(np.arange(12.0)[:, None], np.arange(12) % 2)
    except Exception as error:  # whatever lies in a file of anybody's, and what reading it raises
        found = f"tabicl: {type(error).__name__}, {' '.join(str(error).split())[:200]}"
        raise InputError(f"{weights} holds no checkpoint of TabICL", found=found, remedy=_HOW_TO_GET) from error
    return kind
