"""Which of two classes 'positive' means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from ml_engineer.errors import InputError, UnsupportedTaskError
from ml_engineer.profiling.names import quoted, word_set

__all__ = ["choose_positive", "read_flag"]

_MOST_SHOWN: Final = 5
_FLAGS: Final = ({"0", "1"}, {"-1", "1"}, {"0.0", "1.0"}, {"-1.0", "1.0"})
_POSITIVE: Final = word_set(
    "abnormal accepted approved attrition bad bought canceled cancelled case churn churned click clicked "
    "convert converted damaged dead default defaulted defect defective delayed died disease exited fail failed failure "
    "fault fraud fraudulent ill left lost malicious malignant pos positive present purchased recurrence responded sick "
    "spam success t true won y yes"
)


def choose_positive(classes: Sequence[str], rows: Sequence[int], *, wanted: str | None = None) -> tuple[str, str]:
    """The positive class and why.

    Parameters
    ----------
    classes : sequence of two str
        Labels in sorted order.
    rows : sequence of two int
        Rows of each.
    wanted : str, optional
        What the person said.

    Raises
    ------
    InputError
        If `wanted` is not a class.
    """
    if wanted is not None:
        match = next((label for label in classes if label == wanted), None) or next(
            (label for label in classes if label.strip().casefold() == wanted.strip().casefold()), None
        )
        if match is None:
            raise InputError(
                f"There is no class {quoted(wanted)} (positive_class)",
                found=f"the classes are {' and '.join(quoted(label) for label in classes)}",
                remedy="Pass one of them as positive_class",
            )
        return match, "named by the person"
    if set(classes) in _FLAGS:
        return max(classes), "the 1 of a flag"
    usual = [label for label in classes if label.strip().casefold() in _POSITIVE]
    if len(usual) == 1:
        return usual[0], "the usual reading of that label"
    if rows[0] == rows[1]:
        return classes[1], "the last of two equally frequent classes"
    return classes[0 if rows[0] < rows[1] else 1], "the rarer class"


def read_flag(column: pd.Series, *, tells: str, remedy: str, wanted: str | None = None) -> tuple[str, str]:
    """The value of a two-valued column that means yes, and why.

    Parameters
    ----------
    column : pandas.Series of shape (n,)
        Text; some may be missing.
    tells : str
        What the column is to tell, for the refusal.
    remedy : str
        What to do if it does not.
    wanted : str, optional
        What the person said.

    Raises
    ------
    UnsupportedTaskError
        If the column holds one value, or more than two.
    InputError
        If `wanted` is not one of them.
    """
    counts = column.value_counts().sort_index()
    if len(counts) != 2:
        shown = ", ".join(f"{quoted(name, 20)} ({rows:,})" for name, rows in counts.head(_MOST_SHOWN).items())
        raise UnsupportedTaskError(
            f"{quoted(column.name)} does not tell whether {tells}",
            found=f"{len(counts)} different values: {shown}",
            remedy=remedy,
        )
    return choose_positive(tuple(map(str, counts.index)), tuple(map(int, counts)), wanted=wanted)
