"""Wrong arguments are told with what was found, what is allowed, and the nearest valid name; never in pydantic's words."""

from __future__ import annotations

from typing import Any

import pytest

from ml_engineer.doors.desk import read_request
from ml_engineer.errors import InputError
from ml_engineer.vocabulary.verbs import VERBS

FRAMED = {"data": "a.csv", "target": "y"}


@pytest.mark.parametrize(
    ("verb", "arguments", "told"),
    [
        ("train", {"budget_secs": 3}, "there is no argument 'budget_secs', did you mean 'budget_seconds'?"),
        ("train", {"budget_seconds": 0}, "budget_seconds is 0; it must be more than 0"),
        ("train", {"budget_seconds": 1e9}, "budget_seconds is 1000000000.0; it must be at most 86400"),
        ("train", {"budget_seconds": "soon"}, "budget_seconds is 'soon'; it must be a number"),
        ("train", {"seed": 1.5}, "seed is 1.5; it must be a whole number"),
        ("train", {"candidates": "linear"}, "candidates is 'linear'; it must be a list"),
        ("train", {"candidates": ["linear", 3]}, "candidates[1] is 3; it must be a text"),
        ("train", {"project_dir": None}, "project_dir is None; it must be a text"),
        ("waive_finding", {"code": "LEA001", "name": "Ann"}, "reason is missing ("),
        ("frame_problem", FRAMED | {"redeal": "perhaps"}, "redeal is 'perhaps'; it must be true or false"),
        ("frame_problem", FRAMED | {"roles": ["age"]}, "roles is ['age']; it must be an object with a value by name"),
        ("frame_problem", FRAMED | {"split": "grouping"}, "'grouped'"),
        ("frame_problem", FRAMED | {"metric": "ROC_AUC"}, "did you mean 'roc_auc'?"),
        ("frame_problem", FRAMED | {"roles": {"age": "number"}}, "roles['age'] is 'number'; allowed are "),
        ("scaffold_project", {"features": ["server"]}, "features[0] is 'server'; allowed are 'serving', 'monitoring'"),
    ],
)
def test_each_kind_of_fault_says_what_was_found_and_what_is_allowed(
    verb: str, arguments: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_request(VERBS[verb], arguments)
    assert told in caught.value.found
    assert not any(word in str(caught.value) for word in ("Input should", "Field required", "pydantic", "Extra inputs"))
