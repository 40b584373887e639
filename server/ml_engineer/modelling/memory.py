"""What a fit will take of memory: guessed from its table before the first try, then from what that try took.

Guesses and measurements are of what a fit takes beside the rows, which all fits share.
"""

from __future__ import annotations

from typing import Final

from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.preparation import View
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import TrainingData

__all__ = ["expected_bytes", "guessed_bytes"]

_NUMBERS_PER_COLUMN: Final[dict[View, float]] = {
    "codes": 1.0,
    "levels": 1.0,
    "shares": 1.0,
    "crossed": 5.0,
    "scaled": 2.0,
    "dense": 4.0,
    "splines": 9.0,
    "words": 2.0,
    "terms": 2.0,
    "bags": 1.0,
    "vectors": 2.0,
}
"""Numbers that a view makes of a cell: flags, levels and knots are more than one column each."""
_NUMBERS_PER_TEXT: Final[dict[str, float]] = {"words": 30.0, "terms": 30.0, "bags": 30.0, "vectors": 256.0}
"""And of a cell of running text: its words, or its vector."""
_NUMBERS_CROSSED: Final = 60.0
"""Sums and ratios, however many numbers they are of."""
_COPIES: Final = 4.0
"""The prepared rows, what they were made from, the model's own copy, and the model."""
_ALWAYS: Final = 80 * 2**20
"""What a fit takes however few its rows are: libraries, and pages that it shares no more."""


def guessed_bytes(candidate: Candidate, *, rows: int) -> int:
    """What a fit on so many rows may take, by the columns it prepares; 0 for a pipeline that is not one of ours."""
    if candidate.view not in _NUMBERS_PER_COLUMN:
        return 0
    columns = len({name for part in candidate.lists for name in part.columns})
    numbers = _NUMBERS_PER_COLUMN[candidate.view] * columns
    if candidate.view == "crossed":
        numbers += _NUMBERS_CROSSED
    texts = {name for part in candidate.lists if part.constant.startswith("TEXT_") for name in part.columns}
    numbers += _NUMBERS_PER_TEXT.get(candidate.view, 0.0) * len(texts)
    return int(_ALWAYS + 8 * _COPIES * numbers * rows)


def expected_bytes(standing: Standing, data: TrainingData, *, tried: int, rows: int) -> int:
    """What a fit on `rows` rows will take, by the most that its earlier fits took for theirs; else as guessed.

    Parameters
    ----------
    standing : Standing
        With its finished fits.
    data : TrainingData
        Tells the rows of its folds.
    tried : int
        Rows that its race learned from.
    rows : int
        Rows to fit on.
    """
    measured = [(fit.peak_bytes, len(data.all_pairs[fold][0])) for fold, fit in standing.fits.items()]
    if standing.race is not None:
        measured.append((standing.race.peak_bytes, tried))
    grown = [(peak - _ALWAYS) * rows / many for peak, many in measured if peak > 0]
    if not grown:
        return guessed_bytes(standing.candidate, rows=rows)
    return int(_ALWAYS + max([0.0, *grown]))
