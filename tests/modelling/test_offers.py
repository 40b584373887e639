"""Variants that lessen a disparity are priced beside the leader and never become the champion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.results import leaderboard
from ml_engineer.modelling.training_data import TrainingData
from ml_engineer.statistics.mitigation import reweighing
from modelling.tables import make_data


def unequal_groups() -> tuple[TrainingData, np.ndarray]:
    """Two groups of which one has the outcome far more often, and a column that gives the group away."""
    rng = np.random.default_rng(0)
    data = make_data("binary", rows=600)
    group = np.where(rng.random(data.rows) < 0.5, "a", "b").astype(object)
    known = rng.normal(size=data.rows)
    chance = 1 / (1 + np.exp(-(known + np.where(group == "a", 1.5, -1.5))))
    target = np.where(rng.random(data.rows) < chance, "yes", "no")
    features = data.features[["width (mm)", "count"]].assign(known=known, hint=(group == "a") + 0.0)
    return replace(data, features=features, target=target), group


def logistic(name: str, **changes: object) -> Candidate:
    return Candidate(name, "user", make_pipeline(FunctionTransformer(np.nan_to_num), LogisticRegression()), **changes)


def test_the_reweighted_leader_has_a_price_a_place_on_the_leaderboard_and_no_crown(run_search) -> None:
    data, group = unequal_groups()
    plain = logistic("plain")
    weights = reweighing(group, data.actual.astype(int))

    def offers(leader: Candidate) -> list[Candidate]:
        return [replace(leader, name="plain reweighted by group", row_weights=weights, mitigates="group")]

    result = run_search(data, candidates=[plain], fits=200, offers=offers)
    assert result.champion.candidate.name == "plain"
    board = {one.name: one for one in leaderboard(result, data, seed=0).candidates}
    reweighted = board["plain reweighted by group"]
    assert (reweighted.status, reweighted.mitigates) == ("finished", "group")
    assert reweighted.score.value > board["plain"].score.value + 0.05  # log loss
    told = next(text for text in result.decisions if "reweighted" in text)
    assert "is worse by 0.1" in told
    assert "priced and not chosen" in told
    standing = next(one for one in result.standings if one.candidate.mitigates)
    gaps = [
        np.ptp([one.predictions(data)[group == name, 1].mean() for name in ("a", "b")])
        for one in (result.champion, standing)
    ]
    assert gaps[1] < 0.6 * gaps[0]


def test_what_would_cost_the_champion_its_time_is_not_priced(run_search) -> None:
    data, group = unequal_groups()

    def offers(leader: Candidate) -> list[Candidate]:
        return [replace(leader, name="dear", row_weights=reweighing(group, data.actual.astype(int)), mitigates="group")]

    result = run_search(data, candidates=[logistic("plain")], fits=20, offers=offers)
    assert {one.candidate.name for one in result.standings} == {"baseline", "plain"}
    assert any("dear was not priced" in text for text in result.decisions)
