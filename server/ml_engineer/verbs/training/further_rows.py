"""Development rows beyond the sample that a problem was framed on, read from the source a part at a time."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer import seal
from ml_engineer.errors import ProjectStateError
from ml_engineer.hashing import hash_rows
from ml_engineer.sources import TablePart, file_hashes, locate_files, stream_table
from ml_engineer.verbs.training.rows import TrainingRows
from ml_engineer.vocabulary.data import DataProfile

__all__ = ["FurtherPart", "FurtherRows"]


@dataclass(frozen=True)
class FurtherPart:
    """Some development rows that are not in the sample.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        The rows as features.py takes them.
    actual : numpy.ndarray of shape (n,)
        Class codes, or numbers.
    units : numpy.ndarray of shape (n,), uint64
        What each row must not be torn from.
    """

    frame: pd.DataFrame
    actual: npt.NDArray[np.float64]
    units: npt.NDArray[np.uint64]


@dataclass
class FurtherRows:
    """Development rows beyond the sample.

    Parameters
    ----------
    rows : TrainingRows
        The development rows of the sample.
    profile : DataProfile
        Where the table lies, and how the sample of it was read.
    sides : seal.SidesBeyond
        Tells on which side a row lies.

    Attributes
    ----------
    held_rows : int
        Rows that were met beyond the sample and lie on the held-out side.
    rows_a_part : int
        Rows of the source in the part that was read last.
    """

    rows: TrainingRows
    profile: DataProfile
    sides: seal.SidesBeyond
    held_rows: int = field(default=0, init=False)
    rows_a_part: int = field(default=0, init=False)

    def refuse_other_source(self) -> None:
        """Refuse a source that is not what was framed: sealed rows may have changed there and would not be known again.

        Raises
        ------
        ProjectStateError
            If a file is another one now.
        """
        known = self.profile.fingerprint.files
        for name, sha256 in file_hashes(locate_files(self.profile.source.path)).items():
            if known.get(name) != sha256:
                raise ProjectStateError(
                    f"{Path(name).name} is not the file that was framed",
                    found=f"its SHA-256 begins {sha256[:12]}, recorded was {known.get(name, 'none')[:12]}",
                    remedy="Put the file back, or call frame_problem with the data as it is now",
                )

    def __iter__(self) -> Generator[FurtherPart, None, None]:
        """The rows in the order of the source; each time from the beginning.

        Raises
        ------
        ProjectStateError
            If a row of the sample, met again on the way, is not known: then sealed rows would not be known either.
        """
        self.held_rows = 0
        for part in stream_table(self.profile.source, like=self.profile.report):
            self.rows_a_part = len(part.frame)
            yield self._development(part)

    def _development(self, part: TablePart) -> FurtherPart:
        target = self.rows.problem.target
        frame, usable = _with_target(part.frame, target, self.rows.development.frame[target])
        drawn = part.sampled[usable]
        hashes = hash_rows(frame)
        unknown = int((~self.sides.were_dealt(hashes[drawn])).sum())
        if unknown:
            raise ProjectStateError(
                "The rows of the sample are not found again in the source",
                found=f"{unknown} of {int(drawn.sum())} rows read again are not among those that were dealt",
                remedy="Call frame_problem with the data as it is now",
            )
        frame, hashes = frame[~drawn], hashes[~drawn]
        learned = self.sides.may_be_learned(frame, hashes)
        self.held_rows += int((~learned).sum())
        actual = self._actual(frame[target])
        # A class that the sample does not have cannot be learned by models that were chosen without it.
        learned &= np.isfinite(actual)
        frame, hashes = frame[learned], hashes[learned]
        return FurtherPart(frame.drop(columns=target), actual[learned], self.sides.units(frame, hashes))

    def _actual(self, target: pd.Series) -> npt.NDArray[np.float64]:
        """Class codes or numbers, (n,); NaN for a class that is not known."""
        if self.rows.data.task == "regression":
            return target.to_numpy("float64")
        codes = pd.Index(self.rows.data.classes).get_indexer(target.to_numpy())
        return np.where(codes < 0, np.nan, codes.astype("float64"))


def _with_target(frame: pd.DataFrame, target: str, like: pd.Series) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    """The rows with a usable target, and which they are, (n,) bool: numbers where those of the sample are."""
    column = frame[target]
    if pd.api.types.is_numeric_dtype(like.dtype):
        column = pd.to_numeric(column, errors="coerce")
        column = column.where(np.isfinite(column.to_numpy("float64", na_value=np.nan)))
    usable = column.notna().to_numpy()
    kept = column[usable]
    frame = frame[usable].copy(deep=False)
    frame[target] = kept.astype("bool") if pd.api.types.is_bool_dtype(like.dtype) else kept
    return frame, usable
