"""A few cells from all over a column, to form an opinion that the whole column then has to confirm."""

from __future__ import annotations

import pyarrow as pa

__all__ = ["sample_cells"]

_CELLS = 400
_RUN = 10


def sample_cells(column: pa.ChunkedArray, most: int = _CELLS) -> list[str]:
    """Up to `most` filled cells of a column of text, without white space around them.

    Short runs of neighbours are taken at equal distances, which is much cheaper than single cells. A column that is
    nearly empty is looked at where it is not.
    """
    if len(column) <= most:
        return _filled(column)
    runs = max(most // _RUN, 1)
    step = (len(column) - _RUN) / max(runs - 1, 1)
    cells = [cell for run in range(runs) for cell in _filled(column.slice(round(run * step), _RUN))]
    return cells if len(cells) > most // 10 else _filled(column.drop_null().slice(0, most))


def _filled(column: pa.ChunkedArray) -> list[str]:
    return [text for cell in column.to_pylist() if cell and (text := cell.strip())]
