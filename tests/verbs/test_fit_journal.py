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
    (path,) = (tmp_path / "jobs").iterdir()
    assert path.suffix == ".npz"


def test_a_job_that_is_resumed_after_an_upgrade_fits_anew(tmp_path: Path) -> None:
    before = {"scikit-learn": "1.8.0", "lightgbm": "4.6.0"}
    FolderJournal(tmp_path, versions=before).keep("ab", {"values": np.arange(3.0)})
    assert FolderJournal(tmp_path, versions=dict(reversed(before.items()))).find("ab") is not None
    for after in ({**before, "lightgbm": "4.7.0"}, {**before, "catboost": "1.2.10"}, {}):
        assert FolderJournal(tmp_path, versions=after).find("ab") is None


def test_nothing_is_found_where_nothing_was_kept(tmp_path: Path) -> None:
    assert FolderJournal(tmp_path / "jobs").find("ab") is None


def test_a_damaged_file_counts_as_nothing(tmp_path: Path) -> None:
    journal = FolderJournal(tmp_path)
    journal.keep("ab", {"values": np.arange(300.0)})
    (path,) = tmp_path.iterdir()
    for damaged in (path.read_bytes()[:200], b"", b"no archive"):
        path.write_bytes(damaged)
        assert journal.find("ab") is None


def test_an_object_that_would_run_code_is_not_loaded(tmp_path: Path) -> None:
    FolderJournal(tmp_path).keep("ab", {})
    (path,) = tmp_path.iterdir()
    np.savez(path, values=np.array([{"a": 1}], dtype=object))
    assert FolderJournal(tmp_path).find("ab") is None
