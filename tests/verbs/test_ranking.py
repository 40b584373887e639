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


def as_libsvm(frame: pd.DataFrame, path: Path) -> None:
    """Write the rows as libsvm text, and the rows of each query into a file beside."""
    lines = (f"{row.relevance} 1:{row.hardness} 2:{row.fit} 3:{row.price}" for row in frame.itertuples())
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sizes = frame.groupby("search", sort=False).size()
    path.with_name(f"{path.name}.query").write_text("\n".join(map(str, sizes)) + "\n", encoding="utf-8")


def problem_page(root: Path) -> str:
    return (root / "PROBLEM.md").read_text(encoding="utf-8")


def test_a_file_with_queries_beside_it_is_one_to_order(tmp_path: Path, call: Callable[..., Any]) -> None:
    data, root = tmp_path / "rank.train", tmp_path / "ml"
    as_libsvm(searches(), data)
    framed = call("frame_problem", data=str(data), target="target", project_dir=str(root))
    assert (framed.task_type, framed.primary_metric) == ("ranking", "ndcg_at_10")
    assert "the file says which rows make a query (90 queries of 8 rows" in problem_page(root)


@pytest.mark.parametrize(
    "told",
    [
        {"task_type": "multiclass"},
        {"group_columns": []},
        {"split": "stratified"},
        {"metric": "accuracy"},
        {"levels": ["0", "1", "2"]},
    ],
)
def test_what_the_person_said_goes_before_queries_that_were_seen(
    tmp_path: Path, call: Callable[..., Any], told: dict[str, Any]
) -> None:
    data = tmp_path / "rank.train"
    as_libsvm(searches(), data)
    framed = call("frame_problem", data=str(data), target="target", project_dir=str(tmp_path / "ml"), **told)
    assert framed.task_type == ("ordinal" if "levels" in told else "multiclass")


def test_grades_beside_a_query_number_are_taken_for_an_order_and_asked_about(
    tmp_path: Path, call: Callable[..., Any]
) -> None:
    data, root = tmp_path / "searches.csv", tmp_path / "ml"
    searches().rename(columns={"search": "qid"}).to_csv(data, index=False)
    framed = call("frame_problem", data=str(data), target="relevance", project_dir=str(root))
    assert framed.task_type == "ranking"
    assert framed.split.startswith("Several rows share 'qid'")
    assert "'qid' names the query of each row" in problem_page(root)
    asked = [question for question in framed.questions if "task_type=" in question.argument]
    assert [question.assumption for question in asked] == ["The order of the rows within a query is wanted."]
    assert len(framed.questions) <= 4

    answered = call("frame_problem", data=str(data), target="relevance", project_dir=str(root), task_type="multiclass")
    assert answered.task_type == "multiclass"
    assert call("frame_problem", data=str(data), target="relevance", project_dir=str(root)).task_type == "multiclass"


@pytest.mark.parametrize(
    ("target", "task"), [("clicked", "binary"), ("orders", "regression")], ids=["yes or no", "counts"]
)
def test_outcomes_of_other_kinds_beside_a_query_number_are_only_asked_about(
    tmp_path: Path, call: Callable[..., Any], target: str, task: str
) -> None:
    data = tmp_path / "searches.csv"
    table = searches().rename(columns={"search": "query_id", "relevance": target})
    table.assign(**{target: table[target].clip(upper=1) if task == "binary" else table[target]}).to_csv(
        data, index=False
    )
    framed = call("frame_problem", data=str(data), target=target, project_dir=str(tmp_path / "ml"))
    assert framed.task_type == task
    assert any("task_type='ranking'" in question.argument for question in framed.questions)


@pytest.mark.parametrize(
    "change",
    [
        {"queries": lambda frame: (frame["fit"] * 3).abs().astype(int)},
        {"query_length": lambda frame: frame.groupby("search").ngroup()},
        {"query": lambda frame: range(len(frame))},
    ],
    ids=["few values", "a measure of queries", "one row each"],
)
def test_a_column_that_only_speaks_of_queries_makes_no_ranking(
    tmp_path: Path, call: Callable[..., Any], change: dict[str, Any]
) -> None:
    data = tmp_path / "visits.csv"
    searches().assign(**change).drop(columns="search").to_csv(data, index=False)
    framed = call("frame_problem", data=str(data), target="relevance", project_dir=str(tmp_path / "ml"))
    assert framed.task_type == "multiclass"
    assert not any("ranking" in question.argument for question in framed.questions)


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
