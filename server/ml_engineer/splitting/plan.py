"""Choosing how rows are dealt, from structure alone: strategy, share held out, number of folds."""

from __future__ import annotations

from ml_engineer.errors import InputError
from ml_engineer.vocabulary.problem import SplitDefinition, SplitStrategy

__all__ = ["plan_split"]

_USUAL_FRACTION = 0.2
_LARGEST_FRACTION = 0.4
_USEFUL_HELD_OUT_ROWS = 100
_USUAL_FOLDS = 5
_REPEATED_ROWS, _REPEATS = 1000, 3
"""Below so many development rows chance decides much about which rows share a fold, so it decides several times."""
_FEWEST_ROWS = 10
_FEWEST_GROUPS = 3


def plan_split(
    *,
    rows: int,
    stratify: bool,
    smallest_class_rows: int | None,
    group_columns: tuple[str, ...],
    groups: int | None,
    time_column: str | None,
    own_test_file: bool,
    requested: SplitStrategy | None,
    held_out_fraction: float | None,
    seed: int,
) -> SplitDefinition:
    """Choose how rows are dealt, from structure alone.

    The person's own test file comes first, then what was requested, then groups, time, and classes. A fifth of the
    rows is held out; of small tables more, up to 40 %, so that about 100 rows make a useful interval.

    Parameters
    ----------
    rows : int
        Rows with a target value.
    stratify : bool
        Whether sides and folds should hold the target in proportion.
    smallest_class_rows : int or None
        Rows of the rarest class; None for regression.
    group_columns : tuple of str
        Columns that together name a person or thing with several rows.
    groups : int or None
        How many groups there are.
    time_column : str or None
        Column that orders rows in time.
    own_test_file : bool
        Whether the person brought a test file.
    requested : str or None
        Strategy that the person asked for.
    held_out_fraction : float or None
        Share of rows that the person asked to seal.
    seed : int
        Seed of the deal and of the folds.

    Raises
    ------
    InputError
        If there are too few rows or groups, or the requested strategy lacks what it needs.
    """
    if rows < _FEWEST_ROWS:
        raise InputError(
            "There are too few rows to hold some out and cross-validate on the others",
            found=f"{rows} rows with a target value",
            remedy=f"Pass a table with at least {_FEWEST_ROWS} such rows",
        )
    strategy, reason = _choose_strategy(
        requested=requested,
        stratify=stratify,
        group_columns=group_columns,
        time_column=time_column,
        own_test_file=own_test_file,
    )
    fraction, fraction_reason = _choose_fraction(rows, held_out_fraction, own_test_file=strategy == "own_test_file")
    folds, folds_reason = _choose_folds(rows, smallest_class_rows, groups if group_columns else None, fraction)
    return SplitDefinition(
        strategy=strategy,
        group_columns=group_columns,
        time_column=time_column,
        held_out_fraction=fraction,
        folds=folds,
        repeats=_REPEATS if strategy != "time" and rows * (1 - fraction) < _REPEATED_ROWS else 1,
        seed=seed,
        reason=" ".join(part for part in (reason, fraction_reason, folds_reason) if part),
    )


def _choose_strategy(
    *,
    requested: SplitStrategy | None,
    stratify: bool,
    group_columns: tuple[str, ...],
    time_column: str | None,
    own_test_file: bool,
) -> tuple[SplitStrategy, str]:
    named = ", ".join(repr(column) for column in group_columns)
    lacking = {
        "grouped": ("group_columns", not group_columns),
        "time": ("time_column", time_column is None),
        "own_test_file": ("test_data", not own_test_file),
    }
    argument, lacks = lacking.get(requested or "", ("", False))
    if lacks:
        raise InputError(f"The split {requested!r} needs {argument}", remedy=f"Pass {argument}, or another split")
    if own_test_file and requested in {None, "own_test_file"}:
        return "own_test_file", "The rows of your own test file are held out, exactly as you gave them."
    if requested is not None:
        return requested, f"You asked for the split {requested!r}."
    if group_columns:
        ignored = f" The order of {time_column!r} is not used; split='time' would use it." if time_column else ""
        return "grouped", f"Several rows share {named}, so that whole groups stay on one side.{ignored}"
    if time_column is not None:
        return "time", f"Rows are ordered by {time_column!r}; the latest are held out, as a model will meet later rows."
    if stratify:
        return "stratified", "Rows look independent; each side holds the target in the same proportions."
    return "random", "Rows look independent; they are held out at random."


def _choose_fraction(rows: int, asked: float | None, *, own_test_file: bool) -> tuple[float, str]:
    if own_test_file:
        return asked or _USUAL_FRACTION, ""
    if asked is not None:
        return asked, f"You asked for {asked:.0%} of the rows to be held out."
    fraction = min(_LARGEST_FRACTION, max(_USUAL_FRACTION, _USEFUL_HELD_OUT_ROWS / rows))
    held_out = round(fraction * rows)
    if fraction > _USUAL_FRACTION:
        return fraction, f"About {held_out} of {rows} rows are held out: with fewer, the score's interval says little."
    return fraction, "About a fifth of the rows is held out."


def _choose_folds(rows: int, smallest_class_rows: int | None, groups: int | None, fraction: float) -> tuple[int, str]:
    if groups is not None and groups < _FEWEST_GROUPS:
        raise InputError(
            "There are too few groups to hold some out and cross-validate on the others",
            found=f"{groups} groups",
            remedy="Pass group_columns that name at least three groups, or group_columns=[] if rows are independent",
        )
    if groups is not None:
        development_groups = min(groups - 1, round(groups * (1 - fraction)))
        if development_groups < _USUAL_FOLDS:
            folds = max(2, development_groups)
            return folds, f"There are {folds} folds, because there are only {groups} groups."
    rarest = rows if smallest_class_rows is None else round(smallest_class_rows * (1 - fraction))
    if rows * (1 - fraction) < 50 or rarest < _USUAL_FOLDS:
        small = "class" if rarest < _USUAL_FOLDS else "table"
        return 3, f"There are 3 folds, because the {'smallest ' if small == 'class' else ''}{small} has few rows."
    return _USUAL_FOLDS, ""
