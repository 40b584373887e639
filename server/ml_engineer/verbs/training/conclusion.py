"""What follows a search: refit, decide, write down, log, put in place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from ml_engineer import tracking
from ml_engineer.modelling.champion_code import ChampionFacts, render_champion
from ml_engineer.modelling.decisions import Threshold, choose_threshold, prediction_interval
from ml_engineer.modelling.model_files import TRUSTED_TYPES
from ml_engineer.modelling.pickling import by_value
from ml_engineer.modelling.results import champion_gain, champion_score, leaderboard
from ml_engineer.modelling.search import SearchResult
from ml_engineer.modelling.source_code import NotWritable
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import Predictions, TrainingData
from ml_engineer.project.code_store import keep_code, keep_file
from ml_engineer.project.files import write_text
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.rendering.documents import render_document
from ml_engineer.statistics.survival_curves import fit_curve
from ml_engineer.verbs.training.champion_files import (
    StagedRun,
    describe_environment,
    model_requirements,
    stage_run,
)
from ml_engineer.verbs.training.rows import TrainingRows
from ml_engineer.verbs.training.text_model import NO_TEXT
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.requests import TrainRequest
from ml_engineer.vocabulary.survival import SurvivalCurve
from ml_engineer.vocabulary.training import BeyondSample, CandidateResult, Champion, TrainingRun

__all__ = ["STOPPED_EARLY", "conclude", "keep_texts", "log_champion", "reads_spreads"]

STOPPED_EARLY = "The training was asked to stop: this is the best of what it had found by then."


@dataclass(frozen=True)
class _Judgement:
    """The champion's out-of-fold predictions, and what follows from them."""

    predictions: Predictions
    threshold: Threshold
    score: Estimate
    gain: Estimate


def conclude(
    rows: TrainingRows,
    result: SearchResult,
    request: TrainRequest,
    context: WorkContext,
    tracked: tracking.TrackedRun,
    *,
    run_id: str,
    started_at: datetime,
    done: Mapping[str, CandidateResult],
    beyond: BeyondSample | None,
) -> TrainingRun:
    """Write everything of the champion down, log it, and put it in place.

    Candidates in `done` were logged already; the others are logged here. `beyond` is what was learned beyond the sample of
    a table that is larger than the memory.

    Raises
    ------
    ProjectStateError
        If a file cannot be written; the earlier champion is as it was.
    """
    winner, model = result.champion.candidate, result.model
    context.report("saving and logging", 0.94)
    judged = _judge(result, rows.data, seed=request.seed)
    staged = stage_run(rows, run_id, model, predictions=judged.predictions, labels=_labels(judged, rows.data))
    folds = rows.fold_numbers_of(result.champion.first_folds(rows.data))
    facts = ChampionFacts(
        run_id,
        rows.data.metric,
        judged.score.value,
        folds,
        judged.threshold.value,
        judged.threshold.reason,
        calibration=result.champion.calibration,
        classes=rows.data.classes,
        fold_numbers=rows.numbers_by_position,
        further_rows=0 if beyond is None else beyond.further_rows,
    )
    code = render_champion(winner, facts)
    staged.write_code(code)
    record = TrainingRun(
        parents={parent.kind: parent.content_hash() for parent in (rows.problem, rows.split)},
        run_id=run_id,
        mlflow_run_id=tracked.mlflow_run_id,
        started_at=started_at.isoformat(timespec="seconds"),
        seconds=context.clock() - context.started,
        budget_seconds=request.budget_seconds,
        budget_evaluations=request.budget_evaluations,
        seed=request.seed,
        development_sha256=rows.split.development_sha256,
        leaderboard=leaderboard(result, rows.data, seed=request.seed, known=done),
        baseline=done[result.baseline.candidate.name],
        champion=_champion(staged, result.champion, judged, code, rows),
        folds=folds or (),
        decisions=(*(() if beyond is None else (beyond.told,)), *result.decisions),
        stopped_early=result.stopped_early,
        gain=judged.gain,
        out_of_fold_path=rows.layout.relative(rows.layout.out_of_fold(run_id)),
        feature_columns=tuple(rows.data.features.columns),
        environment=describe_environment(
            text_model=rows.text_model is not None, foundation_model=rows.foundation_model is not None
        ),
        asked=request.model_dump(mode="json", exclude={"project_dir"}),
        code=keep_texts(rows.layout, champion=code),
        text_model=rows.text_model,
        foundation_model=rows.foundation_model,
        beyond_sample=beyond,
        warnings=(*_warnings(result, judged.gain, staged, rows, beyond), *_unread(request, result, rows)),
    )
    staged.write_manifest(record, rows)
    for candidate in record.leaderboard.candidates:
        # What was dropped after a first try is told in the report of the search.
        if candidate.name not in done and candidate.status in {"finished", "failed"}:
            tracked.log_candidate(candidate, rows.data.metric)
    log_champion(tracked, record, rows, model, staged, code=code)
    record = record.model_copy(update={"seconds": context.clock() - context.started})
    staged.publish(record)
    write_text(rows.layout.reports / "search.md", render_document("search.md", run=record, task=rows.problem))
    return record


