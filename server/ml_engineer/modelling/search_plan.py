"""What a search may spend, and what its champion may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["SearchPlan"]


@dataclass(frozen=True)
class SearchPlan:
    """What a search may spend, and what its champion may cost.

    Parameters
    ----------
    deadline : float
        Reading of the clock by which the champion should be fitted on all rows; infinite without a time budget.
    budget_evaluations : int, optional
        Fits that the search may do. Without a deadline, the same search then gives the same model on any machine.
    seed : int
        Random state of what the search itself draws.
    price_milliseconds : float
        What a prediction of the champion may cost per row, in batches.
    champion : {'best', 'simplest-within-noise'}
        Whether the best is taken, or the simplest whose difference to the best may be chance.
    patience : int
        So many new settings in a row may be tried in vain; under a time budget more, while they took little of it.
    """

    deadline: float
    budget_evaluations: int | None = None
    seed: int = 0
    price_milliseconds: float = 10.0
    champion: Literal["best", "simplest-within-noise"] = "best"
    patience: int = 40

    @property
    def timed(self) -> bool:
        """Whether the clock decides."""
        return self.deadline < float("inf")
