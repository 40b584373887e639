"""How much the target differs between lots of rows: the measure under the checks of time and of files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.wording import quoted

__all__ = ["SURPRISE", "Change", "change_over_time", "outcomes_of", "worth_telling"]

SURPRISE: Final = 4.0
"""Standard errors from which a difference is no chance, among as many comparisons as are made."""
_WORTH_TELLING: Final = {"class": 0.05, "number": 0.08}
"""Change of a class's share, or of the target's mean percentile."""
_SUDDEN: Final = 2.4
"""Height of a Brownian bridge that chance reaches once in 50,000 times."""
_EDGE: Final = 0.1
"""Share of the rows before and after which no change is looked for: too few remain to compare with."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """How the target changes along time.

    Parameters
    ----------
    notable : bool
        Whether it is more than chance, and enough to matter.
    text : str
        What was seen, with numbers.
    """

    notable: bool
    text: str


def worth_telling(evidence: Evidence) -> float:
    """From which difference of `outcomes_of` on a change matters."""
    return _WORTH_TELLING["class" if evidence.target.classes else "number"]


def outcomes_of(evidence: Evidence) -> dict[str, Floats]:
    """What is compared, by its name: a 0/1 column per class, or ranks between 0 and 1; each of shape (n,)."""
    target = evidence.target
    if not target.classes:
        return {"the mean percentile of the target": target.values}
    labels = evidence.labels
    return {
        f"the share of class {quoted(labels[code])}": (target.values == code).astype(float)
        for code in range(target.classes)
    }


def change_over_time(evidence: Evidence, name: str) -> Change:
    """The largest change of an outcome along a time column: between the ends, or at one moment in between.

    A moment is found as the highest point of the cumulative sum of deviations, which under no change is a Brownian bridge
    (Page 1954, Biometrika 41:100).
    """
    times = evidence.frame[name]
    order = np.argsort(times.to_numpy(), kind="stable")[: int(times.notna().sum())]
    outcomes = {what: values[order] for what, values in outcomes_of(evidence).items()}
    third = max(1, len(order) // 3)
    what = max(outcomes, key=lambda each: abs(float(outcomes[each][-third:].mean() - outcomes[each][:third].mean())))
    values = outcomes[what]
    first, last = float(values[:third].mean()), float(values[-third:].mean())
    error = float(np.sqrt(values.var() * 2 / third))
    limit = worth_telling(evidence)
    if abs(last - first) > max(limit, SURPRISE * error):
        return Change(True, f"{what} changes from {first:.2f} in the first third of the time to {last:.2f} in the last")
    sudden = [found for each, column in outcomes.items() if (found := _sudden(each, column, times.iloc[order], limit))]
    if sudden:
        return Change(True, f"by {quoted(name)}, {sudden[0]}")
    return Change(
        False, f"{what} hardly changes from {first:.2f} in the first third of the time to {last:.2f} in the last"
    )


def _sudden(what: str, values: Floats, times: pd.Series, limit: float) -> str:
    """A change at one moment, in words; an empty text if there is none."""
    rows, spread = len(values), float(values.std())
    edge = max(1, int(_EDGE * rows))
    if rows <= 2 * edge or spread == 0:
        return ""
    walk = np.abs(np.cumsum(values - values.mean())) / (spread * np.sqrt(rows))
    moment = int(np.argmax(walk[edge : rows - edge])) + edge + 1
    before, after = float(values[:moment].mean()), float(values[moment:].mean())
    if walk[moment - 1] < _SUDDEN or abs(after - before) <= limit:
        return ""
    return f"{what} is {before:.2f} until {_moment(times.iloc[moment])} and {after:.2f} from then on"


def _moment(value: object) -> str:
    return (
        str(value.date())
        if isinstance(value, pd.Timestamp)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
