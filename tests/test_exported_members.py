"""The public surface is what `__all__` says, loads lazily, and keeps its version."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

import ml_engineer
from ml_engineer.vocabulary.verbs import VERBS


def test_every_verb_and_the_job_functions_are_exported_and_nothing_else():
    jobs = {"job_status", "cancel_job", "resume_job"}
    estimators = {"Forecaster", "TabularClassifier", "TabularRanker", "TabularRegressor"}
    assert set(ml_engineer.__all__) == {*VERBS, *jobs, *estimators, "MlEngineerError", "__version__"}
    assert ml_engineer.__all__ == sorted(ml_engineer.__all__)
    assert dir(ml_engineer) == ml_engineer.__all__


@pytest.mark.parametrize("name", ml_engineer.__all__)
def test_every_exported_name_is_there(name):
    assert getattr(ml_engineer, name) is not None


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = ml_engineer.trian


def test_the_version_is_that_of_the_installed_package():
    assert ml_engineer.__version__ == importlib.metadata.version("ml-engineer")


def test_importing_the_package_loads_next_to_nothing():
    code = "import sys; before = set(sys.modules); import ml_engineer; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
