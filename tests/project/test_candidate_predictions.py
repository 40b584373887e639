"""What every candidate predicted comes back as it was, whatever the candidates are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml_engineer.errors import ProjectStateError
from ml_engineer.project.candidate_predictions import read_candidate_predictions, write_candidate_predictions
from ml_engineer.project.layout import ProjectLayout


@pytest.fixture
def layout(tmp_path: Path) -> ProjectLayout:
    return ProjectLayout(tmp_path / "ml")


def test_numbers_and_probabilities_come_back_with_their_gaps(layout: ProjectLayout) -> None:
    rng = np.random.default_rng(0)
    wide = rng.random((50, 12))
    wide[:7] = np.nan
    written = {"linear": rng.random(50), 'a "odd": name, 1:0 \N{GRINNING FACE}': wide}
    write_candidate_predictions(layout, "run_1", written)
    found = read_candidate_predictions(layout, "run_1")
    assert found is not None
    assert list(found) == list(written)
    for name, values in written.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6)


def test_a_run_without_the_file_has_none(layout: ProjectLayout) -> None:
    assert read_candidate_predictions(layout, "run_1") is None


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing"])
def test_a_file_that_holds_something_else_is_told(layout: ProjectLayout, content: bytes) -> None:
    path = layout.candidate_predictions("run_1")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(ProjectStateError, match="does not hold the predictions"):
        read_candidate_predictions(layout, "run_1")
