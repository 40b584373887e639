"""Every number that was reported, with the place in a record that proves it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.passport import PassportNumber
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.records import StoredRecord
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["number_at", "reported_numbers"]

_PREFIX = {"problem": "framed", "training": "cross_validated", "evaluation": "held_out"}


def reported_numbers(layout: ProjectLayout) -> tuple[PassportNumber, ...]:
    """The estimates of the records, wherever in them they stand."""
    found: list[PassportNumber] = []
    training = find_record(layout, TrainingRun)
    kinds: tuple[type[StoredRecord], ...] = (ProblemDefinition, TrainingRun, EvaluationReport)
    for kind in kinds:
        record = find_record(layout, kind)
        if record is None or (isinstance(record, EvaluationReport) and not _is_of(record, training)):
            continue
        artefact = layout.relative(layout.records / f"{record.kind}.json")
        document = json.loads(record.model_dump_json())
        for place, estimate, name in _estimates(document):
            found.append(
                PassportNumber(name=f"{_PREFIX[record.kind]}.{name}", estimate=estimate, artefact=artefact, place=place)
            )
    return tuple(found)


def _is_of(evaluation: EvaluationReport, training: TrainingRun | None) -> bool:
    """Whether the evaluation is of the present champion; an earlier one's numbers are not claimed of this one."""
    return training is not None and evaluation.model_sha256 == training.champion.model_sha256


def number_at(document: Any, place: str) -> Estimate | None:
    """The estimate at a place of a parsed record; none if there is no such thing."""
    try:
        for part in place.split("."):
            document = document[int(part)] if isinstance(document, list) else document[part]
        return Estimate.model_validate(document)
    except (KeyError, IndexError, ValueError, TypeError):
        return None


def _estimates(value: Any, place: str = "", name: str = "") -> Iterator[tuple[str, Estimate, str]]:
    """Every estimate inside a parsed record: its place, itself, and what it is called."""
    if isinstance(value, dict):
        if {"value", "low", "high", "level", "method", "rows"} <= set(value):
            yield place, Estimate.model_validate(value), name
            return
        for key, item in value.items():
            yield from _estimates(item, _joined(place, key), _joined(name, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _estimates(item, _joined(place, str(number)), _joined(name, _called(item, number)))


def _joined(before: str, part: str) -> str:
    return f"{before}.{part}" if before else part


def _called(item: Any, number: int) -> str:
    """What a member of a list is called: by the metric or name that it carries, or its place."""
    if isinstance(item, dict):
        for key in ("metric", "name", "feature", "group"):
            if isinstance(item.get(key), str):
                return str(item[key])
    return str(number)
