"""Where rows are few, candidates are compared on several foldings, and what is reported rests on the first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from ml_engineer.modelling.choosing import _judged_parts, simplest_as_good, simplest_within_noise
from ml_engineer.modelling.executors import make_executor
from ml_engineer.modelling.fits import Fit
from ml_engineer.modelling.folding import _affordable, choose_folds
from ml_engineer.modelling.portfolio import build_portfolio
from ml_engineer.modelling.results import candidate_result, champion_gain
from ml_engineer.modelling.search_plan import SearchPlan
from ml_engineer.modelling.search_state import SearchState
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import TrainingData
from ml_engineer.statistics.intervals import estimate
from modelling.tables import CountingJournal, make_data


def repeated(rows: int = 150, *, folds: int = 3, foldings: int = 3) -> TrainingData:
    data = make_data(rows=rows, folds=folds)
    more = [
        pair
        for seed in range(1, foldings)
        for pair in StratifiedKFold(folds, shuffle=True, random_state=seed).split(data.features, data.target)
    ]
    return make_data(rows=rows, folds=folds, more_pairs=tuple(more))


def test_candidates_are_compared_on_all_foldings_and_reported_on_the_first(run_search) -> None:
    data = repeated()
    words = next(one for one in build_portfolio(data, seed=0, threads=1) if one.name == "words")
    looser = replace(words.with_parameters("Less strict.", C=2.0), name="looser")
    result = run_search(data, fits=60, candidates=[words, looser])
    finished = [one for one in result.standings if one.status == "finished" and one is not result.baseline]
    compared = [one for one in finished if not one.hopeless and one.calibration is None]
    assert len(compared) > 1
    assert all(sorted(one.fits) == list(range(9)) for one in compared)
    assert result.folds == (0, 1, 2)
    assert any("3 foldings of 3 folds" in text for text in result.decisions)
    assert champion_gain(result, data, seed=0).rows == data.rows
    told = candidate_result(finished[-1], data, seed=0)
    assert len(told.fold_scores) == 3
    assert told.score is not None
    assert told.score.rows == data.rows


def test_a_budget_without_room_for_more_foldings_uses_one(run_search) -> None:
    result = run_search(repeated(), fits=12, names={"linear", "extra_trees", "boosting"})
    assert not any("foldings" in text for text in result.decisions)
    assert result.folds == (0, 1, 2)


def test_a_row_in_several_foldings_counts_as_one_row() -> None:
    """Telling the same thing three times makes nobody surer."""
    data = repeated()
    rng = np.random.default_rng(0)
    said = rng.dirichlet([2, 2], size=data.rows)
    one = standing(data, said)
    once, thrice = (estimate("log_loss", one.outcomes(data, folds), seed=0) for folds in (range(3), range(9)))
    assert thrice.value == pytest.approx(once.value)
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low, rel=0.15)


def standing(data: TrainingData, said: np.ndarray, *, place: int = 0) -> Standing:
    """A candidate that says the same of a row in every folding."""
    fits = {fold: Fit(said[test], 0.1, 0.1) for fold, (_, test) in enumerate(data.all_pairs)}
    return Standing(build_portfolio(data, seed=0, threads=1)[place], fits=fits, status="finished")


def test_no_folding_lets_a_row_choose_by_what_it_is_judged_on() -> None:
    data = repeated(rows=60)
    for rows, judged, others in _judged_parts(data, range(9)):
        assert len(judged) == 20
        assert not set(rows[judged]) & set(rows[others])
        assert len(others) == 3 * 40


@pytest.mark.parametrize(("worse", "simpler_wins"), [(0.0, True), (0.3, False)])
def test_a_simpler_model_is_taken_if_it_does_as_well(worse: float, simpler_wins: bool) -> None:
    data = repeated()
    rng = np.random.default_rng(0)
    truth = np.eye(2)[data.actual.astype(int)]
    noise = rng.uniform(-0.2, 0.2, size=data.rows)[:, None] * np.array([1.0, -1.0])
    said = 0.3 + 0.4 * truth
    simple = standing(data, said + noise - worse * (truth - 0.5))
    complex_one = standing(data, said - noise, place=6)
    assert (simple.candidate.family, complex_one.candidate.family) == ("linear", "forest")
    chosen = simplest_as_good([simple, complex_one], complex_one, data)
    assert chosen is (simple if simpler_wins else complex_one)
    assert simplest_as_good([simple, complex_one], simple, data) is simple


def test_the_simplest_is_chosen_by_all_foldings() -> None:
    data = repeated()
    truth = np.eye(2)[data.actual.astype(int)]
    good, bad = 0.2 + 0.6 * truth, 0.45 + 0.1 * truth
    best, simple = standing(data, good, place=3), standing(data, bad)
    assert simplest_within_noise([simple, best], best, data, seed=0) is best


def test_without_time_for_all_foldings_one_is_used() -> None:
    """Also where nothing was known of any candidate when the folds were chosen."""
    with make_executor(workers=0) as executor:
        state = SearchState(
            repeated(),
            executor=executor,
            plan=SearchPlan(10.0),
            clock=lambda: 0.0,
            journal=CountingJournal(),
            report=lambda message, fraction: None,
            finished=lambda standing: None,
            asked_to_stop=lambda: False,
        )
        choose_folds(state, [])
        assert state.folds == (0, 1, 2)
        state.folds = tuple(range(9))
        slow = Standing(build_portfolio(state.data, seed=0, threads=1)[0], race=Fit(np.zeros(1), 1.0, 0.0))
        assert _affordable(state, slow)
        assert state.folds == (0, 1, 2)


@pytest.mark.parametrize(("planned", "used"), [(3, 3), (10, 10)])
def test_a_dear_leader_does_not_take_the_folds_of_cheap_ones_that_are_better_together(planned: int, used: int) -> None:
    data = make_data("regression", rows=2_000, folds=planned)
    rng = np.random.default_rng(0)
    with make_executor(workers=0) as executor:
        state = SearchState(
            data,
            executor=executor,
            plan=SearchPlan(60.0),
            clock=lambda: 0.0,
            journal=CountingJournal(),
            report=lambda message, fraction: None,
            finished=lambda standing: None,
            asked_to_stop=lambda: False,
        )
        truth = data.actual[state.watch]
        portfolio = build_portfolio(data, seed=0, threads=1)

        def raced(place: int, error: float, seconds: float) -> Standing:
            fit = Fit(truth + error * rng.normal(size=len(truth)), seconds, 0.0)
            return Standing(portfolio[place], race=fit, race_loss=error)

        dear, *cheap = raced(1, 1.0, 12.0), *(raced(place, 1.2, 0.5) for place in (0, 3, 4, 5))
        order = choose_folds(state, [dear, *cheap])
    assert state.folds == tuple(range(used))
    assert order == [*cheap, dear]
