"""Finished fits on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ml_engineer.verbs.training.fit_journal import FolderJournal


def test_what_was_kept_is_found_by_another_process_later(tmp_path: Path) -> None:
    FolderJournal(tmp_path / "jobs").keep("ab", {"values": np.arange(3.0), "notes": np.array(["x"], dtype=str)})
    found = FolderJournal(tmp_path / "jobs").find("ab")
    assert found is not None
    assert found["values"].tolist() == [0, 1, 2]
    assert found["notes"].tolist() == ["x"]
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == ["ab.npz"]


def test_nothing_is_found_where_nothing_was_kept(tmp_path: Path) -> None:
    assert FolderJournal(tmp_path / "jobs").find("ab") is None


def test_a_damaged_file_counts_as_nothing(tmp_path: Path) -> None:
    journal = FolderJournal(tmp_path)
    journal.keep("ab", {"values": np.arange(300.0)})
    path = tmp_path / "ab.npz"
    for damaged in (path.read_bytes()[:200], b"", b"no archive"):
        path.write_bytes(damaged)
        assert journal.find("ab") is None


def test_an_object_that_would_run_code_is_not_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "ab.npz", values=np.array([{"a": 1}], dtype=object))
    assert FolderJournal(tmp_path).find("ab") is None
