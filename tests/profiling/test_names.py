"""What a name says, and what it does not."""

from __future__ import annotations

import pytest

from ml_engineer.profiling.names import key_strength, names_event_time, names_person, quoted, unit_in, words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("customerID", ("customer", "id")),
        ("HTTPServerID", ("http", "server", "id")),
        ("home.dest", ("home", "dest")),
        ("Body Mass (g)", ("body", "mass", "g")),
        ("名前", ()),
        ("", ()),
    ],
)
def test_names_fall_into_lower_case_words(name: str, expected: tuple[str, ...]) -> None:
    assert words(name) == expected


@pytest.mark.parametrize(
    "name", ["id", "customer_id", "Individual ID", "patient", "userid", "account no", "Customer Name"]
)
def test_ids_of_persons_and_things_are_strong_keys(name: str) -> None:
    assert key_strength(name) == "strong"


@pytest.mark.parametrize("name", ["ticket", "category_id", "city id", "store"])
def test_things_and_keys_of_kinds_are_weak_keys(name: str) -> None:
    assert key_strength(name) == "weak"


@pytest.mark.parametrize("name", ["paid", "humid", "age", "Sample Number", "zip code", "neighborhood", "job title", ""])
def test_other_names_are_no_keys(name: str) -> None:
    assert key_strength(name) == "none"


def test_a_persons_id_speaks_of_a_person() -> None:
    assert names_person("userid")
    assert not names_person("sensor_id")


def test_only_the_time_of_an_event_orders_rows() -> None:
    assert names_event_time("Yr Sold")
    assert names_event_time("X1 transaction date")
    assert not names_event_time("Year Built")


def test_units_stand_in_brackets_at_the_end() -> None:
    assert unit_in("Body Mass (g)") == "g"
    assert unit_in("speed [km/h]") == "km/h"
    assert unit_in("f(x) value") is None


def test_names_in_sentences_are_quoted_and_on_one_line() -> None:
    assert quoted("a\nb") == "'a b'"
    assert len(quoted("x" * 500)) <= 52
