"""Everything the checks may look at, handed in: no check reads a file, asks a clock or draws a number of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from ml_engineer.guardrails.keys import visible_keys
from ml_engineer.guardrails.out_of_fold import assess_groups
from ml_engineer.guardrails.probe import Probe
from ml_engineer.guardrails.source_files import SourceFiles
from ml_engineer.statistics.label_sets import membership
from ml_engineer.statistics.ordinal import in_level_order
from ml_engineer.statistics.predictive_power import Target, codings, power_alone
from ml_engineer.vocabulary.code_trial import CodeTrial
from ml_engineer.vocabulary.contract import DataContract
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.fairness import FairnessAssessment
from ml_engineer.vocabulary.problem import ProblemColumn, ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun

__all__ = [
    "ChampionFiles",
    "ClaimFacts",
    "Evidence",
    "LedgerFacts",
    "Part",
    "RefitFacts",
    "ServingFacts",
    "TrackingFacts",
]

Part = Literal[
    "features",
    "training",
    "champion",
    "evaluation",
    "predictions",
    "fitted",
    "refit",
    "code",
    "tracking",
    "serving",
    "ledger",
    "claims",
]
"""Parts of the evidence that may be absent."""


@dataclass(frozen=True)
class TrackingFacts:
    """What the experiment store holds of the champion's run.

    Parameters
    ----------
    run_found : bool
        Whether the store holds the run that the training record names.
    missing : tuple of str
        What that run lacks, in words: 'parameters', 'fold scores', 'the data fingerprint', ...
    problem : str
        Why the store cannot be read; empty if it can.
    """

    run_found: bool
    missing: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class ChampionFiles:
    """SHA-256 of the champion's files as they lie on disk now; None for a file that is not there."""

    model_sha256: str | None
    code_sha256: str | None
    features_sha256: str | None
    manifest_model_sha256: str | None = None
    """Hash of the model file that the serving manifest promises."""


@dataclass(frozen=True)
class ServingFacts:
    """What stands ready to serve and to watch.

    Parameters
    ----------
    app_present, monitor_present : bool
        Whether the service and the drift monitor are in the project.
    logged_predictions : int or None
        Rows in the prediction log that the monitor reads; None if there is no log.
    """

    app_present: bool
    monitor_present: bool
    logged_predictions: int | None = None


@dataclass(frozen=True)
class LedgerFacts:
    """What the ledger of looks says of this deal.

    Parameters
    ----------
    problems : tuple of str
        What does not add up, one sentence each; empty if the ledger is sound.
    looks : int
        Different models that the held-out rows were opened for.
    known_held_out_rows : int or None
        Held-out rows that equal a development row in every column; None where that cannot be told.
    """

    problems: tuple[str, ...]
    looks: int
    known_held_out_rows: int | None = None


@dataclass(frozen=True)
class ClaimFacts:
    """What is claimed of the champion, held against what was written down.

    Parameters
    ----------
    clock : tuple of str
        Entries of the ledger that claim to be older than the ones before them, one sentence each.
    tried : int
        Candidates that the project's tally counts, over all runs.
    tried_at_looks : int
        The most that the ledger saw counted at a look.
    looks_claimed : int
        Looks that the passport counted when it was written.
    passport : str
        What is wrong with passport.json as a file; empty if nothing is.
    changed : tuple of str
        Records and reports that have another hash than the passport says, relative to the project.
    scores_apart : tuple of str
        Held-out scores that are not those in the ledger, in words.
    """

    clock: tuple[str, ...] = ()
    tried: int = 0
    tried_at_looks: int = 0
    looks_claimed: int = 0
    passport: str = ""
    changed: tuple[str, ...] = ()
    scores_apart: tuple[str, ...] = ()


@dataclass(frozen=True)
class RefitFacts:
    """One fold of the champion, fitted again from its code on the rows of the others.

    Parameters
    ----------
    rows, unequal_rows : int
        Rows that were predicted, and those of them that got another prediction than the stored one.
    examples : tuple of int
        A few of the latter.
    seconds : float
        Wall time.
    problem : str
        Why it could not be fitted; empty if it could.
    """

    rows: int = 0
    unequal_rows: int = 0
    examples: tuple[int, ...] = ()
    seconds: float = 0.0
    problem: str = ""


