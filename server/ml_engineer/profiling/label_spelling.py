"""Class labels of the person's own test file, brought to the spelling of the training rows."""

from __future__ import annotations

import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.profiling.names import quoted

__all__ = ["align_labels"]

_MOST_SHOWN = 4


def align_labels(train: pd.Series, test: pd.Series) -> tuple[pd.Series, tuple[str, ...]]:
    """Labels of `test` as `train` spells them: case, spaces and a full stop at the end may differ, nothing else.

    Parameters
    ----------
    train, test : pandas.Series
        The target in both files.

    Returns
    -------
    labels : pandas.Series
        The target of the test file.
    notes : tuple of str
        What was changed, one sentence each.

    Raises
    ------
    InputError
        If no label of the test file is known from the training rows.
    """
    if not (isinstance(train.dtype, pd.StringDtype) and isinstance(test.dtype, pd.StringDtype)):
        return test, ()
    known = set(train.dropna().unique())
    given = [label for label in test.dropna().unique() if label not in known]
    plain = {_plain(label): label for label in sorted(known, reverse=True)}
    # Two labels of the training rows that differ in spelling only are different labels: then nothing is guessed.
    unambiguous = len(plain) == len(known)
    respelled = {label: plain[_plain(label)] for label in given if unambiguous and _plain(label) in plain}
    if given and len(respelled) < len(given) and not known & set(test.dropna().unique()) and not respelled:
        raise InputError(
            f"No label of the test file's {quoted(test.name)} occurs among the training rows",
            found=f"{_listed(given)} in the test file, {_listed(sorted(known))} in the training rows",
            remedy="Give both files the same labels, or leave test_data out",
        )
    if not respelled:
        return test, ()
    pairs = ", ".join(f"{quoted(old, 20)} as {quoted(new, 20)}" for old, new in list(respelled.items())[:_MOST_SHOWN])
    return test.replace(respelled), (f"Labels of the test file were read in the training rows' spelling: {pairs}",)


def _plain(label: str) -> str:
    return label.strip().rstrip(".").rstrip().casefold()


def _listed(labels: list[str]) -> str:
    shown = ", ".join(quoted(label, 20) for label in labels[:_MOST_SHOWN])
    return f"{shown}, …" if len(labels) > _MOST_SHOWN else shown
