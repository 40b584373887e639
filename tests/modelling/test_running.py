"""Workers are kept busy until a moment, which may move while they work."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ml_engineer.modelling.fits import Failure, Fit
from ml_engineer.modelling.running import Job, Runner


class OneWorker:
    """Each fit takes ten seconds of a clock that only it moves."""

    workers, can_stop, memory_limit, is_remote = 1, True, None, False

    def __init__(self) -> None:
        self.now = 0.0
        self.begun = 0

    def submit(self, task: Any) -> int:
        self.begun += 1
        return self.begun

    def wait(self, seconds: float) -> list[tuple[int, Failure]]:
        self.now += 10.0
        return [(self.begun, Failure("it was only tried"))]

    def stop(self, ticket: int) -> None:
        pass


def test_no_fit_begins_once_what_has_ended_needs_the_rest_of_the_time() -> None:
    worker = OneWorker()
    runner = Runner(worker, None, journal=None, clock=lambda: worker.now, tell=lambda jobs: None)  # type: ignore[arg-type]  # stand-ins: nothing else is asked of them
    standing: Any = SimpleNamespace(candidate=SimpleNamespace(name="boosting"), failed=False)
    done: list[Fit | Failure] = []
    jobs = (Job(standing, f"fold {number}", None, kept=False) for number in range(9))  # type: ignore[arg-type]  # stand-ins: nothing else is asked of them
    # A hundred seconds, until the second fit shows that the end needs eighty of them.
    runner.run(jobs, until=lambda: 100.0 if len(done) < 2 else 20.0, ended=lambda job, outcome: done.append(outcome))
    assert len(done) == worker.begun == 2
