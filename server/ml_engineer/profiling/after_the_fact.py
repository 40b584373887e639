"""Columns whose value may be known only after what is to be predicted has happened.

Four kinds of evidence, on development rows: cells that are filled for one outcome only, arithmetic that gives
the target, a column that predicts almost alone what the others together cannot, and names. Strong evidence
takes a column out, weak evidence asks; neither is certain, and a person's word goes before both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.profiling.late_names import late_by_name, relatives
from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.quick_inputs import Inputs
from ml_engineer.profiling.quick_model import FoldPairs, QuickTarget, out_of_fold
from ml_engineer.profiling.restatement import find_restatements
from ml_engineer.profiling.spans import find_spans
from ml_engineer.profiling.suspicion import (
    ALONE_ASK,
    ASSOCIATION_ASK,
    FILLED_GAP_ASK,
    Missingness,
    Strength,
    Suspicion,
)
from ml_engineer.statistics.metrics import metric_value
from ml_engineer.statistics.predictive_power import Target, best_power
from ml_engineer.vocabulary.problem import ProblemColumn

__all__ = ["Suspicion", "find_suspects"]

_FEWEST_CELLS: Final = 20
_FILLED_GAP: Final = 0.5
_PURE_CHANCE: Final = -20.7  # natural logarithm of 1e-9
_ASSOCIATION: Final = 0.7
_VARIANCE: Final = 0.5
_VARIANCE_ASK: Final = 0.35
_ALONE_SCREEN: Final = 0.85
_ALONE: Final = 0.99
_FALL: Final = 0.08
_MOST_ABLATED: Final = 5
_ABLATION_ROWS: Final = 6_000
_ABLATION_FOLDS: Final = 3


def find_suspects(
    frame: pd.DataFrame,
    columns: Sequence[ProblemColumn],
    *,
    target_name: str,
    target: QuickTarget,
    inputs: Inputs,
    pairs: FoldPairs,
    halves: npt.NDArray[np.bool_],
    seed: int,
) -> dict[str, Suspicion]:
    """Suspicious columns, by name.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        Development rows (a sample will do).
    columns : sequence of ProblemColumn
        The columns that the model would see.
    target_name : str
        Name of the target.
    target : QuickTarget
        n rows.
    inputs : Inputs
        The same columns, encoded.
    pairs : FoldPairs
        The planned folds.
    halves : numpy.ndarray of shape (n,)
        Two halves that keep groups whole.
    seed : int
        Random state.
    """
    coded = Target.of(pd.Series(target.values), task=target.task)
    gone = {column.name: _missingness(frame[column.name], target, coded) for column in columns}
    alone = {
        column.name: best_power(frame[column.name], coded, halves.astype(np.intp))
        for column in columns
        if column.role != "text"
    }
    found = {name: Suspicion(name, fact.strength, fact.sentence) for name, fact in gone.items() if fact.strength}
    if target.task == "regression":
        found = find_spans(frame, target.values) | _restated(frame, target, columns) | found
    rest = [name for name, power in alone.items() if power >= _ALONE_SCREEN and not _is_strong(found, name)]
    for name in sorted(rest, key=lambda item: -alone[item])[:_MOST_ABLATED]:
        # Bins find candidates among thousands of columns; trees find the threshold that separates them exactly.
        alone[name] = max(alone[name], _power(inputs.only(name), target, pairs, seed))
    named = {
        column.name: suspicion
        for column in columns
        if (suspicion := late_by_name(column.name, target_name, gone[column.name], alone.get(column.name, 0.0), coded))
    }
    telling = {name: alone[name] for name in rest if alone[name] >= ALONE_ASK}
    if telling and len(columns) >= 3:
        # What a name and numbers speak against must not stand in for the answer when another column is left out.
        taken = frozenset(name for known in (found, named) for name in known if _is_strong(known, name))
        telling = {name: power for name, power in telling.items() if name not in taken}
        for suspicion in _ablate(inputs.without(taken), target, pairs, telling, coded.measure, seed=seed):
            if suspicion.strength == "strong" or suspicion.column not in found:
                found[suspicion.column] = suspicion
    for name, suspicion in named.items():
        if not _is_strong(found, name):
            before = f"{found[name].reason}; " if name in found else ""
            found[name] = Suspicion(name, suspicion.strength, before + suspicion.reason)
    late = [name for name in found if _is_strong(found, name)]
    return relatives([column.name for column in columns], late) | found


def _is_strong(found: dict[str, Suspicion], name: str) -> bool:
    return name in found and found[name].strength == "strong"


# --- cells that are filled for one outcome only ------------------------------------------------------------------


def _missingness(values: pd.Series, target: QuickTarget, coded: Target) -> Missingness:
    present = values.notna().to_numpy()
    filled, empty = int(present.sum()), int((~present).sum())
    if min(filled, empty) < _FEWEST_CELLS:
        return Missingness(None, 0.0, "")
    if target.task == "binary":
        return _missingness_binary((target.values == target.positive).astype(float), present)
    if target.task == "regression":
        ranks = coded.values
        means = ranks[present].mean(), ranks[~present].mean()
        between = (filled * (means[0] - ranks.mean()) ** 2 + empty * (means[1] - ranks.mean()) ** 2) / len(ranks)
        share = between / ranks.var() if ranks.var() > 0 else 0.0
        strength = _graded(share, _VARIANCE, _VARIANCE_ASK)
        return Missingness(strength, share, f"whether it is filled explains {share:.0%} of the target's rank variance")
    counts = np.column_stack(
        [np.bincount(target.values[side], minlength=target.n_classes) for side in (present, ~present)]
    )
    counts = counts[counts.sum(axis=1) > 0]
    from scipy.stats import chi2_contingency

    association = float(np.sqrt(chi2_contingency(counts).statistic / counts.sum()))
    strength = _graded(association, _ASSOCIATION, ASSOCIATION_ASK)
    return Missingness(
        strength, association, f"whether it is filled goes with the class (Cramér's V {association:.2f})"
    )


def _missingness_binary(positive: npt.NDArray[np.float64], present: npt.NDArray[np.bool_]) -> Missingness:
    filled, empty = positive[present], positive[~present]
    rates = filled.mean(), empty.mean()
    gap = abs(rates[0] - rates[1])
    sentence = (
        f"filled cells have a positive share of {rates[0]:.0%} ({len(filled):,} rows), "
        f"empty ones {rates[1]:.0%} ({len(empty):,} rows)"
    )
    base = positive.mean()
    chance = len(filled) * np.log(base if rates[0] == 1 else 1 - base) if rates[0] in {0.0, 1.0} else 0.0
    noise = 4 * np.sqrt(base * (1 - base) * (1 / len(filled) + 1 / len(empty)))
    strength: Strength | None = None
    if gap >= _FILLED_GAP or chance < _PURE_CHANCE:
        strength = "strong"
    elif gap >= FILLED_GAP_ASK and gap > noise:
        strength = "weak"
    return Missingness(strength, float(gap) if gap > noise else 0.0, sentence)


def _graded(value: float, strong: float, weak: float) -> Strength | None:
    return "strong" if value >= strong else "weak" if value >= weak else None


# --- arithmetic --------------------------------------------------------------------------------------------------


def _restated(frame: pd.DataFrame, target: QuickTarget, columns: Sequence[ProblemColumn]) -> dict[str, Suspicion]:
    names = [column.name for column in columns if pd.api.types.is_numeric_dtype(frame[column.name].dtype)]
    if not names:
        return {}
    matrix = np.column_stack([frame[name].to_numpy(dtype=float, na_value=np.nan) for name in names])
    matrix = np.where(np.isfinite(matrix), matrix, np.nan)
    found = {}
    for restatement in find_restatements(names, matrix, target.values.astype(float)):
        joined = " and ".join(quoted(name) for name in restatement.columns)
        if len(restatement.columns) > 1:
            sentence = f"the target equals {restatement.formula} ({joined}) in {restatement.rows:,} rows"
        else:
            sentence = f"{restatement.formula} ({restatement.rows:,} rows)"
        for name in restatement.columns:
            found[name] = Suspicion(name, "strong" if restatement.certain else "weak", sentence)
    return found


# --- alone almost as good as all, and missed when gone -----------------------------------------------------------


def _ablate(
    inputs: Inputs,
    target: QuickTarget,
    pairs: FoldPairs,
    suspects: dict[str, float],
    measure: str,
    *,
    seed: int,
) -> list[Suspicion]:
    """Whether the others can do without a suspect: if they can, the problem is easy and nothing leaks.

    Suspects that are near perfect are taken away together, as two copies of the answer would cover for each other.
    """
    every = _power(inputs, target, pairs, seed)
    perfect = frozenset(name for name, power in suspects.items() if power >= _ALONE)
    found = []
    for name in sorted(suspects, key=lambda item: -suspects[item])[:_MOST_ABLATED]:
        away = perfect if name in perfect else frozenset({name})
        left = inputs.without(away)
        without = (
            _power(left, target, pairs, seed) if left.trees.shape[1] else (0.0 if target.task == "regression" else 0.5)
        )
        if every - without < _FALL:
            continue
        sentence = (
            f"alone it has a {measure} of {suspects[name]:.3f}, while the other columns together reach {without:.3f}"
        )
        found.append(Suspicion(name, "strong" if name in perfect else "weak", sentence))
    return found


def _power(inputs: Inputs, target: QuickTarget, pairs: FoldPairs, seed: int) -> float:
    """Area under the ROC curve, or explained share of variance of the ranks, by the quick trees."""
    chosen = []
    for train, test in list(pairs)[-_ABLATION_FOLDS:]:
        step = max(1, len(train) // _ABLATION_ROWS)
        chosen.append((train[::step], test[:: max(1, len(test) // _ABLATION_ROWS)]))
    if target.task == "regression":
        ranks = Target.of(pd.Series(target.values), task="regression").values
        outcomes, _ = out_of_fold(inputs, QuickTarget("regression", ranks), chosen, seed=seed)
        return metric_value("r2", outcomes)
    outcomes, _ = out_of_fold(inputs, target, chosen, seed=seed)
    return metric_value("roc_auc", outcomes)
