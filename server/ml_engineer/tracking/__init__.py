"""The only room that knows MLflow: the project's store of experiments, and what is logged there.

MLflow reports usage to its makers unless it is told not to before it is imported. This product calls
nobody, so importing this room sets ``MLFLOW_DISABLE_TELEMETRY`` for the process.
"""

import os

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from ml_engineer.tracking.runs import RunSummary, TrackedRun, log_evaluation, run_summary, start_run
from ml_engineer.tracking.store import Store, open_store

__all__ = ["RunSummary", "Store", "TrackedRun", "log_evaluation", "open_store", "run_summary", "start_run"]
