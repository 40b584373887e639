"""The child of `code_trial`: runs the project's code on some rows, watched, and writes down what was seen."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml_engineer.errors import UserCodeError
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.row_locality import WAYS, moved_columns
from ml_engineer.project.user_code import load_candidates, load_features
from ml_engineer.project.watched import Watch
from ml_engineer.statistics.label_sets import as_matrix
from ml_engineer.vocabulary.code_trial import CandidateFault, CodeTrial, MovedColumn

_MOST_CANDIDATES = 5


def main(folder: Path) -> None:
    """Try the code that ``trial.json`` names on the rows of ``rows.parquet``; the result goes to ``result.json``."""
    task = json.loads((folder / "trial.json").read_text(encoding="utf-8"))
    rows = pd.read_parquet(folder / "rows.parquet")
    table = pd.read_parquet(folder / "target.parquet")
    # Several labels a row have a column each.
    target = table.iloc[:, 0].to_numpy() if table.shape[1] == 1 else table.to_numpy()
    layout = ProjectLayout(Path(task["root"]))
    watch = Watch(own=folder, root=layout.root, guarded=[Path(place) for place in task["guarded"]])
    started = time.monotonic()
    moved: list[MovedColumn] = []
    faults: list[CandidateFault] = []
    names: list[str] = []
    failure = ""
    try:
        with watch.on():
            build = load_features(layout)
            features = build(rows)
            moved = moved_columns(build, rows, features, path=layout.features_py, time_column=task["time_column"])
            for name, estimator in list(load_candidates(layout).items())[:_MOST_CANDIDATES]:
                names.append(name)
                faults += _faults(name, estimator, features, target)
    except UserCodeError as error:
        failure = str(error)
    result = CodeTrial(
        rows=len(rows),
        seconds=time.monotonic() - started,
        failure=failure,
        ways=WAYS,
        moved=tuple(moved),
        touched=tuple(watch.touched),
        candidates=tuple(names),
        faults=tuple(faults),
    )
    (folder / "result.json").write_text(result.model_dump_json(), encoding="utf-8")


def _faults(name: str, estimator: Any, features: pd.DataFrame, target: np.ndarray) -> list[CandidateFault]:
    """Fit on every other row; what it says of a row must not depend on the rows that are asked about with it."""
    train, test = features.iloc[::2], features.iloc[1::2]
    try:
        estimator.fit(train, target[::2])
        together, backwards = _answers(estimator, test), _answers(estimator, test.iloc[::-1])[::-1]
        alone = np.concatenate([_answers(estimator, test.iloc[[place]]) for place in range(min(4, len(test)))])
    except Exception as error:  # noqa: BLE001  (the user's estimator may raise anything, and the search tells it in full)
        text = f"{type(error).__name__} when fitted on {len(train)} rows: {' '.join(str(error).split())[:160]}"
        return [CandidateFault(name=name, fault=text, forbids=False)]
    for other, expected, when in (
        (backwards, together, "their order is reversed"),
        (alone, together[: len(alone)], "each is asked about alone"),
    ):
        if not np.allclose(other, expected, rtol=1e-6, atol=1e-8, equal_nan=True):
            changed = int(
                (~np.isclose(other, expected, rtol=1e-6, atol=1e-8, equal_nan=True))
                .reshape(len(other), -1)
                .any(axis=1)
                .sum()
            )
            text = f"its answers for {changed} of {len(other)} rows change when {when}"
            return [CandidateFault(name=name, fault=text)]
    return []


def _answers(estimator: Any, rows: pd.DataFrame) -> np.ndarray:
    """Probabilities, or numbers; labels as codes that are the same for the same label."""
    if hasattr(estimator, "predict_proba"):
        given = estimator.predict_proba(rows)
        return as_matrix(given, estimator.classes_ if isinstance(given, list) else None)
    answers = np.asarray(estimator.predict(rows))
    if answers.dtype.kind in "iufb":
        return answers.astype(float)
    return pd.util.hash_array(answers.astype(object)).astype(float)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
