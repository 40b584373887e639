"""What the tabular estimators share: their parameters, the frame as it comes, folds, the search, the leaderboard."""

from __future__ import annotations

import os
import time
import warnings
from abc import ABC, abstractmethod
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted, validate_data

from ml_engineer.modelling.columns import sort_columns
from ml_engineer.modelling.executors import make_executor
from ml_engineer.modelling.fast_prediction import FastModel
from ml_engineer.modelling.feature_frame import feature_frame
from ml_engineer.modelling.foundation import check_foundation_model
from ml_engineer.modelling.frame_reading import Readings, readings_of
from ml_engineer.modelling.portfolio import baseline_candidate, build_portfolio
from ml_engineer.modelling.results import candidate_result, leaderboard
from ml_engineer.modelling.search import SearchResult, search
from ml_engineer.modelling.search_plan import SearchPlan
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.text_vectors import check_text_model
from ml_engineer.modelling.training_data import FEW_ROWS, FoldPair, TrainingData
from ml_engineer.modelling.tuning import Tuner
from ml_engineer.statistics.metrics import Task, metrics_for
from ml_engineer.threads import available_cores
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.parameters import check_parameters
from ml_engineer.vocabulary.training import CandidateResult, Leaderboard

__all__ = ["TabularEstimator", "check_lengths"]

_ONE_FIT_ROWS = 100_000
_MOST_WORKERS = 8
_SHORT_SECONDS, _SMALL_CELLS = 10.0, 100_000
"""Below so many seconds, and up to so many cells, where no fit takes long, this process does everything."""
_REPEATS = 3
"""Foldings where rows are few."""
_CLOSING_SECONDS, _INTERVAL_SECONDS, _CLOSING_SHARE = 0.1, 1e-5, 0.05
"""For what follows the fits on all rows: always, more for each row, and at most such a share of the time."""


class _ForgetfulJournal:
    """Finished fits are not kept: a fit of an estimator is not resumed."""

    def find(self, key: str) -> None:
        """Nothing."""

    def keep(self, key: str, arrays: object) -> None:
        """Forget."""


