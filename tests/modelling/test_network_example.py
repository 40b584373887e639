"""The network in PyTorch that docs/optional-models.md shows as an entry of candidates.py."""

from __future__ import annotations

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


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")  # PyTorch Lightning warns of itself
def test_the_entry_as_it_is_printed_learns_under_our_folds() -> None:
    pytest.importorskip("pytabkit", reason="pytabkit brings PyTorch, which is not installed here; .ci/full installs it")
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code[1], names)
    ((name, estimator),) = names["build_candidates"]().items()
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
    assert roc_auc_score(data.target[:60] == "below", predict(model, data, rows[:60])[:, 1]) > 0.6
