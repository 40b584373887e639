"""The forecasters that are tried: one of each kind first, so that a short budget has met all kinds."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from ml_engineer.forecasting.forecasters import Forecaster
from ml_engineer.forecasting.lagged import LaggedLines, LaggedTrees
from ml_engineer.forecasting.naive import SeasonalNaive
from ml_engineer.forecasting.smoothing import ExponentialSmoothing, Theta
from ml_engineer.vocabulary.training import Family

__all__ = ["Entrant", "SeriesFacts", "baseline_entrant", "smoothing_missing", "tried_forecasters"]

_MOST_SMOOTHED_SEASON = 60
_MOST_SMOOTHED_SERIES = 300


@dataclass(frozen=True)
class Entrant:
    """One forecaster that is tried.

    Parameters
    ----------
    name : str
        Its name on the leaderboard.
    family : Family
        Kind of model.
    forecaster : Forecaster
        With its settings, not fitted.
    why : str
        Why it is tried, in a sentence.
    """

    name: str
    family: Family
    forecaster: Forecaster
    why: str


@dataclass(frozen=True)
class SeriesFacts:
    """What decides who is tried.

    Parameters
    ----------
    season : int
        The season that the baseline takes.
    seasons : tuple of int
        All natural seasons.
    series, horizon : int
        How many series, and moments to forecast.
    positive : bool
        Whether all values lie above zero.
    """

    season: int
    seasons: tuple[int, ...]
    series: int
    horizon: int
    positive: bool


def baseline_entrant(season: int) -> Entrant:
    """The naive rule that everything is compared with."""
    return Entrant("baseline", "baseline", SeasonalNaive(season), "The naive rule.")


def smoothing_missing() -> bool:
    """Whether statsmodels is not installed, so that there is no exponential smoothing and no Theta method."""
    return importlib.util.find_spec("statsmodels") is None


def tried_forecasters(facts: SeriesFacts, *, seed: int, most_rows: int) -> list[Entrant]:
    """Everything worth trying on series like these, in the order in which it is tried.

    Parameters
    ----------
    facts : SeriesFacts
        What is known of the series.
    seed : int
        Random state of every forecaster.
    most_rows : int
        Forecasts that trees learn from.
    """
    ordered = (facts.season, *(season for season in facts.seasons if season != facts.season))
    # With a season of one, the naive rule said that seasons do not help; they are still looked at.
    seasons = ordered if facts.season > 1 or not facts.seasons else (*facts.seasons, 1)
    lines, trees = _lines(facts, seasons, seed), _trees(facts, seasons, seed, most_rows)
    kinds = [lines[:1], _smoothed(facts), trees[:1]]
    found = [one for kind in kinds for one in kind]
    others = [
        Entrant(f"naive_{season}", "baseline", SeasonalNaive(season), "Another season of the naive rule.")
        for season in (1, *facts.seasons)
        if season != facts.season
    ]
    return found + lines[1:] + trees[1:] + others


def _smoothed(facts: SeriesFacts) -> list[Entrant]:
    if smoothing_missing() or facts.series > _MOST_SMOOTHED_SERIES:
        return []
    # A year of half-hours is too long a season; its day is not.
    usable = [season for season in (facts.season, *facts.seasons[::-1]) if 1 < season <= _MOST_SMOOTHED_SEASON]
    season = next(iter(usable), 1)
    return [
        Entrant(
            "exponential_smoothing",
            "smoothing",
            ExponentialSmoothing(season),
            "Level, trend and season that move slowly, series by series.",
        ),
        Entrant("theta", "smoothing", Theta(season), "Hard to beat on short monthly and quarterly series."),
    ]


def _lines(facts: SeriesFacts, seasons: tuple[int, ...], seed: int) -> list[Entrant]:
    most_rows = 4_000 if facts.horizon <= 48 else 1_500
    found = []
    for anchor in ("season", "level", "last"):
        why = f"Straight lines from lags, seasons, covariates and calendar, as a difference to {_ANCHORS[anchor]}."
        for logarithm in (True, False) if facts.positive else (False,):
            name = f"lines_{anchor}{'_log' if logarithm else ''}"
            lines = LaggedLines(seasons, anchor, logarithm, most_rows=most_rows, seed=seed)
            found.append(Entrant(name, "linear", lines, why))
    return sorted(found, key=lambda one: ("log" not in one.name) if facts.positive else False)


_ANCHORS = {"season": "the season before", "level": "the mean of a season", "last": "the last value"}


def _trees(facts: SeriesFacts, seasons: tuple[int, ...], seed: int, most_rows: int) -> list[Entrant]:
    found = []
    sizes = {"small": (150, 8, 0.05, 10, min(most_rows, 20_000)), "large": (400, 31, 0.05, 20, most_rows)}
    for size, (trees, leaves, rate, least, rows) in sizes.items():
        for anchor in ("season", "level"):
            logarithm = facts.positive
            forecaster = LaggedTrees(
                seasons,
                anchor,
                logarithm,
                most_rows=rows,
                seed=seed,
                trees=trees,
                leaves=leaves,
                learning_rate=rate,
                least_rows=least,
            )
            why = f"Boosted trees, for what is not straight, as a difference to {_ANCHORS[anchor]}."
            found.append(Entrant(f"trees_{size}_{anchor}{'_log' if logarithm else ''}", "boosting", forecaster, why))
    plain = LaggedTrees(
        seasons, "season", most_rows=most_rows, seed=seed, trees=800, leaves=63, learning_rate=0.03, objective="l1"
    )
    found.append(Entrant("trees_median_season", "boosting", plain, "Boosted trees that aim at the median."))
    return found
