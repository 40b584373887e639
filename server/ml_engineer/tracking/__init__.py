"""The only room that knows MLflow: the project's store of experiments, and what is logged there.

MLflow reports usage to its makers unless it is told not to before it is imported. This product calls
nobody, so importing this room sets ``MLFLOW_DISABLE_TELEMETRY`` for the process.
"""

import os

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from ml_engineer.tracking.registry import RegisteredChampion, find_champion, move_champion, register_run
from ml_engineer.tracking.runs import RunSummary, TrackedRun, log_evaluation, run_summary, start_run
from ml_engineer.tracking.store import Store, open_store

__all__ = [
    "RegisteredChampion",
    "RunSummary",
    "Store",
    "TrackedRun",
    "find_champion",
    "log_evaluation",
    "move_champion",
    "open_store",
    "register_run",
    "run_summary",
    "start_run",
]
