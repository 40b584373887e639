"""A project tracks into a PostgreSQL store that MLFLOW_TRACKING_URI names, and leaves its own store alone."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from generated.conftest import Run

pytestmark = pytest.mark.full

_PATIENCE_SECONDS = 60
HELD = """
import os, mlflow
(run,) = mlflow.search_runs(experiment_names=["train.py"], output_format="list")
print(run.info.status, *sorted(run.data.metrics))
"""


def _programs() -> Path:
    """Folder of PostgreSQL's server programs, which Debian keeps off the path; a skip that says what is absent."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        pytest.skip("PostgreSQL is absent: .ci/full installs it where it can")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is absent: .ci/full brings it")
    return folders[-1]


def _as_nobody_special(folder: Path) -> list[str]:
    """How to start a program that refuses to be root; the folder is given to who starts it."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL refuses to run as root, and setpriv is absent")
    shutil.chown(folder, "postgres", "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """URI of an empty database of a server of our own, on loopback and gone afterwards."""
    programs = _programs()
    # Not among pytest's folders, which are closed to other users.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as name:
        yield from _served(programs, Path(name))


def _served(programs: Path, folder: Path) -> Iterator[str]:
    user, port = _as_nobody_special(folder), _free_port()

    def control(*arguments: str) -> None:
        subprocess.run([*user, *arguments], check=True, cwd=folder, capture_output=True, timeout=_PATIENCE_SECONDS)

    data = str(folder / "data")
    control(str(programs / "initdb"), "-D", data, "-U", "tracker", "-A", "trust", "-E", "UTF8", "--no-sync")
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    log = str(folder / "log")
    subprocess.run(
        [*user, str(programs / "pg_ctl"), "-D", data, "-w", "-l", log, "-o", settings, "start"],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_PATIENCE_SECONDS,
    )
    try:
        yield f"postgresql+psycopg://tracker@127.0.0.1:{port}/postgres"
    finally:
        control(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")


def test_training_by_hand_is_tracked_in_the_store_that_the_environment_names(
    projects: dict[str, Path], run: Run, postgresql: str, tmp_path: Path
) -> None:
    root = tmp_path / "ml"
    shutil.copytree(projects["visits"], root)
    result = run(root, "models/training/train.py", MLFLOW_TRACKING_URI=postgresql)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "in MLFLOW_TRACKING_URI" in result.stdout
    held = run(root, "-c", HELD, MLFLOW_TRACKING_URI=postgresql)
    assert held.stdout.split() == ["FINISHED", "roc_auc", "roc_auc_by_fold"], held.stderr
    assert not (root / "experiments" / "mlflow.db").exists()
