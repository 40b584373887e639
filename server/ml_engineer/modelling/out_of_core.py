"""LightGBM and XGBoost models of a fitted champion, grown again on more rows than fit into memory.

Prepared rows lie in a file. The library reads them a batch at a time and keeps one or two bytes of each number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import TargetEncoder

from ml_engineer.independent_fits import Clock
from ml_engineer.modelling.growing import FASTEST_RATE
from ml_engineer.modelling.training_data import TrainingData

__all__ = [
    "GrownTrees",
    "NumbersFile",
    "OutOfCoreFit",
    "TreePart",
    "growing_bytes",
    "paced_rates",
    "tree_parts",
    "with_trees",
]

_BATCH_ROWS = 16_384
_BINNED_ROWS = 200_000
_FITTED_SET = ("early_stopping_round", "metric", "num_iterations")
"""What LightGBM notes among a booster's parameters and is told apart, or not at all."""
_GROWN_AGAIN = frozenset({"LGBMClassifier", "LGBMRegressor", "XGBClassifier", "XGBRegressor"})
_PROBED_ROUNDS = 5
_MOST_HURRIED = 4.0
"""A learning rate is raised by no more than this."""
_SAME_RATE = 1.1
_USUAL_RATE = 0.1
"""LightGBM's, where a model names none."""
_USUAL_XGBOOST_RATE, _USUAL_XGBOOST_BINS = 0.3, 256


@dataclass(frozen=True)
class TreePart:
    """A LightGBM or XGBoost model inside of a champion, with what prepares its rows.

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
        """The fitted ``LGBMClassifier``, ``LGBMRegressor``, ``XGBClassifier`` or ``XGBRegressor``."""
        return self.pipeline[-1]

    @property
    def library(self) -> str:
        """Module that grows its trees."""
        return "xgboost" if type(self.model).__name__.startswith("XGB") else "lightgbm"

    @property
    def classes(self) -> int:
        """Trees of each round."""
        if self.library == "xgboost":
            several = int(getattr(self.model, "n_classes_", 2))
            return several if several > 2 else 1
        return int(self.model.booster_.num_model_per_iteration())

    @property
    def columns(self) -> int:
        """Columns of its prepared rows."""
        return int(self.model.n_features_in_)

    @property
    def refusal(self) -> str:
        """Why it cannot be grown on further rows; empty if it can."""
        if self.model.get_params().get("class_weight") is not None:
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

    def load(self, text: str) -> None:
        """Give it other trees, as its library writes them."""
        if self.library == "xgboost":
            self.model.get_booster().load_model(bytearray(text, "utf-8"))
        else:
            self.model.booster_.model_from_string(text)

    def target(self, actual: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What its trees learn of class codes or numbers, (n,)."""
        return actual if self.scale is None else np.asarray(self.scale.transform(actual[:, None])[:, 0])


def tree_parts(model: Any, name: str) -> Iterator[TreePart]:
    """LightGBM and XGBoost models in a fitted champion called `name`, in the order in which they stand in it."""
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
    elif isinstance(model, Pipeline) and len(model) == 2 and type(model[-1]).__name__ in _GROWN_AGAIN:
        yield model, scale, name


def with_trees(model: Any, name: str, trees: Sequence[str | None]) -> Any:
    """A copy of a champion whose boosted models have other trees, as their libraries write them; None leaves them as they are."""
    copy = deepcopy(model)
    for part, text in zip(tree_parts(copy, name), trees, strict=True):
        if text is not None:
            part.load(text)
    return copy


