"""The champion as files: saving it, and loading it only if it is the one that the manifest describes.

The model is a JSON file: reading it runs no code of the file's. Beside it lies the end of the history that it was fitted
on, for requests that bring none.
"""

import hashlib
import importlib.metadata
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from data.features.contract import PROBLEM
from models.forecasting.grid import Floats, Grid
from models.forecasting.intervals import Reach
from models.forecasting.model_file import SeriesModel, history_of

FEATURES = Path(__file__).resolve().parents[2] / "data" / "features" / "features.py"
PACKAGES = ("lightgbm", "numpy", "pandas", "scikit-learn", "statsmodels")
MODEL_FILE = "model.json"
HISTORY_FILE = "history.parquet"


class UnusableChampionError(Exception):
    """There is no champion, or it is not what its manifest says; the text says which."""


@dataclass(frozen=True)
class Champion:
    """A fitted model with its manifest and the end of its history."""

    model: SeriesModel
    manifest: dict[str, Any]
    history: pd.DataFrame | None


def load_champion(folder: Path, *, features: Path = FEATURES) -> Champion:
    """Load the champion in `folder`.

    Parameters
    ----------
    folder : pathlib.Path
        Holds ``manifest.json``, the model file and perhaps the history.
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
    try:
        model = SeriesModel.from_json(json.loads(data))
    except (ValueError, KeyError, TypeError) as error:
        raise UnusableChampionError(f"the model file cannot be read ({type(error).__name__})") from error
    stored = folder / HISTORY_FILE
    return Champion(model, manifest, pd.read_parquet(stored) if stored.exists() else None)


def save_champion(
    folder: Path, grid: Grid, rows: pd.DataFrame, reach: Reach, scales: Floats, *, run_id: str, score: float
) -> dict[str, Any]:
    """Fit what champion.py builds on all development rows, and write model, history and manifest, the manifest last."""
    from models.training import champion

    fitted = champion.build_model().fit(grid, grid.length, PROBLEM.horizon)
    history = history_of(grid)
    units = dict(zip(grid.names, (float(one) for one in scales), strict=True))
    model = SeriesModel(grid.layout, PROBLEM.horizon, PROBLEM.season, fitted, units, reach, history)
    data = (json.dumps(model.as_json()) + "\n").encode()
    manifest = {
        "run_id": run_id,
        "model_file": MODEL_FILE,
        "model_sha256": hashlib.sha256(data).hexdigest(),
        "model_format": "json",
        "task_type": "forecasting",
        "target": PROBLEM.target,
        "horizon": PROBLEM.horizon,
        "metric": champion.METRIC,
        "score": {"value": score, "low": None, "high": None},
        "features_sha256": hashlib.sha256(FEATURES.read_bytes()).hexdigest(),
        "feature_columns": list(grid.layout.known),
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "packages": _versions(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    latest = rows[rows[PROBLEM.time_column] >= grid.moments[max(grid.length - history, 0)]]
    latest.to_parquet(folder / HISTORY_FILE)
    _replace(folder / MODEL_FILE, data)
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
