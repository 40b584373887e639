"""What the refitted champion says of some development rows, kept when it was trained and asked again to verify it.

The hash of the model file says that it is the same file. Only asking it says that it still answers the same: other
package versions may read one file differently.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml_engineer.project.definition import load_problem
from ml_engineer.project.development import load_development
from ml_engineer.project.files import replacing
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.verbs.champion import LoadedChampion, load_champion
from ml_engineer.verbs.forecasting.champion import load_forecast_champion

__all__ = ["differing_answers", "keep_known_answers"]

_ROWS = 200
_TOLERANCE = 1e-6


def keep_known_answers(layout: ProjectLayout) -> None:
    """Ask the champion about the first development rows, and keep what it says.

    Raises
    ------
    MlEngineerError
        If the champion, its feature code or the rows cannot be used.
    """
    if load_problem(layout).task_type == "forecasting":
        forecaster = load_forecast_champion(layout)
        table = forecaster.known_answers(load_development(layout, forecaster.split).frame)
        with replacing(layout.known_answers(forecaster.training.run_id)) as temporary:
            table.to_parquet(temporary, index=False)
        return
    champion = load_champion(layout)
    frame = load_development(layout, champion.split).frame.head(_ROWS)
    table = pd.DataFrame(_answers(champion, frame))
    table.insert(0, "row", frame.index.to_numpy("int64"))
    with replacing(layout.known_answers(champion.training.run_id)) as temporary:
        table.to_parquet(temporary, index=False)


def differing_answers(champion: LoadedChampion, frame: pd.DataFrame) -> tuple[int, int] | None:
    """Ask the same rows again: how many were asked, and how many are answered otherwise than then.

    Parameters
    ----------
    champion : LoadedChampion
        The champion as it lies there now.
    frame : pandas.DataFrame
        The development rows.

    Returns
    -------
    tuple of int, or None
        None if no answers were kept.
    """
    path = champion.layout.known_answers(champion.training.run_id)
    if not path.exists():
        return None
    kept = pd.read_parquet(path).set_index("row")
    now = pd.DataFrame(_answers(champion, frame.loc[kept.index]), index=kept.index)
    if list(now.columns) != list(kept.columns):
        return len(kept), len(kept)
    close = np.isclose(now.to_numpy(float), kept.to_numpy(float), rtol=_TOLERANCE, atol=_TOLERANCE)
    return len(kept), int(np.sum(~close.all(axis=1)))


def _answers(champion: LoadedChampion, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    answers = champion.answer(frame)
    if answers.probabilities is None:
        return {"predicted": answers.predicted.astype(float)}
    return {f"p{code}": column for code, column in enumerate(np.asarray(answers.probabilities).T)}
