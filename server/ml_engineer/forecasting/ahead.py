"""From rows to the forecast of the moments after them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ml_engineer.forecasting.grid import (
    Layout,
    join_features,
    make_grid,
    series_keys,
    unusable_values,
    without_empty_series,
)
from ml_engineer.forecasting.model_file import SeriesModel

__all__ = ["forecast_rows", "rows_ahead"]


def rows_ahead(
    history: pd.DataFrame, future: pd.DataFrame | None, layout: Layout, *, known: tuple[str, ...], horizon: int
) -> pd.DataFrame:
    """The history with a row for each series and each of the `horizon` moments after it; without series that have no value.

    Parameters
    ----------
    history : pandas.DataFrame
        Rows in any order. Those after the last known target may be there, too.
    future : pandas.DataFrame, optional
        Rows of the moments to forecast, with the columns known in advance.
    layout : Layout
        What the columns are.
    known : tuple of str
        Columns known in advance, as the data has them.
    horizon : int
        Moments to forecast.

    Raises
    ------
    ValueError
        If the target is infinite or nowhere known, or a column known in advance is not filled in for a moment to forecast.
    """
    columns = [layout.time, *layout.series, layout.target, *known, *layout.past]
    seen = history.reindex(columns=columns)
    fault = unusable_values(seen, layout)
    if fault:
        raise ValueError(fault)
    last = seen.loc[seen[layout.target].notna(), layout.time].max()
    told = [seen[seen[layout.time] > last]]
    if future is not None:
        told.append(future.reindex(columns=columns).assign(**{layout.target: np.nan}))
    # A panel is not refused for a series that is empty yet: framing leaves such ones out, too.
    past = without_empty_series(seen[seen[layout.time] <= last], layout)
    keys = past[list(layout.series)].drop_duplicates() if layout.series else pd.DataFrame(index=[0])
    moments = pd.DataFrame({layout.time: layout.moments(last, horizon + 1)[1:]}).astype(
        {layout.time: past[layout.time].dtype}
    )
    ahead = keys.merge(moments, how="cross")
    by = [layout.time, *layout.series]
    given = pd.concat(told, ignore_index=True).drop_duplicates(by, keep="last")
    if known and len(given):
        ahead = ahead.merge(given[[*by, *known]], on=by, how="left")
    ahead = ahead.reindex(columns=columns)
    missing = [name for name in known if ahead[name].isna().any()]
    if missing:
        where = ahead.loc[ahead[missing[0]].isna(), layout.time].iloc[0]
        raise ValueError(f"{missing[0]!r} is known in advance and has no value for {where}, which is to be forecast")
    kinds = {name: past[name].dtype for name in known}
    together: pd.DataFrame = pd.concat([past, ahead.astype(kinds, errors="ignore")], ignore_index=True)
    return together


def forecast_rows(
    model: SeriesModel,
    history: pd.DataFrame,
    future: pd.DataFrame | None,
    build_features: Callable[[pd.DataFrame], pd.DataFrame],
    *,
    known: tuple[str, ...],
) -> pd.DataFrame:
    """The horizon after the last known row of a history, as `SeriesModel.table` lays it out.

    Parameters
    ----------
    model : SeriesModel
        The fitted model.
    history, future : pandas.DataFrame
        As `rows_ahead` takes them.
    build_features : callable
        The project's features.py.
    known : tuple of str
        Columns known in advance.

    Raises
    ------
    ValueError
        If the rows do not lie on the model's grid of time, or lack what is known in advance.
    """
    layout = model.layout
    rows = _latest(rows_ahead(history, future, layout, known=known, horizon=model.horizon), model)
    shown = rows[[layout.time, *layout.series, *known]]
    grid = make_grid(join_features(rows, build_features(shown), layout), layout)
    return model.table(grid)


def _latest(rows: pd.DataFrame, model: SeriesModel) -> pd.DataFrame:
    """As many of the latest moments as the model has a use for."""
    ordered = np.sort(rows[model.layout.time].unique())
    if len(ordered) > model.history + model.horizon:
        rows = rows[rows[model.layout.time] >= ordered[-(model.history + model.horizon)]]
    doubled = rows.duplicated([model.layout.time, *model.layout.series])
    if doubled.any():
        key = series_keys(rows[doubled], model.layout.series).iloc[0].replace("\x1f", ", ")
        raise ValueError(
            f"two rows are of the same moment {rows.loc[doubled, model.layout.time].iloc[0]} {key}".rstrip()
        )
    return rows.reset_index(drop=True)
