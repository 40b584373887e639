"""Train a run again from its record, in a place of its own, and compare."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import ValidationError

from ml_engineer.errors import ProjectStateError
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.verbs.replay_place import ReplayPlace, lay_out
from ml_engineer.verbs.train import train
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.replies import ReplayReply
from ml_engineer.vocabulary.requests import ReplayRequest, TrainRequest
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["replay"]

_TOLERANCE = 1e-6
_PLACE = "ml-engineer-replay-"
_LOOKED_AT_EVERY = 0.2
_SCORE = re.compile(r"^cross-validated \S+: (\S+) on", re.MULTILINE)
_BY_THE_CLOCK = (
    "The run had a budget of time, or was asked to stop: which fits there was time for depended on the machine, so its search "
    "cannot come again. With budget_evaluations instead, and left alone, it can."
)
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_ROOM_TOLD = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "disk is full", "No usable temporary directory")
"""What other programs, SQLite and Python's own scratch folders say of a full disk."""
_OWN_LINES = ("RUN_ID", "EXPECTED_SCORE", "FURTHER_ROWS", "# ")
"""Lines of champion.py that may be others: what it tells, and nothing that it builds."""


@dataclass(frozen=True)
class _Again:
    """What came now."""

    champion: str
    score: float | None
    out_of_fold: Path
    same_code: bool


def replay(request: ReplayRequest, context: WorkContext) -> ReplayReply:
    """Make a run again: its whole search if it had a budget of fits, else the fits of its champion on every fold.

    The project is only read: its champion stays, nothing is added to the tally, and the held-out rows stay closed.

    Raises
    ------
    ProjectStateError
        If there is no such run, its rows are other ones now, a text that it rests on is not there any more, or there is no
        room for the replay.
    """
    layout = ProjectLayout(Path(request.project_dir))
    record = _run_record(layout, request.run)
    if not record.code:
        raise ProjectStateError(
            f"{record.run_id} cannot be replayed",
            found="it was made before runs kept the code that they rest on",
            remedy="Train again; that run can be replayed",
        )
    stored = _stored_predictions(layout, record)
    searched = record.budget_evaluations is not None and not record.stopped_early
    context.report("laying out the replay", 0.02)
    with _room_told(record), tempfile.TemporaryDirectory(prefix=_PLACE, ignore_cleanup_errors=True) as name:
        place = lay_out(layout, record, Path(name), context)
        again = _search_again(place, record, context) if searched else _fit_again(place, record, context)
        rows, largest = _largest_difference(stored, pd.read_parquet(again.out_of_fold))
    return _reply(layout, record, place, again, rows=rows, largest=largest, searched=searched)


@contextmanager
def _room_told(record: TrainingRun) -> Iterator[None]:
    """Tell a full disk as what it is here: the scratch folder lacks room, and the project is untouched.

    Raises
    ------
    ProjectStateError
        Instead of what was raised for want of room, by whatever part of the replay.
    """
    try:
        yield
    except (OSError, ProjectStateError) as error:
        if not _is_for_want_of_room(error):
            raise
        raise ProjectStateError(
            f"There is no room to replay {record.run_id}",
            found=f"{error.problem}: {error.found}" if isinstance(error, ProjectStateError) else str(error),
            remedy="Free space where temporary files go, or let TMPDIR name a folder with more, then call replay again; the "
            "project was only read",
        ) from error


def _is_for_want_of_room(error: BaseException | None) -> bool:
    """Whether a full disk is what an error says, or what it was raised from."""
    if error is None:
        return False
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return True
    return any(told in str(error) for told in _NO_ROOM_TOLD) or _is_for_want_of_room(error.__cause__)


