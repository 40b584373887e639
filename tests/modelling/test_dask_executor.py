"""Fits on a Dask cluster: the same as here, also when workers die."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ml_engineer import TabularRegressor
from ml_engineer.errors import InputError
from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.executors import make_executor
from ml_engineer.modelling.fits import Failure, Fit, FitTask, journal_key
from ml_engineer.modelling.portfolio import baseline_candidate, build_portfolio
from ml_engineer.modelling.search import search
from ml_engineer.modelling.search_plan import SearchPlan
from modelling.tables import CountingJournal, make_data, small

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("default")  # what a cluster of threads and sockets leaves is not ours


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A scheduler and a worker in threads of this process; fits are processes all the same."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=None
    ) as started:
        yield started.scheduler_address


def finished(executor):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ended = executor.wait(1.0)
        if ended:
            return ended
    pytest.fail("no fit ended")


def test_a_fit_on_a_cluster_gives_what_a_fit_here_gives_and_leaves_its_model(cluster: str) -> None:
    data = make_data()
    candidate = next(small(one) for one in build_portfolio(data, seed=0, threads=1) if one.name == "boosting")
    train, test = data.pairs[0]
    found = []
    for address in (None, cluster):
        with make_executor(workers=0, address=address) as executor:
            executor.load(data)
            path = executor.folder / "model.pickle"
            ticket = executor.submit(FitTask(candidate, train, test, "fold 0", model_path=str(path)))
            [(same, fit)] = finished(executor)
            assert same == ticket
            assert isinstance(fit, Fit)
            assert path.exists()
            found.append(fit.predictions)
    assert np.array_equal(*found)


def test_an_estimator_may_leave_its_fits_to_a_cluster(cluster: str) -> None:
    features, target = load_diabetes(return_X_y=True, as_frame=True)
    there = TabularRegressor(budget_evaluations=6, folds=3, executor=cluster).fit(features, target)
    here = TabularRegressor(budget_evaluations=6, folds=3, n_jobs=1).fit(features, target)
    assert there.champion_ == here.champion_
    assert np.allclose(there.predict(features), here.predict(features))


def test_a_fit_that_crashes_or_is_stopped_costs_only_itself(cluster: str) -> None:
    data = make_data()
    train, test = data.pairs[0]

    def crash(_rows):
        os.kill(os.getpid(), signal.SIGSEGV)

    def hang(_rows):
        import threading

        threading.Event().wait()

    with make_executor(workers=0, address=cluster) as executor:
        executor.load(data)
        own = [
            Candidate("own", "user", make_pipeline(FunctionTransformer(step), LogisticRegression()))
            for step in (crash, hang)
        ]
        executor.submit(FitTask(own[0], train, test, "fold 0"))
        [(_, failure)] = finished(executor)
        assert isinstance(failure, Failure)
        assert "signal 11" in failure.reason
        executor.stop(executor.submit(FitTask(own[1], train, test, "fold 0")))
        ticket = executor.submit(FitTask(baseline_candidate(data), train, test, "fold 0"))
        assert [one for one, _ in finished(executor)] == [ticket]


def test_a_worker_that_does_not_see_the_text_model_is_named(cluster: str) -> None:
    with (
        make_executor(workers=0, address=cluster) as executor,
        pytest.raises(InputError, match=r"text model.*has no /nowhere/model"),
    ):
        executor.load(make_data(text_model="/nowhere/model"))


def test_a_worker_that_does_not_see_the_foundation_model_is_named(cluster: str) -> None:
    with (
        make_executor(workers=0, address=cluster) as executor,
        pytest.raises(InputError, match=r"foundation model.*has no /nowhere/model\.ckpt.*leave foundation_model out"),
    ):
        executor.load(make_data(foundation_model="/nowhere/model.ckpt"))


def test_an_address_where_nobody_answers_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml_engineer.modelling.dask_executor._PATIENCE_SECONDS", 0.5)
    with (
        pytest.raises(InputError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9") as caught,
        make_executor(workers=0, address="tcp://127.0.0.1:9"),
    ):
        pass
    assert "dask scheduler --host 127.0.0.1" in caught.value.remedy


@pytest.mark.full
def test_a_search_whose_worker_is_killed_ends_with_the_champion_of_one_left_alone() -> None:
    data = make_data(rows=400)
    names = {"linear", "boosting", "ordered_boosting", "extra_trees", "gradient_boosting"}
    candidates = [one for one in build_portfolio(data, seed=0, threads=1) if one.name in names]
    journals, champions = [], []

    def run(address: str | None, kill=lambda: None) -> None:
        journals.append(CountingJournal())

        def report(_message: str, _fraction: float | None) -> None:
            if len(journals[-1]) == 3:
                kill()

        with make_executor(workers=2, address=address) as executor:
            executor.load(data)
            result = search(
                baseline_candidate(data),
                candidates,
                data,
                executor=executor,
                plan=SearchPlan(float("inf"), budget_evaluations=40),
                clock=time.monotonic,
                journal=journals[-1],
                report=report,
            )
        champions.append((result.champion.candidate.name, result.champion.predictions(data)))
        assert not [one.reason for one in result.standings if one.failed]

    run(None)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        killed = []

        def kill() -> None:
            if not killed:
                killed.append(cluster.workers[0].pid)
                os.kill(killed[0], signal.SIGKILL)

        run(cluster.scheduler_address, kill)
        assert killed
    assert champions[0][0] == champions[1][0]
    assert np.array_equal(champions[0][1], champions[1][1])
    # What one engine finished, another finds: the journal's keys say nothing of who did the work.
    assert set(journals[0]) == set(journals[1])
    assert journal_key(data, candidates[0], "race") in journals[1]