def growing_bytes(columns: int, classes: int, rows: float) -> float:
    """What growing on so many rows takes of memory beside the library itself.

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
class GrownTrees:
    """Trees that were grown on rows in a file.

    Parameters
    ----------
    text : str
        As their library writes them.
    rounds, wanted : int
        Rounds that were grown, and those that there would have been with time enough.
    learned : float
        Share of the way that these rounds went: rounds times learning rate. Near 1 if a higher rate made up for fewer rounds.
    """

    text: str
    rounds: int
    wanted: int
    learned: float


def paced_rates(rounds: int, rate: float, *, deadline: float, clock: Clock, raised: bool = True) -> Iterator[float]:
    """The learning rate of each round, for as long as there is time.

    How fast trees grow on a busy machine is known only while they do. Where not all rounds fit, the rate is raised so that
    those which do go as far together; where even that will not do, it ends before the time is out.

    Parameters
    ----------
    rounds : int
        Rounds at `rate` that make the whole way.
    rate : float
        Learning rate that was planned.
    deadline : float
        Reading of the clock; infinite where no clock decides.
    clock : callable
        Monotonic seconds.
    raised : bool
        Whether a higher rate makes up for fewer rounds, as it does for plain boosting.
    """
    fastest = max(rate, min(FASTEST_RATE, _MOST_HURRIED * rate)) if raised else rate
    began, done, learned, now = clock(), 0, 0.0, rate
    while learned < rounds - 0.5:
        yield now
        done += 1
        learned += now / rate
        passed = clock() - began
        possible = (deadline - began - passed) * done / max(passed, 1e-9)
        if possible < 1:
            return
        wanted = min(max(rate * (rounds - learned) / possible, rate), fastest)
        if done >= _PROBED_ROUNDS and not now / _SAME_RATE < wanted < now * _SAME_RATE:
            now = wanted


class _RowsOfFile:
    """Rows of 64-bit numbers in an open file, one or many at a time.

    Read rather than mapped: pages of a mapped file would count as memory of this process.
    """

    def __init__(self, file: IO[bytes], columns: int, rows: int, *, before_batch: Callable[[], None]) -> None:
        self._file, self._columns, self._rows = file, columns, rows
        self._before_batch = before_batch
        self._block, self._block_number = np.zeros((0, columns)), -1

    def batch(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        """Rows from `start` to before `stop`, (stop - start, columns)."""
        self._before_batch()
        self._file.seek(8 * self._columns * start)
        return np.fromfile(self._file, dtype="float64", count=self._columns * (stop - start)).reshape(-1, self._columns)

    def row(self, place: int) -> npt.NDArray[np.float64]:
        """One row, (columns,).

        Bins are found on 200,000 rows that are asked for one by one, in their order: a read of the disk for each would take
        longer than reading all.
        """
        number, within = divmod(place, _BATCH_ROWS)
        if number != self._block_number:
            start = number * _BATCH_ROWS
            self._block, self._block_number = self.batch(start, min(start + _BATCH_ROWS, self._rows)), number
        return self._block[within].copy()  # a view would keep its whole block


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
        After so long it ends, with the trees that there are.
    """

    parameters: dict[str, Any]
    rounds: int
    rows_path: Path
    target_path: Path
    columns: int
    seconds: float
    library: ClassVar[str] = "lightgbm"
    model_path = None

    @classmethod
    def of(cls, part: TreePart, rows_path: Path, target_path: Path, *, seconds: float) -> OutOfCoreFit:
        """The same model as `part`, with as many rounds."""
        if part.library == "xgboost":
            return _XgboostOutOfCore.of_xgboost(part, rows_path, target_path, seconds)
        booster = part.model.booster_
        parameters = {name: value for name, value in booster.params.items() if name not in _FITTED_SET}
        rounds = int(booster.current_iteration())
        return cls(parameters, rounds, rows_path, target_path, part.columns, seconds)

    def run(self, rows: TrainingData, *, scratch: Path | None, clock: Clock) -> GrownTrees:  # noqa: ARG002  (the rows lie in the file)
        """Grow the trees, all of them or as many as there is time for.

        Raises
        ------
        TimeoutError
            If the time is out before the first one.
        """
        deadline = clock() + self.seconds

        def refuse_late() -> None:
            if clock() > deadline:
                msg = "there was no time to read the rows that its trees were to grow on"
                raise TimeoutError(msg)

        target = np.fromfile(self.target_path, dtype="float64")
        with self.rows_path.open("rb") as file:
            data = self._binned(_RowsOfFile(file, self.columns, len(target), before_batch=refuse_late), target)
        refuse_late()
        return self._grown(data, deadline, clock)

    def _binned(self, rows: _RowsOfFile, target: npt.NDArray[np.float64]) -> Any:
        import lightgbm

        class Rows(lightgbm.Sequence):
            batch_size = _BATCH_ROWS

            def __getitem__(self, place: Any) -> npt.NDArray[np.float64]:
                return rows.batch(place.start, place.stop) if isinstance(place, slice) else rows.row(int(place))

            def __len__(self) -> int:
                return len(target)

        return lightgbm.Dataset(Rows(), label=target, params=self.parameters).construct()

    def _grown(self, data: Any, deadline: float, clock: Clock) -> GrownTrees:
        import lightgbm

        planned = float(self.parameters.get("learning_rate", _USUAL_RATE))
        plain = self.parameters.get("boosting_type", "gbdt") == "gbdt"
        booster = lightgbm.Booster(self.parameters, data)
        at, learned, wanted = planned, 0.0, self.rounds
        for rate in paced_rates(self.rounds, planned, deadline=deadline, clock=clock, raised=plain):
            if rate != at:
                booster.reset_parameter({"learning_rate": rate})
                at = rate
            learned += rate / planned
            if booster.update():  # no leaf can be split any more
                wanted, learned = int(booster.current_iteration()), float(self.rounds)
                break
        grown = int(booster.current_iteration())
        return GrownTrees(str(booster.model_to_string()), grown, wanted, learned / max(self.rounds, 1))


