"""The Python door: ``import ml_engineer as mle; mle.train(project_dir="ml")``.

The functions and errors are loaded when they are first used, so importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
    from ml_engineer.doors.python import (
        cancel_job,
        check_guardrails,
        evaluate,
        export,
        frame_problem,
        job_status,
        predict,
        promote,
        replay,
        resume_job,
        run,
        scaffold_project,
        train,
        verify,
        waive_finding,
    )
    from ml_engineer.errors import MlEngineerError
    from ml_engineer.forecasting.estimator import Forecaster
    from ml_engineer.modelling.estimators import TabularClassifier, TabularRegressor
    from ml_engineer.modelling.ranker import TabularRanker

__all__ = [
    "Forecaster",
    "MlEngineerError",
    "TabularClassifier",
    "TabularRanker",
    "TabularRegressor",
    "__version__",
    "cancel_job",
    "check_guardrails",
    "evaluate",
    "export",
    "frame_problem",
    "job_status",
    "predict",
    "promote",
    "replay",
    "resume_job",
    "run",
    "scaffold_project",
    "train",
    "verify",
    "waive_finding",
]


_HOMES = {
    "Forecaster": "ml_engineer.forecasting.estimator",
    "MlEngineerError": "ml_engineer.errors",
    "TabularClassifier": "ml_engineer.modelling.estimators",
    "TabularRanker": "ml_engineer.modelling.ranker",
    "TabularRegressor": "ml_engineer.modelling.estimators",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    if name == "__version__":
        # Reading the installation's metadata takes longer than starting a child; few calls need it.
        from importlib.metadata import version

        return version("ml-engineer")
    home = _HOMES.get(name, "ml_engineer.doors.python")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
