"""The model as a file, and back: skops with a fixed list of trusted types; pickle only where that cannot be.

The list is ours and fixed. A list stored beside a model would let a crafted model trust itself.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cloudpickle  # type: ignore[import-untyped]  # comes with mlflow, which types neither
import numpy as np
import pandas as pd
import skops.io

from ml_engineer.errors import ProjectStateError
from ml_engineer.modelling.pickling import dump_by_value
from ml_engineer.vocabulary.model_types import TRUSTED_TYPES

__all__ = ["TRUSTED_TYPES", "ModelFormat", "SavedModel", "load_model", "save_model"]

ModelFormat = Literal["skops", "pickle"]

_TOLERANCE = 1e-9


@dataclass(frozen=True)
class SavedModel:
    """A model file that was read back and found to predict the same."""

    file_name: str
    sha256: str
    model_format: ModelFormat
    reason: str = ""
    """Why it is not a skops file."""


def save_model(model: Any, folder: Path, *, check: pd.DataFrame) -> SavedModel:
    """Write `model` into `folder`, read it back and compare predictions.

    Parameters
    ----------
    model : estimator
        Fitted.
    folder : pathlib.Path
        Exists; gets ``model.skops`` or ``model.pkl``.
    check : pandas.DataFrame of shape (m, p)
        Some rows to compare predictions on.

    Raises
    ------
    ProjectStateError
        If the file cannot be written, or predicts something else when read back.
    """
    try:
        reason = _save_skops(model, folder / "model.skops", check)
        if not reason:
            return SavedModel("model.skops", _sha256(folder / "model.skops"), "skops")
        path = folder / "model.pkl"
        path.write_bytes(dump_by_value(model))
        if not _same(model, cloudpickle.loads(path.read_bytes()), check):
            raise ProjectStateError(
                "The model does not survive being saved",
                found="read back from its pickle, it predicts something else",
                remedy="Use another estimator in candidates.py",
            )
        return SavedModel("model.pkl", _sha256(path), "pickle", reason)
    except OSError as error:
        raise ProjectStateError(
            f"Cannot write the model into {folder}",
            found=error.strerror or str(error),
            remedy="Free space or make the folder writable, then call train again; the earlier champion is untouched",
        ) from error


def load_model(path: Path, *, sha256: str, model_format: ModelFormat) -> Any:
    """The fitted model in `path`, after its hash was checked.

    Raises
    ------
    ProjectStateError
        If the file is missing, is not the one that was recorded, or holds types that are not trusted.
    """
    remedy = "Call train again, or restore the file"
    try:
        found = _sha256(path)
    except OSError as error:
        raise ProjectStateError(f"There is no model file {path}", found=error.strerror or "", remedy=remedy) from error
    if found != sha256:
        raise ProjectStateError(
            f"{path} is not the model that was recorded",
            found=f"its SHA-256 begins {found[:12]}, recorded was {sha256[:12]}",
            remedy=remedy,
        )
    if model_format == "pickle":
        return cloudpickle.loads(path.read_bytes())
    try:
        return skops.io.load(path, trusted=list(TRUSTED_TYPES))
    except (TypeError, ValueError, zipfile.BadZipFile, skops.io.exceptions.UntrustedTypesFoundException) as error:
        raise ProjectStateError(
            f"{path} cannot be read as a skops file",
            found=" ".join(str(error).split())[:200],
            remedy=remedy,
        ) from error


def _save_skops(model: Any, path: Path, check: pd.DataFrame) -> str:
    """Save and compare; the reason why that is impossible, or an empty text."""
    try:
        skops.io.dump(model, path, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
        again = skops.io.load(path, trusted=list(TRUSTED_TYPES))
        reason = "" if _same(model, again, check) else "read back from skops, it predicts something else"
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  (skops raises whatever a class of anybody's does when taken apart)
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if reason:
        path.unlink(missing_ok=True)
    return reason


def _same(first: Any, second: Any, check: pd.DataFrame) -> bool:
    ask = next(name for name in ("predict_proba", "score_samples", "predict") if hasattr(first, name))
    return bool(np.allclose(getattr(first, ask)(check), getattr(second, ask)(check), rtol=_TOLERANCE, atol=_TOLERANCE))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
