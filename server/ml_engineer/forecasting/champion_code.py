"""champion.py: the winner as code that a person would have written."""

from __future__ import annotations

from dataclasses import MISSING, fields

from ml_engineer.forecasting.forecasters import Average, Forecaster

__all__ = ["render_champion"]

_MODULE_OF = {
    "SeasonalNaive": "naive",
    "ExponentialSmoothing": "smoothing",
    "Theta": "smoothing",
    "LaggedTrees": "lagged",
    "LaggedLines": "lagged",
}


def render_champion(
    forecaster: Forecaster, *, run_id: str, metric: str, score: float, name: str, whys: dict[str, str]
) -> str:
    """The text of champion.py.

    Parameters
    ----------
    forecaster : Forecaster
        With its settings, not fitted.
    run_id, metric, score
        The run that chose it, and what it scored in the backtest.
    name : str
        What the leaderboard calls it.
    whys : dict of str to str
        Why each part is there, by its name.
    """
    kinds = sorted({type(part).__name__ for part in _parts(forecaster)})
    names = "Average, Forecaster" if isinstance(forecaster, Average) else "Forecaster"
    imports = {"forecasters": names}
    for kind in kinds:
        module = _MODULE_OF[kind]
        imports[module] = f"{imports[module]}, {kind}" if module in imports else kind
    lines = [f"from models.forecasting.{module} import {what}" for module, what in sorted(imports.items())]
    comments = [f"    # {part}: {why}" for part, why in whys.items()]
    return "\n".join(
        [
            f'"""The champion: {name}. Written by `train`, never by hand."""',
            "",
            *lines,
            "",
            f'RUN_ID: str | None = "{run_id}"',
            f'METRIC = "{metric}"',
            f"EXPECTED_SCORE: float | None = {score!r}  # of the backtest on development rows",
            "",
            "",
            "def build_model() -> Forecaster:",
            '    """Build the forecaster, not fitted."""',
            *comments,
            f"    return {_code(forecaster, 1)}",
            "",
        ]
    )


def _parts(forecaster: Forecaster) -> list[Forecaster]:
    return [part for _, part in forecaster.members] if isinstance(forecaster, Average) else [forecaster]


def _code(forecaster: Forecaster, depth: int) -> str:
    """The call that builds it, one argument a line."""
    pad = "    " * (depth + 1)
    if isinstance(forecaster, Average):
        body = "".join(
            f"{pad}    (\n{pad}        {weight!r},\n{pad}        {_code(part, depth + 3)},\n{pad}    ),\n"
            for weight, part in forecaster.members
        )
        return f"Average(\n{pad}[\n{body}{pad}]\n{'    ' * depth})"
    told = [
        (part.name, getattr(forecaster, part.name))
        for part in fields(forecaster)  # type: ignore[arg-type]  # every forecaster is a dataclass
        if part.repr and (part.default is MISSING or getattr(forecaster, part.name) != part.default)
    ]
    if not told:
        return f"{type(forecaster).__name__}()"
    if len(told) == 1:
        return f"{type(forecaster).__name__}({told[0][0]}={_literal(told[0][1])})"
    return f"{type(forecaster).__name__}(\n{''.join(f'{pad}{key}={_literal(value)},' + chr(10) for key, value in told)}{'    ' * depth})"


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
