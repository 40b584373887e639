"""Reading any table, with a report of everything that was worked out rather than told; and writing one."""

from ml_engineer.sources.align import AlignedColumns, align_columns
from ml_engineer.sources.location import file_hashes, locate_files
from ml_engineer.sources.streaming import TablePart, count_rows, stream_table
from ml_engineer.sources.table import Table, read_preview, read_table
from ml_engineer.sources.write import require_known_ending, write_table

__all__ = [
    "AlignedColumns",
    "Table",
    "TablePart",
    "align_columns",
    "count_rows",
    "file_hashes",
    "locate_files",
    "read_preview",
    "read_table",
    "require_known_ending",
    "stream_table",
    "write_table",
]
