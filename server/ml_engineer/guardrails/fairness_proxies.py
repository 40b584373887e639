"""FAI: whether the other columns give a sensitive one away, so that leaving it out does not hide it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict

from ml_engineer.guardrails.check import BEFORE_USE, Answer, Observation, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.fairness import FairnessCheck
from ml_engineer.guardrails.out_of_fold import entities
from ml_engineer.guardrails.probe import Probe
from ml_engineer.guardrails.wording import listed, quoted, rows_text
from ml_engineer.statistics.predictive_power import Target
from ml_engineer.vocabulary.guardrails import Stage

__all__ = ["FAI003", "told_together"]

_MOST_ROWS = 4_000
_MOST_COLUMNS = 60
_FEWEST_OF_A_GROUP = 20
_FEWEST_THINGS = 6
"""Persons or things of a group, so that each part of the folds has some."""


class FAI003(FairnessCheck):
    """Columns that stand in for a sensitive one: leaving the sensitive column out does not hide it.

    Each sensitive column is predicted from all the other inputs together, and from each of them alone, always out of fold
    and on a sample of rows; rows of one declared group stay in one fold, else a person's other rows would tell. What counts is the area under the ROC curve, averaged over the groups against the rest.
    """

    title = "Proxies of sensitive columns"
    # Not before training: it changes nothing about the rows, and its models would take their time from the search.
    asked_at: ClassVar[frozenset[Stage]] = BEFORE_USE
    cost = "models"
    too_well: ClassVar[float] = 0.75

    def find(self, evidence: Evidence) -> Answer:
        """Predict each sensitive column from the inputs."""
        if not evidence.groups:
            return does_not_apply("not assessed: no sensitive column is named")
        things = entities(evidence.problem, evidence.frame)
        seen, hidden = [], []
        for name, labels in evidence.groups.items():
            codes, others = np.unique(labels.astype(str), return_inverse=True)[1], _others(evidence, name)
            if codes.max() == 0 or not others:
                hidden.append(f"not assessed for {quoted(name)}: {'one group only' if others else 'no other input'}")
                continue
            together, rows = told_together(evidence.inputs[others], codes, things=things, seed=evidence.seed)
            probe = Probe(
                evidence.inputs[others], Target(codes, int(codes.max()) + 1), evidence.folds, seed=evidence.seed
            )
            alone = sorted(((power, other) for other, power in probe.alone.items()), reverse=True)
            carriers = [f"{quoted(other)} ({power:.2f})" for power, other in alone if power > self.too_well]
            best = listed(carriers or [f"{quoted(alone[0][1])} ({alone[0][0]:.2f})"], limit=3)
            text = f"{quoted(name)} is told from the other inputs with ROC AUC {together:.2f} ({rows_text(rows)})"
            if max(together, alone[0][0]) <= self.too_well:
                hidden.append(f"{text}, best by {best}")
                continue
            carried = f"carried by {best}" if carriers else f"carried by several together, best alone {best}"
            used = name in evidence.inputs.columns
            so_what = "" if used else f": leaving {quoted(name)} out does not hide it from the model"
            seen.append(Observation("advice" if used else "issue", f"{text}, {carried}{so_what}", (name,)))
        if not seen:
            return passed(listed(hidden, join="; "))
        return observed(seen, remedy="Read the errors per group (FAI002), and ask whether the stand-in is needed")


def _others(evidence: Evidence, name: str) -> list[str]:
    """Inputs that are not the column itself or a part made from it, as a year is from a date."""
    return [
        str(other) for other in evidence.inputs.columns if str(other) != name and not str(other).startswith(f"{name}__")
    ]


def told_together(
    inputs: pd.DataFrame, codes: np.ndarray, *, things: np.ndarray | None = None, seed: int = 0
) -> tuple[float, int]:
    """How well all inputs together tell the groups apart, out of fold.

    Parameters
    ----------
    inputs : pandas.DataFrame of shape (n, m)
        Columns of any kind; at most 60 are looked at.
    codes : numpy.ndarray of shape (n,)
        Group of each row, at least two.
    things : numpy.ndarray of shape (n,), optional
        Number of the person or thing that each row is about, where several rows may be about one.
    seed : int
        Random state of the sample, the folds and the trees.

    Returns
    -------
    area : float
        Area under the ROC curve, averaged over the groups against the rest; groups of fewer than 20 sampled rows (or 6
        things) are taken together, and 0.5 is given if fewer than two are left.
    rows : int
        Rows that were looked at, at most 4,000.
    """
    chosen = np.random.default_rng(seed).permutation(len(codes))[:_MOST_ROWS]
    labels = codes[chosen]
    owners = np.arange(len(codes)) if things is None else things
    few = {label for label in np.unique(labels) if _too_few(labels == label, owners[chosen])}
    labels = np.where(np.isin(labels, list(few)), -1, labels)
    if _too_few(labels == -1, owners[chosen]):
        labels = np.where(labels == -1, np.bincount(codes).argmax(), labels)
    groups, labels = np.unique(labels, return_inverse=True)
    if len(groups) < 2:
        return 0.5, len(chosen)
    columns = [_as_numbers(inputs.iloc[chosen, place]) for place in range(min(inputs.shape[1], _MOST_COLUMNS))]
    # Empty columns tell nothing, and the trees cannot bin them.
    columns = [column for column in columns if not np.isnan(column).all()]
    if not columns:
        return 0.5, len(chosen)
    model = HistGradientBoostingClassifier(max_iter=25, max_leaf_nodes=15, early_stopping=False, random_state=seed)
    dealt = (StratifiedKFold if things is None else StratifiedGroupKFold)(3, shuffle=True, random_state=seed)
    told = cross_val_predict(
        model,
        np.column_stack(columns),
        labels,
        groups=None if things is None else things[chosen],
        cv=dealt,
        method="predict_proba",
    )
    areas = [roc_auc_score(labels == place, told[:, place]) for place in range(len(groups))]
    return float(np.mean(areas)), len(chosen)


def _too_few(rows: np.ndarray, owners: np.ndarray) -> bool:
    return bool(rows.sum() < _FEWEST_OF_A_GROUP or len(np.unique(owners[rows])) < _FEWEST_THINGS)


def _as_numbers(column: pd.Series) -> npt.NDArray[np.float64]:
    """Numbers as they are; of everything else the place in sorted order, missing as NaN."""
    if pd.api.types.is_numeric_dtype(column):
        numbers: npt.NDArray[np.float64] = column.to_numpy(dtype=float)
        return np.clip(numbers, -1e30, 1e30)
    codes = pd.factorize(column, sort=True)[0].astype(float)
    return np.where(codes < 0, np.nan, codes)
