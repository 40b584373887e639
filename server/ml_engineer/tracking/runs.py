"""Logging one training run, and reading back what is really there."""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import mlflow
import mlflow.sklearn
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, LoggedModelStatus, Metric, Param, RunTag
from mlflow.models import infer_signature
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

from ml_engineer.errors import JobCancelledError
from ml_engineer.tracking.store import Store, open_store, quiet, telling, tracking_uri
from ml_engineer.vocabulary.training import CandidateResult, Environment

__all__ = ["RunSummary", "TrackedRun", "log_evaluation", "run_summary", "start_run"]

_RUN_TAG = "ml_engineer.run_id"
_DATA_TAG = "ml_engineer.development_sha256"
_ENVIRONMENT = "environment.json"
_VARIABLE = "MLFLOW_TRACKING_URI"
_LONGEST_PARAMETER = 500
_LONGEST_DIGEST = 36


@dataclass(frozen=True)
class TrackedRun:
    """A run that is being logged.

    Parameters
    ----------
    mlflow_run_id : str
        Its name in the store.
    """

    mlflow_run_id: str
    experiment_id: str
    store: Store
    client: MlflowClient

    def log_candidate(self, result: CandidateResult, metric: str) -> None:
        """Log one candidate as a child run with its parameters and scores."""
        with telling(self.store), quiet():
            tags = {
                MLFLOW_PARENT_RUN_ID: self.mlflow_run_id,
                MLFLOW_RUN_NAME: result.name,
                "family": result.family,
                "status": result.status,
                "reason": result.reason,
            }
            child = self.client.create_run(self.experiment_id, tags=tags, run_name=result.name).info.run_id
            self.client.log_batch(child, metrics=_scores(result, metric), params=_params(result.parameters))
            self.client.set_terminated(child, "FAILED" if result.status == "failed" else "FINISHED")

    def log_result(
        self,
        result: CandidateResult,
        *,
        metric: str,
        numbers: Mapping[str, float],
        parameters: Mapping[str, object],
        tags: Mapping[str, str],
        environment: Environment,
    ) -> None:
        """Log what won: its parameters and scores, the run's own numbers, and what it was made with."""
        with telling(self.store), quiet():
            now = _now()
            metrics = _scores(result, metric) + [
                Metric(name, value, now, 0) for name, value in numbers.items() if math.isfinite(value)
            ]
            self.client.log_batch(
                self.mlflow_run_id,
                metrics=metrics,
                params=_params(
                    {**parameters, **{f"champion.{key}": value for key, value in result.parameters.items()}}
                ),
                tags=[RunTag(key, value[:5000]) for key, value in tags.items()],
            )
            self.client.log_text(self.mlflow_run_id, environment.model_dump_json(indent=2) + "\n", _ENVIRONMENT)

    def log_model(
        self,
        model: Any,
        *,
        example: pd.DataFrame,
        model_format: Literal["skops", "pickle"],
        trusted_types: Sequence[str],
        requirements: Sequence[str],
    ) -> None:
        """Log the fitted model with signature and input example.

        Parameters
        ----------
        model : estimator
            Fitted.
        example : pandas.DataFrame
            A few rows as the model takes them.
        model_format : {'skops', 'pickle'}
            How it can be saved.
        trusted_types : sequence of str
            Types that skops may load. (MLflow stores them beside the model, so they protect nobody there:
            serving loads our own file with our own list.)
        requirements : sequence of str
            What must be installed to load it. Given, because MLflow would find out in a process of its own,
            which takes a minute.
        """
        with telling(self.store), quiet(), _active(self.store, self.mlflow_run_id):
            predicted = model.predict_proba(example) if hasattr(model, "predict_proba") else model.predict(example)
            skops = model_format == "skops"
            mlflow.sklearn.log_model(
                model,
                name="model",
                serialization_format="skops" if skops else "cloudpickle",
                skops_trusted_types=list(trusted_types) if skops else None,
                signature=infer_signature(example, predicted),
                input_example=example,
                pip_requirements=list(requirements),
                pyfunc_predict_fn="predict_proba" if hasattr(model, "predict_proba") else "predict",
            )

    def log_code_model(
        self, script: str, *, code: Mapping[str, str], files: Mapping[str, str], requirements: Sequence[str]
    ) -> None:
        """Log a model that is plain files and the code that reads them, and no pickle.

        Parameters
        ----------
        script : str
            Code that ends in ``mlflow.models.set_model(...)``; what it imports of `code`, it imports when it is used.
        code : mapping of str to str
            Text by path of the packages that it imports.
        files : mapping of str to str
            Text by name of the model's files.
        requirements : sequence of str
            What must be installed to use it.
        """
        with telling(self.store), quiet(), _active(self.store, self.mlflow_run_id), TemporaryDirectory() as folder:
            import mlflow.pyfunc  # it warns of its own types when it is imported, and only forecasts need it

            root = Path(folder)
            for name, text in {
                "model.py": script,
                **{f"code/{path}": text for path, text in code.items()},
                **files,
            }.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            mlflow.pyfunc.log_model(
                name="model",
                python_model=str(root / "model.py"),
                artifacts={Path(name).stem: str(root / name) for name in files},
                code_paths=[str(path) for path in sorted((root / "code").iterdir())],
                pip_requirements=list(requirements),
            )


