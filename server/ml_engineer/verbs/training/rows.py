"""Everything that a training starts from, read and checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer import seal
from ml_engineer.errors import ProjectStateError
from ml_engineer.evaluation.prediction import learned_target
from ml_engineer.modelling.training_data import FoldPair, TrainingData
from ml_engineer.project.definition import load_problem, refuse_redealt
from ml_engineer.project.development import Development, load_development
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.project.row_locality import check_row_local
from ml_engineer.project.user_code import load_features
from ml_engineer.splitting import fold_pairs, group_codes
from ml_engineer.verbs.training.row_weights import row_weights
from ml_engineer.vocabulary.problem import ProblemDefinition, SplitDefinition
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import FoundationModel, TextModel

__all__ = ["TrainingRows", "load_training_rows"]


@dataclass(frozen=True)
class TrainingRows:
    """What a training starts from.

    Parameters
    ----------
    layout, problem, split
        The project and its records.
    development : Development
        Cleaned rows with their folds.
    data : TrainingData
        The same as the search takes them.
    features_sha256 : str
        Hash of features.py as it was run.
    text_model : TextModel, optional
        The model that running text may be read by; there is running text then.
    foundation_model : FoundationModel, optional
        Weights of a further candidate.
    """

    layout: ProjectLayout
    problem: ProblemDefinition
    split: SplitPlan
    development: Development
    data: TrainingData
    features_sha256: str
    text_model: TextModel | None = None
    foundation_model: FoundationModel | None = None

    def fold_numbers(self, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """Fold number of the rows at these positions, -1 for all others; shape (n,)."""
        numbers = np.full(self.data.rows, -1, dtype=np.int64)
        numbers[rows] = self.development.folds[rows]
        return numbers

    @property
    def numbers_by_position(self) -> dict[int, int]:
        """Stored number of the fold at each position of `data.pairs`."""
        return {place: int(self.development.folds[test[0]]) for place, (_, test) in enumerate(self.data.pairs)}

    def fold_numbers_of(self, positions: Iterable[int]) -> tuple[int, ...] | None:
        """Stored numbers of the folds at these positions of `data.pairs`; None if they are all."""
        known = self.numbers_by_position
        chosen = tuple(known[position] for position in sorted(positions))
        return None if len(chosen) == len(known) else chosen


def load_training_rows(layout: ProjectLayout) -> TrainingRows:
    """Read the records, the development rows and the features of a project.

    Raises
    ------
    ProjectStateError
        If the project was not framed, or rows or records are not the ones that were framed.
    UserCodeError
        If features.py fails, gives something unusable, or looks at other rows than the one it describes.
    InputError
        If rows have no usable weight although a column was said to hold it.
    """
    problem = load_problem(layout)
    split = load_record(layout, SplitPlan)
    refuse_redealt(problem, split)
    development = load_development(layout, split)
    if seal.frame_sha256(development.frame) != split.development_sha256:
        raise ProjectStateError(
            f"{layout.development} does not hold the rows that were dealt",
            found="its content hash is not the one in the split record",
            remedy="Call frame_problem with the original data; it writes the same rows again",
        )
    features_sha256 = file_sha256(layout.features_py)
    features = _build_features(layout, development.frame.drop(columns=problem.target, errors="ignore"))
    data = _training_data(problem, split, development, features)
    return TrainingRows(layout, problem, split, development, data, features_sha256)


def _build_features(layout: ProjectLayout, rows: pd.DataFrame) -> pd.DataFrame:
    build_features = load_features(layout)
    features = build_features(rows)
    check_row_local(build_features, rows, features, path=layout.features_py)
    return features


def _training_data(
    problem: ProblemDefinition, split: SplitPlan, development: Development, features: pd.DataFrame
) -> TrainingData:
    frame, definition = development.frame, split.definition
    # Where nothing is learned from a target, all rows have the same one.
    target = learned_target(frame[problem.target], problem) if problem.learns_target else np.zeros(len(frame))
    known = problem.classes if problem.judged_as != "ordinal" else tuple(map(str, range(len(problem.classes))))
    if problem.form == "regression":
        target = target.astype(float)
    elif problem.form != "multilabel" and tuple(str(label) for label in np.unique(target)) != known:
        raise ProjectStateError(
            "The classes of the development rows are not those of the problem",
            found=f"{len(np.unique(target))} classes in {problem.target!r}, {len(problem.classes)} in problem.yaml",
            remedy="Call frame_problem again",
        )
    weights = row_weights(problem, frame)
    time_column = definition.time_column if definition.strategy == "time" else None
    return TrainingData(
        task=problem.form,
        metric=problem.primary_metric,
        features=features,
        target=target,
        pairs=tuple(fold_pairs(development.folds, definition)),
        fingerprint=_fingerprint(features, target, development, weights),
        text_columns=frozenset(column.name for column in problem.columns if column.role == "text"),
        positive_class=problem.positive_class,
        costs=problem.costs,
        clusters=group_codes(frame, definition.group_columns) if definition.group_columns else None,
        time_order=None if time_column is None else np.argsort(frame[time_column].to_numpy(), kind="stable"),
        weights=weights,
        named=problem.named,
        label_names=problem.classes if problem.form == "multilabel" else (),
        more_pairs=_more_pairs(problem, development, definition),
        counts=problem.counts,
        quantile=problem.quantile,
    )


def _more_pairs(
    problem: ProblemDefinition, development: Development, definition: SplitDefinition
) -> tuple[FoldPair, ...]:
    """Folds of further foldings; none for rankings and survival, which are judged by order and not by stacked rows."""
    if problem.task_type in {"ranking", "survival"}:
        return ()
    return tuple(pair for folds in development.more_folds for pair in fold_pairs(folds, definition))


def _fingerprint(
    features: pd.DataFrame,
    target: npt.NDArray[np.generic],
    development: Development,
    weights: npt.NDArray[np.float64] | None,
) -> str:
    """Changes whenever features, target, folds, weights or the order of rows change."""
    digest = hashlib.sha256("\0".join(features.columns).encode())
    digest.update(pd.util.hash_pandas_object(features, index=True).to_numpy().tobytes())
    digest.update(pd.util.hash_array(target.ravel()).tobytes())
    for folds in (development.folds, *development.more_folds):
        digest.update(folds.astype("<i8").tobytes())
    digest.update(b"" if weights is None else weights.tobytes())
    return digest.hexdigest()
