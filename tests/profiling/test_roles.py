"""Each column's role, from name and values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml_engineer.errors import InputError
from ml_engineer.profiling.after_the_fact import Suspicion
from ml_engineer.profiling.columns import profile_columns
from ml_engineer.profiling.decisions import ColumnDecisions, decide_columns
from ml_engineer.profiling.roles import Structure, read_roles
from ml_engineer.vocabulary.problem import ProblemColumn

ROWS = 200
RNG = np.random.default_rng(0)
SEVERAL = np.random.default_rng(1)
TAGS = np.array([f"tag{index}" for index in range(30)])


def lists(separator: str, *, fewest: int = 3, most: int = 8) -> list[str]:
    return [
        separator.join(SEVERAL.choice(TAGS, SEVERAL.integers(fewest, most + 1), replace=False)) for _ in range(ROWS)
    ]


def drawn(pattern: str, *limits: int) -> list[str]:
    return [pattern.format(*numbers) for numbers in SEVERAL.integers(0, limits, (ROWS, len(limits)))]


SENTENCES = [f"the {index} customer wrote about a late parcel" for index in range(ROWS)]


def roles(structure: Structure | None = None, **columns: object) -> dict[str, ProblemColumn]:
    frame = pd.DataFrame(columns)
    for name in frame:
        if frame[name].dtype == object:
            frame[name] = frame[name].astype("str")
    return {
        column.name: column
        for column in read_roles(frame, profile_columns(frame, {}), structure or Structure(target="target"))
    }


def role(name: str, values: object) -> str:
    return roles(**{name: values})[name].role


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("height", RNG.normal(size=ROWS), "numeric"),
        ("floor area", RNG.integers(20, 200, ROWS), "numeric"),
        ("population", RNG.permutation(100_000)[:ROWS], "numeric"),
        ("weight", RNG.normal(1500, 300, ROWS), "numeric"),
        ("active", RNG.integers(0, 2, ROWS), "numeric"),
        ("product_type", RNG.integers(0, 5, ROWS), "categorical"),
        ("pclass", RNG.integers(1, 4, ROWS), "categorical"),
        ("smoker", RNG.integers(0, 2, ROWS).astype(bool), "categorical"),
        ("city", RNG.choice(["Rome", "Oslo"], ROWS), "categorical"),
        ("job title", RNG.choice([f"senior clerk of office {i}" for i in range(30)], ROWS), "categorical"),
        ("Overall Qual", RNG.integers(1, 11, ROWS), "ordinal"),
        ("size", RNG.choice(["small", "medium", "large"], ROWS), "ordinal"),
        ("comment", SENTENCES, "text"),
        ("signed up", pd.date_range("2024-01-01", periods=ROWS).astype("datetime64[us]"), "datetime"),
        ("code", [f"K-{index}" for index in range(ROWS)], "identifier"),
        ("customer_id", RNG.permutation(100_000)[:ROWS], "identifier"),
        ("name", [f"Smith, Mr. John {index}" for index in range(ROWS)], "identifier"),
        ("contact", [f"p{index}@example.org" for index in range(ROWS)], "identifier"),
        ("country", ["Norway"] * ROWS, "constant"),
        ("empty", [np.nan] * ROWS, "constant"),
        ("fnlwgt", RNG.integers(10_000, 900_000, ROWS), "weight"),
        ("sample_weight", RNG.uniform(0.5, 20, ROWS), "weight"),
        ("weight", RNG.uniform(0.6, 1.4, ROWS), "weight"),
    ],
)
def test_name_and_values_make_the_role(name: str, values: object, expected: str) -> None:
    assert role(name, values) == expected


@pytest.mark.parametrize(
    "values",
    [
        lists(";"),
        lists("|"),
        lists(", "),
        [f"['{cell}']" for cell in lists("', '")],
        lists(";", fewest=5, most=5),
        drawn("D{0}/C{0}{1}/I{0}{1}{2}", 4, 5, 300),
        drawn("Home > Room {0} > Shelf {0}.{1} > Thing {0}.{1}.{2}", 4, 5, 300),
    ],
    ids=["semicolons", "bars", "commas", "brackets", "always five", "path", "breadcrumbs"],
)
def test_cells_made_of_parts_that_come_again_are_read_by_their_words(values: list[str]) -> None:
    column = roles(x=values)["x"]
    assert (column.role, column.used) == ("text", True)
    assert "come again" in column.reason


def test_texts_that_are_measurements_are_numeric_however_many_there_are() -> None:
    found = roles(
        departure=[f"{index // 60:02d}:{index % 60:02d}:07" for index in range(ROWS)],
        size=[f"{index}x{2 * index}" for index in range(ROWS)],
        score=[f"{index % 21}-{index % 7}" for index in range(ROWS)],
        serial=[f"{index}-{7 * index}" for index in range(ROWS)],
    )
    assert {name: column.role for name, column in found.items()} == {
        "departure": "numeric",
        "size": "numeric",
        "score": "categorical",
        "serial": "identifier",
    }
    assert "clock times, read as numbers" in found["departure"].reason
    assert "pairs of numbers, which are read as numbers beside it" in found["score"].reason


@pytest.mark.parametrize(
    "values",
    [
        [f"2023-{index:06d}" for index in range(ROWS)],
        [f"2023/05/{index:05d}" for index in range(ROWS)],
        [f"AB/{index:05d}" for index in range(ROWS)],
        [f"{'AB'[index % 2]}/{2020 + index % 3}/{index:05d}" for index in range(ROWS)],
        [f"Mainstreet {index}, {'Oslo' if index % 2 else 'Rome'}" for index in range(ROWS)],
        [f"Family{index}, {'Anna' if index % 2 else 'John'}" for index in range(ROWS)],
        [f"images/{'cat' if index % 2 else 'dog'}/house{index % 9}/{index:05d}.png" for index in range(ROWS)],
        [f"https://example.org/{'cat' if index % 2 else 'dog'}/{index:05d}" for index in range(ROWS)],
        [f"p{index}@example.org; q{index}@example.org" for index in range(ROWS)],
    ],
)
def test_keys_with_parts_stay_identifiers(values: list[str]) -> None:
    assert role("x", values) == "identifier"


def test_lists_that_come_again_are_a_category_only_while_they_are_few() -> None:
    few, many = lists("|")[:15], lists("|")[:80]
    assert role("genres", SEVERAL.choice(few, ROWS)) == "categorical"
    assert role("genres", (many * 3)[:ROWS]) == "text"


def test_a_mark_that_is_there_or_not_is_no_constant() -> None:
    assert role("referred", ["yes", None] * (ROWS // 2)) == "categorical"


def test_what_structure_found_is_not_used() -> None:
    structure = Structure(target="y", group_columns=("pid",), keys=("device_id",), counters=("n",))
    found = roles(
        structure, pid=np.arange(ROWS) // 4, device_id=np.arange(ROWS) // 2, n=np.arange(ROWS), y=RNG.normal(size=ROWS)
    )
    assert {name: (column.role, column.used) for name, column in found.items()} == {
        "pid": ("group", False),
        "device_id": ("identifier", False),
        "n": ("identifier", False),
        "y": ("target", False),
    }


def test_a_copy_of_a_column_is_ignored_with_the_reason() -> None:
    values = RNG.normal(size=ROWS)
    assert roles(a=values, b=values.copy())["b"].reason == "repeats 'a' cell by cell"


@pytest.mark.parametrize(
    "name", ["Sex", "gender", "race", "age", "age_group", "native-country", "marital-status", "SeniorCitizen"]
)
def test_protected_attributes_are_told_by_name(name: str) -> None:
    assert roles(**{name: RNG.choice(["a", "b"], ROWS)})[name].sensitive


@pytest.mark.parametrize("name", ["housing_median_age", "house age", "car age", "page", "racetime", "sextant"])
def test_ages_of_things_and_parts_of_words_are_not_sensitive(name: str) -> None:
    assert not roles(**{name: RNG.integers(0, 50, ROWS)})[name].sensitive


@pytest.mark.parametrize(
    "values", [["M", "F"], ["male", "female", "unknown"], ["Husband", "Wife", "Own-child"], ["White", "Black", "Other"]]
)
def test_protected_attributes_are_told_by_values(values: list[str]) -> None:
    column = roles(x7=RNG.choice(values, ROWS))["x7"]
    assert column.sensitive
    assert "its values speak of" in column.reason


def test_colours_of_cars_are_no_origin() -> None:
    assert not roles(colour=RNG.choice(["white", "black", "red"], ROWS))["colour"].sensitive


def test_a_postcode_is_mentioned_as_a_stand_in() -> None:
    column = roles(zip_code=RNG.integers(10_000, 99_999, ROWS))["zip_code"]
    assert not column.sensitive
    assert "may stand in for origin or income" in column.reason


# --- what a person decides ---------------------------------------------------------------------------------------

COLUMNS = (
    ProblemColumn(name="a", role="numeric", used=True, reason="numbers"),
    ProblemColumn(name="b", role="categorical", used=True, sensitive=True, reason="category"),
    ProblemColumn(name="y", role="target", used=False, reason="the column to predict"),
)
LATE = {"a": Suspicion("a", "strong", "filled for one class only")}


def decided(suspects: dict[str, Suspicion] | None = None, **said: object) -> dict[str, ProblemColumn]:
    decisions = ColumnDecisions(**said)  # type: ignore[arg-type]
    decisions.check(["a", "b", "y"], target="y")
    return {column.name: column for column in decide_columns(COLUMNS, suspects or {}, decisions)}


def test_a_strong_suspicion_takes_a_column_out() -> None:
    column = decided(LATE)["a"]
    assert (column.used, column.availability, column.decided_by) == (False, "after_the_fact", "inferred")


def test_a_weak_suspicion_leaves_it_in_and_unsure() -> None:
    column = decided({"a": Suspicion("a", "weak", "its name")})["a"]
    assert (column.used, column.availability) == (True, "unsure")


def test_known_at_prediction_overrides_a_suspicion_and_keeps_the_evidence() -> None:
    column = decided(LATE, known_at_prediction=["a"])["a"]
    assert (column.used, column.availability, column.decided_by) == (True, "at_prediction", "person")
    assert "filled for one class only" in column.reason


def test_after_the_fact_takes_a_column_out() -> None:
    assert decided(after_the_fact=["b"])["b"].model_dump(include={"used", "availability", "decided_by"}) == {
        "used": False,
        "availability": "after_the_fact",
        "decided_by": "person",
    }


def test_roles_exclusions_and_sensitive_columns_are_the_persons() -> None:
    columns = decided(roles={"a": "identifier"}, exclude=["b"], sensitive=[])
    assert (columns["a"].role, columns["a"].used) == ("identifier", False)
    assert (columns["b"].used, columns["b"].sensitive) == (False, False)


def test_an_earlier_decision_goes_before_a_new_suspicion() -> None:
    earlier = COLUMNS[0].model_copy(update={"decided_by": "person", "reason": "set by hand"})
    assert decided(LATE, earlier={"a": earlier})["a"] == earlier


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"after_the_fact": ["c"]}, r"no column 'c' \(after_the_fact\)"),
        ({"sensitive": ["c"]}, r"\(sensitive_columns\)"),
        ({"after_the_fact": ["a"], "known_at_prediction": ["a"]}, "cannot be known both"),
        ({"exclude": ["y"]}, "target 'y' is named in exclude_columns"),
        ({"roles": {"a": "target"}}, "does not fit 'a'"),
        ({"roles": {"y": "numeric"}}, "does not fit 'y'"),
    ],
)
def test_contradictions_are_refused(said: dict[str, object], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        decided(**said)
