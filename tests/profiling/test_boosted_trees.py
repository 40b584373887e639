"""Calling LightGBM's library directly gives what its Python package gives."""

from __future__ import annotations

import subprocess
import sys

import lightgbm
import numpy as np
import pytest

from ml_engineer.profiling.boosted_trees import boosted_predictions

PARAMETERS = {"num_leaves": 7, "min_data_in_leaf": 5, "num_threads": 1, "deterministic": True, "verbosity": -1}


def table(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Three numbers, one of them with missing cells, a code, and a number that depends on them."""
    rng = np.random.default_rng(7)
    matrix = rng.normal(size=(rows, 4)).astype(np.float32)
    matrix[:, 3] = rng.integers(5, size=rows)
    wanted = matrix[:, 0] + np.sin(3 * matrix[:, 1]) + (matrix[:, 3] == 2)
    matrix[rng.random(rows) < 0.1, 0] = np.nan
    return matrix, wanted


@pytest.mark.parametrize("categorical", [(), (3,)])
@pytest.mark.parametrize(
    ("objective", "classes"), [("regression", 0), ("regression_l1", 0), ("binary", 2), ("multiclass", 4)]
)
def test_predictions_are_those_of_the_python_package_to_the_last_bit(objective, classes, categorical):
    matrix, wanted = table(400)
    labels = np.digitize(wanted, np.quantile(wanted, np.linspace(0, 1, classes + 1)[1:-1])) if classes else wanted
    parameters = {**PARAMETERS, "objective": objective} | ({"num_class": classes} if classes > 2 else {})
    ours = boosted_predictions(
        matrix[:300], labels[:300], matrix[300:], categorical=categorical, parameters=parameters, rounds=12
    )
    data = lightgbm.Dataset(matrix[:300], labels[:300], categorical_feature=list(categorical), params={"verbosity": -1})
    theirs = lightgbm.train(parameters, data, num_boost_round=12).predict(matrix[300:])
    assert np.array_equal(ours, theirs)
    assert np.ptp(ours) > 0.1


def test_a_target_that_cannot_be_split_gives_its_mean_as_the_python_package_does():
    matrix, _ = table(8)
    labels = np.arange(8.0)
    predicted = boosted_predictions(matrix, labels, matrix[:2], categorical=(), parameters=PARAMETERS, rounds=3)
    assert predicted == pytest.approx([3.5, 3.5])


def test_an_error_of_the_library_is_told_in_its_words():
    matrix, wanted = table(50)
    with pytest.raises(RuntimeError, match="Unknown objective"):
        boosted_predictions(matrix, wanted, matrix, categorical=(), parameters={"objective": "luck"}, rounds=1)


def test_framing_imports_neither_scikit_learn_nor_the_package_around_the_library():
    """They take longer than framing a small table does; this is why the library is called directly."""
    program = (
        "import sys, ml_engineer.verbs.frame_problem; "
        "print(sorted({'sklearn', 'lightgbm', 'scipy.stats', 'duckdb', 'mlflow', 'matplotlib'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "[]"
