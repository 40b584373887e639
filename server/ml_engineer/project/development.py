"""The development rows and their folds, as they lie in the project."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ml_engineer.errors import ProjectStateError
from ml_engineer.project.files import replacing
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.split import SplitPlan

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

__all__ = ["Development", "load_development", "save_development", "write_development", "write_folds"]

_ROW = "row"
_FOLD = "fold"


@dataclass(frozen=True)
class Development:
    """Development rows with the fold each belongs to.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        Cleaned rows; the index is the row number in the source.
    folds : numpy.ndarray of shape (n,), int
        Fold number of each row.
    more_folds : tuple of numpy.ndarray of shape (n,), int
        Fold numbers of further foldings, on which candidates are compared too; empty where rows are many.
    """

    frame: pd.DataFrame
    folds: npt.NDArray[np.integer]
    more_folds: tuple[npt.NDArray[np.integer], ...] = field(default=())


def write_development(frame: pd.DataFrame, path: Path) -> None:
    """Write the rows to `path` as Parquet; the index, the row number in the source, goes with them."""
    # Dictionaries of numbers that hardly repeat cost more time than all the rest of the writing.
    texts = [name for name, dtype in frame.dtypes.items() if dtype.kind == "O"]
    frame.to_parquet(path, index=True, use_dictionary=texts)


def write_folds(
    frame: pd.DataFrame,
    folds: npt.NDArray[np.integer],
    path: Path,
    *,
    more_folds: Sequence[npt.NDArray[np.integer]] = (),
) -> None:
    """Write the fold of each row of `frame` to `path` as Parquet: ``row``, ``fold``, and ``fold_2``, ... if there are more."""
    import pandas as pd

    table = {_ROW: frame.index.to_numpy("int64"), _FOLD: folds.astype("int64")}
    table |= {f"{_FOLD}_{number}": one.astype("int64") for number, one in enumerate(more_folds, start=2)}
    pd.DataFrame(table).to_parquet(path, index=False)


def save_development(
    layout: ProjectLayout,
    frame: pd.DataFrame,
    folds: npt.NDArray[np.integer],
    *,
    more_folds: Sequence[npt.NDArray[np.integer]] = (),
) -> None:
    """Write both files, or neither.

    Raises
    ------
    ProjectStateError
        If the folder cannot be written or the disk is full; the files are as they were before.
    """
    with ExitStack() as stack:
        write_development(frame, stack.enter_context(replacing(layout.development)))
        write_folds(frame, folds, stack.enter_context(replacing(layout.folds)), more_folds=more_folds)


def load_development(layout: ProjectLayout, split: SplitPlan) -> Development:
    """The development rows that `split` dealt.

    Whether their content is still what was dealt is the seal's question (`seal.frame_sha256`), not asked here.

    Raises
    ------
    ProjectStateError
        If a file is missing, cannot be read, or holds other rows than the split counted.
    """
    frame = _read(layout.development)
    folds = _read(layout.folds)
    if not {_ROW, _FOLD} <= set(folds.columns):
        raise _stale(layout.folds, found=f"it lacks the columns {_ROW!r} and {_FOLD!r}")
    if len(frame) != split.development_rows:
        raise _stale(layout.development, found=f"{len(frame)} rows, but {split.development_rows} were dealt")
    if len(folds) != len(frame) or not (folds[_ROW].to_numpy() == frame.index.to_numpy()).all():
        raise _stale(layout.folds, found="its rows are not those of development.parquet")
    further = [f"{_FOLD}_{number}" for number in range(2, split.definition.repeats + 1)]
    if not set(further) <= set(folds.columns):
        raise _stale(layout.folds, found=f"it lacks the column {further[-1]!r}")
    return Development(frame, folds[_FOLD].to_numpy(), tuple(folds[name].to_numpy() for name in further))


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd
    from pyarrow import ArrowException

    try:
        return pd.read_parquet(path)
    except FileNotFoundError as error:
        raise ProjectStateError(
            f"There is no {path}", remedy="Call frame_problem with the original data; it writes the same rows again"
        ) from error
    except (ArrowException, OSError, ValueError) as error:
        raise _stale(path, found=str(error).splitlines()[0]) from error


def _stale(path: Path, *, found: str) -> ProjectStateError:
    return ProjectStateError(
        f"{path} is not what frame_problem wrote",
        found=found,
        remedy="Call frame_problem with the original data; it writes the same rows again",
    )
