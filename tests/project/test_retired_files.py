"""What is no longer rendered goes, unless a person changed it or it lies elsewhere."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ml_engineer.errors import ProjectStateError
from ml_engineer.project.retired_files import retire_files


def put(root: Path, *paths: str) -> dict[str, str]:
    """Files that hold their own name, and the hashes of that."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path, encoding="utf-8")
    return {path: hashlib.sha256(path.encode()).hexdigest() for path in paths}


def test_an_untouched_file_goes_with_its_bytecode_and_the_folders_left_empty(tmp_path: Path) -> None:
    hashes = put(tmp_path, "models/llm/explain.py")
    put(tmp_path, "models/llm/__pycache__/explain.cpython-311.pyc")
    assert retire_files(tmp_path, hashes, rendered_before=hashes).removed == ("models/llm/explain.py",)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_of_a_persons_stays(tmp_path: Path) -> None:
    hashes = put(tmp_path, "models/llm/explain.py", "models/llm/mine.py")
    assert retire_files(tmp_path, ["models/llm/explain.py"], rendered_before=hashes).removed
    assert [path.name for path in (tmp_path / "models" / "llm").iterdir()] == ["mine.py"]


def test_a_changed_file_is_kept(tmp_path: Path) -> None:
    hashes = put(tmp_path, "a.py")
    (tmp_path / "a.py").write_text("mine", encoding="utf-8")
    retired = retire_files(tmp_path, hashes, rendered_before=hashes)
    assert (retired.removed, retired.kept) == ((), ("a.py",))


def test_a_file_that_is_gone_already_is_nothing_to_tell(tmp_path: Path) -> None:
    retired = retire_files(tmp_path, ["a.py"], rendered_before={"a.py": "0"})
    assert (retired.removed, retired.kept) == ((), ())


def test_a_path_out_of_the_project_is_left_alone_but_for_the_one_that_is_its_own(tmp_path: Path) -> None:
    root = tmp_path / "ml"
    hashes = put(root, "../own.yml", "../other.yml")
    assert retire_files(root, hashes, rendered_before=hashes, outside="../own.yml").removed == ("../own.yml",)
    assert (tmp_path / "other.yml").exists()


def test_a_folder_that_leads_out_of_the_project_is_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "ml"
    root.mkdir()
    hashes = put(tmp_path, "elsewhere/a.py")
    (root / "link").symlink_to(tmp_path / "elsewhere")
    assert retire_files(root, ["link/a.py"], rendered_before={"link/a.py": hashes["elsewhere/a.py"]}).removed == ()
    assert (tmp_path / "elsewhere" / "a.py").exists()


def test_a_file_that_cannot_be_removed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = put(tmp_path, "a.py")

    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ProjectStateError, match="no longer part of the project"):
        retire_files(tmp_path, hashes, rendered_before=hashes)