class _XgboostOutOfCore(OutOfCoreFit):
    """XGBoost on rows that lie in a file."""

    library: ClassVar[str] = "xgboost"

    @classmethod
    def of_xgboost(cls, part: TreePart, rows_path: Path, target_path: Path, seconds: float) -> _XgboostOutOfCore:
        """The same model as `part`, with as many rounds."""
        booster = part.model.get_booster()
        given = {name: value for name, value in part.model.get_xgb_params().items() if value is not None}
        given |= {"objective": json.loads(booster.save_config())["learner"]["objective"]["name"]}
        if part.classes > 1:
            given["num_class"] = part.classes
        return cls(given, int(booster.num_boosted_rounds()), rows_path, target_path, part.columns, seconds)

    def _binned(self, rows: _RowsOfFile, target: npt.NDArray[np.float64]) -> Any:
        import xgboost

        class Batches(xgboost.DataIter):
            def __init__(self) -> None:
                super().__init__()
                self._start = 0

            def next(self, input_data: Callable[..., Any]) -> bool:
                start, stop = self._start, min(self._start + _BATCH_ROWS, len(target))
                if start < stop:
                    input_data(data=rows.batch(start, stop), label=target[start:stop])
                self._start = stop
                return start < stop

            def reset(self) -> None:
                self._start = 0

        bins = int(self.parameters.get("max_bin", _USUAL_XGBOOST_BINS))
        return xgboost.QuantileDMatrix(Batches(), max_bin=bins, nthread=self.parameters.get("n_jobs"))

    def _grown(self, data: Any, deadline: float, clock: Clock) -> GrownTrees:
        import xgboost

        planned = float(self.parameters.get("learning_rate", _USUAL_XGBOOST_RATE))
        plain = self.parameters.get("booster", "gbtree") == "gbtree"
        booster = xgboost.Booster(self.parameters, cache=[data])
        learned, grown = 0.0, 0
        for rate in paced_rates(self.rounds, planned, deadline=deadline, clock=clock, raised=plain):
            booster.set_param({"learning_rate": rate})
            booster.update(data, grown)
            learned += rate / planned
            grown += 1
        text = bytes(booster.save_raw("json")).decode("utf-8")
        return GrownTrees(text, grown, self.rounds, learned / max(self.rounds, 1))
