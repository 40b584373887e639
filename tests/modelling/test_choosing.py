"""The best alone or an average: known answers from predictions that are given, not fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.choosing import averaging_pays
from ml_engineer.modelling.concluding import SearchResult, conclude
from ml_engineer.modelling.executors import make_executor
from ml_engineer.modelling.fits import Fit
from ml_engineer.modelling.portfolio import baseline_candidate
from ml_engineer.modelling.search_plan import SearchPlan
from ml_engineer.modelling.search_state import SearchState
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import TrainingData
from modelling.tables import CountingJournal, make_data


def _standings(data: TrainingData, errors: Sequence[np.ndarray]) -> list[Standing]:
    """Models that are off by these errors, row by row."""
    target = data.target.astype(float)
    return [
        Standing(
            Candidate(f"model {number}", "linear", estimator=None),  # type: ignore[arg-type]  # never fitted here
            fits={fold: Fit((target + error)[test], 0.1, 0.1) for fold, (_, test) in enumerate(data.pairs)},
            status="finished",
        )
        for number, error in enumerate(errors)
    ]


def _pays(*errors: np.ndarray, data: TrainingData) -> bool:
    return averaging_pays(_standings(data, errors), data, range(len(data.pairs)), seed=0)


def test_models_that_err_apart_are_averaged() -> None:
    data = make_data("regression", rows=400)
    one, two = np.random.default_rng(0).normal(size=(2, data.rows))
    assert _pays(one, two, data=data)


def test_one_row_that_speaks_against_an_average_does_not_outweigh_all_others() -> None:
    data = make_data("regression", rows=400)
    one, two = np.random.default_rng(0).normal(size=(2, data.rows))
    far = np.where(np.arange(data.rows) == 7, 32.0, 0.0)
    half = (one + two + far) / 2
    assert (half**2).sum() > (one**2).sum()
    assert _pays(one, 1.02 * two + far, data=data)


def test_a_model_that_is_best_in_every_fold_stays_alone() -> None:
    data = make_data("regression", rows=400)
    rng = np.random.default_rng(2)
    exact = 0.1 * rng.normal(size=data.rows)
    assert not _pays(exact, 5.0 + rng.normal(size=data.rows), data=data)


def _numbers(rows: int) -> TrainingData:
    data = make_data("regression", rows=rows)
    return replace(data, features=data.features[["width (mm)", "count"]])


def _ended(data: TrainingData, standings: list[Standing], **plan: object) -> SearchResult:
    """The end of a search that found these models; what is fitted on all rows is a straight line, whichever wins."""
    line = make_pipeline(FunctionTransformer(np.nan_to_num), LinearRegression())
    for one in standings:
        one.candidate = replace(one.candidate, estimator=line)
    naive = _standings(data, [data.target.mean() - data.target])[0]
    naive.candidate = baseline_candidate(data)
    with make_executor(workers=0) as executor:
        executor.load(data)
        state = SearchState(
            data,
            executor=executor,
            plan=SearchPlan(float("inf"), **plan),
            clock=lambda: 0.0,
            journal=CountingJournal(),
            report=lambda message, fraction: None,
            finished=lambda standing: None,
            asked_to_stop=lambda: False,
        )
        state.standings = standings
        return conclude(state, naive)


def test_an_average_holds_the_models_that_keep_the_price_and_none_that_is_dearer() -> None:
    data = _numbers(rows=400)
    dear, *cheap = _standings(data, np.random.default_rng(0).normal(size=(3, data.rows)) * [[0.1], [1], [1]])
    dear.fits = {fold: replace(fit, predict_seconds=1000.0) for fold, fit in dear.fits.items()}
    champion = _ended(data, [dear, *cheap], price_milliseconds=100.0).champion.candidate
    assert {part.name for part, _ in champion.members} == {"model 1", "model 2"}


@pytest.mark.parametrize(("alike", "wins"), [(0.0, "ensemble"), (0.99, "model 0")])
def test_the_simplest_within_noise_is_held_against_the_average_that_would_be_champion(alike: float, wins: str) -> None:
    data = _numbers(rows=1200)
    one, other = np.random.default_rng(0).normal(size=(2, data.rows))
    standings = _standings(data, [one, alike * one + np.sqrt(1 - alike**2) * other])
    standings[1].candidate = replace(standings[1].candidate, family="forest")
    assert _ended(data, standings).champion.candidate.name == "ensemble"
    result = _ended(data, standings, champion="simplest-within-noise")
    assert result.champion.candidate.name == wins
    assert any(("beyond chance" if wins == "ensemble" else "may be chance") in told for told in result.decisions)


def test_rows_of_one_group_are_one_voice_against_an_average() -> None:
    rows, folds = 400, np.arange(400) % 4
    pairs = tuple((np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(4))
    data = make_data("regression", rows=rows, pairs=pairs)
    one, two = np.random.default_rng(0).normal(size=(2, data.rows))
    # A patient of thirty visits in a fold, on which one of the parts is off each time.
    patient = np.isin(np.arange(rows), pairs[1][1][:30])
    far = np.where(patient, 8.0, 0.0)
    assert not _pays(one, 1.2 * two + far, data=data), "thirty rows would outweigh the others"
    groups = np.where(patient, 0, 1 + np.arange(rows))
    assert _pays(one, 1.2 * two + far, data=replace(data, clusters=groups))
