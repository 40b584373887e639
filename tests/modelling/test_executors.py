"""Fits in processes of their own: stopped, limited, and gone with their parent."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ml_engineer.errors import JobLostError
from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.executors import can_fork, make_executor
from ml_engineer.modelling.fits import Failure, Fit, FitTask
from ml_engineer.modelling.portfolio import build_portfolio
from modelling.tables import make_data, small

pytestmark = pytest.mark.skipif(not can_fork(), reason="fits are done in this process where forking is not safe")

LEFT_ALONE = """
import os, signal, sys
from ml_engineer.modelling.executors import make_executor
with make_executor(workers=1) as executor:
    print(executor.folder, executor._server.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def task(candidate: Candidate, data) -> FitTask:
    train, test = data.pairs[0]
    return FitTask(candidate, np.asarray(train), np.asarray(test), "fold 0")


def ended(executor, *, within: float = 60.0):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        finished = executor.wait(1.0)
        if finished:
            return finished
    pytest.fail("no fit ended")


def with_step(step) -> Candidate:
    return Candidate("own", "user", make_pipeline(FunctionTransformer(step), LogisticRegression()))


def test_a_fit_in_a_process_gives_what_a_fit_here_gives() -> None:
    data = make_data()
    candidate = next(small(one) for one in build_portfolio(data, seed=0, threads=1) if one.name == "boosting")
    found = []
    for workers in (0, 1):
        with make_executor(workers=workers) as executor:
            executor.load(data)
            ticket = executor.submit(task(candidate, data))
            [(same, fit)] = ended(executor)
            assert same == ticket
            assert isinstance(fit, Fit)
            found.append(fit.predictions)
    assert np.array_equal(*found)


def test_a_fit_that_takes_too_much_memory_is_stopped_and_the_next_one_runs() -> None:
    data = make_data()

    def hoard(_rows):
        import threading

        kept = np.ones(60_000_000)
        threading.Event().wait()
        return kept

    with make_executor(workers=1, memory_limit=400 * 2**20) as executor:
        executor.load(data)
        executor.submit(task(with_step(hoard), data))
        [(_, failure)] = ended(executor)
        assert isinstance(failure, Failure)
        assert "all fits together may take 400 MB" in failure.reason
        simple = next(one for one in build_portfolio(data, seed=0, threads=1) if one.name == "linear")
        executor.submit(task(simple, data))
        [(_, fit)] = ended(executor)
        assert isinstance(fit, Fit)


def test_rows_that_fits_share_are_counted_for_none_of_them_and_a_fit_that_hoards_is_still_stopped() -> None:
    class Wait:
        library = None
        hoarded = 0

        def run(self, rows, **_: object):
            import threading

            kept = np.ones(self.hoarded)
            threading.Event().wait()
            return kept

    hoarding = Wait()
    hoarding.hoarded = 60_000_000
    with make_executor(workers=5, memory_limit=400 * 2**20) as executor:
        executor.load(np.ones(25_000_000))  # 200 MB, in each of four processes
        waiting = [executor.submit(Wait()) for _ in range(4)]
        while not all(executor._running[ticket] for ticket in waiting):
            assert executor.wait(0.1) == []
        assert executor.wait(1.0) == []
        hoard = executor.submit(hoarding)
        [(stopped, failure)] = ended(executor)
        assert stopped == hoard
        assert "MB beside the rows, and all fits together may take 400 MB" in failure.reason
        for ticket in waiting:
            executor.stop(ticket)


def hang(_rows):
    import threading

    threading.Event().wait()


def test_when_the_process_that_holds_the_rows_is_killed_its_fits_are_lost_and_the_next_ones_run() -> None:
    data = make_data("binary")
    candidate = small(build_portfolio(data, seed=0, threads=1)[0])
    with make_executor(workers=2) as executor:
        executor.load(data)
        for _ in range(2):
            lost = executor.submit(task(with_step(hang), data))
            executor._server.kill()
            executor._server.wait()
            begun = executor.submit(task(candidate, data))  # before anybody noticed
            ((ticket, outcome),) = ended(executor)
            assert ticket == lost
            assert "the process that holds the rows ended" in outcome.reason
            ((ticket, outcome),) = ended(executor)
            assert ticket == begun
            assert isinstance(outcome, Fit)
        executor._server.kill()
        assert executor.wait(0.5) == []
        begun = executor.submit(task(candidate, data))
        assert [ticket for ticket, _ in ended(executor)] == [begun]


def test_a_process_for_rows_that_never_begins_is_told_with_its_last_words() -> None:
    with (
        make_executor(workers=1, imports=["no_such_module"]) as executor,
        pytest.raises(JobLostError, match="again and again") as told,
    ):
        executor.load(make_data("binary"))
    assert "No module named 'no_such_module'" in told.value.found


def test_nothing_more_is_heard_of_a_fit_that_was_stopped() -> None:
    data = make_data()
    with make_executor(workers=1) as executor:
        executor.load(data)
        executor.stop(executor.submit(task(with_step(hang), data)))
        assert executor.wait(1.0) == []


def test_a_killed_parent_leaves_no_process_and_no_file() -> None:
    done = subprocess.run([sys.executable, "-c", LEFT_ALONE], capture_output=True, text=True, check=False)
    folder, pid = done.stdout.split()
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(pid)).wait(timeout=60)
    assert not Path(folder).exists()