def _run_record(layout: ProjectLayout, run: str) -> TrainingRun:
    if run == "champion":
        return load_record(layout, TrainingRun)
    runs = layout.run_dir("x").parent
    try:
        return TrainingRun.model_validate_json((runs / Path(run).name / "record.json").read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        known = sorted(path.parent.name for path in runs.glob("run_*/record.json"))
        raise ProjectStateError(
            f"There is no record of a run {run!r} in {layout.root}",
            found=f"known are {', '.join(known[-5:])}" if known else "no run was recorded yet",
            remedy="Name one of the known runs, or 'champion'",
        ) from error


def _stored_predictions(layout: ProjectLayout, record: TrainingRun) -> pd.DataFrame:
    path = layout.root / record.out_of_fold_path
    if not path.is_file():
        raise ProjectStateError(
            f"The out-of-fold predictions of {record.run_id} are not there to compare with",
            found=f"no {path}",
            remedy="Put the run's folder back; a clone holds records and code, and no predictions",
        )
    return pd.read_parquet(path)


def _search_again(place: ReplayPlace, record: TrainingRun, context: WorkContext) -> _Again:
    """The same call of train, in the other place."""
    layout = place.layout
    before = _plain(layout.champion_py)
    # On this machine: wherever fits are done, the same come out.
    kept = None if record.text_model is None else str(layout.root / record.text_model.path)
    weights = None if record.foundation_model is None else str(layout.root / record.foundation_model.path)
    here = {"project_dir": str(layout.root), "executor": None, "text_model": kept, "foundation_model": weights}
    request = TrainRequest.model_validate(record.asked | here)
    journal = layout.root.parent / "journal"
    reply = train(request, replace(context, journal_dir=journal, started=context.clock()))
    if reply.status == "refused":
        raise ProjectStateError(
            f"{record.run_id} cannot be replayed: the checks of the data block now",
            found=reply.summary,
            remedy=reply.next_step,
        )
    now = load_record(layout, TrainingRun)
    predicted = layout.root / now.out_of_fold_path
    return _Again(now.champion.name, now.champion.score.value, predicted, before == _plain(layout.champion_py))


def _plain(path: Path) -> list[str]:
    """The lines of champion.py that say what it builds."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith(_OWN_LINES)]


def _fit_again(place: ReplayPlace, record: TrainingRun, context: WorkContext) -> _Again:
    """The project's own train.py, rendered anew, on the run's champion.py: it knows nothing of us."""
    layout = place.layout
    log = layout.root / "replay.log"
    with log.open("wb") as stream:
        child = subprocess.Popen(
            [sys.executable, str(layout.training_dir / "train.py"), "--no-track"],
            cwd=layout.root,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            while child.poll() is None:
                context.report("fitting the champion on every fold", 0.3)
                time.sleep(_LOOKED_AT_EVERY)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    said = log.read_text(encoding="utf-8", errors="replace")
    predicted = layout.out_of_fold("by-hand")
    if not predicted.is_file():
        raise ProjectStateError(
            f"The champion of {record.run_id} could not be fitted again",
            found=said.strip()[-300:],
            remedy="Install the versions that the run was made with; `ml-engineer replay` tells which differ",
        )
    score = _SCORE.search(said)
    return _Again(record.champion.name, float(score.group(1)) if score else None, predicted, same_code=True)


def _largest_difference(before: pd.DataFrame, now: pd.DataFrame) -> tuple[int, float]:
    """Rows compared, and the largest absolute difference; infinite if other rows or classes were predicted."""
    columns = [name for name in before.columns if name not in {"row", "fold"}]
    if list(before["row"]) != list(now["row"]) or not set(columns) <= set(now.columns):
        return len(before), float("inf")
    then, again = before[columns].to_numpy(float), now[columns].to_numpy(float)
    if not np.array_equal(np.isnan(then), np.isnan(again)):
        return len(before), float("inf")
    return int((~np.isnan(then[:, 0])).sum()), float(np.nanmax(np.abs(then - again), initial=0.0))


def _reply(
    layout: ProjectLayout,
    record: TrainingRun,
    place: ReplayPlace,
    again: _Again,
    *,
    rows: int,
    largest: float,
    searched: bool,
) -> ReplayReply:
    then = record.champion.score.value
    scored = again.score is None or abs(again.score - then) <= _TOLERANCE * max(1.0, abs(then))
    same = largest <= _TOLERANCE and scored and again.champion == record.champion.name and again.same_code
    what = f"{'the search' if searched else 'the champion on every fold'} of {record.run_id}"
    verdict = "reproduced" if same else "differs"
    ended = "champion, score and every prediction came again" if same else _told(record, again, largest)
    return ReplayReply(
        status="done",
        summary=f"Did {what} again on {rows} rows: {ended}.",
        warnings=[] if searched else [_BY_THE_CLOCK],
        next_step="" if same else _remedy(place),
        project_dir=str(layout.root),
        run_id=record.run_id,
        verdict=verdict,
        replayed="search" if searched else "champion",
        champion=again.champion,
        score_then=then,
        score_now=again.score,
        largest_difference=largest if np.isfinite(largest) else None,
        rows=rows,
        differences=list(place.differences),
    )


def _told(record: TrainingRun, again: _Again, largest: float) -> str:
    parts = []
    if again.champion != record.champion.name:
        parts.append(f"the champion is {again.champion} instead of {record.champion.name}")
    elif not again.same_code:
        parts.append("champion.py builds another model")
    if again.score is not None and abs(again.score - record.champion.score.value) > _TOLERANCE:
        parts.append(f"the score is {again.score:.6g} instead of {record.champion.score.value:.6g}")
    if largest > _TOLERANCE:
        parts.append(f"predictions differ by up to {largest:.3g}")
    return "; ".join(parts) or "something differs"


def _remedy(place: ReplayPlace) -> str:
    if not place.differences:
        return "Nothing that is recorded differs: look for randomness without a seed in features.py and candidates.py"
    versions = [one.split()[1] for one in place.differences if one.startswith("version: ")]
    if versions:
        return f"Install the versions that the run was made with ({', '.join(versions[:5])}), then replay it again"
    return "See `differences` for what is not as it was"
