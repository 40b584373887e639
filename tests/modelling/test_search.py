"""What a search finds, whatever the time and the candidates."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from ml_engineer.errors import JobCancelledError
from ml_engineer.modelling import concluding, standing
from ml_engineer.modelling.candidate import Candidate, with_seed
from ml_engineer.modelling.choosing import averaged
from ml_engineer.modelling.executors import make_executor
from ml_engineer.modelling.fits import Fit, FitTask, fit_rows, predict, run_task
from ml_engineer.modelling.growing import Grown
from ml_engineer.modelling.portfolio import baseline_candidate, build_portfolio
from ml_engineer.modelling.refitting import put_together
from ml_engineer.modelling.results import champion_gain, leaderboard
from ml_engineer.modelling.search import search
from ml_engineer.modelling.search_plan import SearchPlan
from ml_engineer.modelling.search_state import SearchState
from ml_engineer.modelling.standing import Standing
from ml_engineer.statistics.metrics import metric_value
from modelling.tables import CountingJournal, make_data, small


class FittingClock:
    """Stands still, but for ten seconds a fit of `SlowRegression`."""

    now = 0.0

    def __call__(self) -> float:
        return FittingClock.now


class SlowRegression(LogisticRegression):
    def fit(self, X, y, sample_weight=None):  # noqa: N803  (scikit-learn's name)
        FittingClock.now += 10.0
        return super().fit(X, y, sample_weight)


class SlowRidge(Ridge):
    def fit(self, X, y, sample_weight=None):  # noqa: N803  (scikit-learn's name)
        FittingClock.now += 10.0
        return super().fit(X, y, sample_weight)


class SimulatedMachine:
    """One worker on which a fit takes `seconds` a row that it learns from, `slowness` times that from 100 rows on.

    It is the clock too: time passes only while somebody waits for a fit, or fits without it.
    """

    workers, can_stop, is_remote, memory_limit = 1, True, False, None

    def __init__(self, folder: Path, *, seconds: float = 0.05, slowness: float = 1.0) -> None:
        self.folder, self.seconds, self.slowness = folder, seconds, slowness
        self.now = self._spent = 0.0
        self._at_work = False
        self._running: dict[int, tuple[float, object]] = {}

    def __call__(self) -> float:
        return self.now + self._spent

    def took(self, rows: int) -> None:
        seconds = self.seconds * rows * (self.slowness if rows >= 100 else 1.0)
        if self._at_work:
            self._spent += seconds
        else:
            self.now += seconds

    def load(self, data) -> None:
        self._data = data

    def submit(self, task) -> int:
        self._at_work = True
        outcome = task.run(self._data, scratch=None, clock=self)
        ends = self.now + self._spent
        self._at_work, self._spent = False, 0.0
        ticket = id(task)
        self._running[ticket] = (ends, outcome)
        return ticket

    def wait(self, seconds: float) -> list:
        ended = [(ticket, outcome) for ticket, (ends, outcome) in self._running.items() if ends <= self.now + seconds]
        self.now = max([self.now, *(self._running[ticket][0] for ticket, _ in ended)]) if ended else self.now + seconds
        for ticket, _ in ended:
            del self._running[ticket]
        return ended

    def stop(self, ticket: int) -> None:
        self._running.pop(ticket, None)


class TakingTime(LogisticRegression):
    machine: SimulatedMachine

    def fit(self, X, y, sample_weight=None):  # noqa: N803  (scikit-learn's name)
        TakingTime.machine.took(len(X))
        self.learned_from_ = len(X)
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
    result = run_search(
        data, names={"linear", "boosting", "ordered_boosting", "gradient_boosting", "network", "kernel"}
    )
    assert result.champion.candidate.family != "baseline"
    assert champion_gain(result, data, seed=0).low > 0
    assert result.champion is result.standings[0]
    assert not [standing.reason for standing in result.standings if standing.failed]
    alone = [standing.value(data) for standing in result.standings[1:] if standing.status == "finished"]
    assert alone == sorted(alone, reverse=True)
    features, truth = data.features, data.target
    right = (
        (result.model.predict(features) == truth).mean()
        if task != "regression"
        else result.model.score(features, truth)
    )
    assert right > 0.7


def test_a_permuted_target_gives_no_champion_above_the_baseline(run_search) -> None:
    data = make_data(signal=0.0, rows=300)
    result = run_search(data, names={"linear", "boosting_shallow", "random_forest"})
    assert champion_gain(result, data, seed=0).low <= 0


def test_the_same_seed_gives_the_same_predictions_and_another_journal_does_not_matter(run_search) -> None:
    data = make_data("multiclass")
    names = {"linear", "boosting", "extra_trees"}
    first, second = (run_search(data, names=names, journal=CountingJournal(), fits=40) for _ in range(2))
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
    assert reasons["broken"] == "race: RuntimeError: no luck"
    assert "SystemExit" in reasons["leaves"]
    assert "predict_proba" in reasons["no probabilities"]
    board = leaderboard(result, data, seed=0)
    assert [entry.name for entry in board.candidates][:2] == ["fine", "baseline"]
    assert {entry.status for entry in board.candidates[2:]} == {"failed"}


def test_a_candidate_that_fails_takes_as_many_of_the_fits_however_many_are_done_at_a_time(run_search) -> None:
    data = numeric_data()
    marked = data.features.iloc[data.pairs[0][1], 0].dropna().iloc[0]

    def filled(rows):
        return rows.fillna(0.0)

    class Refusing(LogisticRegression):
        """Fails in every fold but the first, which is not learned from this row."""

        def fit(self, X, y, sample_weight=None):  # noqa: N803  (scikit-learn's name)
            if (np.asarray(X)[:, 0] == marked).any():
                raise RuntimeError("no luck")
            return super().fit(X, y, sample_weight)

    candidates = [
        numbers_only("first", LogisticRegression(C=0.2)),
        Candidate("refusing", "user", make_pipeline(FunctionTransformer(filled), Refusing())),
        numbers_only("second", LogisticRegression(C=0.15)),
        numbers_only("third", LogisticRegression(C=0.12)),
    ]
    folds = len(data.pairs)
    found = []
    for workers in (0, 2):
        # A race of four, and folds: all of the first, all of the refusing one, and all but one of the next.
        result = run_search(
            data, candidates=candidates, fits=4 + 3 * folds - 1, workers=workers, journal=CountingJournal()
        )
        made = {one.candidate.name: len(one.fits) for one in result.standings if not one.failed}
        found.append((result.champion.candidate.name, made))
    assert found[0] == found[1]
    assert found[0][1] == {"baseline": folds, "first": folds, "second": folds - 1, "third": 0}


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


def test_what_the_race_shows_to_be_too_slow_is_left_and_listed(run_search) -> None:
    data = numeric_data(folds=5)
    slow = [numbers_only(name, SlowRegression()) for name in ("first", "second", "third")]
    result = run_search(data, candidates=slow, seconds=75, clock=FittingClock())
    standings = {standing.candidate.name: standing for standing in result.standings}
    finished = [name for name in ("first", "second", "third") if standings[name].status == "finished"]
    left = [standings[name] for name in ("first", "second", "third") if standings[name].status == "out_of_time"]
    assert result.champion.candidate.name in finished
    assert left
    assert all("s were left beside the refit" in one.reason or "time" in one.reason for one in left)


def test_with_little_time_fewer_folds_are_used_and_the_search_says_so(run_search) -> None:
    data = numeric_data(folds=5)
    result = run_search(data, candidates=[numbers_only("one", SlowRegression())], seconds=60, clock=FittingClock())
    assert result.champion.candidate.name == "one"
    assert len(result.folds) < 5
    assert list(result.champion.fits) == list(result.folds)
    assert any("of 5 folds are used" in text for text in result.decisions)
    assert champion_gain(result, data, seed=0).rows == sum(len(data.pairs[fold][1]) for fold in result.folds)


def test_of_very_many_rows_one_fold_is_held_out(run_search, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml_engineer.modelling.search_state.HOLDOUT_ROWS", 200)
    data = make_data()
    result = run_search(data, names={"linear"}, seconds=1e6)
    assert result.folds == (0,)
    assert np.isfinite(result.champion.predictions(data)).any(axis=1).sum() == len(data.pairs[0][1])
    assert any("1 of 3 folds is used: with 240 rows" in decision for decision in result.decisions)


def test_of_very_many_rows_the_booster_gets_its_fold_before_others_are_tried(
    run_search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml_engineer.modelling.search_state.HOLDOUT_ROWS", 200)
    data = make_data(signal=0.3)
    begun: list[str] = []
    run_search(data, names={"linear", "boosting", "kernel", "network"}, report=lambda message, _: begun.append(message))
    order = list(dict.fromkeys(message.split(";")[0] for message in begun))
    assert order[:2] == ["race of linear", "race of boosting"]
    assert order[2] in {"fold 0 of linear", "fold 0 of boosting"}
    assert any(message.startswith("race of ") for message in order[3:])


@pytest.mark.parametrize(("seconds", "sees_all"), [(120.0, True), (60.0, False)])
def test_of_more_rows_than_there_is_time_for_a_booster_learns_faster_and_then_from_a_part(
    run_search, monkeypatch: pytest.MonkeyPatch, seconds: float, sees_all: bool
) -> None:
    monkeypatch.setattr("ml_engineer.modelling.search_state.HOLDOUT_ROWS", 200)
    # A machine that takes a hundred seconds for all rows, whatever the race took.
    state_seconds = "ml_engineer.modelling.search_state.SearchState.seconds_per_fold"
    monkeypatch.setattr(state_seconds, lambda _state, standing: 0.1 if standing.fits else 100.0 * standing.lean)
    grown = Grown(None, {"n_estimators": 200}, "200 rounds.")

    def grow(kind, model, learn, watch, **_options):
        return replace(grown, model=clone(model).set_params(n_estimators=5).fit(*learn))

    monkeypatch.setattr("ml_engineer.modelling.fits.grow", grow)
    result = run_search(make_data(), names={"boosting"}, seconds=seconds)
    assert result.champion.candidate.name == "boosting"
    model = result.model.steps[-1][1]
    assert 0.05 < model.learning_rate <= 0.3
    assert model.n_estimators * model.learning_rate == pytest.approx(200 * 0.05, rel=0.03)
    assert (model.subsample_freq == 0) == sees_all
    assert sees_all or 0.03 <= model.subsample < 1
    assert any("The time had no room for more" in line for line in result.champion.story)


@pytest.fixture
def search_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Search among one model on a machine whose rows count as very many; what was found, and when."""
    monkeypatch.setattr("ml_engineer.modelling.search_state.HOLDOUT_ROWS", 200)

    def _search(data, *, seconds: float, slowness: float = 1.0, told=None, asked_to_stop=lambda: False):
        machine = TakingTime.machine = SimulatedMachine(tmp_path, slowness=slowness)
        machine.load(data)
        result = search(
            baseline_candidate(data),
            [numbers_only("line", TakingTime())],
            data,
            executor=machine,
            plan=SearchPlan(seconds),
            clock=machine,
            journal=CountingJournal(),
            report=lambda message, _fraction: None if told is None else told.append(message),
            asked_to_stop=asked_to_stop,
        )
        return result, machine.now

    return _search


