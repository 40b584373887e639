"""The entries of candidates.py that docs/optional-models.md shows: a network in PyTorch, and AutoGluon."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ml_engineer.modelling.candidate import Candidate, with_seed
from ml_engineer.modelling.fits import fit_rows, predict
from ml_engineer.modelling.training_data import TrainingData
from modelling.foundation_models import two_sided

PAGE = Path(__file__).resolve().parents[2] / "docs" / "optional-models.md"
AUTOGLUON = os.environ.get("AUTOGLUON_PYTHON", "")
"""The interpreter of an environment that has AutoGluon."""


def printed(heading: str) -> dict[str, Any]:
    """What the code under a heading of the page defines."""
    code = re.search(rf"## {heading}\n.*?```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code[1], names)
    return names


def area(name: str, estimator: Any) -> float:
    """Area under the curve on a fold that an entry did not learn from."""
    table = two_sided(200)
    rows = np.arange(200)
    data = TrainingData(
        task="binary",
        metric="roc_auc",
        features=table[["first", "third"]],
        target=table["side"].to_numpy(dtype=object),
        pairs=((rows[60:], rows[:60]),),
        fingerprint="",
    )
    model = fit_rows(Candidate(name, "user", with_seed(estimator, 0)), data, rows[60:])
    return float(roc_auc_score(data.target[:60] == "below", predict(model, data, rows[:60])[:, 1]))


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")  # PyTorch Lightning warns of itself
def test_the_network_as_it_is_printed_learns_under_our_folds() -> None:
    pytest.importorskip("pytabkit", reason="pytabkit brings PyTorch, which is not installed here; .ci/full installs it")
    ((name, estimator),) = printed("Networks in PyTorch")["build_candidates"]().items()
    assert area(name, estimator) > 0.6


@pytest.mark.full
@pytest.mark.skipif(
    not AUTOGLUON, reason="AUTOGLUON_PYTHON names no interpreter that has AutoGluon; .ci/full makes one"
)
def test_autogluon_as_it_is_printed_learns_under_our_folds() -> None:
    ((name, estimator),) = printed("AutoGluon")["build_candidates"]().items()
    assert area(name, estimator.set_params(python=AUTOGLUON)) > 0.6
