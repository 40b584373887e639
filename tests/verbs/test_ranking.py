"""An order is learned of rows in queries, from the table to the predictions, and refused where there are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

from ml_engineer.errors import InputError, UnsupportedTaskError

QUERIES, ROWS = 90, 8


def searches(seed: int = 0) -> pd.DataFrame:
    """Queries whose rows differ in fit and price; how hard a query is moves all of its rows, and orders none."""
    rng = np.random.default_rng(seed)
    query = np.repeat(np.arange(QUERIES), ROWS)
    fit, price = rng.normal(size=len(query)), rng.exponential(10, len(query))
    worth = fit - price / 10 + 0.2 * rng.normal(size=len(query))
    relevance = pd.Series(worth).groupby(query).rank(ascending=False)
    return pd.DataFrame(
        {
            "search": [f"s{number:03}" for number in query],
            "hardness": np.repeat(rng.normal(size=QUERIES), ROWS),
            "fit": fit,
            "price": price,
            # Two rows of each query are as good as can be, two are good, and the others are not.
            "relevance": np.select([relevance <= 2, relevance <= 4], [2, 1], 0),
        }
    )


def test_an_order_is_learned_judged_by_query_and_predicted(tmp_path: Path, call: Callable[..., Any]) -> None:
    data, root = tmp_path / "searches.csv", str(tmp_path / "ml")
    searches().to_csv(data, index=False)
    framed = call(
        "frame_problem",
        data=str(data),
        target="relevance",
        task_type="ranking",
        group_columns=["search"],
        project_dir=root,
    )
    assert (framed.task_type, framed.primary_metric) == ("ranking", "ndcg_at_10")
    assert framed.split.startswith("Several rows share 'search'")

    trained = call("train", project_dir=root, budget_evaluations=6, candidates=["lambda_boosting"])
    assert trained.champion == "lambda_boosting"
    # One score for all rows is worth what a random order is: known from the grades alone.
    chance = ndcg_score([[2, 2, 1, 1, 0, 0, 0, 0]], [[0] * ROWS], k=10)
    assert trained.baseline.value == pytest.approx(chance, abs=1e-9)
    assert trained.score.value > 0.93
    assert "groups" in trained.score.method

    evaluated = call("evaluate", project_dir=root)
    assert evaluated.verdict == "better_than_baseline"
    assert set(evaluated.metrics) == {"ndcg_at_10", "mean_average_precision"}
    page = Path(evaluated.artifacts["report"]).read_text(encoding="utf-8")
    assert "NDCG at 10" in page
    assert "Mean relevance at each of the first places" in page

    fresh, output = tmp_path / "fresh.csv", tmp_path / "ordered.csv"
    later = searches(seed=1)
    # The rows of a query need not stand together.
    mixed = later.sample(frac=1, random_state=0)
    mixed.drop(columns="relevance").to_csv(fresh, index=False)
    call("predict", project_dir=root, data=str(fresh), output=str(output))
    ordered = pd.read_csv(output)
    assert list(ordered.columns) == ["row", "search", "prediction", "rank"]
    assert (ordered.groupby("search")["rank"].min() == 1).all()
    best = mixed["relevance"].to_numpy()[ordered["rank"] == 1]
    assert best.mean() > 1.6, "the row that is put first is nearly always one of the two best"


def test_a_column_that_is_called_query_tells_the_query(tmp_path: Path, call: Callable[..., Any]) -> None:
    data = tmp_path / "searches.csv"
    searches().rename(columns={"search": "query_id"}).to_csv(data, index=False)
    framed = call(
        "frame_problem", data=str(data), target="relevance", task_type="ranking", project_dir=str(tmp_path / "ml")
    )
    assert framed.split.startswith("Several rows share 'query_id'")


def test_rows_to_predict_must_name_their_query(tmp_path: Path, call: Callable[..., Any]) -> None:
    data, root = tmp_path / "searches.csv", str(tmp_path / "ml")
    searches().to_csv(data, index=False)
    told: dict[str, Any] = {"target": "relevance", "task_type": "ranking", "group_columns": ["search"]}
    call("frame_problem", data=str(data), project_dir=root, **told)
    call("train", project_dir=root, budget_evaluations=6, candidates=["linear"])
    searches().drop(columns=["relevance", "search"]).to_csv(data, index=False)
    with pytest.raises(InputError, match="lacks 1 of the columns"):
        call("predict", project_dir=root, data=str(data))


@pytest.mark.parametrize(
    ("change", "told", "refusal"),
    [
        ({}, {"group_columns": []}, (InputError, "which rows belong to one query")),
        ({}, {"split": "random"}, (InputError, "would tear queries apart")),
        ({"relevance": lambda frame: frame["fit"]}, {}, (UnsupportedTaskError, "no grades of relevance")),
        ({"relevance": lambda frame: 1000 * frame["relevance"]}, {}, (UnsupportedTaskError, "cutting amounts into")),
        ({"search": lambda frame: range(len(frame))}, {}, (UnsupportedTaskError, "task_type='regression'")),
        ({}, {"metric": "rmse"}, (InputError, "does not fit a ranking task")),
    ],
)
def test_what_is_no_ranking_is_refused_with_a_pointer(
    tmp_path: Path,
    call: Callable[..., Any],
    change: dict[str, Any],
    told: dict[str, Any],
    refusal: tuple[type[Exception], str],
) -> None:
    data = tmp_path / "searches.csv"
    searches().assign(**change).to_csv(data, index=False)
    request: dict[str, Any] = {"target": "relevance", "task_type": "ranking", "group_columns": ["search"]}
    with pytest.raises(refusal[0], match=refusal[1]):
        call("frame_problem", data=str(data), project_dir=str(tmp_path / "ml"), **(request | told))
    assert not (tmp_path / "ml" / "problem.yaml").exists()
