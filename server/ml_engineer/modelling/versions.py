"""Versions of the packages that decide what a fit gives."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from typing import Final

__all__ = ["COMPUTING", "installed_versions"]

COMPUTING: Final = (
    "ml-engineer",
    "scikit-learn",
    "numpy",
    "pandas",
    "scipy",
    "lightgbm",
    "catboost",
    "xgboost-cpu",
    "xgboost",
)
"""Packages whose version changes what a fit gives."""


def installed_versions(names: Iterable[str] = COMPUTING) -> dict[str, str]:
    """Versions of packages by name, as far as they are installed here."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
