"""How much time is sealed, and which origins development rows are backtested from."""

from __future__ import annotations

from ml_engineer.errors import InputError
from ml_engineer.forecasting.backtest import Windows, actual_values, backtest
from ml_engineer.forecasting.grid import Floats, Grid
from ml_engineer.forecasting.naive import SeasonalNaive
from ml_engineer.forecasting.scores import score

__all__ = ["choose_season", "plan_backtest", "sealed_horizons"]

_HELD_OUT = 0.2
_FEWEST_SEALED, _MOST_SEALED = 4, 60
_FOLDS = 5
_MOST_ORIGINS_A_FOLD = 8
_BACKTESTED = 0.35


def sealed_horizons(moments: int, horizon: int, *, series: int, fraction: float | None) -> int:
    """How many whole horizons at the end are sealed.

    A fifth of the time by default: at least four horizons, for an interval needs several origins, unless that would
    be more than a third of all; at most sixty.

    Raises
    ------
    InputError
        If what is left is too short to be learned from and backtested.
    """
    if fraction is not None:
        wanted = round(fraction * moments / horizon)
    else:
        wanted = min(max(round(_HELD_OUT * moments / horizon), _FEWEST_SEALED), _MOST_SEALED)
        wanted = min(wanted, moments // (3 * horizon))
    # The interval of a single series needs two origins.
    wanted = max(wanted, 2 if series == 1 else 1)
    left = moments - wanted * horizon
    if left < 3 * horizon + 8:
        raise InputError(
            f"The series are too short to forecast {horizon} moments",
            found=f"{moments} moments, of which {wanted * horizon} would be sealed",
            remedy=f"Pass a smaller horizon (at most {max((moments - 10) // 6, 1)}), or bring a longer history",
        )
    return wanted


def plan_backtest(moments: int, horizon: int) -> tuple[int, int]:
    """Folds over development rows, and origins in each: at most about a third of the time, never more than half."""
    folds = min(_FOLDS, max((moments - 8) // (2 * horizon), 2))
    room = int(_BACKTESTED * moments / (folds * horizon))
    return folds, min(max(room, 1), _MOST_ORIGINS_A_FOLD)


def choose_season(grid: Grid, seasons: tuple[int, ...], windows: Windows, scales: Floats) -> int:
    """The season whose naive forecast was best over the backtest; 1, the last value, if that is."""
    usable = [season for season in (1, *seasons) if season < windows.origins[0]]
    actual = actual_values(grid, windows.origins, windows.horizon)

    def error(season: int) -> float:
        said = backtest(lambda: SeasonalNaive(season), grid, windows)
        return score("mase", actual, said, scales)

    return min(usable, key=error)
