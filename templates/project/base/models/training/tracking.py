"""Log one cross-validation to the project's own MLflow store (``experiments/mlflow.db``)."""

import hashlib
import os
from pathlib import Path

from sklearn.base import BaseEstimator

EXPERIMENT = "train.py"


def track(root: Path, model: BaseEstimator, metric: str, score: float, fold_scores: dict[int, float]) -> str:
    """Log parameters, scores and the two code files that made them; say where.

    `model` is unfitted: it is described, not stored.
    """
    # MLflow reports usage to its makers unless told otherwise, and reads this when it is imported.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
    except ImportError:
        return "mlflow is not installed: nothing was tracked."

    experiments = root / "experiments"
    mlflow.set_tracking_uri(f"sqlite:///{(experiments / 'mlflow.db').as_posix()}")
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        mlflow.create_experiment(EXPERIMENT, artifact_location=(experiments / "artifacts").as_uri())
    mlflow.set_experiment(EXPERIMENT)
    code = [root / "models" / "training" / "champion.py", root / "data" / "features" / "features.py"]
    with mlflow.start_run() as run:
        mlflow.log_params({name: repr(value)[:250] for name, value in model.get_params().items()})
        mlflow.set_tags({f"{path.stem}_sha256": hashlib.sha256(path.read_bytes()).hexdigest() for path in code})
        mlflow.log_metric(metric, score)
        for number, one in fold_scores.items():
            mlflow.log_metric(f"{metric}_by_fold", one, step=number)
        for path in code:
            mlflow.log_artifact(str(path))
    return f"tracked as run {run.info.run_id} of experiment {EXPERIMENT!r} in experiments/mlflow.db"
