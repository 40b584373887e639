"""Log one backtest to MLflow: where ``MLFLOW_TRACKING_URI`` says, else to the project's own store.

The project's own store is ``experiments/mlflow.db``. What is sent elsewhere is scores, settings and two code files, no
rows of the data.
"""

import hashlib
import os
from pathlib import Path

EXPERIMENT = "train.py"


def track(root: Path, described: str, metric: str, score: float, fold_scores: list[float]) -> str:
    """Log the forecaster's settings, its scores and the two code files that made them; say where."""
    # MLflow reports usage to its makers unless told otherwise, and reads this when it is imported.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
    except ImportError:
        return "mlflow is not installed: nothing was tracked."

    experiments = root / "experiments"
    elsewhere = os.environ.get("MLFLOW_TRACKING_URI", "")
    mlflow.set_tracking_uri(elsewhere or f"sqlite:///{(experiments / 'mlflow.db').as_posix()}")
    # A server keeps files where it likes; a database that is written directly keeps none.
    location = None if elsewhere.startswith(("http://", "https://")) else (experiments / "artifacts").as_uri()
    name, found = EXPERIMENT, mlflow.get_experiment_by_name(EXPERIMENT)
    if found is not None and location is not None and found.artifact_location != location:
        # An experiment keeps the place of its files: after the project was moved, another one begins.
        name = f"{EXPERIMENT} in {root}"
        found = mlflow.get_experiment_by_name(name)
    experiment_id = found.experiment_id if found else mlflow.create_experiment(name, artifact_location=location)
    code = [root / "models" / "training" / "champion.py", root / "data" / "features" / "features.py"]
    with mlflow.start_run(experiment_id=experiment_id) as run:
        mlflow.log_param("forecaster", described[:500])
        mlflow.set_tags({f"{path.stem}_sha256": hashlib.sha256(path.read_bytes()).hexdigest() for path in code})
        mlflow.log_metric(metric, score)
        for number, one in enumerate(fold_scores):
            mlflow.log_metric(f"{metric}_by_fold", one, step=number)
        for path in code:
            mlflow.log_artifact(str(path))
    return f"tracked as run {run.info.run_id} of experiment {name!r} in {'MLFLOW_TRACKING_URI' if elsewhere else 'experiments/mlflow.db'}"
