"""Arguments become a checked request with absolute paths."""

from __future__ import annotations

import pytest

from ml_engineer.doors.desk import assistant_desk, person_desk, read_request
from ml_engineer.errors import InputError
from ml_engineer.vocabulary.verbs import VERBS


def test_an_unknown_argument_is_refused_and_the_near_one_named():
    with pytest.raises(InputError, match="no argument 'budget_secs', did you mean 'budget_seconds'"):
        read_request(VERBS["train"], {"budget_secs": 3})


def test_all_faults_are_told_at_once_with_what_was_given():
    with pytest.raises(InputError) as caught:
        read_request(VERBS["frame_problem"], {"sql": 3, "seed": -1, "split": "by luck"})
    assert "sql is 3; it must be a text" in caught.value.found
    assert "seed is -1; it must be 0 or more" in caught.value.found
    assert "split is 'by luck'; allowed are " in caught.value.found


def test_a_long_value_is_shortened_in_the_message():
    with pytest.raises(InputError) as caught:
        read_request(VERBS["waive_finding"], {"code": "x" * 10_000, "reason": "long enough", "name": "Ann"})
    assert len(str(caught.value)) < 500


def test_an_assistants_writing_stays_in_the_workspace(tmp_path):
    desk = assistant_desk({"ML_ENGINEER_WORKSPACE": str(tmp_path)}, tmp_path)
    request = read_request(VERBS["train"], {"project_dir": "../elsewhere"})
    with pytest.raises(InputError, match="outside the workspace"):
        desk.begin(VERBS["train"], request)


def test_a_person_may_write_where_they_say(tmp_path):
    assert person_desk({}, tmp_path).limit is None


def test_a_person_is_confined_too_if_the_variable_says_so(tmp_path):
    desk = person_desk({"ML_ENGINEER_WORKSPACE": str(tmp_path / ".")}, tmp_path / "..")
    request = read_request(VERBS["train"], {"project_dir": "ml"})
    with pytest.raises(InputError, match="outside the workspace"):
        desk.begin(VERBS["train"], request)


def test_without_a_workspace_an_absolute_project_makes_one_around_it(tmp_path):
    desk = assistant_desk({}, tmp_path.__class__("/"))
    assert desk.workspace is None
    around = desk.for_project(str(tmp_path / "ml"))
    assert around.workspace.root == around.limit.root == tmp_path
    assert desk.for_project("ml") is desk
