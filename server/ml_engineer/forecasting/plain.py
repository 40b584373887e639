"""The modules that are the user's too: copied into the project, with their imports of one another turned to it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["PLAIN_FOLDER", "plain_modules"]

PLAIN_FOLDER: Final = "models/forecasting"
_PLAIN: Final = (
    "ahead",
    "backtest",
    "design",
    "forecasters",
    "grid",
    "intervals",
    "lagged",
    "model_file",
    "naive",
    "scores",
    "smoothing",
)
_HEAD: Final = '"""Series, forecasters and backtests: plain code that needs numpy, pandas, scikit-learn, LightGBM and statsmodels."""\n'


def plain_modules() -> dict[str, str]:
    """Text by path in the project of each module that a forecasting project has."""
    here = Path(__file__).parent
    found = {f"{PLAIN_FOLDER}/__init__.py": _HEAD}
    for name in _PLAIN:
        text = (here / f"{name}.py").read_text(encoding="utf-8")
        found[f"{PLAIN_FOLDER}/{name}.py"] = text.replace("ml_engineer.forecasting", "models.forecasting")
    return found
