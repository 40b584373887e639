"""Pickles that can be read by a process that has not loaded the project's own files."""

from __future__ import annotations

import sys

import cloudpickle  # type: ignore[import-untyped]  # comes with mlflow, which types neither

__all__ = ["dump_by_value"]

_PROJECT_MODULES = "ml_engineer_project_"


def dump_by_value(value: object) -> bytes:
    """Pickle `value`; classes and functions of candidates.py and features.py go with it."""
    own = [module for name, module in sys.modules.items() if name.startswith(_PROJECT_MODULES)]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(value))
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)
