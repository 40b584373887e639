"""The order of levels: by the words of a known scale, by a number in each label, or as the person gave it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import pandas as pd

from ml_engineer.errors import InputError, UnsupportedTaskError
from ml_engineer.profiling.names import quoted

__all__ = ["level_order", "order_of_words"]

_FEWEST: Final = 3
_MOST: Final = 50
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_SCALES: Final = tuple(
    tuple(scale.split("|"))
    for scale in (
        "none|very low|low|medium|moderate|average|high|very high|extreme|critical",
        "tiny|xs|small|s|medium|m|large|l|xl|xxl|extra large|huge",
        "never|rarely|seldom|sometimes|occasionally|often|frequently|usually|always",
        "very poor|poor|fair|average|typical|good|very good|excellent|premium|ideal",
        "po|fa|ta|gd|ex",
        "strongly disagree|disagree|neutral|agree|strongly agree",
        "very dissatisfied|dissatisfied|neutral|satisfied|very satisfied",
        "primary|secondary|tertiary",
        "beginner|novice|intermediate|advanced|expert",
        "no|slight|mild|moderate|severe|very severe",
    )
)


def order_of_words(labels: Sequence[str]) -> tuple[str, ...] | None:
    """The labels from lowest to highest if all of at least three are words of one known scale, else None."""
    folded = {label.strip().casefold(): label for label in labels}
    if len(folded) < _FEWEST or len(folded) < len(labels):
        return None
    scale = next((scale for scale in _SCALES if set(folded) <= set(scale)), None)
    return None if scale is None else tuple(folded[word] for word in scale if word in folded)


def level_order(column: pd.Series, told: Sequence[str] | None) -> tuple[str, ...]:
    """The levels of an ordinal target, as text, from lowest to highest.

    Parameters
    ----------
    column : pandas.Series of shape (n,)
        The target without missing values: whole numbers or text.
    told : sequence of str, optional
        The order that the person gave.

    Raises
    ------
    InputError
        If the order that was given does not name exactly the values of the column.
    UnsupportedTaskError
        If there are fewer than three levels or very many, or their order cannot be seen.
    """
    labels = [str(value) for value in column.drop_duplicates().sort_values()]
    _refuse_number_of(labels, column)
    if told is not None:
        return _told(labels, told, column)
    if pd.api.types.is_integer_dtype(column.dtype):
        return tuple(labels)
    ordered = order_of_words(labels) or _by_numbers(labels)
    if ordered is None:
        raise UnsupportedTaskError(
            f"The order of the levels of {quoted(column.name)} cannot be seen",
            found=", ".join(quoted(label, 20) for label in labels[:6]),
            remedy="Pass levels with all values from lowest to highest, or task_type='multiclass' if they have no order",
        )
    return ordered


def _refuse_number_of(labels: Sequence[str], column: pd.Series) -> None:
    if pd.api.types.is_float_dtype(column.dtype):
        raise UnsupportedTaskError(
            f"The target {quoted(column.name)} holds fractions, not levels",
            found=f"{len(labels):,} different values, e.g. {labels[0]}",
            remedy="Pass task_type='regression', or cut the amounts into levels first",
        )
    if _FEWEST <= len(labels) <= _MOST:
        return
    few = len(labels) < _FEWEST
    raise UnsupportedTaskError(
        f"The target {quoted(column.name)} has {len(labels):,} levels",
        found="two values have no order to speak of" if few else f"at most {_MOST} levels can be told apart",
        remedy=f"Pass task_type={'binary' if few else 'regression'!r}, or leave task_type and levels out",
    )


def _told(labels: Sequence[str], told: Sequence[str], column: pd.Series) -> tuple[str, ...]:
    unknown = [label for label in told if label not in labels]
    missing = [label for label in labels if label not in told]
    if missing or unknown or len(set(told)) < len(told):
        wrong = [f"not given: {', '.join(quoted(label, 20) for label in missing[:5])}"] if missing else []
        wrong += [f"not in the data: {', '.join(quoted(label, 20) for label in unknown[:5])}"] if unknown else []
        raise InputError(
            f"levels must name each value of {quoted(column.name)} once",
            found="; ".join(wrong) or "a value is named twice",
            remedy="Pass all values from lowest to highest, as they are spelled in the data",
        )
    return tuple(told)


def _by_numbers(labels: Sequence[str]) -> tuple[str, ...] | None:
    """By the one number in each label, as in 'grade 1' or '2 stars'."""
    numbers = [_NUMBER.findall(label) for label in labels]
    if any(len(found) != 1 for found in numbers) or len({found[0] for found in numbers}) < len(labels):
        return None
    value = {label: float(found[0]) for label, found in zip(labels, numbers, strict=True)}
    return tuple(sorted(labels, key=lambda label: value[label]))
