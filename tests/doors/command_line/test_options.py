"""Options become the arguments of the request."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import get_args

import pytest

from ml_engineer.doors.command_line.options import option_parameters, to_arguments
from ml_engineer.errors import InputError
from ml_engineer.vocabulary.requests import FrameProblemRequest, PromoteRequest, TrainRequest


def frame(**options: object) -> dict[str, object]:
    return to_arguments(FrameProblemRequest, {"data": "a.csv", "target": "y", **options})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (["a,b"], ["a", "b"]),
        (["a, b", "c"], ["a", "b", "c"]),
        (['"a, b",c'], ["a, b", "c"]),
        ([""], []),
    ],
)
def test_lists_are_repeated_or_separated_by_commas(given, expected):
    assert frame(exclude_columns=given)["exclude_columns"] == expected


@pytest.mark.parametrize("absent", [None, []])
def test_what_was_not_given_is_left_to_its_default(absent):
    assert frame(exclude_columns=absent) == {"data": "a.csv", "target": "y"}


def test_roles_are_pairs_whose_name_may_hold_an_equals_sign():
    assert frame(roles=["a=b=identifier", "c=group"])["roles"] == {"a=b": "identifier", "c": "group"}


@pytest.mark.parametrize("text", ["identifier", "=identifier"])
def test_a_role_without_a_name_is_refused(text):
    with pytest.raises(InputError, match="NAME=ROLE"):
        frame(roles=[text])


def test_numbers_and_switches_pass_as_they_are():
    assert to_arguments(TrainRequest, {"budget_seconds": 3.5, "seed": 0}) == {"budget_seconds": 3.5, "seed": 0}
    assert frame(redeal=True)["redeal"] is True


@pytest.mark.parametrize("at_terminal", [True, False])
def test_what_only_a_person_can_say_is_asked_for_at_a_terminal_alone(monkeypatch, at_terminal):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: at_terminal))
    prompts = {
        parameter.name: get_args(parameter.annotation)[1].prompt for parameter in option_parameters(PromoteRequest)
    }
    asked = {name for name, prompt in prompts.items() if prompt}
    assert asked == ({"approved_by", "reason"} if at_terminal else set())
