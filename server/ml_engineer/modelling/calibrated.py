"""A calibrated model: the champion with a fixed map behind it, in objects of scikit-learn alone, and its source text."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from ml_engineer.modelling.calibration import SMALLEST, Calibration, Calibrator
from ml_engineer.modelling.layout import Atom, Bracket, Node, quoted, render
from ml_engineer.statistics.weighted_fit import put_together

__all__ = ["CALIBRATION_IMPORTS", "calibrated_model", "calibration_constants", "calibration_function"]

CALIBRATION_IMPORTS: tuple[str, ...] = (
    "import numpy as np",
    "from sklearn.ensemble import VotingClassifier",
    "from sklearn.frozen import FrozenEstimator",
    "from sklearn.linear_model import LogisticRegression",
    "from sklearn.pipeline import Pipeline",
    "from sklearn.preprocessing import FunctionTransformer",
)
"""What `calibration_function` needs."""


def calibrated_model(unfitted: Any, fitted: Any, calibrator: Calibrator, classes: npt.NDArray[np.generic]) -> Pipeline:
    """The fitted model with its map behind it: what `calibration_function` builds, and then fits on the same rows.

    Parameters
    ----------
    unfitted, fitted : estimator
        The champion as it is built, and as it was fitted, on labels.
    calibrator : Calibrator
        The map.
    classes : numpy.ndarray of shape (k,)
        Sorted labels.
    """
    vote = VotingClassifier([("uncalibrated", unfitted)], voting="soft")
    put_together(vote, [fitted], classes)
    steps: list[tuple[str, Any]] = [
        ("model", vote),
        ("positive", FunctionTransformer(np.clip, kw_args={"a_min": SMALLEST, "a_max": 1.0})),
        ("log", FunctionTransformer(np.log)),
    ]
    fixed = LogisticRegression()
    fixed.classes_ = vote.classes_
    if len(classes) == 2:
        steps.append(("log_odds", FunctionTransformer(np.diff)))
        fixed.coef_, fixed.intercept_ = np.array([[calibrator.slope]]), np.array([calibrator.offset])
    else:
        fixed.coef_, fixed.intercept_ = calibrator.slope * np.eye(len(classes)), np.zeros(len(classes))
    if calibrator.levels:
        points = {"xp": list(calibrator.levels), "fp": list(calibrator.values)}
        steps.append(("isotonic", FunctionTransformer(np.interp, kw_args=points)))
    return Pipeline([*steps, ("calibration", FrozenEstimator(fixed))])


def calibration_constants(
    calibration: Calibration, classes: npt.NDArray[np.generic], numbers: dict[int, int]
) -> list[str]:
    """Lines of champion.py that hold what was learned: the labels, and the map of each fold and of the final model.

    Parameters
    ----------
    calibration : Calibration
        The maps, by position of the fold.
    classes : numpy.ndarray of shape (k,)
        Sorted labels.
    numbers : dict of int to int
        Number of the stored fold at each position.
    """
    several = len(classes) > 2
    maps = {"None": calibration.everything}
    maps |= {str(numbers.get(place, place)): one for place, one in sorted(calibration.by_fold.items())}
    items = tuple((f"{key}: ", _written(one, several=several)) for key, one in maps.items())
    what = (
        "the slope of log probabilities"
        if several
        else "log-odds before and after, straight in between"
        if calibration.method == "isotonic"
        else "slope and offset of log-odds"
    )
    labels = Bracket("[", tuple(("", _literal(label)) for label in classes.tolist()), "]")
    kind = (
        "float"
        if several
        else f"tuple[{'list[float], list[float]' if calibration.method == 'isotonic' else 'float, float'}]"
    )
    before = f"CALIBRATION: dict[int | None, {kind}] = "
    return [
        f"CLASSES = {render(labels, before='CLASSES = ')}",
        f"# Calibration: {what}, learned on out-of-fold predictions and fixed since. None is for the model on all",
        "# rows; a fold's own was learned without that fold, so that the score knows nothing it should not.",
        f"{before}{render(Bracket('{', items, '}'), before=before)}",
    ]


def _written(calibrator: Calibrator, *, several: bool) -> Node:
    if several:
        return Atom(repr(calibrator.slope))
    if calibrator.levels:
        lists = (
            Bracket("[", tuple(("", Atom(repr(one))) for one in values), "]")
            for values in (calibrator.levels, calibrator.values)
        )
        return Bracket("(", tuple(("", one) for one in lists), ")", is_tuple=True)
    return Bracket("(", (("", Atom(repr(calibrator.slope))), ("", Atom(repr(calibrator.offset)))), ")", is_tuple=True)


def _literal(label: Any) -> Node:
    return Atom(quoted(label) if isinstance(label, str) else repr(label))


def calibration_function(calibration: Calibration, classes: npt.NDArray[np.generic]) -> str:
    """Text of build_model for a calibrated champion."""
    if len(classes) > 2:
        fixed, more = _SEVERAL, ""
    elif calibration.method == "isotonic":
        fixed, more = _ISOTONIC, _LOG_ODDS + _INTERPOLATED
    else:
        fixed, more = _TWO, _LOG_ODDS
    return _FUNCTION.format(fixed=fixed, more=more, smallest=SMALLEST)


_FUNCTION = '''\
def build_model(fold: int | None = None) -> Pipeline:
    """Build the unfitted model; it takes the frame that build_features returns.

    Its last step is fixed: it maps probabilities to what they turned out to mean. With `fold` it is the map for
    predicting that stored fold.
    """
    calibration = LogisticRegression()
    calibration.classes_ = np.array(CLASSES)
{fixed}
    return Pipeline(
        [
            # A vote of one, because a vote hands its probabilities on to the next step.
            ("model", VotingClassifier([("uncalibrated", build_uncalibrated())], voting="soft")),
            ("positive", FunctionTransformer(np.clip, kw_args={{"a_min": {smallest}, "a_max": 1.0}})),
            ("log", FunctionTransformer(np.log)),
{more}            ("calibration", FrozenEstimator(calibration)),
        ]
    )
'''
_LOG_ODDS = '            ("log_odds", FunctionTransformer(np.diff)),\n'
_INTERPOLATED = '            ("isotonic", FunctionTransformer(np.interp, kw_args={"xp": levels, "fp": values})),\n'
_TWO = """\
    slope, offset = CALIBRATION[fold]
    calibration.coef_, calibration.intercept_ = np.array([[slope]]), np.array([offset])"""
_SEVERAL = """\
    calibration.coef_ = CALIBRATION[fold] * np.eye(len(CLASSES))
    calibration.intercept_ = np.zeros(len(CLASSES))"""
_ISOTONIC = """\
    levels, values = CALIBRATION[fold]
    calibration.coef_, calibration.intercept_ = np.array([[1.0]]), np.array([0.0])"""