def keep_texts(layout: ProjectLayout, *, champion: str) -> dict[str, str]:
    """Keep the texts that the run rests on; their hashes."""
    files = (layout.features_py, layout.candidates_py, layout.problem_yaml)
    kept = {path.name: keep_file(layout, path) for path in files}
    kept["champion.py"] = keep_code(layout, champion)
    return {name: sha256 for name, sha256 in kept.items() if sha256}


def _judge(result: SearchResult, data: TrainingData, *, seed: int) -> _Judgement:
    predictions = result.champion.predictions(data)
    threshold = choose_threshold(data, predictions)
    score = champion_score(predictions, threshold.value, data, seed=seed)
    return _Judgement(predictions, threshold, score, champion_gain(result, data, seed=seed))


def _labels(judged: _Judgement, data: TrainingData) -> npt.NDArray[np.integer] | None:
    return None if data.task == "regression" else data.labels(judged.predictions, threshold=judged.threshold.value)


def _champion(staged: StagedRun, standing: Standing, judged: _Judgement, code: str, rows: TrainingRows) -> Champion:
    layout, winner = rows.layout, standing.candidate
    return Champion(
        name=winner.name,
        family=winner.family,
        score=judged.score,
        model_path=layout.relative(layout.champion_dir / staged.saved.file_name),
        model_sha256=staged.saved.sha256,
        model_megabytes=(staged.folder / staged.saved.file_name).stat().st_size / 1e6,
        model_format=staged.saved.model_format,
        code_path=layout.relative(layout.champion_py),
        code_sha256=hashlib.sha256(code.encode()).hexdigest(),
        features_sha256=rows.features_sha256,
        decision_threshold=judged.threshold.value,
        threshold_reason=judged.threshold.reason,
        learned_rows=winner.most_rows,
        calibration="none" if standing.calibration is None else standing.calibration.method,
        interval=prediction_interval(rows.data, judged.predictions, by_features=reads_spreads(layout)),
        survival=_survival(rows, judged.predictions),
    )


def reads_spreads(layout: ProjectLayout) -> bool:
    """Whether the project's code, if it has any yet, knows of widths that follow the features.

    One that an earlier version scaffolded would leave the spread in the manifest unread, and serve other intervals.
    """
    code = layout.training_dir / "intervals.py"
    if not code.exists():
        return True
    reads = "spread_of" in code.read_text(encoding="utf-8", errors="replace")
    return reads and (layout.training_dir / "spread.py").exists()


def _survival(rows: TrainingRows, scores: Predictions) -> SurvivalCurve | None:
    """What out-of-fold scores mean in time."""
    if rows.data.named != "survival":
        return None
    known = rows.data.predicted_rows(scores)
    return fit_curve(rows.data.actual[known], scores[known], horizons=rows.problem.horizons)


