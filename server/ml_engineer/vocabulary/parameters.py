"""What the estimators' parameters may be, told in one place and before anything is fitted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ml_engineer.vocabulary.estimates import Metric

__all__ = ["check_parameters"]


def check_parameters(estimator: Any, *, metrics: Iterable[Metric]) -> None:
    """Refuse parameters that mean nothing.

    Parameters
    ----------
    estimator : estimator
        With parameters as they were given; those that it does not have are passed over.
    metrics : iterable of str
        Names that `metric` may take.

    Raises
    ------
    ValueError
        Naming the parameter, what was given and what may be.
    """
    given = estimator.get_params(deep=False)
    _number(given, "budget_seconds", least=0.0)
    _number(given, "price_milliseconds", least=0.0, finite=False)
    for name, least in (("budget_evaluations", 1), ("memory_limit_mb", 1), ("folds", 2), ("horizon", 1)):
        _whole(given, name, least=least)
    if "n_jobs" in given and given["n_jobs"] != -1:
        _whole(given, "n_jobs", least=1, more=", -1 for one fit a core, or None")
    if given.get("champion", "best") not in {"best", "simplest-within-noise"}:
        _refuse("champion", given["champion"], "'best' or 'simplest-within-noise'")
    allowed = tuple(metrics)
    if given.get("metric") is not None and given["metric"] not in allowed:
        _refuse("metric", given["metric"], f"one of {', '.join(allowed)}, or None")


def _number(given: dict[str, Any], name: str, *, least: float, finite: bool = True) -> None:
    value = given.get(name, least)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not value >= least or (finite and math.isinf(value)):
        _refuse(name, value, f"a {'finite ' if finite else ''}number from {least:g} on")


def _whole(given: dict[str, Any], name: str, *, least: int, more: str = ", or None") -> None:
    if name not in given or (given[name] is None and name != "folds"):
        return
    value = given[name]
    if not hasattr(value, "__index__") or isinstance(value, bool) or value < least:
        _refuse(name, value, f"a whole number from {least} on{'' if name == 'folds' else more}")


def _refuse(name: str, value: Any, allowed: str) -> None:
    msg = f"{name} must be {allowed}, and is {value!r}"
    raise ValueError(msg)
