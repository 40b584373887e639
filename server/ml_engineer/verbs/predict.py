"""Score a file or table with the champion, after checking it against the data that the champion knows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer import seal
from ml_engineer.errors import InputError, SealError
from ml_engineer.evaluation.prediction import Predictions
from ml_engineer.project.definition import load_problem
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.seal.recognised import HELD_OUT
from ml_engineer.sources import Table, read_table, require_known_ending, write_table
from ml_engineer.splitting import group_codes
from ml_engineer.statistics.label_sets import set_as_text
from ml_engineer.statistics.survival_curves import median_times, survival_at
from ml_engineer.verbs.champion import LoadedChampion, load_champion
from ml_engineer.verbs.forecasting.prediction import predict_forecast
from ml_engineer.verbs.predict_contract import breaches_of, refusal
from ml_engineer.verbs.unsupervised.prediction import structure_columns
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.data import DataProfile, DataSource
from ml_engineer.vocabulary.replies import PredictReply
from ml_engineer.vocabulary.requests import PredictRequest

__all__ = ["predict"]

_PREVIEW_ROWS = 3
_MOST_WARNINGS = 12


def predict(request: PredictRequest, context: WorkContext) -> PredictReply:
    """Score every row of a file in its order, and write predictions beside the row's keys.

    Rows that break data/contract.yaml at level error are refused, and nothing is scored; breaches that are warnings are
    told.

    Raises
    ------
    InputError
        If the file lacks a column that the model needs, or would be overwritten by its own predictions.
    SourceError
        If the file cannot be read as a table.
    ProjectStateError
        If there is no champion, or it is not the one that was recorded.
    """
    layout = ProjectLayout(Path(request.project_dir))
    output = _output_path(request, layout)
    if load_problem(layout).task_type == "forecasting":
        return predict_forecast(request, context, layout, output)
    if request.future_data is not None:
        raise InputError("future_data is for forecasting", remedy="Leave it out, and pass the rows to score as data")
    context.report("loading the champion", 0.0)
    champion = load_champion(layout)
    profile = load_record(layout, DataProfile)
    context.report("reading the rows", 0.1)
    table = _read(request, profile)
    _refuse_missing_columns(table.frame, champion)
    errors, differences = breaches_of(table.frame, layout, needed=[column.name for column in champion.problem.features])
    warnings = [
        *_sealed_rows(table.frame, champion),
        *table.report.warnings,
        *_ignored_target(table.frame, champion),
        *differences,
    ]
    if errors:
        return refusal(errors, warnings, layout)
    context.report(f"scoring {len(table.frame):,} rows", 0.4)
    answers = champion.answer(table.frame)
    scored = _lay_out(table.frame, answers, champion)
    context.report("writing the predictions", 0.8)
    write_table(scored, output)
    return PredictReply(
        status="done",
        summary=f"Scored {len(scored):,} rows with {champion.training.champion.name} ({champion.training.run_id}) "
        f"into {output}",
        warnings=_at_most(warnings),
        next_step="Read the warnings before the predictions are used" if warnings else "",
        artifacts={"predictions": str(output)},
        project_dir=str(layout.root),
        rows=len(scored),
        output=str(output),
        columns=list(scored.columns),
        preview=[_plain(row) for row in scored.head(_PREVIEW_ROWS).to_dict(orient="records")],
    )


def _output_path(request: PredictRequest, layout: ProjectLayout) -> Path:
    if request.output is None:
        stem = re.sub(r"[^\w.-]+", "_", Path(request.data).stem)[:80] or "query"
        return layout.reports / f"predictions-{stem}.csv"
    output = Path(request.output)
    require_known_ending(output)
    if request.data and output.resolve() == Path(request.data).resolve():
        raise InputError(
            "The predictions would overwrite the rows they are made from",
            found=f"output is {output}",
            remedy="Pass another output",
        )
    return output


def _read(request: PredictRequest, profile: DataProfile) -> Table:
    source = DataSource(
        path=request.data,
        table=request.table,
        sql=request.sql,
        sql_seconds=request.sql_seconds,
        sql_memory_gb=request.sql_memory_gb,
        query_path=request.query_path,
        column_names=None if request.column_names is None else tuple(request.column_names),
    )
    return read_table(source, like=profile.report)


def _refuse_missing_columns(frame: pd.DataFrame, champion: LoadedChampion) -> None:
    needed = [column.name for column in champion.problem.features]
    if champion.problem.task_type == "ranking":
        needed = [*champion.problem.split.group_columns, *needed]
    missing = [name for name in needed if name not in frame.columns]
    if not missing:
        return
    spare = [name for name in frame.columns if name not in {column.name for column in champion.problem.columns}]
    told = [_with_nearest(name, spare) for name in missing[:5]]
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    raise InputError(
        f"The file lacks {len(missing)} of the columns that the model needs",
        found=", ".join(told) + more,
        remedy="Add or rename the columns; fill one with missing values if it is truly unknown",
    )


def _with_nearest(name: str, spare: list[str]) -> str:
    nearest = difflib.get_close_matches(name, spare, n=1, cutoff=0.6)
    return f"{_short(name)!r}" + (f" (nearest there: {_short(nearest[0])!r})" if nearest else "")


def _short(text: str, width: int = 60) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _sealed_rows(frame: pd.DataFrame, champion: LoadedChampion) -> Iterator[str]:
    """Say so if held-out rows are among them: their predictions, held against the truth, would be a look."""
    try:
        recognition = seal.recognise(frame)
    except SealError as error:
        yield f"Whether sealed rows are among these could not be seen: {error}"
        return
    if recognition is None or champion.split.deal_id not in recognition.deals:
        return
    sealed = int((recognition.side == HELD_OUT).sum())
    if sealed:
        yield (
            f"{sealed:,} of these rows are this project's sealed held-out rows. Comparing their predictions with "
            "what came true would be a look that nobody counts; evaluate does it and counts it."
        )


# --- what is told ------------------------------------------------------------------------------------------------


def _ignored_target(frame: pd.DataFrame, champion: LoadedChampion) -> Iterator[str]:
    if champion.problem.target in frame.columns:
        yield f"The file holds the target {_short(champion.problem.target)!r}; it was ignored."


def _at_most(warnings: list[str]) -> list[str]:
    if len(warnings) <= _MOST_WARNINGS:
        return warnings
    return [*warnings[:_MOST_WARNINGS], f"And {len(warnings) - _MOST_WARNINGS} more of this kind."]


# --- what is written -------------------------------------------------------------------------------------------


def _lay_out(frame: pd.DataFrame, answers: Predictions, champion: LoadedChampion) -> pd.DataFrame:
    """Row number, keys, prediction and what goes with it; no name twice."""
    problem = champion.problem
    keys = [
        column.name
        for column in problem.columns
        if column.role in {"identifier", "group"} or column.name in champion.split.definition.group_columns
    ]
    scored = {name: frame[name].to_numpy() for name in dict.fromkeys(keys) if name in frame.columns}
    added: dict[str, object] = {"row": np.arange(len(frame))}
    curve = champion.training.champion.survival
    if not problem.learns_target:
        added |= structure_columns(champion, frame, answers)
    elif curve is not None:
        scores = answers.predicted.astype(float)
        told = survival_at(curve, scores, np.array(curve.horizons))
        added["prediction"] = scores
        added |= {f"survival_{at:g}": told[:, place] for place, at in enumerate(curve.horizons)}
        added["median_time"] = median_times(curve, scores)
    elif problem.task_type == "ranking":
        scores = answers.predicted.astype(float)
        queries = group_codes(frame, problem.split.group_columns)
        added |= {"prediction": scores, "rank": _ranks_within(scores, queries)}
    elif problem.form == "regression":
        numbers = answers.predicted.astype(float)
        added["prediction"] = numbers
        ends = champion.interval_ends(numbers, frame)
        if ends is not None:
            added |= {"low_90": ends[0], "high_90": ends[1]}
    elif problem.form == "multilabel":
        added["prediction"] = [_chosen(row, problem.classes) for row in answers.predicted]
        if answers.probabilities is not None:
            added |= _by_label(answers.probabilities, problem.classes)
    else:
        added["prediction"] = np.array(problem.classes, dtype=object)[answers.predicted.astype(int)]
        if answers.probabilities is not None:
            added |= _by_label(answers.probabilities, problem.classes)
    named = {_free(name, scored): values for name, values in added.items()}
    row = next(iter(named))
    return pd.DataFrame({row: named.pop(row), **scored, **named})


def _by_label(probabilities: npt.NDArray[np.float64], labels: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
    return {f"probability_{label}": probabilities[:, code] for code, label in enumerate(labels)}


def _chosen(row: npt.NDArray[np.generic], labels: Sequence[str]) -> str:
    """The chosen labels as a list in brackets, which any reader takes apart again, whatever the labels hold."""
    return set_as_text(label for label, one in zip(labels, row, strict=True) if one)


def _ranks_within(scores: npt.NDArray[np.float64], queries: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Place of each row among those of its query, from 1, the highest score first; equal scores share the first place."""
    ranks = pd.Series(scores).groupby(queries).rank(method="min", ascending=False)
    return ranks.to_numpy().astype(np.int64)


def _free(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _plain(row: dict[object, object]) -> dict[str, str | float | int | None]:
    return {str(name): _plain_value(value) for name, value in row.items()}


def _plain_value(value: object) -> str | float | int | None:
    if pd.isna(value):  # type: ignore[call-overload]  # a cell, never a list
        return None
    if isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return round(float(value), 6)
    return _short(str(value), 80)
