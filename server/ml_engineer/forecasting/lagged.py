"""One model for all series, from lags, windows, seasons, covariates and the calendar, for each step of the horizon.

Every step is forecast directly: no forecast is fed back as if it were known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import RidgeCV
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn, untyped

from ml_engineer.forecasting.design import Design, Triples
from ml_engineer.forecasting.grid import Floats, Grid
from ml_engineer.forecasting.naive import season_ago
from ml_engineer.forecasting.scores import scales_of

__all__ = ["LaggedLines", "LaggedTrees"]

_ALPHAS = (0.1, 1.0, 10.0, 100.0, 1000.0)
_FEW_ROWS = 20_000
_FEWEST_YEARS = 2.0
_WIDEST = 8.0  # in standard deviations: what lies further out than that is taken for as far


@dataclass
class _Lagged:
    """What trees and lines share: the scale they learn on, and what they learn the difference to."""

    seasons: tuple[int, ...] = (1,)
    anchor: str = "season"
    logarithm: bool = False
    most_rows: int = 100_000
    seed: int = 0
    units: dict[str, float] = field(default_factory=dict, repr=False)
    yearly: bool = field(default=True, repr=False)

    waves = False

    def _design(self, grid: Grid) -> Design:
        values = self._scaled(grid.values)
        units = np.array([self.units.get(name, np.nan) for name in grid.names])
        if np.isnan(units).any():
            units = np.where(np.isnan(units), scales_of(values, self.seasons[0]), units)
        return Design(grid, values, units, self.seasons, self.anchor, self.waves, self.yearly)

    def _scaled(self, values: Floats) -> Floats:
        if not self.logarithm:
            return values
        with np.errstate(all="ignore"):
            return np.where(values > 0, np.log(np.where(values > 0, values, 1.0)), np.nan)

    def _sample(self, design: Design, until: int, horizon: int, most: int, *, step: int | None = None) -> Triples:
        """Forecasts to learn from, whose outcome was known before moment number `until`."""
        rng = np.random.default_rng(self.seed)
        lines, moments = np.nonzero(np.isfinite(design.values[:, :until]))
        steps = np.full(len(moments), step) if step is not None else rng.integers(0, horizon, len(moments))
        if step is None and len(moments) * horizon <= most:
            lines, moments = np.repeat(lines, horizon), np.repeat(moments, horizon)
            steps = np.tile(np.arange(horizon), len(steps))
        elif step is None and len(moments) < most:
            times = -(-most // len(moments))
            lines, moments = np.repeat(lines, times), np.repeat(moments, times)
            steps = rng.integers(0, horizon, len(moments))
        usable = np.flatnonzero(moments - steps > self.seasons[0])
        if len(usable) > most:
            usable = np.sort(rng.choice(usable, most, replace=False))
        return Triples(lines[usable], (moments - steps)[usable], steps[usable])

    def _learn(self, grid: Grid, until: int) -> Design:
        """The design of what lies before `until`; the unit of each series is learned on the way."""
        hidden = grid.hidden_from(until)
        values = self._scaled(hidden.values)
        self.yearly = _years(hidden) >= _FEWEST_YEARS
        self.units = dict(zip(grid.names, scales_of(values, self.seasons[0]).tolist(), strict=True))
        return self._design(hidden)

    @staticmethod
    def _outcomes(design: Design, which: Triples) -> Floats:
        truth = design.values[which.series, which.origins + which.steps]
        return np.asarray((truth - design.anchors(which)) / design.scales[which.series])

    def _said(self, grid: Grid, design: Design, learned: Floats, which: Triples, shape: tuple[int, ...]) -> Floats:
        """Forecasts on the scale of the target, (O, S, horizon); a season ago where there is nothing to go by."""
        values = design.anchors(which) + learned * design.scales[which.series]
        if self.logarithm:
            values = np.exp(np.minimum(values, 700.0))
        found = values.reshape(shape)
        origins = which.origins.reshape(shape)[:, 0, 0]
        for place in np.flatnonzero(np.isnan(found).any(axis=(1, 2))):
            naive = season_ago(grid.values, int(origins[place]), shape[2], self.seasons[0])
            found[place] = np.where(np.isnan(found[place]), naive, found[place])
        return found


def _triples(origins: list[int], series: int, horizon: int) -> Triples:
    place, line, step = np.meshgrid(np.array(origins), np.arange(series), np.arange(horizon), indexing="ij")
    return Triples(line.ravel(), place.ravel(), step.ravel())


def _years(grid: Grid) -> float:
    """Years from the first known value to the last; infinite where time is only counted."""
    known = np.flatnonzero(np.isfinite(grid.values).any(axis=0))
    if not isinstance(grid.moments, pd.DatetimeIndex) or not len(known):
        return float("inf")
    return float((grid.moments[known[-1]] - grid.moments[known[0]]).days) / 365.25


@dataclass
class LaggedTrees(_Lagged):
    """Gradient boosted trees (LightGBM).

    Parameters
    ----------
    seasons : tuple of int
        Moments in each season, the one that is compared with first.
    anchor : {'season', 'last', 'level'}
        What the trees learn the difference to; they cannot go beyond what they saw, the anchor can.
    logarithm : bool
        Whether they learn on logarithms; for series above zero whose swings grow with their level.
    most_rows : int
        Forecasts that are learned from, drawn from all that could be.
    seed : int
        Random state.
    trees, leaves, learning_rate, least_rows, objective
        As LightGBM's.
    """

    trees: int = 300
    leaves: int = 31
    learning_rate: float = 0.05
    least_rows: int = 20
    objective: str = "regression"
    booster: Any = field(default=None, repr=False)

    def fit(self, grid: Grid, until: int, horizon: int) -> LaggedTrees:
        """Learn from what lies before moment number `until`, all series and steps together."""
        import lightgbm

        design = self._learn(grid, until)
        which = self._sample(design, until, horizon, self.most_rows)
        outcomes = self._outcomes(design, which)
        good = np.isfinite(outcomes)
        settings = {
            "objective": self.objective,
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.least_rows,
            "feature_fraction": 0.8,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "seed": self.seed,
            # The same trees whatever machine and however many cores.
            "deterministic": True,
            "force_row_wise": True,
            # Cores get in each other's way where there is little to do.
            "num_threads": 1 if good.sum() < _FEW_ROWS else 0,
            "verbosity": -1,
        }
        table = lightgbm.Dataset(design.rows(which)[good], outcomes[good], params={"verbosity": -1})
        self.booster = lightgbm.train(settings, table, num_boost_round=self.trees)
        return self

    def forecast(self, grid: Grid, origins: list[int], horizon: int) -> Floats:
        """Forecast `horizon` moments from each origin on; shape (O, S, horizon)."""
        design = self._design(grid)
        which = _triples(origins, len(grid.names), horizon)
        learned = np.asarray(self.booster.predict(design.rows(which)), dtype=float)
        return self._said(grid, design, learned, which, (len(origins), len(grid.names), horizon))

    def state(self) -> dict[str, Any]:
        """What was learned, as JSON holds it."""
        return {"units": self.units, "yearly": self.yearly, "booster": self.booster.model_to_string()}

    def restore(self, state: dict[str, Any]) -> LaggedTrees:
        """Take back what was learned."""
        import lightgbm

        self.units, self.yearly = dict(state["units"]), bool(state["yearly"])
        self.booster = lightgbm.Booster(model_str=state["booster"])
        return self


@dataclass
class LaggedLines(_Lagged):
    """Ridge regression, one for each step of the horizon; the penalty is chosen by leaving single rows out.

    Parameters
    ----------
    seasons, anchor, logarithm, most_rows, seed
        As for `LaggedTrees`; `most_rows` for each step.
    """

    most_rows: int = 4_000
    lines: list[dict[str, list[float]]] = field(default_factory=list, repr=False)

    waves = True

    def fit(self, grid: Grid, until: int, horizon: int) -> LaggedLines:
        """Learn from what lies before moment number `until`, all series together, each step for itself."""
        design = self._learn(grid, until)
        # Cores get in each other's way, and add up in another order each time.
        with threadpool_limits(limits=1, user_api="blas"):
            self.lines = [self._line(design, until, horizon, step) for step in range(horizon)]
        return self

    def _line(self, design: Design, until: int, horizon: int, step: int) -> dict[str, list[float]]:
        which = self._sample(design, until, horizon, self.most_rows, step=step)
        outcomes = self._outcomes(design, which)
        good = np.isfinite(outcomes)
        rows = design.rows(which)[good].astype(float)
        if len(rows) < 3:
            return {"middle": [], "width": [], "weights": [], "constant": [0.0]}
        known = np.isfinite(rows)
        counts = np.maximum(known.sum(axis=0), 1)
        middle = np.where(known, rows, 0).sum(axis=0) / counts
        width = np.sqrt(np.where(known, (rows - middle) ** 2, 0).sum(axis=0) / counts)
        width = np.where(width > 1e-9, width, 1.0)
        fitted = RidgeCV(alphas=_ALPHAS).fit(_standard(rows, middle, width), outcomes[good])
        return {
            "middle": middle.tolist(),
            "width": width.tolist(),
            "weights": fitted.coef_.tolist(),
            "constant": [float(fitted.intercept_)],
        }

    def forecast(self, grid: Grid, origins: list[int], horizon: int) -> Floats:
        """Forecast `horizon` moments from each origin on; shape (O, S, horizon)."""
        design = self._design(grid)
        which = _triples(origins, len(grid.names), horizon)
        rows = design.rows(which).astype(float)
        learned = np.zeros(len(rows))
        for step, line in enumerate(self.lines):
            mine = which.steps == step
            learned[mine] = line["constant"][0]
            if line["weights"]:
                standard = _standard(rows[mine], np.array(line["middle"]), np.array(line["width"]))
                learned[mine] += standard @ np.array(line["weights"])
        return self._said(grid, design, learned, which, (len(origins), len(grid.names), horizon))

    def state(self) -> dict[str, Any]:
        """What was learned, as JSON holds it."""
        return {"units": self.units, "yearly": self.yearly, "lines": self.lines}

    def restore(self, state: dict[str, Any]) -> LaggedLines:
        """Take back what was learned."""
        self.units, self.yearly = dict(state["units"]), bool(state["yearly"])
        self.lines = list(state["lines"])
        return self


def _standard(rows: Floats, middle: Floats, width: Floats) -> npt.NDArray[np.float64]:
    """Numbers around zero; what is not known is zero."""
    return np.clip(np.nan_to_num((rows - middle) / width, nan=0.0, posinf=0.0, neginf=0.0), -_WIDEST, _WIDEST)
