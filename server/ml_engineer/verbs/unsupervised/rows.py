"""Development rows as searches for groups and anomalies take them, with the option list and the judge of the task."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.project.user_code import load_candidates
from ml_engineer.unsupervised.choosing import Labels
from ml_engineer.unsupervised.judging import Detectors, Groupings, Judge
from ml_engineer.unsupervised.labels import labels_of, read_labels
from ml_engineer.unsupervised.options import Option, cluster_options, detector_options
from ml_engineer.unsupervised.rows import LookedAt, sample_positions
from ml_engineer.verbs.training.rows import TrainingRows
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.requests import TrainRequest

__all__ = ["Sample", "cannot_be_known", "judge_of", "known_labels", "looked_at", "options_of", "used_columns"]

_CANNOT_BE_KNOWN = {
    "clustering": (
        (
            "Whether these groups are the ones that matter to anyone: rows can be grouped in many ways, and no number here knows "
            "the purpose."
        ),
        "Whether there are 'really' so many groups: the number is the one that other rows of the same kind would give again.",
        (
            "Whether a bent or ring-shaped continuum was cut into pieces: the rows without groups that were compared are clouds, "
            "even boxes and shuffled columns, not every shape."
        ),
        (
            "What the groups mean: the columns that set them apart are those that made them, so that their differences prove "
            "nothing."
        ),
    ),
    "anomaly_detection": (
        "How many of the flagged rows are what you look for: without labels there is no precision and no recall.",
        (
            "Whether real anomalies look like the planted ones: those are rows whose columns do not go together, or with one "
            "value far away."
        ),
        "How many anomalies there are: the share that is flagged is what was asked for, not what was found.",
        "Whether unusual is bad: a rare customer and a thief are equally unusual.",
    ),
}


def cannot_be_known(problem: ProblemDefinition) -> tuple[str, ...]:
    """What no number of this run can tell."""
    sentences = _CANNOT_BE_KNOWN[problem.task_type]
    if problem.task_type == "anomaly_detection" and problem.target:
        return (
            "How many anomalies of kinds that nobody labelled are missed: the labels know their own kinds only.",
            *sentences[1:],
        )
    return sentences


@dataclass(frozen=True)
class Sample:
    """The rows that options are compared on.

    Parameters
    ----------
    rows : TrainingRows
        All development rows.
    seen : LookedAt
        Those that are looked at.
    chosen : numpy.ndarray of shape (m,)
        Their positions among all.
    """

    rows: TrainingRows
    seen: LookedAt
    chosen: npt.NDArray[np.integer]


def looked_at(rows: TrainingRows) -> Sample:
    """The rows that options are compared on, and their positions among the development rows."""
    chosen = sample_positions(rows.data.rows)
    place = np.full(rows.data.rows, -1)
    place[chosen] = np.arange(len(chosen))
    pairs = [(place[train][place[train] >= 0], place[test][place[test] >= 0]) for train, test in rows.data.pairs]
    numbers = tuple(int(rows.development.folds[test[0]]) for _, test in rows.data.pairs)
    clusters = rows.data.clusters
    seen = LookedAt(
        rows.data.features.iloc[chosen],
        pairs,
        numbers,
        clusters=None if clusters is None else clusters[chosen],
        blocks=rows.split.definition.strategy == "time",
    )
    return Sample(rows, seen, chosen)


def judge_of(problem: ProblemDefinition) -> Judge:
    """What tells one option from another."""
    if problem.task_type == "clustering":
        return Groupings()
    return Detectors(problem.expected_fraction or 0.01)


def known_labels(problem: ProblemDefinition, frame: pd.DataFrame) -> Labels | None:
    """Known anomalies among some rows; none if the problem has no column of them."""
    if not problem.target or problem.target not in frame:
        return None
    column = frame[problem.target]
    if column.notna().sum() == 0:
        return None
    known = column.dropna().astype(str)
    if problem.positive_class not in set(known):
        return Labels(known=column.notna().to_numpy(), positive=np.zeros(len(column), dtype=bool))
    return labels_of(column, read_labels(column, positive=problem.positive_class))


def used_columns(problem: ProblemDefinition, frame: pd.DataFrame) -> pd.DataFrame:
    """The raw columns that the model may see."""
    return frame[[column.name for column in problem.features if column.name in frame]]


def options_of(rows: TrainingRows, request: TrainRequest) -> list[Option]:
    """What is tried: the house's own options and, of candidates.py, detectors; or those that were asked for.

    Raises
    ------
    InputError
        If an option is asked for that does not exist, or an entry of candidates.py cannot serve here.
    """
    features = rows.data.features
    if rows.problem.task_type == "clustering":
        options = cluster_options(features, wanted=rows.problem.clusters, seed=request.seed)
        options += _own(rows, needs="predict")
    else:
        options = detector_options(features, seed=request.seed)
        options += _own(rows, needs="score_samples")
    names = [option.name for option in options]
    unknown = [name for name in request.candidates or () if name not in {*names, "baseline"}]
    if unknown:
        raise InputError(
            f"There is no candidate {unknown[0]!r}",
            found=f"known are {', '.join(names)}",
            remedy="Pass names from this list, or none for all",
        )
    return [option for option in options if request.candidates is None or option.name in request.candidates]


def _own(rows: TrainingRows, *, needs: str) -> Iterator[Option]:
    """Pipelines of candidates.py."""
    for name, estimator in load_candidates(rows.layout).items():
        if not hasattr(estimator, "steps") or not hasattr(type(estimator[-1]), needs):
            raise InputError(
                f"The candidate {name!r} of candidates.py cannot be used for {rows.problem.task_type}",
                found=f"it is a {type(estimator).__name__}",
                remedy=f"Give a pipeline whose last step has {needs}, and whose other steps prepare numbers",
            )
        yield Option(name, "user", estimator, "A pipeline of the project's own.", simplicity=99)
