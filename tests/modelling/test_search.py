"""What a search finds, whatever the time and the candidates."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from ml_engineer.errors import JobCancelledError
from ml_engineer.modelling.candidate import Candidate, with_seed
from ml_engineer.modelling.results import champion_gain, leaderboard
from modelling.tables import CountingJournal, make_data


class FittingClock:
    """Stands still, but for ten seconds a fit of `SlowRegression`."""

    now = 0.0

    def __call__(self) -> float:
        return FittingClock.now


class SlowRegression(LogisticRegression):
    def fit(self, X, y, sample_weight=None):  # noqa: N803  (scikit-learn's name)
        FittingClock.now += 10.0
        return super().fit(X, y, sample_weight)


def numbers_only(name: str, model, family="user") -> Candidate:
    keep = FunctionTransformer(np.nan_to_num)
    return Candidate(name, family, make_pipeline(keep, model))


def numeric_data(task: str = "binary", **changes):
    data = make_data(task, **changes)
    return replace(data, features=data.features[["width (mm)", "count"]])


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_planted_signal_beats_the_baseline(task: str, run_search) -> None:
    data = make_data(task)
    result = run_search(data)
    assert result.champion.candidate.family != "baseline"
    assert champion_gain(result, data, seed=0).low > 0
    assert [standing.status for standing in result.standings] == ["finished"] * 8
    values = [standing.value(data) for standing in result.standings]
    assert values == sorted(values, reverse=True)
    assert result.champion is result.standings[0]


def test_a_permuted_target_gives_no_champion_above_the_baseline(run_search) -> None:
    data = make_data(signal=0.0, rows=300)
    result = run_search(data, names={"linear", "boosting_shallow", "random_forest"})
    assert champion_gain(result, data, seed=0).low <= 0


def test_the_same_seed_gives_the_same_predictions_and_another_journal_does_not_matter(run_search) -> None:
    data = make_data("multiclass")
    names = {"linear", "boosting", "extra_trees"}
    first, second = (run_search(data, names=names, journal=CountingJournal()) for _ in range(2))
    for one, two in zip(first.standings, second.standings, strict=True):
        assert one.candidate.name == two.candidate.name
        assert np.array_equal(one.predictions(data), two.predictions(data), equal_nan=True)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_without_any_time_the_baseline_is_the_champion(task: str, run_search) -> None:
    result = run_search(make_data(task), seconds=-1)
    assert result.champion is result.baseline
    assert result.baseline.status == "finished"
    assert {standing.status for standing in result.standings[1:]} == {"out_of_time"}
    assert all(standing.reason for standing in result.standings[1:])


def test_a_candidate_that_fails_costs_only_itself(run_search) -> None:
    data = numeric_data()

    def broken(_rows):
        raise RuntimeError("no\nluck")

    candidates = [
        Candidate("broken", "user", make_pipeline(FunctionTransformer(broken), LogisticRegression())),
        Candidate("leaves", "user", make_pipeline(FunctionTransformer(sys.exit), LogisticRegression())),
        numbers_only("no probabilities", LinearSVC()),
        numbers_only("fine", LogisticRegression()),
    ]
    result = run_search(data, candidates=candidates)
    assert result.champion.candidate.name == "fine"
    reasons = {standing.candidate.name: standing.reason for standing in result.standings if standing.failed}
    assert reasons["broken"] == "fold 1: RuntimeError: no luck"
    assert "SystemExit" in reasons["leaves"]
    assert "predict_proba" in reasons["no probabilities"]
    board = leaderboard(result, data, seed=0)
    assert [entry.name for entry in board.candidates][:2] == ["fine", "baseline"]
    assert {entry.status for entry in board.candidates[2:]} == {"failed"}


def test_nothing_better_than_the_baseline_makes_it_the_champion(run_search) -> None:
    data = numeric_data()
    result = run_search(data, candidates=[numbers_only("coin", DummyClassifier(strategy="uniform", random_state=0))])
    assert result.champion is result.baseline
    assert champion_gain(result, data, seed=0).value == 0


def test_of_two_with_exactly_the_same_score_the_simpler_wins(run_search) -> None:
    data = numeric_data("regression")
    same = [numbers_only("complicated", Ridge()), numbers_only("simple", Ridge(), family="linear")]
    assert run_search(data, candidates=same).champion.candidate.name == "simple"
    tied = [numbers_only("no better", DummyRegressor())]
    assert run_search(data, candidates=tied).champion.candidate.family == "baseline"


def test_what_one_fold_shows_to_be_too_slow_is_left_and_listed(run_search) -> None:
    data = numeric_data(folds=5)
    slow = [numbers_only(name, SlowRegression()) for name in ("first", "second", "third")]
    result = run_search(data, candidates=slow, seconds=95, clock=FittingClock())
    standings = {standing.candidate.name: standing for standing in result.standings}
    assert standings["first"].status == "finished"
    assert {standings[name].status for name in ("second", "third")} == {"out_of_time"}
    assert [len(standings[name].fits) for name in ("second", "third")] == [1, 1]
    assert standings["second"].reason == "1 of 5 folds done; the rest and the refit need about 53 s, 12 s were left"


def test_with_time_for_one_fold_only_the_champion_rests_on_it_and_says_so(run_search) -> None:
    data = numeric_data(folds=5)
    result = run_search(data, candidates=[numbers_only("one", SlowRegression())], seconds=30, clock=FittingClock())
    assert result.champion.candidate.name == "one"
    assert list(result.champion.fits) == [0]
    assert "the first fold alone" in result.warnings[-1]
    gain = champion_gain(result, data, seed=0)
    assert gain.rows == len(data.pairs[0][1])


def test_a_fit_that_takes_the_time_of_all_others_is_told_by_name(run_search) -> None:
    data = numeric_data(folds=5)
    slow, late = numbers_only("slow", SlowRegression()), numbers_only("late", LogisticRegression())
    result = run_search(data, candidates=[slow, late], seconds=4, clock=FittingClock())
    assert "one fit of slow took 10 s, and 1 candidates were never tried" in result.warnings[-1]


def test_one_far_ahead_on_its_only_fold_becomes_the_champion_and_says_so(run_search) -> None:
    data = numeric_data(folds=5, rows=600)
    blind = numbers_only("blind", DummyClassifier(strategy="prior"), family="linear")
    seeing = numbers_only("seeing", SlowRegression())
    result = run_search(data, candidates=[blind, seeing], seconds=45, clock=FittingClock())
    assert result.champion.candidate.name == "seeing"
    assert list(result.champion.fits) == [0]
    assert "seeing" in result.warnings[-1]
    assert {standing.candidate.name for standing in result.standings if standing.status == "finished"} == {
        "baseline",
        "blind",
    }


def test_a_killed_search_resumes_without_redoing_finished_fits(run_search, journal: CountingJournal) -> None:
    data = make_data()
    names = {"linear", "boosting"}
    calls = []

    def killed(message: str, _fraction) -> None:
        calls.append(message)
        if len(calls) == 9:
            raise JobCancelledError("killed")

    with pytest.raises(JobCancelledError):
        run_search(data, names=names, report=killed)
    before = dict(journal)
    resumed = run_search(data, names=names)  # the journal refuses to keep a fit twice
    assert len(before) == 8
    assert before.items() <= journal.items()
    alone = run_search(data, names=names, journal=CountingJournal())
    assert np.array_equal(resumed.champion.predictions(data), alone.champion.predictions(data))


def test_progress_tells_fold_candidate_and_the_best_so_far(run_search) -> None:
    told: list[tuple[str, float | None]] = []
    run_search(make_data(), names={"linear", "linear_strict"}, report=lambda *told_now: told.append(told_now))
    messages = [message for message, _ in told]
    assert "fold 1/3 of baseline" in messages
    assert any(message.startswith("fold 2/3 of linear_strict, best log_loss 0.") for message in messages)
    assert all(fraction is not None and 0 <= fraction <= 1 for _, fraction in told)


def test_a_ranking_metric_gives_the_naive_rule_exactly_one_half(run_search) -> None:
    data = make_data(metric="roc_auc", rows=241)
    result = run_search(data, names=set())
    assert result.baseline.value(data) == 0.5


def test_group_folds_stay_apart_in_every_fit(run_search) -> None:
    groups = np.arange(240) // 4
    folds = groups % 3
    pairs = tuple((np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(3))
    data = make_data(clusters=groups, pairs=pairs)
    result = run_search(data, names={"linear", "boosting"})
    score = leaderboard(result, data, seed=0).candidates[0].score
    assert score is not None
    assert "group" in score.method


def test_with_folds_in_time_the_first_block_is_never_predicted(run_search) -> None:
    order = np.random.default_rng(0).permutation(240)
    blocks = np.array_split(order, 4)
    pairs = tuple((np.concatenate(blocks[:k]), blocks[k]) for k in (1, 2, 3))
    data = make_data("regression", pairs=pairs, time_order=order)
    result = run_search(data, names={"linear", "boosting"})
    predictions = result.champion.predictions(data)
    assert np.isnan(predictions[blocks[0]]).all()
    assert np.isfinite(predictions[order[60:]]).all()
    assert data.predicted_rows(predictions).tolist() == order[60:].tolist()


def test_a_class_that_a_fold_never_trained_on_gets_probability_zero(run_search) -> None:
    data = numeric_data("multiclass", metric="accuracy")
    target = data.target.copy()
    target[data.pairs[0][1][0]] = 7
    rare = replace(data, target=target)
    result = run_search(rare, candidates=[numbers_only("line", LogisticRegression())])
    predictions = result.standings[0].predictions(rare)
    assert predictions.shape == (240, 4)
    assert (predictions[rare.pairs[0][1], 3] == 0).all()


def test_random_states_left_open_get_the_seed() -> None:
    seeded = with_seed(make_pipeline(FunctionTransformer(), LogisticRegression()), 4)
    assert seeded[-1].random_state == 4
    kept = with_seed(LogisticRegression(random_state=1), 4)
    assert kept.random_state == 1
