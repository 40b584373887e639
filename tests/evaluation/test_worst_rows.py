"""The worst rows are the most wrong ones, by number in the source."""

from __future__ import annotations

import numpy as np
import pytest

from ml_engineer.evaluation.worst_rows import find_worst_rows, row_errors
from ml_engineer.statistics.metrics import Outcomes


def test_surest_mistake_comes_first() -> None:
    chance = np.array([[0.9, 0.1], [0.4, 0.6], [0.02, 0.98]])
    outcomes = Outcomes("binary", np.array([0, 0, 0]), np.array([0, 1, 1]), chance, n_classes=2)
    found = find_worst_rows(outcomes, np.array([70, 80, 90]), ("no", "yes"), most=2)
    assert [(row.row, row.actual, row.predicted) for row in found] == [(90, "no", "yes"), (80, "no", "yes")]
    assert found[0].error == pytest.approx(0.98)


def test_largest_error_of_a_number_comes_first() -> None:
    outcomes = Outcomes("regression", np.array([1.0, 5.5, 2.0]), np.array([1.0, 2.0, 3.0]))
    found = find_worst_rows(outcomes, np.array([3, 4, 5]), ())
    assert (found[0].row, found[0].actual, found[0].predicted, found[0].error) == (4, "5.5", "2", 3.5)
    assert len(found) == 3


def test_labels_without_probabilities_are_right_or_wrong() -> None:
    outcomes = Outcomes("binary", np.array([0, 1]), np.array([0, 0]), n_classes=2)
    assert row_errors(outcomes).tolist() == [0.0, 1.0]
