"""How far a candidate has come in a search, and what its finished fits say of it."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from ml_engineer.modelling.calibration import Calibration
from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.decisions import choose_threshold
from ml_engineer.modelling.fits import Failure, Fit
from ml_engineer.modelling.training_data import Predictions, TrainingData
from ml_engineer.statistics.metrics import Outcomes, metric_value
from ml_engineer.vocabulary.estimates import direction_of

__all__ = ["Standing"]

_RANKING = frozenset({"roc_auc", "average_precision"})


@dataclass(frozen=True)
class _Value:
    """A metric that was worked out, and of what."""

    data: TrainingData
    fits: tuple[Fit, ...]
    signed: float


@dataclass
class Standing:
    """How far one candidate has come.

    Parameters
    ----------
    candidate : Candidate
        The model; its trees are fixed once it was raced.
    race : Fit, optional
        The cheap try on one part of the training rows of the first fold.
    race_loss : float
        Its loss there; infinite before it was raced.
    fits : dict of int to Fit
        Finished folds.
    status : {'finished', 'dropped', 'failed', 'out_of_time'}
        What became of it.
    reason : str
        Why it did not finish.
    lean : float
        Share of the time that it takes since it was made to learn from fewer rows a tree; 1 if it was not.
    hopeless : bool
        Whether its first try was so much worse than the best one's that it is only kept to have something.
    useless : bool
        Whether it did worse than the naive rule over all folds that it has, some of which may not count any more.
    story : list of str
        What the search decided about it, and why, in order.
    calibration : Calibration, optional
        What its probabilities are mended by; `fits` hold them mended. The champion's only.
    """

    candidate: Candidate
    race: Fit | None = None
    race_loss: float = float("inf")
    fits: dict[int, Fit] = field(default_factory=dict)
    status: Literal["finished", "dropped", "failed", "out_of_time"] = "out_of_time"
    reason: str = ""
    lean: float = 1.0
    hopeless: bool = False
    useless: bool = False
    story: list[str] = field(default_factory=list)
    calibration: Calibration | None = None
    _values: dict[tuple[int, ...], _Value] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def fit_seconds(self) -> float:
        """Time spent on fitting, the race included."""
        return sum(fit.fit_seconds for fit in (*self.fits.values(), *([self.race] if self.race else [])))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the libraries warned of, each warning once."""
        return tuple(dict.fromkeys(note for fit in self.fits.values() for note in fit.notes))

    @property
    def failed(self) -> bool:
        """Whether a fit could not be done."""
        return self.status == "failed"

    def note_failure(self, part: str, failure: Failure) -> None:
        """Note a fit that came to nothing: out of time is no fault of the candidate's, all else ends it."""
        if failure.out_of_time:
            self.reason = failure.reason
            self.story.append(failure.reason)
        else:
            self.status, self.reason = "failed", f"{part}: {failure.reason}"
            self.story.append(f"failed: {self.reason}")

    def drop(self, reason: str) -> None:
        """Note why no more fits are spent on it; one that has its folds keeps them."""
        if self.status == "out_of_time":
            self.status, self.reason = "dropped", reason
        self.story.append(f"dropped: {reason}")

    def predictions(self, data: TrainingData, folds: Iterable[int] | None = None) -> Predictions:
        """Out-of-fold predictions in the order of the rows; NaN where there is none, or outside `folds`.

        Without `folds` they are those of the first folding.
        """
        values = data.empty_predictions()
        for fold in self.first_folds(data) if folds is None else folds:
            values[data.all_pairs[fold][1]] = self.fits[fold].predictions
        return values

    def first_folds(self, data: TrainingData) -> tuple[int, ...]:
        """Positions of the finished folds of the first folding, on which everything rests that is reported."""
        return tuple(sorted(fold for fold in self.fits if fold < len(data.pairs)))

    def stacked(self, data: TrainingData, folds: Iterable[int]) -> tuple[npt.NDArray[np.integer], Predictions]:
        """Rows of some folds, (m,), one fold after the other, and what was predicted for them, (m,) or (m, k)."""
        chosen = list(folds)
        rows = np.concatenate([data.all_pairs[fold][1] for fold in chosen])
        return rows, np.concatenate([self.fits[fold].predictions for fold in chosen])

    def outcomes(self, data: TrainingData, folds: Iterable[int] | None = None) -> Outcomes:
        """Out-of-fold predictions beside the truth, as they are judged; without `folds`, those of the first folding.

        The naive rule's class shares differ a little from fold to fold. That is no knowledge of rows, so a metric
        of ranking must not see it: there its shares are taken as equal for all rows.
        """
        chosen = self.first_folds(data) if folds is None else tuple(folds)
        if any(fold >= len(data.pairs) for fold in chosen):
            rows, several = self.stacked(data, chosen)
            threshold = choose_threshold(data, self.predictions(data)).value
            return data.outcomes_of(rows, several, threshold=threshold)
        values = self.predictions(data, chosen)
        if self.candidate.family == "baseline" and data.metric in _RANKING:
            known = np.isfinite(values[:, 0])
            values[known] = values[known].mean(axis=0)
        return data.outcomes(values, threshold=choose_threshold(data, values).value)

    def value(self, data: TrainingData, folds: Iterable[int] | None = None) -> float:
        """Primary metric over the finished folds (or `folds`) together, signed so that more is better."""
        chosen = self.first_folds(data) if folds is None else tuple(folds)
        fits = tuple(self.fits[fold] for fold in chosen)
        # It is asked for several times a second, of every candidate, while the models are fitted on the same cores.
        known = self._values.get(chosen)
        if known is None or known.data is not data or any(map(operator.is_not, known.fits, fits)):
            raw = metric_value(data.metric, self.outcomes(data, chosen))
            known = _Value(data, fits, raw if direction_of(data.metric) == "higher" else -raw)
            self._values[chosen] = known
        return known.signed

    def seconds_per_fold(self) -> float:
        """Seconds of fitting and predicting per fold: measured, or as the race suggests."""
        fits = list(self.fits.values()) or ([self.race] if self.race else [])
        return float(np.mean([fit.fit_seconds + fit.predict_seconds for fit in fits])) if fits else 0.0

    def predict_seconds_per_row(self, data: TrainingData) -> float:
        """Seconds that a prediction took, per row, in batches."""
        rows = sum(len(data.all_pairs[fold][1]) for fold in self.fits)
        return sum(fit.predict_seconds for fit in self.fits.values()) / rows if rows else 0.0
