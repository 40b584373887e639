"""Gathering what the checks look at: the one place that knows where each fact lies."""

from __future__ import annotations

import pandas as pd

from ml_engineer.guardrails import Evidence
from ml_engineer.project.definition import load_problem
from ml_engineer.project.development import load_development
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record, load_record
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.guardrails import Stage, Waiver, Waivers
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["gather_evidence", "load_waivers"]


def load_waivers(layout: ProjectLayout) -> tuple[Waiver, ...]:
    """Overrides in force, oldest first."""
    record = find_record(layout, Waivers)
    return () if record is None else record.waivers


def gather_evidence(layout: ProjectLayout, *, stage: Stage, features: pd.DataFrame | None = None) -> Evidence:
    """Read what the checks of a stage look at.

    Parameters
    ----------
    layout : ProjectLayout
        The project.
    stage : {'train', 'deploy', 'production'}
        What is about to be done; before training only the problem, the rows and the features are read.
    features : pandas.DataFrame, optional
        Output of features.py on the development rows, if the caller has it already; otherwise the code is run here.

    Raises
    ------
    ProjectStateError
        If the project was not framed, or a record cannot be read.
    UserCodeError
        If features.py fails.
    """
    problem = load_problem(layout)
    split = load_record(layout, SplitPlan)
    development = load_development(layout, split)
    if features is None and layout.features_py.exists():
        from ml_engineer.project.user_code import load_features

        features = load_features(layout)(development.frame)
    del stage  # the parts that later stages look at are read when their rooms stand
    return Evidence(
        problem=problem,
        profile=load_record(layout, DataProfile),
        split=split,
        frame=development.frame,
        folds=development.folds,
        features=features,
        seed=split.definition.seed,
    )
