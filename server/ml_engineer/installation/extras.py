"""The optional parts of the installation, as the package's own metadata lists them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shlex
import shutil
import sys
from pathlib import Path

from packaging.requirements import Requirement

from ml_engineer.errors import MissingExtraError

__all__ = ["install_command", "missing_packages", "packages_of", "require_extra"]


def packages_of(extra: str) -> tuple[str, ...]:
    """Names of the distributions that `extra` asks for on this system; empty if there is no such extra."""
    requirements = (Requirement(line) for line in importlib.metadata.requires("ml-engineer") or [])
    wanted = (
        one.name
        for one in requirements
        # A requirement of no extra holds whatever the extra is.
        if one.marker is not None and one.marker.evaluate({"extra": extra}) and not one.marker.evaluate({"extra": ""})
    )
    return tuple(name for name in wanted if name != "ml-engineer")


def missing_packages(extra: str) -> tuple[str, ...]:
    """Those of `extra` that are not installed."""
    return tuple(name for name in packages_of(extra) if not _is_installed(name))


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def install_command(extra: str) -> str:
    """The one command that installs `extra` into this very interpreter's environment."""
    checkout = Path(__file__).resolve().parents[3]
    from_checkout = (checkout / "pyproject.toml").is_file() and (checkout / "server").is_dir()
    what = ["--editable", f"{checkout}[{extra}]"] if from_checkout else [f"ml-engineer[{extra}]"]
    if shutil.which("uv") is not None:
        return shlex.join(["uv", "pip", "install", "--python", sys.executable, *what])
    if importlib.util.find_spec("pip") is not None:
        return shlex.join([sys.executable, "-m", "pip", "install", *what])
    return f"{shlex.join([sys.executable, '-m', 'ensurepip'])} && {shlex.join([sys.executable, '-m', 'pip', 'install', *what])}"


def require_extra(extra: str) -> None:
    """Refuse before anything is started if a part is missing.

    Raises
    ------
    MissingExtraError
        Naming the packages and the one command.
    """
    missing = missing_packages(extra)
    if missing:
        raise MissingExtraError(
            f"The part '{extra}' of ml-engineer is not installed",
            found=f"missing: {', '.join(missing)}",
            remedy=f"Install it with: `{install_command(extra)}`",
        )
