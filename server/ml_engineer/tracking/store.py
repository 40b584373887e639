"""The project's own MLflow store: a SQLite file made by copying a ready-made empty one.

Creating the tables takes MLflow several seconds, and two processes that do it at once fail. So it is done
once per MLflow version, under a lock, in the user's cache folder.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol

import mlflow
import platformdirs
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from ml_engineer.errors import ProjectStateError

with warnings.catch_warnings():
    # Slow, and otherwise loaded on first use, inside somebody's time budget. MLflow maps its tables in a way that
    # SQLAlchemy 2.1 calls outdated; that is between those two.
    warnings.simplefilter("ignore", DeprecationWarning)
    import_module("mlflow.store.tracking.sqlalchemy_store")

__all__ = ["Store", "open_store", "quiet", "telling", "template_path", "tracking_uri"]

_LOUD = ("mlflow", "alembic")


class Store(Protocol):
    """Where a store lies; a project's layout says so."""

    @property
    def tracking_db(self) -> Path:
        """SQLite file."""

    @property
    def tracking_artifacts(self) -> Path:
        """Folder of its artefacts."""


def tracking_uri(store: Store) -> str:
    """URI of a store; absolute, because MLflow reads a relative one from wherever the process stands."""
    return _uri(store.tracking_db)


def open_store(store: Store) -> MlflowClient:
    """A client of the store, which is made if it is not there."""
    with telling(store), quiet():
        store.tracking_artifacts.mkdir(parents=True, exist_ok=True)
        if not store.tracking_db.exists():
            _copy_template(store.tracking_db, store.tracking_artifacts)
        return MlflowClient(tracking_uri=tracking_uri(store))


def template_path() -> Path:
    """The empty store of this MLflow version in the user's cache folder."""
    return platformdirs.user_cache_path("ml-engineer", appauthor=False) / "mlflow" / f"empty-{mlflow.__version__}.db"


def _copy_template(database: Path, artifacts: Path) -> None:
    template = template_path()
    template.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{template}.lock"):
        if not template.exists():
            _make_template(template)
    database.parent.mkdir(parents=True, exist_ok=True)
    staged = database.with_name(f".{database.name}.new")
    try:
        shutil.copyfile(template, staged)
        # The template's default experiment points to wherever it was made.
        with contextlib.closing(sqlite3.connect(staged)) as connection, connection:
            connection.execute("UPDATE experiments SET artifact_location = ?", (artifacts.resolve().as_uri(),))
        staged.replace(database)
    finally:
        staged.unlink(missing_ok=True)


def _uri(database: Path) -> str:
    return f"sqlite:///{database.resolve().as_posix()}"


def _make_template(template: Path) -> None:
    staged = template.with_name(f".{template.name}.new")
    staged.unlink(missing_ok=True)
    MlflowClient(tracking_uri=_uri(staged)).search_experiments(max_results=1)
    # What is still in SQLite's write-ahead log must be in the file before it is moved.
    with contextlib.closing(sqlite3.connect(staged)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    staged.replace(template)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep MLflow's progress messages and hints out of the log; errors still arrive as exceptions."""
    levels = {name: logging.getLogger(name).level for name in _LOUD}
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


@contextlib.contextmanager
def telling(store: Store) -> Iterator[None]:
    """Turn what the store raises into an error that says what to do.

    Raises
    ------
    ProjectStateError
        If the store cannot be read or written: a full disk, a read-only folder, a file that is no store.
    """
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ProjectStateError(
            f"MLflow cannot use its store {store.tracking_db}",
            found=first[:200],
            remedy="Free space or make the folder writable; if the file is damaged, move it away, a new one is made",
        ) from error
