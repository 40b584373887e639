"""Reading any table, with a report of everything that was worked out rather than told; and writing one."""

from ml_engineer.sources.align import AlignedColumns, align_columns
from ml_engineer.sources.table import Table, read_preview, read_table
from ml_engineer.sources.write import require_known_ending, write_table

__all__ = [
    "AlignedColumns",
    "Table",
    "align_columns",
    "read_preview",
    "read_table",
    "require_known_ending",
    "write_table",
]
