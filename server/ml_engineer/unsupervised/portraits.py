"""What is typical of a group, and which columns make a row unusual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd

from ml_engineer.statistics.intervals import wilson
from ml_engineer.unsupervised.rows import Floats, Ints, mean_of_rows
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.structure import GroupProfile, TypicalValue

__all__ = ["portray_groups", "typical_row", "unusual_columns"]

_MOST_TOLD: Final = 5
_FEWEST_ROWS: Final = 5
_NAMED: Final = 40
_LEAST_APART: Final = 0.2


def portray_groups(
    frame: pd.DataFrame, labels: Ints, silhouettes: Floats | None = None, *, clusters: Ints | None = None
) -> tuple[GroupProfile, ...]:
    """The groups, largest first, with what sets each apart.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, d)
        The used columns of the raw rows.
    labels : numpy.ndarray of shape (n,)
        Group of each row.
    silhouettes : numpy.ndarray of shape (n,), optional
        Silhouette of each row; NaN where not looked at.
    clusters : numpy.ndarray of shape (n,), optional
        Rows that belong together.
    """
    profiles = []
    for group in sorted(np.unique(labels), key=lambda label: -int((labels == label).sum())):
        inside = labels == group
        rows = int(inside.sum())
        own = None if silhouettes is None else np.where(inside, silhouettes, np.nan)
        known = 0 if own is None else int(np.isfinite(own).sum())
        profiles.append(
            GroupProfile(
                group=int(group),
                rows=rows,
                share=wilson(rows, len(labels)),
                silhouette=None
                if own is None or known < _FEWEST_ROWS
                else mean_of_rows("silhouette", own, clusters=clusters),
                typical=_typical(frame, inside) if rows >= _FEWEST_ROWS else (),
            )
        )
    return tuple(profiles)


def _typical(frame: pd.DataFrame, inside: np.ndarray) -> tuple[TypicalValue, ...]:
    found = [value for name in frame.columns if (value := _of_column(frame[name], inside)) is not None]
    found = [value for value in found if abs(value.apart) >= _LEAST_APART]
    return tuple(sorted(found, key=lambda value: -abs(value.apart))[:_MOST_TOLD])


def _of_column(column: pd.Series, inside: np.ndarray) -> TypicalValue | None:
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        values = column.to_numpy(float)
        spread = float(np.nanstd(values))
        if not spread > 0 or np.isfinite(values[inside]).sum() < _FEWEST_ROWS:
            return None
        whole, own = float(np.nanmean(values)), _mean(values[inside])
        text = f"mean {own.value:.4g}, over all rows {whole:.4g}"
        return TypicalValue(
            column=str(column.name), text=text, inside=own, everywhere=whole, apart=(own.value - whole) / spread
        )
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return None
    texts = column.astype("object").where(column.notna(), "(missing)").astype(str)
    shares = pd.DataFrame(
        {"own": texts[inside].value_counts(normalize=True), "all": texts.value_counts(normalize=True)}
    )
    shares = shares.fillna(0.0)
    apart: pd.Series = (shares["own"] - shares["all"]) / np.sqrt(np.maximum(shares["all"] * (1 - shares["all"]), 1e-9))
    if len(shares) < 2:
        return None
    # A category that is usual in the group says more than one that is rare everywhere.
    label = (apart * np.sqrt(shares["own"])).idxmax()
    hits = int((texts[inside] == label).sum())
    own = wilson(hits, int(inside.sum()))
    text = f"{str(label)[:_NAMED]!r} in {own.value:.0%}, over all rows {shares['all'][label]:.0%}"
    return TypicalValue(
        column=str(column.name),
        text=text,
        inside=own,
        everywhere=float(shares["all"][label]),
        apart=float(apart[label]),
    )


def _mean(values: Floats) -> Estimate:
    known = values[np.isfinite(values)]
    half = 1.96 * float(known.std(ddof=1)) / np.sqrt(len(known)) if len(known) > 1 else 0.0
    mean = float(known.mean())
    return Estimate(value=mean, low=mean - half, high=mean + half, method="normal interval of a mean", rows=len(known))


def typical_row(frame: pd.DataFrame) -> pd.Series:
    """The median of each number and the most frequent of all other values; missing where a column is empty."""
    typical: dict[str, object] = {}
    for name in frame.columns:
        column = frame[name]
        numeric = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
        known = column.dropna()
        if known.empty:
            typical[str(name)] = None
        elif numeric:
            middle = float(known.median())
            typical[str(name)] = round(middle) if pd.api.types.is_integer_dtype(column.dtype) else middle
        else:
            typical[str(name)] = known.mode().iloc[0]
    return pd.Series(typical, dtype=object)


def unusual_columns(
    rows: pd.DataFrame, typical: pd.Series, score: Callable[[pd.DataFrame], Floats], *, most: int = 3
) -> list[tuple[str, ...]]:
    """For each row, the columns whose typical value would make it less unusual, the most first.

    Parameters
    ----------
    rows : pandas.DataFrame of shape (m, d)
        The used columns of raw rows.
    typical : pandas.Series
        From `typical_row`.
    score : callable
        Raw rows to anomaly scores of shape (m,).
    most : int
        Columns to name for a row.
    """
    names = [name for name in rows.columns if typical[str(name)] is not None]
    if rows.empty or not names:
        return [() for _ in range(len(rows))]
    # A value of the column's own type, so that what is prepared sees what it knows.
    values = [pd.Series([typical[str(name)]] * len(rows), index=rows.index) for name in names]
    pieces = [rows, *(rows.assign(**{str(name): value}) for name, value in zip(names, values, strict=True))]
    scores = score(pd.concat(pieces, ignore_index=True)).reshape(len(names) + 1, len(rows))
    found = []
    for place in range(len(rows)):
        gains = scores[0, place] - scores[1:, place]
        order = [at for at in np.argsort(-gains, kind="stable") if gains[at] > 0][:most]
        found.append(tuple(_in_words(names[at], rows.iloc[place][names[at]], typical[str(names[at])]) for at in order))
    return found


def _in_words(name: object, value: object, usual: object) -> str:
    return f"{str(name)[:_NAMED]!r} is {_shown(value)}, usual is {_shown(usual)}"


def _shown(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "missing"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    text = " ".join(str(value).split())
    return repr(text[:_NAMED]) if isinstance(value, str) else text[:_NAMED]