@contextlib.contextmanager
def start_run(store: Store, *, experiment: str, run_id: str, data_sha256: str, data_name: str) -> Iterator[TrackedRun]:
    """Begin a run; it ends with the block, as FINISHED, KILLED or FAILED by how the block ends.

    Runs that dead processes left RUNNING are closed as KILLED. The caller is the project's only writer.

    Parameters
    ----------
    store : Store
        Where the project's store lies.
    experiment : str
        Name of the experiment: the project's.
    run_id : str
        Our name of the run.
    data_sha256, data_name : str
        Fingerprint of the development rows, and what they are called.

    Raises
    ------
    ProjectStateError
        If the store cannot be used.
    """
    client = open_store(store)
    with telling(store), quiet():
        experiment_id = _experiment(client, experiment[:200] or "project", store.tracking_artifacts)
        _close_leftovers(client, experiment_id)
        tags = {_RUN_TAG: run_id, _DATA_TAG: data_sha256}
        mlflow_run_id = client.create_run(experiment_id, tags=tags, run_name=run_id).info.run_id
        source = json.dumps({"sha256": data_sha256})
        dataset = Dataset(data_name[:500], data_sha256[:_LONGEST_DIGEST], "local", source)
        client.log_inputs(mlflow_run_id, [DatasetInput(dataset, [])])
    try:
        yield TrackedRun(mlflow_run_id, experiment_id, store, client)
    except BaseException as error:
        killed = isinstance(error, JobCancelledError | KeyboardInterrupt)
        # What went wrong matters more than that the store could not be told.
        with contextlib.suppress(Exception), quiet():
            client.set_terminated(mlflow_run_id, "KILLED" if killed else "FAILED")
        raise
    with telling(store), quiet():
        client.set_terminated(mlflow_run_id, "FINISHED")


@dataclass(frozen=True)
class RunSummary:
    """What the store really holds of a run.

    Parameters
    ----------
    run_found : bool
        Whether the run is there.
    missing : tuple of str
        What it lacks, in words; empty if nothing.
    problem : str
        Why the store cannot be read; empty if it can.
    """

    run_found: bool
    missing: tuple[str, ...] = ()
    problem: str = ""


def run_summary(store: Store, mlflow_run_id: str) -> RunSummary:
    """Look whether parameters, scores, fingerprint, environment and model of a run are really there."""
    if not store.tracking_db.exists():
        return RunSummary(run_found=False, problem=f"there is no {store.tracking_db.name}")
    try:
        with quiet():
            client = MlflowClient(tracking_uri=tracking_uri(store))
            return RunSummary(run_found=True, missing=tuple(_missing(client, client.get_run(mlflow_run_id))))
    except Exception as error:  # noqa: BLE001  (a damaged store raises anything; that it cannot be read is the answer)
        if getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST":
            return RunSummary(run_found=False)
        return RunSummary(run_found=False, problem=" ".join(str(error).split())[:200] or type(error).__name__)


