"""What a path means, and where it may not lead."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_engineer.errors import InputError
from ml_engineer.project.workspace import (
    READ_FIELDS,
    WRITE_FIELDS,
    Workspace,
    find_workspace,
    outside_reads,
    place_request,
    resolve_project,
    workspace_of_project,
)
from ml_engineer.vocabulary.requests import FrameProblemRequest, PredictRequest
from ml_engineer.vocabulary.verbs import VERBS


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, "the test")


def test_our_variable_wins_over_the_hosts_and_that_over_the_current_folder(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    ours, host = {"ML_ENGINEER_WORKSPACE": str(tmp_path / "a")}, {"CLAUDE_PROJECT_DIR": str(tmp_path / "b")}
    assert find_workspace(ours | host, tmp_path / "c").root == tmp_path / "a"
    assert find_workspace(host, tmp_path / "c").root == tmp_path / "b"
    assert find_workspace({}, tmp_path / "c").root == tmp_path / "c"


def test_the_root_of_the_file_system_is_nobodys_workspace():
    assert find_workspace({}, Path("/")) is None


@pytest.mark.parametrize("value", ["relative", "/no/such/folder"])
def test_a_variable_that_names_no_folder_is_told_as_such(tmp_path, value):
    with pytest.raises(InputError, match="ML_ENGINEER_WORKSPACE does not name a folder"):
        find_workspace({"ML_ENGINEER_WORKSPACE": value}, tmp_path)


def test_relative_paths_are_meant_in_the_workspace(here, tmp_path):
    request = FrameProblemRequest(data="d/*.csv", target="y", test_data="./t.csv", project_dir="sub/../ml")
    placed = place_request(request, here, limit=here)
    assert (placed.data, placed.test_data) == (str(tmp_path / "d/*.csv"), str(tmp_path / "t.csv"))
    assert placed.project_dir == str(tmp_path / "ml")


def test_addresses_and_absent_paths_stay_as_they_are(here):
    placed = place_request(FrameProblemRequest(data="", sql="SELECT 1", target="y"), here, limit=here)
    assert (placed.data, placed.test_data) == ("", None)
    assert place_request(PredictRequest(data="postgresql://h/db"), here, limit=here).data == "postgresql://h/db"


def test_relative_paths_without_a_workspace_ask_for_an_absolute_one():
    with pytest.raises(InputError, match="Pass an absolute path"):
        resolve_project("ml", None, limit=None)


@pytest.mark.parametrize("path", ["../ml", "/etc/ml", "ml/../../x"])
def test_writing_outside_is_refused(here, path):
    with pytest.raises(InputError, match="outside the workspace"):
        resolve_project(path, here, limit=here)


def test_a_link_that_leads_outside_is_refused(here, tmp_path, tmp_path_factory):
    (tmp_path / "link").symlink_to(tmp_path_factory.mktemp("outside"))
    with pytest.raises(InputError, match="outside the workspace"):
        resolve_project("link/ml", here, limit=here)


def test_the_output_of_predict_stays_inside_too(here):
    with pytest.raises(InputError, match="outside the workspace"):
        place_request(PredictRequest(data="a.csv", output="/var/out.csv"), here, limit=here)


def test_reading_outside_is_found_through_links_and_in_sql(here, tmp_path, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (tmp_path / "link").symlink_to(outside)
    found = outside_reads({"data": "link/a.csv", "test_data": "b.csv", "query_path": None}, here)
    assert found == (str(tmp_path / "link/a.csv"),)
    sql = "SELECT 'it''s' AS x, 'a/b' FROM 'in.csv' JOIN '/etc/x.csv' USING (k)"
    assert outside_reads({"sql": sql}, here) == ("/etc/x.csv",)


def test_a_project_given_by_its_absolute_path_makes_a_workspace_but_never_of_a_whole_home(tmp_path):
    assert workspace_of_project(str(tmp_path / "ml")).root == tmp_path
    assert workspace_of_project("ml") is None
    assert workspace_of_project("/ml").root == Path("/ml")
    assert workspace_of_project(str(Path.home() / "ml")).root == Path.home() / "ml"


def test_every_argument_that_names_a_file_is_placed():
    names = {name for verb in VERBS.values() for name in verb.request.model_fields}
    files = {
        name
        for name in names
        if name in ("data", "output", "text_model", "foundation_model") or name.endswith(("_data", "_dir", "_path"))
    }
    assert files == {*READ_FIELDS, *WRITE_FIELDS}
