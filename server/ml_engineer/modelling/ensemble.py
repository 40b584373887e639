"""Which models together predict best: greedy selection with replacement over out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml_engineer.modelling.training_data import Predictions

__all__ = ["MOST_PARTS", "cross_fitted_average", "greedy_weights", "row_losses", "selection_loss"]

Floats = npt.NDArray[np.float64]
MOST_PARTS = 8
"""Models in an average; more make it dear and hardly better."""
_ROUNDS = 25
_ROWS = 20_000
_SMALLEST_WEIGHT = 0.05
_TINY = 1e-15


def selection_loss(predictions: Predictions, actual: npt.NDArray[np.generic], *, absolute: bool = False) -> float:
    """What selection minimises: log loss of probabilities (n, k), root mean squared or mean absolute error of numbers."""
    losses = float(row_losses(predictions, actual, absolute=absolute).mean())
    return losses if predictions.ndim == 2 or absolute else float(np.sqrt(losses))


def row_losses(predictions: Predictions, actual: npt.NDArray[np.generic], *, absolute: bool = False) -> Floats:
    """Log loss, squared or absolute error of each row, shape (n,)."""
    if predictions.ndim == 2:
        chosen = predictions[np.arange(len(actual)), actual.astype(int)]
        return np.asarray(-np.log(np.clip(chosen, _TINY, 1.0)))
    errors = predictions - actual.astype(float)
    return np.abs(errors) if absolute else errors**2


def greedy_weights(
    predictions: Sequence[Predictions],
    actual: npt.NDArray[np.generic],
    *,
    absolute: bool = False,
    seed: int = 0,
    rounds: int = _ROUNDS,
) -> Floats:
    """Weights of models, by adding again and again the model that helps the average most.

    Parameters
    ----------
    predictions : sequence of numpy.ndarray of shape (n,) or (n, k)
        Out of fold, one per model.
    actual : numpy.ndarray of shape (n,)
        Class codes or numbers.
    absolute : bool
        Whether numbers are judged by absolute error.
    seed : int
        Random state of the rows that are looked at where there are very many.
    rounds : int
        Additions; the best average on the way is taken.

    Returns
    -------
    numpy.ndarray of shape (m,)
        Non-negative, summing to 1; most are 0, and none is tiny.

    Notes
    -----
    Caruana, Niculescu-Mizil, Crew and Ksikes (2004), Ensemble selection from libraries of models.
    """
    if len(actual) > _ROWS:
        chosen = np.random.default_rng(seed).choice(len(actual), _ROWS, replace=False)
        predictions, actual = [one[chosen] for one in predictions], actual[chosen]
    parts = _relevant(predictions, actual)
    counts = np.zeros(len(parts))
    total = np.zeros_like(parts[0])
    best, best_counts = np.inf, counts
    for done in range(1, rounds + 1):
        losses = [_loss((total + part) / done, actual, predictions[0].ndim, absolute=absolute) for part in parts]
        pick = int(np.argmin(losses))
        counts[pick] += 1
        total += parts[pick]
        if losses[pick] < best * (1 - 1e-5):
            best, best_counts = losses[pick], counts.copy()
    weights = best_counts / best_counts.sum()
    weights[weights < _SMALLEST_WEIGHT] = 0.0
    return np.asarray(weights / weights.sum())


def cross_fitted_average(
    predictions: Sequence[Predictions],
    actual: npt.NDArray[np.generic],
    folds: npt.NDArray[np.integer],
    *,
    absolute: bool = False,
    seed: int = 0,
) -> Floats:
    """What an average says of each row with weights that the rows of its own fold had no part in choosing.

    The weights of an average are fitted to the predictions that score it, which flatters it a little; these
    predictions are those of the same way of choosing, without the flattery (cross-fitting; van der Laan, Polley and
    Hubbard 2007, Super learner).

    Parameters
    ----------
    predictions : sequence of numpy.ndarray of shape (n,) or (n, k)
        Out of fold, one per model.
    actual : numpy.ndarray of shape (n,)
        Class codes or numbers.
    folds : numpy.ndarray of shape (n,)
        Fold of each row; a single fold is halved.
    absolute, seed
        As for `greedy_weights`.

    Returns
    -------
    numpy.ndarray of shape (n,) or (n, k)
    """
    parts = folds if len(np.unique(folds)) > 1 else np.arange(len(folds)) % 2
    average = np.empty(predictions[0].shape)
    for part in np.unique(parts):
        mine = parts == part
        weights = greedy_weights([one[~mine] for one in predictions], actual[~mine], absolute=absolute, seed=seed)
        weights[np.argsort(-weights, kind="stable")[MOST_PARTS:]] = 0.0
        weights /= weights.sum()
        average[mine] = sum(weight * one[mine] for weight, one in zip(weights, predictions, strict=True))
    return average


def _relevant(predictions: Sequence[Predictions], actual: npt.NDArray[np.generic]) -> list[Floats]:
    """Of probabilities, only that of what came true matters to the log loss."""
    if predictions[0].ndim == 1:
        return [np.asarray(one, dtype=float) for one in predictions]
    rows, codes = np.arange(len(actual)), actual.astype(int)
    return [np.asarray(one[rows, codes], dtype=float) for one in predictions]


def _loss(average: Floats, actual: npt.NDArray[np.generic], dimensions: int, *, absolute: bool) -> float:
    if dimensions == 2:
        return float(-np.log(np.clip(average, _TINY, 1.0)).mean())
    errors = average - actual.astype(float)
    return float(np.abs(errors).mean() if absolute else np.sqrt((errors**2).mean()))