def log_evaluation(store: Store, mlflow_run_id: str, numbers: Mapping[str, float], files: Sequence[Path]) -> bool:
    """Add what an evaluation gave to the run of its model; false if the store does not hold that run.

    Parameters
    ----------
    store : Store
        Where the project's store lies.
    mlflow_run_id : str
        The run.
    numbers : mapping of str to float
        Metrics by name; those that are not finite are left out.
    files : sequence of pathlib.Path
        Report and pictures.
    """
    if not run_summary(store, mlflow_run_id).run_found:
        return False
    with telling(store), quiet():
        client = open_store(store)
        now = _now()
        metrics = [Metric(name, value, now, 0) for name, value in numbers.items() if math.isfinite(value)]
        client.log_batch(mlflow_run_id, metrics=metrics)
        for file in files:
            client.log_artifact(mlflow_run_id, str(file), "evaluation")
    return True


def _missing(client: MlflowClient, run: Any) -> Iterator[str]:
    data = run.data
    if run.info.status != "FINISHED":
        yield f"its end: it is {run.info.status}"
    if not data.params:
        yield "parameters"
    if not any(name.endswith("_by_fold") for name in data.metrics):
        yield "fold scores"
    if not any(name.endswith("_fold_mean") for name in data.metrics):
        yield "mean of the fold scores"
    if _DATA_TAG not in data.tags:
        yield "data fingerprint"
    if not any(file.path == _ENVIRONMENT for file in client.list_artifacts(run.info.run_id)):
        yield "environment"
    outputs = run.outputs.model_outputs if run.outputs else []
    if not any(_is_ready(client, output.model_id) for output in outputs):
        yield "model"


def _is_ready(client: MlflowClient, model_id: str) -> bool:
    model = client.get_logged_model(model_id)
    names = {Path(file.path).name for file in client.list_logged_model_artifacts(model_id)}
    return bool(model.status == LoggedModelStatus.READY and "MLmodel" in names)


def _experiment(client: MlflowClient, name: str, artifacts: Path) -> str:
    """Id of the experiment, made if it is not there.

    An experiment keeps the absolute place of its artefacts. After the project was moved, a new one is begun,
    so that nothing is written to where the project no longer is.
    """
    location = artifacts.resolve().as_uri()
    for label in (name, f"{name} in {artifacts.resolve().parent}"):
        found = client.get_experiment_by_name(label)
        if found is None:
            return str(client.create_experiment(label, artifact_location=location))
        if found.lifecycle_stage == "active" and found.artifact_location == location:
            return str(found.experiment_id)
    return str(client.create_experiment(f"{name} {_now()}", artifact_location=location))


def _close_leftovers(client: MlflowClient, experiment_id: str) -> None:
    for run in client.search_runs([experiment_id], "attributes.status = 'RUNNING'"):
        client.set_terminated(run.info.run_id, "KILLED")


@contextlib.contextmanager
def _active(store: Store, mlflow_run_id: str) -> Iterator[None]:
    """MLflow logs models to the process's active run only; the process gets its own settings back."""
    before, variable = mlflow.get_tracking_uri(), os.environ.get(_VARIABLE)
    mlflow.set_tracking_uri(tracking_uri(store))
    try:
        with mlflow.start_run(run_id=mlflow_run_id):
            yield
    finally:
        mlflow.set_tracking_uri(before)
        # MLflow sets the variable too; the person's own value, or its absence, comes back.
        os.environ.pop(_VARIABLE, None)
        if variable is not None:
            os.environ[_VARIABLE] = variable


def _scores(result: CandidateResult, metric: str) -> list[Metric]:
    now = _now()
    metrics = [Metric(f"{metric}_by_fold", score, now, fold) for fold, score in enumerate(result.fold_scores)]
    if result.fold_scores:
        mean = sum(result.fold_scores) / len(result.fold_scores)
        metrics.append(Metric(f"{metric}_fold_mean", mean, now, 0))
    if result.score_std is not None:
        metrics.append(Metric(f"{metric}_fold_std", result.score_std, now, 0))
    if result.score is not None:
        metrics += [
            Metric(metric, result.score.value, now, 0),
            Metric(f"{metric}_low", result.score.low, now, 0),
            Metric(f"{metric}_high", result.score.high, now, 0),
        ]
    metrics.append(Metric("fit_seconds", result.fit_seconds, now, 0))
    return metrics


def _params(parameters: Mapping[str, object]) -> list[Param]:
    return [Param(name, str(value)[:_LONGEST_PARAMETER]) for name, value in parameters.items()]


def _now() -> int:
    """Milliseconds since the epoch, as MLflow counts."""
    return time.time_ns() // 1_000_000
