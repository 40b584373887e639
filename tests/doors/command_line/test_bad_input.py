"""Whatever a person hands in at the terminal: a clear error with a remedy and nothing written, or a sound result."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_engineer.doors.command_line.commands import run_commands
from ml_engineer.doors.command_line.exit_codes import ExitCode
from ml_engineer.doors.desk import Desk
from ml_engineer.jobs.store import JobStore
from ml_engineer.project.workspace import Workspace

ROWS = 60
BILLION = "range(1000000000)"
Frame = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the person stands, with a table beside."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    lines = [f"{row},{row % 7},{'yes' if row % 3 else 'no'}" for row in range(ROWS)]
    (here / "good.csv").write_text("\n".join(["x,z,y", *lines]), encoding="utf-8")
    (tmp_path / "secret.csv").write_text("a,y\n1,2\n", encoding="utf-8")
    return here


@pytest.fixture
def frame(folder: Path, tmp_path: Path) -> Frame:
    """``ml-engineer frame-problem DATA --target y …`` from `folder`, confined to it."""
    here = Workspace(folder, "the test")
    desk = Desk(here, here, JobStore(tmp_path / "state"))

    def _frame(data: str, *more: str, target: str = "y") -> int:
        return run_commands(["frame-problem", data, "--target", target, *more], desk)

    return _frame


def _lines(*lines: str) -> bytes:
    return "\n".join(lines).encode()


REFUSED = {
    "an empty file": (b"", "y", "is empty"),
    "a header without rows": (b"a,b,y\n", "y", "no rows"),
    "bytes that are no table": (random.Random(0).randbytes(4000), "y", "not a table that can be read"),
    "one row": (b"a,b,y\n1,2,3\n", "y", "Too few rows"),
    "one column": (_lines("y", *("01" * 50)), "y", "one column only"),
    "a target that is not there": (_lines("a,churned", *["1,2"] * 50), "chruned", "nearest names: 'churned'"),
    "a target with one value": (_lines("a,y", *(f"{row},no" for row in range(50))), "y", "one value only"),
    "a target without a value": (_lines("a,y", *(f"{row}," for row in range(50))), "y", "no value in any"),
    "a text target that never repeats": (
        _lines("a,y", *(f"{row % 5},name {row}" for row in range(200))),
        "y",
        "different in nearly every row",
    ),
}


@pytest.mark.parametrize(("content", "target", "problem"), REFUSED.values(), ids=REFUSED)
def test_a_table_that_cannot_be_used_is_refused_with_a_remedy_and_nothing_is_written(
    frame: Frame, folder: Path, capfd: pytest.CaptureFixture[str], *, content: bytes, target: str, problem: str
) -> None:
    (folder / "bad.csv").write_bytes(content)
    assert frame("bad.csv", target=target) == ExitCode.BAD_INPUT
    _says(capfd, problem)
    assert sorted(path.name for path in folder.iterdir()) == ["bad.csv", "good.csv"]


WRONG = {
    "a missing file": (["gone.csv"], "There is no file"),
    "a project outside the workspace": (["good.csv", "--project-dir", "../elsewhere"], "outside the workspace"),
    "sql that writes": (["good.csv", "--sql", "COPY (SELECT 1) TO 'out.csv'"], "exactly one SELECT"),
    "sql that reads another file": (["good.csv", "--sql", "SELECT * FROM '../secret.csv'"], "locked"),
    "sql that does not end": (
        ["good.csv", "--sql-seconds", "0.5", "--sql", f"SELECT * FROM {BILLION} a, {BILLION} b WHERE a.range < -1"],
        "did not end within 0.5 seconds",
    ),
}


@pytest.mark.parametrize(("arguments", "problem"), WRONG.values(), ids=WRONG)
def test_an_argument_that_cannot_be_followed_is_refused_with_a_remedy_and_nothing_is_written(
    frame: Frame, folder: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    assert frame(*arguments) == ExitCode.BAD_INPUT
    _says(capfd, problem)
    assert [path.name for path in folder.iterdir()] == ["good.csv"]
    assert not (folder.parent / "elsewhere").exists()


def _says(capfd: pytest.CaptureFixture[str], problem: str) -> None:
    said = capfd.readouterr()
    assert said.out == ""
    text = " ".join(said.err.split())
    assert problem in text
    assert "Do:" in text
    assert "Traceback" not in text


def test_names_that_repeat_or_are_missing_and_cells_of_every_kind_are_framed_and_told(
    frame: Frame, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    draw = random.Random(0)
    kinds = ["0.5", "abc", "12 kg", "True", "2020-01-01", ""]
    stamps = ["2024-01-01T10:00:00+02:00", "2024-01-01T10:00:00Z", "2024-01-02 11:00", "2024-03-01T10:00:00-05:00"]
    rows = (
        f"{draw.choice(kinds)},{draw.choice(stamps)},{draw.choice(['inf', '-inf', '1e999', '3'])},{row},{row % 2}"
        for row in range(200)
    )
    (folder / "odd.csv").write_bytes(_lines("m,t,,m,y", *rows))
    assert frame("odd.csv", "--json") == ExitCode.DONE
    reply = json.loads(capfd.readouterr().out)
    told = json.loads((folder / "ml" / "experiments" / "records" / "profile.json").read_text(encoding="utf-8"))
    warnings = " ".join(told["report"]["warnings"])
    assert reply["status"] == "done"
    assert "'m' is now 'm_2'" in warnings
    assert "Infinite values are missing: 'column_3'" in warnings
    assert "'t' stamps without a zone taken for UTC" in warnings


@pytest.mark.full
def test_ten_thousand_columns_are_framed_and_the_answer_stays_short(
    frame: Frame, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    draw = random.Random(0)
    rows = (",".join([*(f"{draw.random():.3f}" for _ in range(10_000)), str(row % 2)]) for row in range(60))
    (folder / "wide.csv").write_bytes(_lines(",".join([*(f"c{place}" for place in range(10_000)), "y"]), *rows))
    assert frame("wide.csv", "--json") == ExitCode.DONE
    assert len(capfd.readouterr().out) < 3000
