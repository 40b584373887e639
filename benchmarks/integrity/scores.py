"""What is claimed for a table with a defect, and what comes true on fresh rows.

The same learner stands behind both claims, so that only the way of looking differs: scikit-learn's histogram
boosting (40 rounds) on ordinal codes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from ours import Verdict
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import train_test_split


@dataclass(frozen=True)
class Claim:
    """A score as it was told, with its interval (nan without), and the score on fresh rows; nan if nothing is claimed."""

    claimed: float
    low: float
    high: float
    true: float


def _matrix(frame: pd.DataFrame, columns: list[str], like: pd.DataFrame) -> np.ndarray:
    """Numbers as they are, times as hours, everything else as codes of the training rows' values."""
    parts = []
    for name in columns:
        column = frame[name] if name in frame.columns else pd.Series(np.nan, index=frame.index)
        if pd.api.types.is_numeric_dtype(like[name]):
            parts.append(pd.to_numeric(column, errors="coerce").to_numpy(dtype=float))
        elif pd.api.types.is_datetime64_any_dtype(like[name]):
            parts.append(pd.to_datetime(column).astype("int64").to_numpy(dtype=float) / 3.6e12)
        else:
            known = pd.Index(sorted(like[name].dropna().astype(str).unique()))
            codes = known.get_indexer(pd.Index(column.astype(str)))
            parts.append(np.where(codes < 0, np.nan, codes.astype(float)))
    return np.column_stack(parts) if parts else np.zeros((len(frame), 1))


def _learner(task: str):
    return (
        HistGradientBoostingRegressor(max_iter=40, random_state=0)
        if task == "regression"
        else HistGradientBoostingClassifier(max_iter=40, random_state=0)
    )


def _said(model, matrix: np.ndarray, task: str) -> np.ndarray:
    return model.predict(matrix) if task == "regression" else model.predict_proba(matrix)


def _score(actual: np.ndarray, said: np.ndarray, task: str, classes: np.ndarray) -> float:
    if task == "regression":
        return float(r2_score(actual, said))
    areas = [
        roc_auc_score(actual == label, said[:, place])
        for place, label in enumerate(classes)
        if 0 < (actual == label).sum() < len(actual)
    ]
    return float(np.mean(areas)) if areas else float("nan")


def _interval(
    actual: np.ndarray, said: np.ndarray, task: str, classes: np.ndarray, units: np.ndarray
) -> tuple[float, float]:
    """Percentile bootstrap over units (rows, or groups), 60 times."""
    rng, drawn = np.random.default_rng(0), []
    places = (
        [np.flatnonzero(units == unit) for unit in np.unique(units)] if len(np.unique(units)) < len(units) else None
    )
    for _ in range(60):
        if places is None:
            rows = rng.integers(0, len(actual), len(actual))
        else:
            rows = np.concatenate([places[unit] for unit in rng.integers(0, len(places), len(places))])
        drawn.append(_score(actual[rows], said[rows], task, classes))
    return float(np.nanpercentile(drawn, 2.5)), float(np.nanpercentile(drawn, 97.5))


def plain(frame: pd.DataFrame, fresh: pd.DataFrame, target: str, task: str) -> Claim:
    """A random split, all columns, one fit, one score: what is usually written."""
    columns = [name for name in frame.columns if name != target]
    kept = frame[frame[target].notna()]
    train, test = train_test_split(kept, test_size=0.2, random_state=0)
    model = _learner(task).fit(_matrix(train, columns, train), train[target])
    classes = getattr(model, "classes_", np.array([]))
    claimed = _score(test[target].to_numpy(), _said(model, _matrix(test, columns, train), task), task, classes)
    true = _score(fresh[target].to_numpy(), _said(model, _matrix(fresh, columns, train), task), task, classes)
    return Claim(claimed, float("nan"), float("nan"), true)


def ours(verdict: Verdict, fresh: pd.DataFrame, target: str, task: str) -> Claim:
    """The stored folds and the columns in use, less those that a finding names; nothing is claimed where there is no signal, or training is refused
    and no column or key that could be named away is the reason."""
    nothing = Claim(float("nan"), float("nan"), float("nan"), float("nan"))
    evidence = verdict.evidence
    if evidence is None:
        return nothing
    named = {
        name for code, columns in verdict.findings.items() if code.startswith(("LEA", "DAT008")) for name in columns
    }
    if "signal" in verdict.findings or any(not verdict.findings.get(code) for code in verdict.blocking):
        return nothing
    columns = [name for name in evidence.used_names if name not in named]
    frame, folds = evidence.frame, _folds(verdict)
    actual = frame[target].to_numpy()
    classes = np.unique(actual) if task != "regression" else np.array([])
    said = np.full((len(frame), max(len(classes), 1)), np.nan)
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        if evidence.problem.split.strategy == "time" or _by_time(verdict):
            train = folds < fold
        if not train.any() or len(np.unique(actual[train])) < 2:
            continue
        model = _learner(task).fit(_matrix(frame[train], columns, frame), actual[train])
        answers = _said(model, _matrix(frame[test], columns, frame), task)
        said[test] = answers[:, None] if answers.ndim == 1 else _placed(answers, model.classes_, classes)
    known = ~np.isnan(said[:, 0])
    answers = said[known, 0] if task == "regression" else said[known]
    units = _units(verdict)[known]
    low, high = _interval(actual[known], answers, task, classes, units)
    final = _learner(task).fit(_matrix(frame, columns, frame), actual)
    fresh_said = _said(final, _matrix(fresh, columns, frame), task)
    return Claim(
        _score(actual[known], answers, task, classes),
        low,
        high,
        _score(fresh[target].to_numpy(), fresh_said, task, classes),
    )


def _placed(answers: np.ndarray, seen: np.ndarray, classes: np.ndarray) -> np.ndarray:
    placed = np.zeros((len(answers), len(classes)))
    placed[:, np.searchsorted(classes, seen)] = answers
    return placed


def _by_time(verdict: Verdict) -> bool:
    return any(code in verdict.findings for code in ("SPL004", "SPL005"))


def _folds(verdict: Verdict) -> np.ndarray:
    """The stored folds, or those that the findings ask for: whole groups, or blocks of time."""
    evidence = verdict.evidence
    key = next((verdict.findings[code][0] for code in ("SPL002", "SPL011") if verdict.findings.get(code)), None)
    if key is not None and not pd.api.types.is_datetime64_any_dtype(evidence.frame[key]):
        return pd.factorize(evidence.frame[key])[0] % 5
    if key is not None or _by_time(verdict):
        time = next(
            name for name in evidence.frame.columns if pd.api.types.is_datetime64_any_dtype(evidence.frame[name])
        )
        return np.minimum((evidence.frame[time].rank(pct=True).to_numpy() * 5).astype(int), 4)
    return np.asarray(evidence.folds)


def _units(verdict: Verdict) -> np.ndarray:
    evidence = verdict.evidence
    key = next((verdict.findings[code][0] for code in ("SPL002", "SPL011") if verdict.findings.get(code)), None)
    declared = [key] if key is not None else list(evidence.problem.split.group_columns)
    return pd.factorize(evidence.frame[declared[0]])[0] if declared else np.arange(len(evidence.frame))
