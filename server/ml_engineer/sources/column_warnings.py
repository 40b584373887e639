"""The sentences about columns that a person should read, few however many columns there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ml_engineer.sources.columns import SettledColumn
from ml_engineer.sources.quoting import listed, shown

__all__ = ["column_warnings"]

_OFTEN = 0.05
_SHOWN = 4


def column_warnings(columns: Sequence[SettledColumn], *, rows: int, first_reading: bool) -> list[str]:
    """One sentence for each kind of thing that happened to some columns.

    Parameters
    ----------
    columns : sequence of SettledColumn
        All columns.
    rows : int
        Rows of the table.
    first_reading : bool
        False if an earlier reading was repeated; what was decided then is not told again.
    """
    sentences = [
        _sentence(columns, _unfit, "Cells that did not fit their column and are missing"),
        _sentence(columns, _infinite, "Infinite values are missing"),
        _sentence(columns, lambda column: _empty(column, rows), "Columns without any value"),
    ]
    if first_reading:
        sentences += [
            _sentence(columns, _renamed, "Columns without a name, or with the name of another, were renamed"),
            _sentence(columns, _number_format, "Numbers that are written in a notation of their own"),
            _sentence(columns, _unsure, "Read one way though another fits as well; say if it is wrong"),
            _sentence(
                columns,
                lambda column: _frequent_word(column, rows),
                "Words that were read as missing though they are frequent: if one is a value of its own, rename it",
            ),
        ]
    return [sentence for sentence in sentences if sentence]


def _sentence(columns: Sequence[SettledColumn], about: Callable[[SettledColumn], str], beginning: str) -> str:
    details = [detail for column in columns if (detail := about(column))]
    if not details:
        return ""
    more = f" and {len(details) - _SHOWN:,} more columns" if len(details) > _SHOWN else ""
    return f"{beginning}: {'; '.join(details[:_SHOWN])}{more}"


def _unfit(column: SettledColumn) -> str:
    count, examples = column.unfit
    return f"{shown(column.reading.name)} ({count:,}, e.g. {listed(examples, 3)})" if count else ""


def _infinite(column: SettledColumn) -> str:
    return f"{shown(column.reading.name)} ({column.infinite:,})" if column.infinite else ""


def _empty(column: SettledColumn, rows: int) -> str:
    return shown(column.reading.name) if rows and column.missing == rows else ""


def _renamed(column: SettledColumn) -> str:
    reading = column.reading
    if reading.original_name.strip() == reading.name:
        return ""
    return f"{shown(reading.original_name)} is now {shown(reading.name)}"


def _number_format(column: SettledColumn) -> str:
    form = column.reading.number_format
    return f"{shown(column.reading.name)} ({form})" if form else ""


def _unsure(column: SettledColumn) -> str:
    return f"{shown(column.reading.name)} {column.unsure}" if column.unsure else ""


def _frequent_word(column: SettledColumn, rows: int) -> str:
    if column.reading.storage != "string" or not column.words:
        return ""
    frequent = {word: count for word, count in column.words.items() if word.isalpha() and count > _OFTEN * rows}
    if not frequent:
        return ""
    word, count = max(frequent.items(), key=lambda item: item[1])
    return f"{shown(word)} in {shown(column.reading.name)} ({count:,} of {rows:,})"
