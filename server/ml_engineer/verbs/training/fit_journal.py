"""Finished fits of a training job on disk, so that a killed job resumes without doing them again."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_engineer.modelling.versions import COMPUTING, installed_versions
from ml_engineer.project.files import replacing

__all__ = ["FolderJournal"]

_PACKAGES = (*COMPUTING, "statsmodels", "tabicl", "model2vec")


class FolderJournal:
    """One file a finished fit, named by its key and by the versions of what fitted it.

    A job that was killed and is resumed after an upgrade fits anew: fits of two versions are not one search.

    Parameters
    ----------
    folder : pathlib.Path
        The job's folder; made when first needed.
    versions : mapping of str to str, optional
        Versions by package; by default of those installed here.
    """

    def __init__(self, folder: Path, *, versions: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        told = sorted((installed_versions(_PACKAGES) if versions is None else versions).items())
        self._by = hashlib.sha256(repr(told).encode()).hexdigest()[:12]

    def find(self, key: str) -> dict[str, npt.NDArray[Any]] | None:
        """What was kept under `key`; None if nothing, or nothing readable."""
        try:
            # Opened here, because NumPy leaves a damaged file open.
            with self._path(key).open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                return dict(arrays)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            # Damaged by a crash of the machine: the fit is done again.
            return None

    def keep(self, key: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep `arrays`, whole or not at all."""
        with replacing(self._path(key)) as temporary:
            np.savez(temporary, allow_pickle=False, **arrays)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}_{self._by}.npz"
