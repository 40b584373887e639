"""Every forecaster by its name, the average of several, and all of them as JSON: no pickle, nothing that runs code."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np

from ml_engineer.forecasting.grid import Floats, Grid
from ml_engineer.forecasting.lagged import LaggedLines, LaggedTrees
from ml_engineer.forecasting.naive import SeasonalNaive
from ml_engineer.forecasting.smoothing import ExponentialSmoothing, Theta

__all__ = ["Average", "Forecaster", "from_json", "to_json"]


class Forecaster(Protocol):
    """What fits and forecasts. An origin is the number of the first moment that is not known yet."""

    def fit(self, grid: Grid, until: int, horizon: int) -> Any:
        """Learn from what lies before moment number `until`; gives itself."""

    def forecast(self, grid: Grid, origins: list[int], horizon: int) -> Floats:
        """Forecast `horizon` moments from each origin on, seeing what lies before it; shape (O, S, horizon)."""

    def state(self) -> dict[str, Any]:
        """What was learned, as JSON holds it."""

    def restore(self, state: dict[str, Any]) -> Any:
        """Take back what was learned; gives itself."""


@dataclass
class Average:
    """A weighted mean of what several forecasters say.

    Parameters
    ----------
    members : list of (float, forecaster)
        Weights, which add up to one, and whom they belong to.
    """

    members: list[tuple[float, Forecaster]]

    def fit(self, grid: Grid, until: int, horizon: int) -> Average:
        """Let every member learn."""
        for _, member in self.members:
            member.fit(grid, until, horizon)
        return self

    def forecast(self, grid: Grid, origins: list[int], horizon: int) -> Floats:
        """Forecast `horizon` moments from each origin on; shape (O, S, horizon)."""
        said = [weight * member.forecast(grid, origins, horizon) for weight, member in self.members]
        return np.asarray(np.sum(said, axis=0))

    def state(self) -> dict[str, Any]:
        """What was learned, as JSON holds it."""
        return {"members": [{"weight": weight, **to_json(member)} for weight, member in self.members]}

    def restore(self, state: dict[str, Any]) -> Average:
        """Take back what was learned."""
        self.members = [(member["weight"], from_json(member)) for member in state["members"]]
        return self


_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (SeasonalNaive, ExponentialSmoothing, Theta, LaggedTrees, LaggedLines)
}


def to_json(forecaster: Forecaster) -> dict[str, Any]:
    """A fitted forecaster as JSON holds it: its kind, its settings, what it learned."""
    kind = type(forecaster).__name__
    if isinstance(forecaster, Average):
        return {"kind": kind, "settings": {}, "state": forecaster.state()}
    settings = {part.name: getattr(forecaster, part.name) for part in fields(forecaster) if part.repr}  # type: ignore[arg-type]  # every forecaster is a dataclass
    return {"kind": kind, "settings": settings, "state": forecaster.state()}


def from_json(stored: dict[str, Any]) -> Forecaster:
    """A fitted forecaster from what `to_json` gave.

    Raises
    ------
    ValueError
        If it is of a kind that is not known here.
    """
    if stored["kind"] == "Average":
        return Average([]).restore(stored["state"])
    if stored["kind"] not in _KINDS:
        raise ValueError(f"there is no forecaster {stored['kind']!r}")
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in stored["settings"].items()}
    found: Forecaster = _KINDS[stored["kind"]](**settings).restore(stored["state"])
    return found
