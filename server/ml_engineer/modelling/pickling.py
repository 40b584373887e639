"""Pickles that can be read by a process that has not loaded the project's own files, and knows nothing of us."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cloudpickle  # type: ignore[import-untyped]  # comes with mlflow, which types neither

__all__ = ["by_value", "dump_by_value", "stored_bytes"]

_PROJECT_MODULES = "ml_engineer_project_"
_OURS = frozenset({"ml_engineer.modelling.foundation", "ml_engineer.modelling.text_vectors"})


@contextmanager
def by_value() -> Iterator[None]:
    """Let cloudpickle take along classes and functions of candidates.py and features.py, and the classes that champion.py defines."""
    own = [module for name, module in sys.modules.items() if name.startswith(_PROJECT_MODULES) or name in _OURS]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)


def dump_by_value(value: object) -> bytes:
    """Pickle `value` with what `by_value` takes along."""
    with by_value():
        return bytes(cloudpickle.dumps(value))


def stored_bytes(model: Any) -> int:
    """Size of a fitted model when stored, without storing it; 0 if it cannot be pickled."""
    counted = _Counter()
    try:
        cloudpickle.CloudPickler(counted, protocol=5, buffer_callback=counted.add).dump(model)
    except Exception:  # noqa: BLE001  (anybody's class may raise anything when taken apart)
        return 0
    return counted.size


class _Counter:
    """A file that only counts."""

    size = 0

    def write(self, data: bytes) -> int:
        """Count what is written."""
        self.size += len(data)
        return len(data)

    def add(self, buffer: pickle.PickleBuffer) -> None:
        """Count an array that is handed over as it is, without a copy."""
        self.size += buffer.raw().nbytes
