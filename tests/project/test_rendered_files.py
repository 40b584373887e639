"""A file that a person changed is never overwritten; everything else follows the rendering."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_engineer.errors import ProjectStateError
from ml_engineer.project.rendered_files import Placement, Rendering, place_files, read_rendering, write_rendering


def place(root: Path, before: Placement | None = None, **files: str) -> Placement:
    texts = {name.replace("_", "."): text for name, text in files.items()}
    return place_files(root, texts, rendered_before=before.hashes if before else {}, starters=frozenset({"start.py"}))


def test_new_files_are_written(tmp_path: Path) -> None:
    placement = place(tmp_path, a_py="one\n", b_py="two\n")
    assert placement.written == ("a.py", "b.py")
    assert (tmp_path / "a.py").read_text(encoding="utf-8") == "one\n"


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    first = place(tmp_path, a_py="one\n")
    stamp = (tmp_path / "a.py").stat().st_mtime_ns
    second = place(tmp_path, first, a_py="one\n")
    assert (second.written, second.unchanged, second.kept) == ((), 1, ())
    assert (tmp_path / "a.py").stat().st_mtime_ns == stamp


def test_an_untouched_file_follows_a_new_rendering(tmp_path: Path) -> None:
    first = place(tmp_path, a_py="one\n")
    assert place(tmp_path, first, a_py="two\n").written == ("a.py",)
    assert (tmp_path / "a.py").read_text(encoding="utf-8") == "two\n"


def test_a_changed_file_is_kept_with_the_new_text_beside_it(tmp_path: Path) -> None:
    first = place(tmp_path, a_py="one\ntwo\nthree\n")
    (tmp_path / "a.py").write_text("one\nmine\nthree\n", encoding="utf-8")
    second = place(tmp_path, first, a_py="one\ntwo\nthree\n")
    assert (second.kept[0].path, second.kept[0].lines, second.kept[0].first_line) == ("a.py", 1, 2)
    assert (tmp_path / "a.py").read_text(encoding="utf-8") == "one\nmine\nthree\n"
    assert (tmp_path / "a.py.new").read_text(encoding="utf-8") == "one\ntwo\nthree\n"
    stamp = (tmp_path / "a.py.new").stat().st_mtime_ns
    assert place(tmp_path, second, a_py="one\ntwo\nthree\n").kept == second.kept
    assert (tmp_path / "a.py.new").stat().st_mtime_ns == stamp


def test_a_file_that_was_there_before_us_is_a_persons(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"\xff\xfe not our text")
    assert place(tmp_path, a_py="one\n").kept[0].path == "a.py"
    assert (tmp_path / "a.py").read_bytes() == b"\xff\xfe not our text"


def test_the_new_text_is_removed_once_it_was_taken_over(tmp_path: Path) -> None:
    first = place(tmp_path, a_py="one\n")
    (tmp_path / "a.py").write_text("mine\n", encoding="utf-8")
    second = place(tmp_path, first, a_py="two\n")
    (tmp_path / "a.py").write_text("two\n", encoding="utf-8")
    assert place(tmp_path, second, a_py="two\n").unchanged == 1
    assert not (tmp_path / "a.py.new").exists()


def test_a_starter_is_written_once_and_left_alone_afterwards(tmp_path: Path) -> None:
    first = place(tmp_path, start_py="start\n")
    assert first.written == ("start.py",)
    assert first.hashes == {}
    (tmp_path / "start.py").write_text("a champion\n", encoding="utf-8")
    second = place(tmp_path, first, start_py="start\n")
    assert (second.written, second.kept) == ((), ())
    assert (tmp_path / "start.py").read_text(encoding="utf-8") == "a champion\n"


def test_line_ends_changed_by_version_control_are_no_change_by_a_person(tmp_path: Path) -> None:
    first = place(tmp_path, a_py="one\ntwo\n")
    (tmp_path / "a.py").write_bytes(b"one\r\ntwo\r\n")
    assert place(tmp_path, first, a_py="one\ntwo\n").unchanged == 1
    assert place(tmp_path, first, a_py="one\nthree\n").written == ("a.py",)


def test_a_folder_in_a_files_place_is_told_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "b.py").mkdir()
    with pytest.raises(ProjectStateError, match=r"b\.py"):
        place(tmp_path, a_py="one\n", b_py="two\n")
    assert not (tmp_path / "a.py").exists()


def test_a_rendering_is_stored_and_read_back(tmp_path: Path) -> None:
    rendering = Rendering({"b": "2", "a": "1"}, ("ci",))
    write_rendering(tmp_path / "scaffold.json", rendering, problem_sha256="0")
    assert read_rendering(tmp_path / "scaffold.json") == rendering
    assert read_rendering(tmp_path / "absent.json") == Rendering({}, None)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": {}}', '{"files": 3}', "\x00"])
def test_damaged_hashes_are_told_with_a_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "scaffold.json").write_text(text, encoding="utf-8")
    with pytest.raises(ProjectStateError, match="Delete it"):
        read_rendering(tmp_path / "scaffold.json")