class TabularEstimator(BaseEstimator, ABC):
    """What the estimators share: parameters, the frame, the search."""

    def __init__(
        self,
        *,
        budget_seconds: float = 60.0,
        budget_evaluations: int | None = None,
        metric: Metric | None = None,
        folds: int = 5,
        champion: Literal["best", "simplest-within-noise"] = "best",
        price_milliseconds: float = 10.0,
        memory_limit_mb: int | None = None,
        n_jobs: int | None = None,
        executor: str | None = None,
        text_model: str | os.PathLike[str] | None = None,
        foundation_model: str | os.PathLike[str] | None = None,
        random_state: int = 0,
    ) -> None:
        self.budget_seconds = budget_seconds
        self.budget_evaluations = budget_evaluations
        self.metric = metric
        self.folds = folds
        self.champion = champion
        self.price_milliseconds = price_milliseconds
        self.memory_limit_mb = memory_limit_mb
        self.n_jobs = n_jobs
        self.executor = executor
        self.text_model = text_model
        self.foundation_model = foundation_model
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    @property
    def leaderboard_(self) -> pd.DataFrame:
        """Every candidate, best first: score with interval, times, and what was decided about it."""
        check_is_fitted(self, "_board")
        return self._board

    @cached_property
    def _fast(self) -> FastModel:
        """The champion with a fast way to its answers; what an earlier version saved lacks it, and finds it here."""
        return FastModel(self.model_)

    def _frame(self, X: Any, *, reset: bool) -> pd.DataFrame:  # noqa: N803  (scikit-learn's name)
        """The checked feature frame."""
        if isinstance(X, pd.DataFrame):
            if not X.columns.is_unique:
                twice = X.columns[X.columns.duplicated()].unique().tolist()
                msg = f"X has several columns of one name: {twice[:5]!r}; rename or drop all but one of each"
                raise ValueError(msg)
            validate_data(self, X, reset=reset, skip_check_array=True)
            if reset and len(X) < 2:
                msg = f"Found array with {len(X)} sample(s) (shape={X.shape}) while a minimum of 2 is required"
                raise ValueError(msg)
            table: Any = X
        else:
            table = validate_data(
                self,
                X,
                reset=reset,
                dtype=None,
                ensure_all_finite="allow-nan" if _is_numeric(X) else False,
                ensure_min_samples=2 if reset else 1,
            )
            if table.dtype.kind == "c":
                check_array(table)
        names = [f"x{place}" for place in range(table.shape[1])]
        if reset:
            self._readings = readings_of(table, names) if isinstance(table, pd.DataFrame) else Readings()
        return feature_frame(table, names=names, readings=self._readings)

    def _search(self, data: TrainingData) -> None:
        """Find the champion, and keep what it is asked for later."""
        started = time.monotonic()
        if self.text_model is not None:
            data = _with_text_model(data, Path(self.text_model))
        if self.foundation_model is not None:
            weights = Path(self.foundation_model).resolve()
            check_foundation_model(weights, task=data.task)
            data = replace(data, foundation_model=str(weights))
        done: dict[str, CandidateResult] = {}

        def finished(standing: Standing) -> None:
            """Work out its interval while others are fitted: all of them after the search would be late."""
            result = candidate_result(standing, data, seed=self.random_state)
            done[result.name] = result

        workers = self._workers(data)
        memory = None if self.memory_limit_mb is None else self.memory_limit_mb * 2**20
        large = data.rows >= _ONE_FIT_ROWS
        if self.executor is not None:
            # Workers of a cluster may still hold the rows of another fit.
            data = replace(data, fingerprint=uuid4().hex)
        with make_executor(workers=workers, memory_limit=memory, address=self.executor) as executor:
            executor.load(data)
            threads = max(1, workers) if large else 1
            if large and not executor.is_remote:
                executor.workers = 1
            result = search(
                baseline_candidate(data),
                build_portfolio(data, seed=self.random_state, threads=threads),
                data,
                executor=executor,
                plan=SearchPlan(
                    float("inf")
                    if self.budget_evaluations
                    else started + self.budget_seconds - self._closing_seconds(data),
                    budget_evaluations=self.budget_evaluations,
                    seed=self.random_state,
                    price_milliseconds=float("inf") if self.budget_evaluations else self.price_milliseconds,
                    champion=self.champion,
                ),
                clock=time.monotonic,
                journal=_ForgetfulJournal(),
                report=_tell_nobody,
                finished=finished,
                tuner=Tuner(seed=self.random_state),
            )
        board = leaderboard(result, data, seed=self.random_state, known=done)
        _refuse_undefined(board, data.metric)
        self._keep(result, data, board)

    def _workers(self, data: TrainingData) -> int:
        """Fits at a time; 0 keeps them in this process, which needs no start: of a short time a start takes much."""
        quick = self.budget_seconds < _SHORT_SECONDS and data.features.size <= _SMALL_CELLS
        if self.n_jobs == 1 or (self.n_jobs is None and quick and self.budget_evaluations is None):
            return 0
        jobs = available_cores() if self.n_jobs in {None, -1} else self.n_jobs
        return min(jobs, _MOST_WORKERS)

    def _closing_seconds(self, data: TrainingData) -> float:
        """Time kept for what follows the fits on all rows: the champion's interval, and the end of the workers."""
        return min(_CLOSING_SECONDS + _INTERVAL_SECONDS * data.rows, _CLOSING_SHARE * self.budget_seconds)

    def _keep(self, result: SearchResult, data: TrainingData, board: Leaderboard) -> None:
        self.model_ = result.model
        self._fast = FastModel(result.model)
        self.champion_ = result.champion.candidate.name
        self.out_of_fold_ = result.champion.predictions(data)
        self.decisions_ = result.decisions
        self._board: pd.DataFrame = _board(board)

    def _data(self, features: pd.DataFrame, target: npt.NDArray[Any], groups: Any, sample_weight: Any) -> TrainingData:
        """Features and target with folds; rows of one group stay on one side of each."""
        task, metric = self._task()
        check_parameters(self, metrics=metrics_for(task, has_costs=False))
        weights = None if sample_weight is None else _weights(sample_weight, features)
        clusters = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
        foldings = [
            _pairs(task, target, clusters, folds=self.folds, seed=self.random_state + repeat)
            for repeat in range(_REPEATS if len(target) < FEW_ROWS else 1)
        ]
        return TrainingData(
            task=task,
            metric=self.metric or metric,
            features=features,
            target=target,
            pairs=foldings[0],
            fingerprint="",
            clusters=clusters,
            weights=weights,
            more_pairs=tuple(pair for folding in foldings[1:] for pair in folding),
        )

    @abstractmethod
    def _task(self) -> tuple[Task, Metric]:
        """Kind of task, and what its candidates are ordered by unless the caller says otherwise."""


