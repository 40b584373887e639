"""Out-of-fold predictions of every finished candidate of a run, kept so that the luck of the choice can be measured.

One Parquet file a run, development order: column ``3:1`` holds what candidate number 3 says of class number 1. The
names stand in the file's own metadata, because candidates may be called anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ml_engineer.errors import ProjectStateError
from ml_engineer.project.files import replacing
from ml_engineer.project.layout import ProjectLayout

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

__all__ = ["read_candidate_predictions", "write_candidate_predictions"]

_NAMES = b"ml_engineer.candidates"


def write_candidate_predictions(
    layout: ProjectLayout, run_id: str, predictions: Mapping[str, npt.NDArray[np.floating]]
) -> None:
    """Write what every finished candidate predicted out of fold, in single precision.

    Parameters
    ----------
    layout : ProjectLayout
        The project.
    run_id : str
        The run.
    predictions : mapping of str to numpy.ndarray of shape (n,) or (n, k)
        Numbers, or class probabilities in the problem's order, of the n development rows; NaN where a row was never
        predicted.

    Raises
    ------
    ProjectStateError
        If the folder cannot be written or the disk is full.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, pa.Array] = {}
    for place, values in enumerate(predictions.values()):
        table = np.asarray(values, dtype="float32")
        table = table[:, None] if table.ndim == 1 else table
        columns |= {f"{place}:{code}": pa.array(table[:, code]) for code in range(table.shape[1])}
    stored = pa.table(columns).replace_schema_metadata({_NAMES: json.dumps(list(predictions))})
    with replacing(layout.candidate_predictions(run_id)) as temporary:
        pq.write_table(stored, temporary, compression="zstd")


def read_candidate_predictions(layout: ProjectLayout, run_id: str) -> dict[str, npt.NDArray[np.float64]] | None:
    """What was written, (n,) or (n, k) by candidate; none if the run's file is not there.

    Raises
    ------
    ProjectStateError
        If the file is there and holds something else.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = layout.candidate_predictions(run_id)
    if not path.exists():
        return None
    try:
        table = pq.read_table(path)
        names = json.loads((table.schema.metadata or {})[_NAMES])
        return {str(name): _values(table, place) for place, name in enumerate(names)}
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise ProjectStateError(
            f"{path} does not hold the predictions of a run's candidates",
            found=str(error).splitlines()[0][:200] if str(error) else type(error).__name__,
            remedy="Put it back from a backup, or delete it: the run's candidates are then left out of the correction",
        ) from error


def _values(table: pa.Table, place: int) -> npt.NDArray[np.float64]:
    import numpy as np

    mine = [name for name in table.column_names if name.startswith(f"{place}:")]
    if not mine:
        msg = f"candidate number {place} has no column"
        raise ValueError(msg)
    values = np.column_stack([table[f"{place}:{code}"].to_numpy() for code in range(len(mine))]).astype("float64")
    return values[:, 0] if len(mine) == 1 else values
