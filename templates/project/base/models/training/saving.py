"""Save a fitted champion and the manifest by which serving knows it."""

import hashlib
import importlib.metadata
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import skops.io
from sklearn.base import BaseEstimator

from data.features.contract import PROBLEM

FEATURES = Path(__file__).resolve().parents[2] / "data" / "features" / "features.py"
PACKAGES = ("lightgbm", "numpy", "pandas", "scikit-learn", "skops")


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
    """Write ``model.skops`` and ``manifest.json`` into `folder`, each in one step, the manifest last."""
    folder.mkdir(parents=True, exist_ok=True)
    data = skops.io.dumps(model)
    manifest = {
        "run_id": run_id,
        "model_file": "model.skops",
        "model_sha256": hashlib.sha256(data).hexdigest(),
        "model_format": "skops",
        "trusted_types": sorted(skops.io.get_untrusted_types(data=data)),
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
