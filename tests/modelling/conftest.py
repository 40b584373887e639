"""A search in one call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from ml_engineer.modelling.executors import make_executor
from ml_engineer.modelling.portfolio import baseline_candidate, build_portfolio
from ml_engineer.modelling.search import SearchResult, search
from ml_engineer.modelling.search_plan import SearchPlan
from ml_engineer.modelling.training_data import TrainingData
from modelling.tables import CountingJournal


@pytest.fixture
def journal() -> CountingJournal:
    return CountingJournal()


@pytest.fixture
def run_search(journal: CountingJournal) -> Callable[..., SearchResult]:
    """Search with the portfolio, or with `candidates`, for at most `seconds` or `fits`, in this process."""

    def _run(
        data: TrainingData, *, candidates: Any = None, seconds: float = 120.0, fits: int | None = None, **changes: Any
    ) -> SearchResult:
        names = changes.pop("names", None)
        workers = changes.pop("workers", 0)
        champion, price = changes.pop("champion", "best"), changes.pop("price", 10.0)
        if candidates is None:
            candidates = build_portfolio(data, seed=0, threads=1)
        chosen = [candidate for candidate in candidates if names is None or candidate.name in names]
        settings = {"clock": time.monotonic, "journal": journal, "report": lambda message, fraction: None}
        clock = changes.get("clock", time.monotonic)
        with make_executor(workers=workers, clock=clock) as executor:
            executor.load(data)
            # From here on: on a busy machine, workers take long to begin.
            deadline = float("inf") if fits is not None else clock() + seconds
            plan = SearchPlan(deadline, budget_evaluations=fits, champion=champion, price_milliseconds=price)
            return search(baseline_candidate(data), chosen, data, executor=executor, plan=plan, **settings | changes)

    return _run
