"""The champion as files: saving it, and loading it only if it is the one the manifest describes.

Loading a model can run code. A skops file names the types it holds, and only `TRUSTED_TYPES` are built; the list
stands here and not beside the model, because a model must not vouch for itself. If a model of yours needs another
type that you trust, add it here.
"""

import hashlib
import importlib.metadata
import json
import os
import pickle
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import skops.io
from sklearn.base import BaseEstimator
from skops.io.exceptions import UntrustedTypesFoundException

from data.features.contract import PROBLEM

FEATURES = Path(__file__).resolve().parents[2] / "data" / "features" / "features.py"
PACKAGES = ("lightgbm", "numpy", "pandas", "scikit-learn", "skops")

# What scikit-learn and LightGBM models are made of beyond plain arrays; building these runs no code of the file's.
TRUSTED_TYPES = [
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "numpy.dtype",
    "numpy.ravel",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.LogLink",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.AbsoluteError",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.model_selection._split.GroupKFold",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.neighbors._ball_tree.BallTree64",
    "sklearn.neighbors._kd_tree.KDTree64",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
]


class UnusableChampionError(Exception):
    """There is no champion, or it is not what its manifest says; the text says which."""


@dataclass(frozen=True)
class Champion:
    """A fitted model with its manifest."""

    model: BaseEstimator
    manifest: dict[str, Any]


def load_champion(folder: Path, *, allow_pickle: bool = False, features: Path = FEATURES) -> Champion:
    """Load the champion in `folder`.

    Parameters
    ----------
    folder : pathlib.Path
        Holds ``manifest.json`` and the model file.
    allow_pickle : bool
        Whether to load a model that could not be saved as skops; a pickle can run any code.
    features : pathlib.Path
        The feature code that will feed the model; must be the code it was trained with.

    Raises
    ------
    UnusableChampionError
        If anything is missing or is not what the manifest says.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        data = (folder / Path(manifest["model_file"]).name).read_bytes()
    except FileNotFoundError as error:
        raise UnusableChampionError(f"there is no {Path(error.filename).name}: train a model first") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableChampionError(f"manifest.json cannot be read ({type(error).__name__})") from error
    if hashlib.sha256(data).hexdigest() != manifest.get("model_sha256"):
        raise UnusableChampionError("the model file is not the one that the manifest describes")
    if hashlib.sha256(features.read_bytes()).hexdigest() != manifest.get("features_sha256"):
        raise UnusableChampionError("features.py has changed since the model was trained: train again")
    return Champion(_build(data, manifest.get("model_format"), allow_pickle=allow_pickle), manifest)


def _build(data: bytes, model_format: str | None, *, allow_pickle: bool) -> BaseEstimator:
    """Build the model from bytes whose hash was checked."""
    if model_format == "pickle" and not allow_pickle:
        raise UnusableChampionError("the model is a pickle, which can run any code, and that is not allowed here")
    try:
        return pickle.loads(data) if model_format == "pickle" else skops.io.loads(data, trusted=TRUSTED_TYPES)
    except UntrustedTypesFoundException as error:
        raise UnusableChampionError(f"the model holds types that are not trusted: {error}") from error
    except Exception as error:
        # A damaged or foreign file can raise anything.
        raise UnusableChampionError(f"the model file cannot be read ({type(error).__name__})") from error


def save_champion(
    folder: Path,
    model: BaseEstimator,
    feature_columns: list[str],
    *,
    run_id: str,
    metric: str,
    score: float,
    decision_threshold: float | None,
    interval_half_width: float | None,
) -> dict[str, Any]:
    """Write ``model.skops`` and ``manifest.json`` into `folder`, each in one step, the manifest last.

    Raises
    ------
    UnusableChampionError
        If the model holds types that `load_champion` would not build.
    """
    data = skops.io.dumps(model)
    _build(data, "skops", allow_pickle=False)
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "run_id": run_id,
        "model_file": "model.skops",
        "model_sha256": hashlib.sha256(data).hexdigest(),
        "model_format": "skops",
        "trusted_types": TRUSTED_TYPES,
        "task_type": PROBLEM.task,
        "target": PROBLEM.target,
        "classes": PROBLEM.classes,
        "positive_class": PROBLEM.positive_class,
        "decision_threshold": decision_threshold,
        "interval_half_width": interval_half_width,
        "metric": metric,
        "score": {"value": score, "low": None, "high": None},
        "features_sha256": hashlib.sha256(FEATURES.read_bytes()).hexdigest(),
        "feature_columns": feature_columns,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "packages": _versions(),
    }
    _replace(folder / "model.skops", data)
    _replace(folder / "manifest.json", (json.dumps(manifest, indent=2) + "\n").encode())
    return manifest


def _replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of `path`, whole or not at all."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def _versions() -> dict[str, str]:
    """Versions of the packages that matter to the model."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