@dataclass(frozen=True)
class Evidence:
    """What is known when the checks are asked.

    Parameters
    ----------
    problem, profile, split : records
        The framed problem, the table's profile, the deal.
    frame : pandas.DataFrame of shape (n, columns)
        Cleaned development rows with all their columns; the index is the row number in the source.
    folds : numpy.ndarray of shape (n,), int
        Fold number of each development row.
    features : pandas.DataFrame of shape (n, features) or None
        What features.py makes of `frame`.
    training, evaluation : records or None
        The newest training run and the newest look at the held-out rows.
    stale : dict of str to str
        Records made from a parent that has changed since: kind of the record, kind of the parent.
    predictions : pandas.DataFrame or None
        The champion's out-of-fold predictions with columns ``row``, ``fold``, ``predicted`` and, for classification,
        ``p0`` to ``p{k-1}``.
    fitted : pandas.DataFrame or None
        What the champion says of (some of) the rows that it learned from, with the same columns but ``fold``.
    refit : RefitFacts or None
        One fold of the champion, fitted again.
    code : CodeTrial or None
        What was seen when features.py and candidates.py were tried.
    groups : dict of str to numpy.ndarray of shape (n,)
        Name of the group that each development row belongs to, by sensitive column.
    champion, tracking, serving, ledger : facts or None
        See their classes.
    contract : DataContract or None
        The rules of data/contract.yaml.
    packages : dict of str to str
        Versions installed now, by package.
    seed : int
        Random state of the models that checks fit.
    one_of_labels : bool
        Whether this is about one of several labels that a row may have, as if it were alone.
    """

    problem: ProblemDefinition
    profile: DataProfile
    split: SplitPlan
    frame: pd.DataFrame
    folds: np.ndarray
    features: pd.DataFrame | None = None
    training: TrainingRun | None = None
    evaluation: EvaluationReport | None = None
    stale: dict[str, str] = field(default_factory=dict)
    predictions: pd.DataFrame | None = None
    fitted: pd.DataFrame | None = None
    refit: RefitFacts | None = None
    code: CodeTrial | None = None
    groups: dict[str, np.ndarray] = field(default_factory=dict)
    champion: ChampionFiles | None = None
    tracking: TrackingFacts | None = None
    serving: ServingFacts | None = None
    ledger: LedgerFacts | None = None
    claims: ClaimFacts | None = None
    contract: DataContract | None = None
    packages: dict[str, str] = field(default_factory=dict)
    seed: int = 0
    one_of_labels: bool = False

    @cached_property
    def used(self) -> tuple[ProblemColumn, ...]:
        """Columns that the model may see and that the table has."""
        return tuple(column for column in self.problem.features if column.name in self.frame.columns)

    @cached_property
    def used_names(self) -> list[str]:
        """Names of `used`."""
        return [column.name for column in self.used]

    @cached_property
    def inputs(self) -> pd.DataFrame:
        """What the model sees, shape (n, inputs): the output of features.py, or the used columns before it is there."""
        return self.frame[self.used_names] if self.features is None else self.features

    @cached_property
    def source_files(self) -> SourceFiles | None:
        """The file that each row came from; None unless rows came from several."""
        return SourceFiles.of(self.profile.report, self.frame.index)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Columns that name things with several rows each, or may, declared ones first."""
        return visible_keys(self.problem, self.frame)

    @cached_property
    def target(self) -> Target:
        """The target as the probes take it."""
        column = self.frame[self.problem.target]
        if self.problem.judged_as == "ordinal":
            column = in_level_order(column, self.problem.classes)
        return Target.of(column, task=self.problem.form)

    @property
    def labels(self) -> np.ndarray:
        """Class labels as text, in the order of the codes of `target`."""
        if self.problem.judged_as == "ordinal":
            return np.array(self.problem.classes)
        return np.unique(self.frame[self.problem.target].astype(str))

    @cached_property
    def labels_apart(self) -> list[tuple[str, Evidence]]:
        """Each of several labels as evidence of a binary task, those first that one column predicts best.

        A leak of one label would be lost among many, so that what looks most like one is looked at first.
        """
        has = membership(self.frame[self.problem.target], self.problem.classes)
        coded = [one for name in self.inputs.columns for one in codings(self.inputs[name])]
        strongest = [
            max(
                (power_alone(*column, Target(has[:, code].astype(np.intp), 2), self.folds) for column in coded),
                default=0.5,
            )
            for code in range(has.shape[1])
        ]
        return [
            (self.problem.classes[code], self._of_label(int(code), has[:, code]))
            for code in np.argsort(-np.array(strongest), kind="stable")
        ]

    def _of_label(self, code: int, has: np.ndarray) -> Evidence:
        frame = self.frame.copy(deep=False)
        frame[self.problem.target] = pd.array(np.where(has == 1, "yes", "no"), dtype="str")
        told = {"task_type": "binary", "classes": ("no", "yes"), "positive_class": "yes", "label_rows": ()}
        return replace(
            self,
            problem=self.problem.model_copy(update=told),
            frame=frame,
            predictions=_answers_of_label(self.predictions, code),
            fitted=_answers_of_label(self.fitted, code),
            one_of_labels=True,
        )

    @cached_property
    def probe(self) -> Probe:
        """How well the model's inputs predict the target, alone and together."""
        return Probe(self.inputs, self.target, self.folds, seed=self.seed)

    @cached_property
    def fairness(self) -> FairnessAssessment | None:
        """Groups compared on the champion's out-of-fold predictions; None without those or without groups."""
        if self.predictions is None or not self.groups:
            return None
        return assess_groups(self.problem, self.frame, self.predictions, self.groups, seed=self.seed)


def _answers_of_label(table: pd.DataFrame | None, code: int) -> pd.DataFrame | None:
    """Stored answers as those of one label: whether it is chosen, and the probability that a row has it."""
    if table is None:
        return None
    kept = table[[name for name in ("row", "fold") if name in table.columns]]
    own: dict[str, Any] = {"predicted": table[f"c{code}"]}
    if f"p{code}" in table.columns:
        own |= {"p0": 1 - table[f"p{code}"], "p1": table[f"p{code}"]}
    return kept.assign(**own)