# 240 rows in three folds: 80 are tried on, which takes 4 s; 160 are a fold's, which should take 8 s, and 240 are all, 10.8 s.
@pytest.mark.parametrize(
    ("seconds", "slowness"),
    [
        pytest.param(16.0, 1.0, id="the time has no room for the fold"),
        pytest.param(30.0, 5.0, id="the fold takes longer than thought and is stopped"),
        pytest.param(30.0, 1.8, id="the fold takes so long that no time is left for all rows"),
    ],
)
def test_of_more_rows_than_there_is_time_for_a_sample_is_learned_and_judged_on_rows_outside_it(
    search_on, seconds: float, slowness: float
) -> None:
    data = numeric_data()
    result, ended = search_on(data, seconds=seconds, slowness=slowness)
    candidate, (train, test) = result.champion.candidate, data.pairs[0]
    assert (candidate.name, candidate.family) == ("line_on_sample", "user")
    assert champion_gain(result, data, seed=0).low > 0
    assert ended <= seconds + 2
    # On exactly so many of the fold's training rows, and judged on its left-out rows.
    sample = candidate.sample_of(train)
    assert set(sample) < set(train)
    assert len(sample) == candidate.most_rows
    again = candidate.build().fit(data.features.iloc[sample], data.target[sample])
    assert result.folds == (0,)
    raw = replace(result.champion, calibration=None).fits[0].predictions
    if result.champion.calibration is None:
        assert np.allclose(raw, predict(again, data, test))
    assert len(raw) == len(test)
    learned = result.model[0] if result.champion.calibration is not None else result.model
    while hasattr(learned, "steps") or hasattr(learned, "estimators_"):
        learned = learned.steps[-1][1] if hasattr(learned, "steps") else learned.estimators_[0]
    assert learned.learned_from_ == candidate.most_rows
    told = f"learned from {candidate.most_rows} of the 240 development rows"
    assert any(told in text for text in result.decisions)
    assert any(told in text for text in result.warnings)
    line = next(one for one in result.standings if one.candidate.name == "line")
    assert line.candidate.most_rows is None


