"""Files made on the spot, and a short way to read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ml_engineer.sources import Table, read_table
from ml_engineer.vocabulary.data import DataSource
from sources.reading import Read


@pytest.fixture
def read(tmp_path: Path) -> Read:
    r"""``read("a,b\n1,2\n")`` writes the text (or bytes) to a file and reads it."""

    def _read(content: str | bytes, name: str = "table.csv", like: Any = None, **options: Any) -> Table:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(DataSource(path=str(path), **options), like=like)

    return _read
