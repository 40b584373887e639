"""Our verdict on a table: framing, then the checks, as `frame_problem` and `check_guardrails` do it."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ml_engineer.errors import MlEngineerError
from ml_engineer.guardrails import CHECKS, Evidence, is_open, run_checks
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.verbs.frame_problem import frame_problem
from ml_engineer.verbs.guardrail_evidence import gather_evidence
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.requests import FrameProblemRequest


@dataclass(frozen=True)
class Verdict:
    """What was noticed.

    findings : open findings, code to columns.
    blocking : codes that block training.
    taken_out : columns that framing does not use, or asks about, as known too late.
    unused : columns that the model does not see, for whatever reason.
    refused : why the table was refused, if it was.
    """

    findings: dict[str, list[str]]
    blocking: list[str]
    taken_out: list[str]
    unused: tuple[str, ...] = ()
    refused: str = ""
    evidence: Evidence | None = None


def judge(
    frame: pd.DataFrame, target: str, told: dict[str, Any], *, code: str = "", test: pd.DataFrame | None = None
) -> Verdict:
    """Frame the table in a folder of its own and ask every check that is asked before training."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_DATA_HOME"] = str(folder / "data")
        frame.to_csv(folder / "table.csv", index=False)
        arguments = dict(told)
        if test is not None:
            test.to_csv(folder / "test.csv", index=False)
            arguments["test_data"] = str(folder / "test.csv")
        layout = ProjectLayout(folder / "ml")
        context = WorkContext("benchmark", folder)
        try:
            reply = frame_problem(
                FrameProblemRequest(
                    data=str(folder / "table.csv"), target=target, project_dir=str(layout.root), **arguments
                ),
                context,
            )
            if code:
                _write_code(layout, code)
            evidence = gather_evidence(layout, stage="train")
        except MlEngineerError as error:
            return Verdict({}, [], [], refused=str(error))
        # Stand-ins are asked about before deployment; nothing that training makes is needed for that.
        proxies = [check for check in CHECKS if check.code == "FAI003"]
        findings = (*run_checks(evidence, stage="train"), *run_checks(evidence, stage="deploy", checks=proxies))
    opened = {finding.code: list(finding.columns) for finding in findings if is_open(finding)}
    if not evidence.problem.worth_building:
        opened["signal"] = []
    for column in evidence.problem.columns:
        if any(f"'{column.name}'" in warning or f"`{column.name}`" in warning for warning in reply.warnings):
            opened.setdefault("reader", []).append(column.name)
    if evidence.problem.split.strategy == "grouped" and not told.get("group_columns"):
        opened["grouped split"] = list(evidence.problem.split.group_columns)
    if evidence.problem.split.strategy == "time" and not told.get("time_column"):
        opened["timed split"] = [str(evidence.problem.split.time_column)]
    return Verdict(
        opened,
        [finding.code for finding in findings if finding.blocks and finding.code != "FAI003"],
        [column.name for column in evidence.problem.columns if column.availability != "at_prediction"],
        tuple(column.name for column in evidence.problem.columns if not column.used),
        evidence=evidence,
    )


def _write_code(layout: ProjectLayout, code: str) -> None:
    from ml_engineer.project.definition import load_problem

    names = [column.name for column in load_problem(layout).features if column.role != "datetime"]
    layout.features_py.parent.mkdir(parents=True, exist_ok=True)
    layout.features_py.write_text(f"COLUMNS = {names!r}\n{code}", encoding="utf-8")