def test_asked_to_stop_while_a_sample_is_learned_there_is_one_model_of_it(search_on) -> None:
    told: list[str] = []
    result, _ = search_on(
        numeric_data(), seconds=16.0, told=told, asked_to_stop=lambda: any("line_on_sample" in line for line in told)
    )
    assert result.stopped_early
    assert [one.candidate.name for one in result.standings].count("line_on_sample") == 1


def test_no_sample_is_learned_where_all_rows_have_room(search_on) -> None:
    data = numeric_data()
    result, _ = search_on(data, seconds=60.0)
    assert [one.candidate.name for one in result.standings] == ["line", "baseline"]
    assert not any("sample" in text for text in (*result.decisions, *result.warnings))


def test_a_sample_of_noise_makes_no_champion(search_on) -> None:
    data = numeric_data(signal=0.0)
    result, ended = search_on(data, seconds=16.0)
    assert result.champion is result.baseline
    assert ended <= 18


def test_probabilities_are_calibrated_before_the_fits_that_the_time_can_stop(
    run_search, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, order = numeric_data(), []
    calibrate = concluding.choose_calibration

    class Noting(LogisticRegression):
        def fit(self, X, y, sample_weight=None):  # noqa: N803  (scikit-learn's name)
            order.append(len(X))
            return super().fit(X, y, sample_weight)

    def noted(*arguments, **options):
        order.append("calibration")
        return calibrate(*arguments, **options)

    monkeypatch.setattr(concluding, "choose_calibration", noted)
    run_search(data, candidates=[numbers_only("noting", Noting())])
    assert order[-2:] == ["calibration", data.rows]


def test_time_is_kept_for_choosing_among_many_predictions() -> None:
    kept = []
    for rows in (240, 24_000):
        data = numeric_data(rows=rows)
        with make_executor(workers=0) as executor:
            plan = SearchPlan(deadline=60.0)
            state = SearchState(
                data,
                executor=executor,
                plan=plan,
                clock=lambda: 0.0,
                journal=CountingJournal(),
                report=lambda message, fraction: None,
                finished=lambda standing: None,
                asked_to_stop=lambda: False,
            )
            kept.append(state.refit_seconds())
    assert kept[1] - kept[0] > 0.5


def test_a_fit_that_takes_the_time_of_all_others_is_told_by_name(run_search) -> None:
    data = numeric_data(folds=5)
    slow, late = numbers_only("slow", SlowRegression()), numbers_only("late", LogisticRegression())
    result = run_search(data, candidates=[slow, late], seconds=4, clock=FittingClock())
    assert "one fit of slow took 10 s" in result.warnings[-1]
    assert result.model is not None


def test_a_fit_that_hangs_is_stopped_and_costs_only_itself(run_search) -> None:
    data = numeric_data()

    def hang(_rows):
        import threading

        threading.Event().wait()

    hanging = Candidate("hangs", "user", make_pipeline(FunctionTransformer(hang), LogisticRegression()))
    # Without being stopped it would wait for ever.
    result = run_search(data, candidates=[numbers_only("fine", LogisticRegression()), hanging], seconds=40, workers=2)
    assert result.champion.candidate.name == "fine"
    stopped = next(standing for standing in result.standings if standing.candidate.name == "hangs")
    assert "stopped after" in stopped.reason


def test_a_fit_that_ends_its_process_costs_only_itself(run_search) -> None:
    data = numeric_data()

    def crash(_rows):
        import os
        import signal

        os.kill(os.getpid(), signal.SIGKILL)

    crashing = Candidate("crashes", "user", make_pipeline(FunctionTransformer(crash), LogisticRegression()))
    result = run_search(data, candidates=[numbers_only("fine", LogisticRegression()), crashing], seconds=60, workers=2)
    assert result.champion.candidate.name == "fine"
    gone = next(standing for standing in result.standings if standing.candidate.name == "crashes")
    assert "by signal 9" in gone.reason


@pytest.mark.parametrize(("ends", "workers"), [("with an error", 0), ("with an error", 2), ("its process", 2)])
def test_a_champion_that_cannot_be_fitted_on_all_rows_gives_way_to_the_next_best(
    run_search, ends: str, workers: int
) -> None:
    data = numeric_data()

    def not_all(rows):
        if len(rows) == data.rows:
            if ends == "its process":
                os.kill(os.getpid(), signal.SIGKILL)
            raise MemoryError("no room for so many")
        return np.nan_to_num(rows)

    best = Candidate("best", "user", make_pipeline(FunctionTransformer(not_all), LogisticRegression()))
    held_back = numbers_only("held back", LogisticRegression(C=0.1))
    result = run_search(data, candidates=[best, held_back], seconds=60, workers=workers)
    assert result.champion.candidate.name == "held back"
    assert np.isfinite(result.model.predict_proba(data.features)).all()
    assert any("could not be fitted on all rows" in told or "does without" in told for told in result.decisions)


def test_candidates_are_compared_with_the_naive_rule_on_the_rows_that_they_are_judged_on(run_search) -> None:
    """The naive rule errs little over all rows, and much on those that the race watches."""
    data = numeric_data("regression", rows=300)
    width, noise = data.features["width (mm)"].fillna(0).to_numpy(), np.random.default_rng(0).normal(size=300)
    harder = np.where(np.arange(300) < 200, 1.0, 10.0)
    thirds = np.array_split(np.arange(300), 3)
    pairs = tuple((np.setdiff1d(np.arange(300), test), test) for test in thirds)
    data = replace(data, target=harder * (2 * width + noise), pairs=pairs)
    candidates = [numbers_only(f"held back by {alpha}", Ridge(alpha=alpha)) for alpha in (1.0, 10.0, 20.0)]
    result = run_search(data, candidates=candidates)
    assert [one.candidate.name for one in result.standings if one.hopeless] == []


def test_a_model_is_no_worse_than_the_naive_rule_if_it_is_better_on_its_own_folds(run_search) -> None:
    """With the time for one fold, the last and hardest one."""
    rows = 400
    width, noise = np.random.default_rng(0).normal(size=(2, rows))
    spread = np.where(np.arange(rows) < 300, 1.0, 10.0)
    pairs = tuple((np.arange(end), np.arange(end, end + 100)) for end in (100, 200, 300))
    data = replace(
        numeric_data("regression", rows=rows),
        features=pd.DataFrame({"width (mm)": width}),
        target=spread * (2 * width + noise),
        pairs=pairs,
        time_order=np.arange(rows),
    )
    FittingClock.now = 0.0
    slow = numbers_only("slow", SlowRidge())
    result = run_search(data, candidates=[slow], clock=FittingClock(), seconds=45.0)
    assert (result.champion.candidate.name, result.folds) == ("slow", (2,))
    assert not result.champion.useless


def test_processes_and_this_process_find_the_same_champion(run_search) -> None:
    data = make_data("multiclass")
    names = {"linear", "boosting", "extra_trees_pruned"}
    here = run_search(data, names=names, fits=60, journal=CountingJournal())
    there = run_search(data, names=names, fits=60, journal=CountingJournal(), workers=2)
    assert here.champion.candidate.name == there.champion.candidate.name
    assert np.array_equal(here.champion.predictions(data), there.champion.predictions(data), equal_nan=True)
    features = data.features
    assert np.allclose(here.model.predict_proba(features), there.model.predict_proba(features), atol=1e-12)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_average_of_several_is_what_its_source_would_fit(task: str) -> None:
    data = make_data(task, rows=150, folds=2)
    names = {"linear", "boosting", "ordered_boosting_shallow", "gradient_boosting_shallow"}
    parts = [Standing(small(one)) for one in build_portfolio(data, seed=0, threads=1) if one.name in names]
    for part in parts:
        for fold, (train, test) in enumerate(data.pairs):
            part.fits[fold] = run_task(FitTask(part.candidate, train, test, ""), data, scratch=None)
    average = averaged(parts, dict.fromkeys(range(4), 0.25), data)
    candidate = average.candidate
    train, test = data.pairs[1]
    with threadpool_limits(limits=1, user_api="blas"):
        fitted = candidate.build().fit(data.features.iloc[train], data.target[train])
        assert np.allclose(predict(fitted, data, test), average.predictions(data)[test], atol=1e-8)
        everything = np.arange(data.rows)
        models = [fit_rows(part, data, everything, codes=task != "regression") for part, _ in candidate.members]
        on_all = candidate.build().fit(data.features, data.target)
    together = put_together(candidate, models, data)
    assert np.allclose(predict(on_all, data, test), predict(together, data, test), atol=1e-10)


def test_the_simplest_within_noise_is_taken_if_asked_for(run_search) -> None:
    data = numeric_data("regression", rows=300)
    features = data.features.assign(line=np.nan_to_num(data.features["width (mm)"]))
    straight = replace(
        data,
        features=features[["line"]],
        target=3 * features["line"].to_numpy() + np.random.default_rng(0).normal(size=300),
    )
    names = {"linear", "boosting", "extra_trees"}
    result = run_search(straight, names=names, champion="simplest-within-noise")
    assert result.champion.candidate.name == "linear"


def test_a_killed_search_resumes_without_redoing_finished_fits(run_search, journal: CountingJournal) -> None:
    data = make_data()
    names = {"linear", "boosting"}
    calls = []

    def killed(message: str, _fraction) -> None:
        calls.append(message)
        if len(calls) == 6:
            raise JobCancelledError("killed")

    with pytest.raises(JobCancelledError):
        run_search(data, names=names, report=killed)
    before = dict(journal)
    resumed = run_search(data, names=names)  # the journal refuses to keep a fit twice
    assert 3 <= len(before) < len(journal)
    assert before.items() <= journal.items()
    alone = run_search(data, names=names, journal=CountingJournal())
    assert resumed.champion.candidate.name == alone.champion.candidate.name
    assert np.array_equal(resumed.champion.predictions(data), alone.champion.predictions(data))


def test_killed_three_times_with_a_budget_of_fits_it_ends_with_the_champion_of_one_left_alone(
    run_search, journal: CountingJournal
) -> None:
    data = make_data("regression", rows=150)
    names = {"linear", "boosting", "gradient_boosting_shallow", "kernel"}
    alone = run_search(data, names=names, fits=22, journal=CountingJournal())
    for moment in (2, 4, 3):
        calls = iter(range(moment))

        def killed(_message: str, _fraction, calls=calls) -> None:
            if next(calls, None) is None:
                raise JobCancelledError("killed")

        with pytest.raises(JobCancelledError):
            run_search(data, names=names, fits=22, report=killed)
    resumed = run_search(data, names=names, fits=22, workers=2)
    assert resumed.champion.candidate.identity == alone.champion.candidate.identity
    assert np.array_equal(resumed.champion.predictions(data), alone.champion.predictions(data), equal_nan=True)
    assert np.allclose(resumed.model.predict(data.features), alone.model.predict(data.features), atol=1e-10)


def test_asked_for_the_best_so_far_the_search_ends_with_it(run_search, journal: CountingJournal) -> None:
    data = make_data()
    finished: list[str] = []
    result = run_search(
        data,
        names={"linear", "boosting", "ordered_boosting", "extra_trees"},
        fits=100,
        finished=lambda standing: finished.append(standing.candidate.name),
        asked_to_stop=lambda: "linear" in finished,
    )
    assert finished == ["baseline", "linear"]
    assert result.champion.candidate.name == "linear"
    assert result.stopped_early
    assert result.model.predict(data.features.head(3)).shape == (3,)
    assert any("asked for the best so far" in decision for decision in result.decisions)
    assert len(journal) <= 5


def test_new_settings_are_tried_while_they_took_little_of_a_long_time(run_search) -> None:
    class Hopeless:
        """Proposes what is worse than what there is."""

        tried = 0

        def propose(self, _leaders, *, number: int, wide: bool) -> list[Candidate]:
            self.tried += number
            return [
                numbers_only(f"odd {place}", SlowRegression(C=1e-9)) for place in range(self.tried, self.tried + number)
            ]

        def tell(self, _name: str, _loss: float) -> None:
            """Nothing is learned."""

    tuner, data = Hopeless(), numeric_data()
    FittingClock.now = 0.0
    run_search(
        data,
        candidates=[numbers_only("plain", SlowRegression())],
        seconds=4000.0,
        clock=FittingClock(),
        tuner=tuner,
    )
    # Each takes 10 s: 40 in vain are 400 s, and 30 % of the time are 1200 s.
    assert 105 <= tuner.tried <= 130


def test_progress_tells_fold_candidate_and_the_best_so_far(run_search) -> None:
    told: list[tuple[str, float | None]] = []
    run_search(make_data(), names={"linear", "boosting"}, report=lambda *told_now: told.append(told_now))
    messages = [message for message, _ in told]
    assert "race of linear" in messages
    assert "fold 1 of linear" in messages
    assert any("; best log_loss 0." in message for message in messages)
    assert all(fraction is not None and 0 <= fraction <= 1 for _, fraction in told)


def test_telling_the_best_so_far_works_out_no_metric_twice(run_search, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told several times a second, while models are fitted on the same cores."""
    worked_out, told = [], []

    def counted(*arguments, **options):
        worked_out.append(arguments)
        return metric_value(*arguments, **options)

    monkeypatch.setattr(standing, "metric_value", counted)
    run_search(
        make_data(), names={"linear", "boosting", "forest"}, report=lambda message, _fraction: told.append(message)
    )
    assert sum("; best log_loss" in message for message in told) > 4
    # The naive rule, three models and their average.
    assert len(worked_out) <= 5


def test_a_fold_that_was_fitted_anew_is_judged_anew() -> None:
    data = make_data("regression", metric="rmse")
    off = {fold: Fit(data.actual[test] + 3.0, 0.1, 0.1) for fold, (_, test) in enumerate(data.pairs)}
    one = Standing(build_portfolio(data, seed=0, threads=1)[0], fits=off)
    assert one.value(data) == pytest.approx(-3.0)
    one.fits.update({fold: Fit(fit.predictions - 2.0, 0.1, 0.1) for fold, fit in off.items()})
    assert one.value(data) == pytest.approx(-1.0)


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


def test_a_price_that_no_model_keeps_is_told_and_the_quickest_taken(run_search) -> None:
    result = run_search(make_data(rows=150), fits=16, names={"linear", "extra_trees"}, price=1e-9)
    assert result.champion.candidate.family != "baseline"
    assert any("predicts a row within 1e-09 ms" in told for told in result.decisions)
