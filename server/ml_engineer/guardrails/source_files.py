"""Which file a row came from, worked out from its number: the reader counts the rows of each file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.guardrails.wording import quoted
from ml_engineer.vocabulary.data import ReadReport

__all__ = ["SourceFiles"]


@dataclass(frozen=True)
class SourceFiles:
    """The files behind some rows.

    Parameters
    ----------
    names : tuple of str
        A short name for each file with rows among them, in the order of reading.
    codes : numpy.ndarray of shape (n,)
        Place in `names` of each row's file.
    paths : tuple of str
        Where each file was read from.
    """

    names: tuple[str, ...]
    codes: npt.NDArray[np.intp]
    paths: tuple[str, ...]

    @classmethod
    def of(cls, report: ReadReport, rows: pd.Index) -> SourceFiles | None:
        """The files of `rows`, numbered as in the source; None unless there are several."""
        if len(report.file_rows) < 2 or len(report.file_rows) != len(report.files):
            return None
        places = np.searchsorted(np.cumsum(report.file_rows), rows.to_numpy(), side="right")
        # Rows of the person's own test file are numbered after all others, and are no rows of these files.
        if (places >= len(report.files)).any():
            return None
        present, codes = np.unique(places, return_inverse=True)
        if len(present) < 2:
            return None
        names = _short(report.files)
        return cls(
            tuple(names[place] for place in present),
            codes.astype(np.intp),
            tuple(report.files[place] for place in present),
        )

    def rows(self) -> npt.NDArray[np.intp]:
        """Rows of each file."""
        return np.bincount(self.codes, minlength=len(self.names))

    def place_within(self, rows: pd.Index) -> npt.NDArray[np.float64]:
        """How far down its own file each row stands, from 0 to 1."""
        numbers = pd.Series(rows.to_numpy(dtype=float))
        return numbers.groupby(self.codes).rank(pct=True).to_numpy(dtype=float)

    def quoted(self, code: int) -> str:
        """Name of a file for a finding."""
        return quoted(self.names[code])

    def query(self) -> str:
        """SQL that brings in the name of each row's file as the column source_file."""
        # sql knows a file by its name or its path, of which names in several folders need the path.
        parts = [
            " ".join(("SELECT *,", _literal(name), "AS source_file FROM", _identifier(path if "/" in name else name)))
            for name, path in zip(self.names, self.paths, strict=True)
        ]
        return " UNION ALL BY NAME ".join(parts)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _short(files: tuple[str, ...]) -> list[str]:
    """File names, with their folders where several files have one name (``2023/sales.csv``)."""
    paths = [PurePath(file) for file in files]
    shared = {name for name, count in Counter(path.name for path in paths).items() if count > 1}
    return ["/".join(path.parts[-2:]) if path.name in shared else path.name for path in paths]
