"""LightGBM models of a fitted champion, grown again on more rows than fit into memory.

Prepared rows lie in a file. LightGBM reads them a batch at a time and keeps one or two bytes of each number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import TargetEncoder

from ml_engineer.independent_fits import Clock
from ml_engineer.modelling.training_data import TrainingData

__all__ = ["NumbersFile", "OutOfCoreFit", "TreePart", "growing_bytes", "tree_parts", "with_trees"]

_BATCH_ROWS = 16_384
_BINNED_ROWS = 200_000
_FITTED_SET = ("early_stopping_round", "metric", "num_iterations")
"""What LightGBM notes among a booster's parameters and is told apart, or not at all."""


@dataclass(frozen=True)
class TreePart:
    """A LightGBM model inside of a champion, with what prepares its rows.

    Parameters
    ----------
    name : str
        Candidate that it is.
    pipeline : sklearn.pipeline.Pipeline
        Fitted: the preparation and the model.
    scale : transformer, optional
        What its target goes through, fitted.
    """

    name: str
    pipeline: Pipeline
    scale: Any = None

    @property
    def model(self) -> Any:
        """The fitted ``LGBMClassifier`` or ``LGBMRegressor``."""
        return self.pipeline[-1]

    @property
    def classes(self) -> int:
        """Trees of each round."""
        return int(self.model.booster_.num_model_per_iteration())

    @property
    def columns(self) -> int:
        """Columns of its prepared rows."""
        return int(self.model.n_features_)

    @property
    def refusal(self) -> str:
        """Why it cannot be grown on further rows; empty if it can."""
        if self.model.get_params()["class_weight"] is not None:
            return "its classes are weighted"
        steps = self.pipeline[0].get_params(deep=True).values()
        if any(isinstance(step, TargetEncoder) for step in steps):
            return "rows are prepared with means of the target, which are others for rows that they were learned on"
        # What a ColumnTransformer says of itself once it is fitted; other preparations give what they give.
        return "its prepared rows are sparse" if getattr(self.pipeline[0], "sparse_output_", False) else ""

    def prepare(self, features: Any) -> npt.NDArray[np.float64]:
        """Rows as the model takes them, (n, columns).

        Raises
        ------
        ValueError
            If they are sparse.
        """
        rows = self.pipeline[0].transform(features)
        if not isinstance(rows, np.ndarray):
            msg = "its prepared rows are sparse"
            raise ValueError(msg)  # noqa: TRY004  (what it says is for a person, and no type is wrong)
        return np.ascontiguousarray(rows, dtype="float64")

    def target(self, actual: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What its trees learn of class codes or numbers, (n,)."""
        return actual if self.scale is None else np.asarray(self.scale.transform(actual[:, None])[:, 0])


def tree_parts(model: Any, name: str) -> Iterator[TreePart]:
    """LightGBM models in a fitted champion called `name`, in the order in which they stand in it."""
    for part, scale, called in _parts(model, None, name):
        yield TreePart(called, part, scale)


def _parts(model: Any, scale: Any, name: str) -> Iterator[tuple[Pipeline, Any, str]]:
    if isinstance(model, TransformedTargetRegressor):
        yield from _parts(model.regressor_, model.transformer_, name)
    elif isinstance(model, VotingClassifier | VotingRegressor):
        several = len(model.estimators_) > 1
        for (called, _), one in zip(model.estimators, model.estimators_, strict=True):
            yield from _parts(one, scale, called if several else name)
    elif isinstance(model, Pipeline) and isinstance(model[-1], FrozenEstimator):
        yield from _parts(model[0], scale, name)  # calibrated: a vote of one, and a fixed map behind it
    elif (
        isinstance(model, Pipeline)
        and len(model) == 2
        and type(model[-1]).__name__ in {"LGBMClassifier", "LGBMRegressor"}
    ):
        yield model, scale, name


def with_trees(model: Any, name: str, trees: Sequence[str | None]) -> Any:
    """A copy of a champion whose LightGBM models have other trees, as LightGBM writes them; None leaves them as they are."""
    copy = deepcopy(model)
    for part, text in zip(tree_parts(copy, name), trees, strict=True):
        if text is not None:
            part.model.booster_.model_from_string(text)
    return copy


def growing_bytes(columns: int, classes: int, rows: float) -> float:
    """What growing on so many rows takes of memory beside LightGBM itself.

    Binned columns lie there twice, and each tree of a class reads and writes some numbers a row; bins are found on a sample,
    of which there are three copies at a time.
    """
    return (3.0 * columns + 32.0 * max(classes, 1) + 32.0) * rows + 24.0 * columns * min(rows, _BINNED_ROWS)


class NumbersFile:
    """Numbers in a file, written a batch at a time.

    Parameters
    ----------
    path : pathlib.Path
        The file; what was there is replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("wb")

    def append(self, numbers: npt.NDArray[Any]) -> None:
        """Write numbers, (n,) or (n, columns), behind what is there."""
        numbers.astype("float64", copy=False).tofile(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@dataclass(frozen=True)
class OutOfCoreFit:
    """A piece of work: LightGBM on rows that lie in a file.

    Parameters
    ----------
    parameters : dict
        As the booster of the sample had them.
    rounds : int
        Trees to grow, for each class.
    rows_path, target_path : pathlib.Path
        Files of 64-bit numbers: the prepared rows, and what is learned of each.
    columns : int
        Columns of the rows.
    seconds : float
        After so long it gives up.
    """

    parameters: dict[str, Any]
    rounds: int
    rows_path: Path
    target_path: Path
    columns: int
    seconds: float
    library = "lightgbm"
    model_path = None

    @classmethod
    def of(cls, part: TreePart, rows_path: Path, target_path: Path, *, seconds: float) -> OutOfCoreFit:
        """The same model as `part`, with as many rounds."""
        booster = part.model.booster_
        parameters = {name: value for name, value in booster.params.items() if name not in _FITTED_SET}
        rounds = int(booster.current_iteration())
        return cls(parameters, rounds, rows_path, target_path, part.columns, seconds)

    def run(self, rows: TrainingData, *, scratch: Path | None, clock: Clock) -> str:  # noqa: ARG002  (the rows lie in the file)
        """Grow the trees; what LightGBM writes of them.

        Raises
        ------
        TimeoutError
            If the time is out.
        """
        import lightgbm

        deadline = clock() + self.seconds
        target = np.fromfile(self.target_path, dtype="float64")
        columns = self.columns
        with self.rows_path.open("rb") as file:

            class Rows(lightgbm.Sequence):
                batch_size = _BATCH_ROWS

                def __getitem__(self, place: Any) -> npt.NDArray[np.float64]:
                    start, stop = (place.start, place.stop) if isinstance(place, slice) else (place, place + 1)
                    # Read rather than mapped: pages of a mapped file would count as memory of this process.
                    file.seek(8 * columns * int(start))
                    read = np.fromfile(file, dtype="float64", count=columns * int(stop - start)).reshape(-1, columns)
                    return read if isinstance(place, slice) else read[0].copy()

                def __len__(self) -> int:
                    return len(target)

            data = lightgbm.Dataset(Rows(), label=target, params=self.parameters)
            data.construct()
        booster = lightgbm.train(
            self.parameters, data, num_boost_round=self.rounds, callbacks=[_stop_at(deadline, clock)]
        )
        return str(booster.model_to_string())


def _stop_at(deadline: float, clock: Clock) -> Callable[[Any], None]:
    def stop(_: Any) -> None:
        if clock() > deadline:
            msg = "there was not time enough to grow all trees"
            raise TimeoutError(msg)

    return stop