def log_champion(
    tracked: tracking.TrackedRun,
    record: TrainingRun,
    rows: TrainingRows,
    model: object,
    staged: StagedRun,
    *,
    code: str,
) -> None:
    """Log the champion's result and model to the run."""
    metric = record.leaderboard.metric
    tracked.log_result(
        next(result for result in record.leaderboard.candidates if result.name == record.champion.name),
        metric=metric,
        numbers={"gain": record.gain.value, "gain_low": record.gain.low, "seconds": record.seconds},
        parameters={
            "champion": record.champion.name,
            "budget_seconds": record.budget_seconds,
            "seed": record.seed,
            "folds": len(rows.data.pairs),
            "split": rows.split.definition.strategy,
            "rows": rows.data.rows,
            **({} if record.beyond_sample is None else {"further_rows": record.beyond_sample.further_rows}),
            "features": len(record.feature_columns),
        },
        tags={
            "features_sha256": record.champion.features_sha256,
            "code_sha256": record.champion.code_sha256,
            "model_sha256": record.champion.model_sha256,
        },
        environment=record.environment,
    )
    with by_value():
        tracked.log_model(
            model,
            example=rows.data.features.head(5),
            model_format=staged.saved.model_format,
            trusted_types=TRUSTED_TYPES,
            requirements=model_requirements(staged.saved, code),
        )


def _unread(request: TrainRequest, result: SearchResult, rows: TrainingRows) -> Iterable[str]:
    """What to say of a text or foundation model that was given for nothing."""
    tried = {one.candidate.name for one in result.standings}
    if rows.foundation_model is not None and "foundation" not in tried:
        yield (
            "foundation_model was not used: it is tried for up to 50,000 rows and 200,000 cells with one class or number a "
            "row, and not for survival or quantiles."
            if request.candidates is None or "foundation" in request.candidates
            else "foundation_model was not used: candidates does not name 'foundation'."
        )
    if request.text_model is not None and rows.text_model is None:
        yield NO_TEXT
    elif rows.text_model is not None and all(one.candidate.view != "vectors" for one in result.standings):
        yield "text_model was not used: none of the models that were tried takes vectors of texts."


def _warnings(
    result: SearchResult, gain: Estimate, staged: StagedRun, rows: TrainingRows, beyond: BeyondSample | None
) -> Iterable[str]:
    winner = result.champion.candidate
    became = {each.status for each in result.standings if each.candidate.family != "baseline"}
    if winner.family == "baseline" and "out_of_time" in became and became <= {"out_of_time", "failed"}:
        yield "No candidate had the time to be judged, so the baseline is the champion: give train more budget_seconds."
    elif winner.family == "baseline":
        yield "No candidate beat the naive baseline, so the baseline is the champion: nothing here is worth deploying."
    elif gain.low <= 0:
        yield "The champion's gain over the naive baseline may be chance: its interval reaches zero."
    if result.stopped_early:
        yield STOPPED_EARLY
    if beyond is not None:
        yield beyond.told
    yield from result.warnings
    failed = [standing.candidate.name for standing in result.standings if standing.status == "failed"]
    if failed:
        yield f"{len(failed)} candidate(s) failed and are listed with the reason: {', '.join(failed[:5])}."
    if staged.saved.model_format == "pickle":
        yield f"The model is saved as a pickle, which runs code when it is loaded ({staged.saved.reason})."
    if isinstance(winner.source, NotWritable):
        yield f"champion.py takes the model from candidates.py, because {winner.source.reason}."
    if rows.problem.weight_column is not None:
        yield (
            f"Models were fitted with each row counting by {rows.problem.weight_column!r} (1 on average); scores count "
            "every row once."
        )
    for name in (column.name for column in rows.problem.columns if column.role == "weight"):
        if rows.problem.weight_column is None:
            yield (
                f"Column {name!r} looks like a weight of its row, and is used for nothing. If rows are to count by it, "
                f"tell frame_problem roles={{{name!r}: 'weight'}}."
            )