def _refuse_undefined(board: Leaderboard, metric: Metric) -> None:
    """Refuse to call a candidate the best where no score says anything; raises ValueError naming the metric."""
    finished = [one for one in board.candidates if one.status == "finished"]
    if finished and all(one.score is None for one in finished):
        msg = (
            f"{metric} is undefined on this target for each of {len(finished)} candidates, so that none is the best: "
            "pass another metric"
        )
        raise ValueError(msg)


def _with_text_model(data: TrainingData, folder: Path) -> TrainingData:
    check_text_model(folder)
    if sort_columns(data.features, text_columns=data.text_columns).text:
        return replace(data, text_model=str(folder.resolve()))
    warnings.warn("text_model is not used: no column holds running text", UserWarning, stacklevel=4)
    return data


def _tell_nobody(_message: str, _fraction: float | None) -> None:
    """Report to nobody."""


def _is_numeric(table: Any) -> bool:
    return np.asarray(table).dtype.kind in "biufc"


def check_lengths(features: pd.DataFrame, target: npt.NDArray[Any]) -> None:
    """Refuse a target of another length; raises ValueError in scikit-learn's words."""
    if len(features) != len(target):
        msg = f"Found input variables with inconsistent numbers of samples: {[len(features), len(target)]}"
        raise ValueError(msg)


def _weights(sample_weight: Any, features: pd.DataFrame) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = _check_sample_weight(
        sample_weight, np.empty((len(features), 1)), dtype=np.float64, ensure_non_negative=True
    )
    return found


def _pairs(
    task: Task, target: npt.NDArray[Any], clusters: npt.NDArray[np.integer] | None, *, folds: int, seed: int
) -> tuple[FoldPair, ...]:
    """Folds: of whole groups where there are groups, with the classes in proportion where there are classes."""
    units = len(target) if clusters is None else len(np.unique(clusters))
    if units < 2:
        msg = f"groups puts all {len(target)} rows into one group: folds need at least two, each on a side of its own"
        raise ValueError(msg)
    number = max(2, min(folds, units))
    if task == "regression":
        kind: Any = KFold if clusters is None else GroupKFold
    else:
        number = max(2, min(number, int(np.unique(target, return_counts=True)[1].max())))
        kind = StratifiedKFold if clusters is None else StratifiedGroupKFold
    splitter = kind(number, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class with fewer rows than folds is told by its score, not by the splitter.
        warnings.filterwarnings("ignore", message="The least populated class")
        return tuple(splitter.split(np.zeros(len(target)), target, clusters))


def _board(board: Leaderboard) -> pd.DataFrame:
    rows = [
        {
            "candidate": one.name,
            "family": one.family,
            "status": one.status,
            "score": one.score.value if one.score else np.nan,
            "low": one.score.low if one.score else np.nan,
            "high": one.score.high if one.score else np.nan,
            "fit_seconds": one.fit_seconds,
            "predict_milliseconds_per_row": one.predict_milliseconds_per_row,
            "model_megabytes": one.model_megabytes,
            "explained_by": one.explained_by,
            "decisions": "; ".join(one.decisions),
        }
        for one in board.candidates
    ]
    return pd.DataFrame(rows)
