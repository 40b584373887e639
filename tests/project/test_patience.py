"""Code is ended when it had its time, and not for what a busy machine kept from it."""

from __future__ import annotations

import pytest

from ml_engineer.project import patience
from ml_engineer.project.patience import OutOfPatienceError, at_most


def a_clock_of(monkeypatch: pytest.MonkeyPatch, step: float) -> list[float]:
    """Processor time that is `step` seconds more at each look; the looks."""
    looks: list[float] = []

    def process_time() -> float:
        looks.append(step * len(looks))
        return looks[-1]

    monkeypatch.setattr(patience.time, "process_time", process_time)
    return looks


def never_end() -> None:
    while True:
        pass


def test_work_that_was_kept_from_the_processor_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = a_clock_of(monkeypatch, 0.001)
    with at_most(0.05):
        while len(looks) < 4:
            pass
    assert looks == pytest.approx([0, 0.001, 0.002, 0.003])


@pytest.mark.parametrize("step", [0.05, 0.0], ids=["it had its time", "it waits by itself"])
def test_other_code_is_ended_at_the_first_look(monkeypatch: pytest.MonkeyPatch, step: float) -> None:
    looks = a_clock_of(monkeypatch, step)
    with pytest.raises(OutOfPatienceError), at_most(0.05):
        never_end()
    assert len(looks) == 2


def test_work_that_never_ends_is_ended_at_the_fifth_look(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = a_clock_of(monkeypatch, 0.001)
    with pytest.raises(OutOfPatienceError), at_most(0.05):
        never_end()
    assert len(looks) == 6
