"""The MLflow registry of a project: one registered model, whose alias ``champion`` says which version is in use."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from ml_engineer.errors import ProjectStateError
from ml_engineer.tracking.store import Store, open_store, quiet, telling

__all__ = ["CHAMPION", "RegisteredChampion", "find_champion", "move_champion", "register_run"]

CHAMPION = "champion"
"""The alias."""

_LONGEST_NAME = 200


@dataclass(frozen=True)
class RegisteredChampion:
    """The version that the alias stands for.

    Parameters
    ----------
    version : str
        Its number in the registry.
    mlflow_run_id : str
        The run that made it.
    """

    version: str
    mlflow_run_id: str


def register_run(store: Store, *, title: str, mlflow_run_id: str) -> str:
    """The registered version of a run's model; made if it is not there yet.

    Raises
    ------
    ProjectStateError
        If the store cannot be used, or does not hold the run with its model.
    """
    client, name = open_store(store), _name(title)
    with telling(store), quiet():
        _make_model(client, name)
        for version in client.search_model_versions(f"name = '{_quoted(name)}'"):
            if version.run_id == mlflow_run_id:
                return str(version.version)
        model_id = _model_of(client, store, mlflow_run_id)
        # Its place rather than its address: MLflow would look an address up in the process's own store.
        place = client.get_logged_model(model_id).artifact_location
        made = client.create_model_version(name, source=place, run_id=mlflow_run_id, model_id=model_id)
        return str(made.version)


def move_champion(store: Store, *, title: str, version: str, tags: dict[str, str]) -> None:
    """Let the alias stand for a version, and note on it why.

    Raises
    ------
    ProjectStateError
        If the store cannot be used, or there is no such version.
    """
    client, name = open_store(store), _name(title)
    with telling(store), quiet():
        for key, value in tags.items():
            client.set_model_version_tag(name, version, key, value[:5000])
        client.set_registered_model_alias(name, CHAMPION, version)


def find_champion(store: Store, *, title: str) -> RegisteredChampion | None:
    """What the alias stands for; none if it was never set or the store is not there."""
    if not store.tracking_db.exists():
        return None
    client = open_store(store)
    try:
        with quiet():
            found = client.get_model_version_by_alias(_name(title), CHAMPION)
    except MlflowException:
        return None
    return RegisteredChampion(str(found.version), str(found.run_id))


def _name(title: str) -> str:
    """A title as a name that MLflow takes: without the signs that part names in addresses."""
    return re.sub(r"[/:.%\"']+", " ", title).strip()[:_LONGEST_NAME] or "champion"


def _quoted(name: str) -> str:
    return name.replace("'", "\\'")


def _make_model(client: MlflowClient, name: str) -> None:
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _model_of(client: MlflowClient, store: Store, mlflow_run_id: str) -> str:
    remedy = "Call train again: it tracks the model as it goes"
    try:
        run = client.get_run(mlflow_run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise ProjectStateError(
            f"{store.tracking_db} does not hold the champion's run", found=mlflow_run_id, remedy=remedy
        ) from error
    outputs = run.outputs.model_outputs if run.outputs else []
    if not outputs:
        raise ProjectStateError(
            "The champion's run holds no model", found=f"run {mlflow_run_id} in {store.tracking_db}", remedy=remedy
        )
    return str(outputs[0].model_id)
