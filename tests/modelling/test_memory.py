"""Fits that would not fit into memory are not begun, and the search says why."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.executors import can_fork, make_executor
from ml_engineer.modelling.fits import Fit, FitTask
from ml_engineer.modelling.memory import expected_bytes, guessed_bytes
from ml_engineer.modelling.portfolio import baseline_candidate, build_portfolio
from ml_engineer.modelling.preparation import View
from ml_engineer.modelling.search import search
from ml_engineer.modelling.search_plan import SearchPlan
from ml_engineer.modelling.standing import Standing
from modelling.tables import CountingJournal, make_data

MEGABYTE = 2**20


def hoarding(megabytes: int) -> Candidate:
    def hoard(rows):
        return rows + np.ones(megabytes * MEGABYTE // 8)[: len(rows), None] - 1

    return Candidate("own", "user", make_pipeline(FunctionTransformer(hoard), LogisticRegression()))


@pytest.mark.skipif(not can_fork(), reason="fits share a process where forking is not safe")
def test_a_fit_tells_what_it_took() -> None:
    data = make_data()
    data = replace(data, features=data.features[["count"]])
    train, test = data.pairs[0]
    with make_executor(workers=1) as executor:
        executor.load(data)
        peaks = []
        for megabytes in (1, 300):
            executor.submit(FitTask(hoarding(megabytes), train, test, "fold 0"))
            ended: list = []
            while not ended:
                ended = executor.wait(1.0)
            [(_, fit)] = ended
            assert isinstance(fit, Fit)
            peaks.append(fit.peak_bytes / MEGABYTE)
    assert 250 < peaks[1] - peaks[0] < 450


def test_every_view_has_a_guess_and_crossed_numbers_take_more_than_plain_ones() -> None:
    one = build_portfolio(make_data(), seed=0, threads=1)[0]
    guesses = {view: guessed_bytes(replace(one, view=view), rows=1_000_000) for view in get_args(View)}
    assert all(guesses.values()), guesses
    assert guesses["crossed"] > 5 * guesses["shares"]
    assert guessed_bytes(replace(one, view=""), rows=1_000_000) == 0


def test_a_limit_holds_where_fits_share_a_process_too() -> None:
    data = make_data()
    with make_executor(workers=0, memory_limit=10 * MEGABYTE) as executor:
        executor.load(data)
        result = search(
            baseline_candidate(data),
            build_portfolio(data, seed=0, threads=1)[:2],
            data,
            executor=executor,
            plan=SearchPlan(float("inf"), budget_evaluations=20, seed=0),
            clock=time.monotonic,
            journal=CountingJournal(),
            report=lambda message, fraction: None,
        )
    assert result.champion.candidate.name == "baseline"
    assert any(
        "all fits together may take 10 MB" in note for one in result.standings for note in (one.reason, *one.story)
    )
    assert any("memory_limit_mb" in warning for warning in result.warnings)


def test_more_rows_take_more_in_proportion_to_what_was_measured() -> None:
    data = make_data()
    standing = Standing(build_portfolio(data, seed=0, threads=1)[0])
    assert expected_bytes(standing, data, tried=100, rows=1000) == guessed_bytes(standing.candidate, rows=1000)
    standing.race = Fit(np.empty(0), 0.0, 0.0, peak_bytes=180 * MEGABYTE)
    assert expected_bytes(standing, data, tried=100, rows=1000) == 1080 * MEGABYTE


def test_what_does_not_fit_into_memory_is_left_and_listed_with_the_reason() -> None:
    data = make_data()
    own = Candidate(
        "own",
        "user",
        make_pipeline(FunctionTransformer(lambda rows: np.nan_to_num(rows[["width (mm)"]])), LogisticRegression()),
    )
    known = [one for one in build_portfolio(data, seed=0, threads=1) if one.name in {"linear", "boosting"}]
    with make_executor(workers=0) as executor:
        executor.memory_limit = 10 * MEGABYTE
        executor.load(data)
        result = search(
            baseline_candidate(data),
            [*known, own],
            data,
            executor=executor,
            plan=SearchPlan(float("inf"), budget_evaluations=20),
            clock=time.monotonic,
            journal=CountingJournal(),
            report=lambda message, fraction: None,
        )
    assert result.champion.candidate.name == "own"
    for one in result.standings:
        if one.candidate.family not in {"baseline", "user"}:
            assert one.status == "dropped"
            assert "all fits together may take 10 MB" in one.reason


def test_where_nothing_but_the_naive_rule_fits_into_memory_a_person_is_told_how_much_is_needed() -> None:
    data = make_data()
    linear = [one for one in build_portfolio(data, seed=0, threads=1) if one.name == "linear"]
    with make_executor(workers=0) as executor:
        executor.memory_limit = 10 * MEGABYTE
        executor.load(data)
        result = search(
            baseline_candidate(data),
            linear,
            data,
            executor=executor,
            plan=SearchPlan(float("inf"), budget_evaluations=20),
            clock=time.monotonic,
            journal=CountingJournal(),
            report=lambda message, fraction: None,
        )
    assert result.champion is result.baseline
    needed = guessed_bytes(linear[0], rows=len(data.pairs[0][0])) // MEGABYTE
    [told] = [warning for warning in result.warnings if "memory_limit_mb" in warning]
    assert "10 MB" in told
    assert 0 < needed <= int(told.split("would take about ")[1].split(" MB")[0].replace(",", "")) + 1
