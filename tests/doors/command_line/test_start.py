"""Which commands start a child, and that none is left over."""

from __future__ import annotations

import psutil
import pytest

from ml_engineer.doors.command_line import VERB_COMMANDS, main
from ml_engineer.doors.command_line.exit_codes import ExitCode
from ml_engineer.vocabulary.verbs import VERBS


def test_the_commands_that_need_a_child_are_the_verbs():
    assert {name.replace("_", "-") for name in VERBS} == VERB_COMMANDS


def test_a_command_that_is_refused_leaves_no_child(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(SystemExit) as left:
        main(["predict"])  # the rows are missing
    assert left.value.code == ExitCode.BAD_INPUT
    assert "data" in capsys.readouterr().err.lower()
    children = [child for child in psutil.Process().children(recursive=True) if child not in before]
    assert psutil.wait_procs(children, timeout=30)[1] == []
