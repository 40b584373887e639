"""The champion's LightGBM and XGBoost models on all development rows, where the table is larger than the memory.

Everything was chosen on a sample. The rows beyond it are read once, a part at a time; those that the seal deals to
development are prepared as the champion prepares rows, written to a file, and its trees are grown again from there.
What goes wrong costs only itself: the champion that was fitted on the sample stays.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import psutil

from ml_engineer import seal
from ml_engineer.errors import JobCancelledError, MlEngineerError
from ml_engineer.independent_fits import Executor, Failure, InlineExecutor, Piece, do_pieces
from ml_engineer.modelling.executors import LEFT_FOR_FITS
from ml_engineer.modelling.out_of_core import GrownTrees, NumbersFile, OutOfCoreFit, TreePart, tree_parts, with_trees
from ml_engineer.modelling.search import SearchResult
from ml_engineer.project.files import file_sha256
from ml_engineer.project.records import load_record
from ml_engineer.project.user_code import load_features
from ml_engineer.sources import count_rows
from ml_engineer.verbs.training.further_check import RowsApart
from ml_engineer.verbs.training.further_room import Pace, rows_in_memory, rows_in_time
from ml_engineer.verbs.training.further_rows import FurtherRows
from ml_engineer.verbs.training.rows import TrainingRows
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.training import BeyondSample

__all__ = ["RESERVED_SHARE", "is_sampled", "learn_beyond_sample"]

RESERVED_SHARE = 0.35
"""Of a time budget, kept for the rows beyond the sample."""
_LEARNED = frozenset({"binary", "multiclass", "regression"})
_BLOCK_ROWS = 16_384
_WORTH_IT = 0.25
"""Fewer further rows than this share of the sample's are not worth the time."""
_CHECKED_SHARE, _MOST_CHECKED = 0.05, 20_000
_WITHOUT_LIMIT = float("inf")
_WRITING_SHARE = 0.75
"""Of the time that is left, for reading and writing rows: later than that, no trees would be grown of them."""
_JUDGING_SHARE = 0.15
"""Of the time that is left when trees begin to grow, for comparing them with those of the sample."""
_ENOUGH = 0.5
"""A model that went less of its way is not worth a comparison."""
_MORE_TIME = "give train more budget_seconds"


class _NotDoneError(Exception):
    """Why the champion of the sample stays, as the end of a sentence."""


def is_sampled(rows: TrainingRows) -> bool:
    """Whether the project was framed on a sample of a table larger than the memory."""
    return load_record(rows.layout, DataProfile).source.sample_fraction is not None


def learn_beyond_sample(
    rows: TrainingRows, result: SearchResult, context: WorkContext, executor: Executor, *, until: float, seed: int
) -> tuple[SearchResult, BeyondSample | None]:
    """Let the champion learn from the development rows beyond the sample too, as far as it can.

    Parameters
    ----------
    rows : TrainingRows
        The development rows of the sample.
    result : SearchResult
        What the search on them found.
    context : WorkContext
        The job.
    executor : Executor
        Who does the fits, and what memory they may take.
    until : float
        Reading of the clock by which it must be done; infinite without a time budget.
    seed : int
        Random state.

    Returns
    -------
    result : SearchResult
        With a model that learned from further rows, or as it was.
    beyond : BeyondSample or None
        What was done, or why nothing; None if the table was read whole.
    """
    profile = load_record(rows.layout, DataProfile)
    fraction = profile.source.sample_fraction
    if fraction is None:
        return result, None
    began = context.clock()
    told = BeyondSample(sample_fraction=fraction, source_rows=profile.rows, sampled_rows=rows.data.rows)
    try:
        told = told.model_copy(update={"source_rows": count_rows(profile.source)})
        work = _Work(rows, result, context, executor, until=until, seed=seed, profile=profile, told=told)
        model, told = work.do()
        result = replace(result, model=model)
    except JobCancelledError:
        raise
    except _NotDoneError as reason:
        told = told.model_copy(update={"reason": str(reason)})
    except Exception as error:  # noqa: BLE001  (features.py is anybody's code, and the champion of the sample is there)
        what = str(error) if isinstance(error, MlEngineerError) else f"{type(error).__name__}: {error}"
        told = told.model_copy(update={"reason": f"because it failed: {' '.join(what.split())[:300]}"})
    return result, told.model_copy(update={"seconds": context.clock() - began})


@dataclass
class _Work:
    """One champion, and the rows beyond its sample."""

    rows: TrainingRows
    result: SearchResult
    context: WorkContext
    executor: Executor
    until: float
    seed: int
    profile: DataProfile
    told: BeyondSample

    def do(self) -> tuple[Any, BeyondSample]:
        """The model that learned from further rows, and what is told of it."""
        parts = self._parts()
        further = FurtherRows(self.rows, self.profile, seal.sides_beyond(self.rows.split, self.rows.development.frame))
        self._report("measuring the rows beyond the sample")
        share, expected = self._share(parts, further)
        self._report("checking that the source is what was framed")
        further.refuse_other_source()
        # Not among temporary files, which lie in memory on some systems; what a killed job left is replaced.
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        try:
            apart = RowsApart()
            learned = self._write(parts, further, apart, share=share, expected=expected)
            trees = self._grow(parts, self.told.sampled_rows + learned)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        everything = list(tree_parts(self.result.model, self._name))
        texts = [
            next((grown.text for part, grown in trees if part.pipeline is one.pipeline), None) for one in everything
        ]
        model = with_trees(self.result.model, self._name, texts)
        told = self.told.model_copy(
            update={
                "further_rows": learned,
                "held_rows": further.held_rows,
                "parts": tuple(dict.fromkeys(part.name for part, _ in trees)),
                "grown_share": min(grown.rounds / max(grown.wanted, 1) for _, grown in trees),
            }
        )
        return model, self._compared(model, told, apart)

    @property
    def _folder(self) -> Path:
        return self.context.journal_dir / "beyond_sample"

    @property
    def _name(self) -> str:
        return self.result.champion.candidate.name

    def _report(self, message: str, *, until: float | None = None) -> None:
        self.context.report(message, 0.92)
        if self.context.asked_to_stop() or self.result.stopped_early:
            raise _NotDoneError("because the training was asked to stop")
        if self.context.clock() > (self.until if until is None else until):
            raise _NotDoneError(f"because reading the others took longer than there was time: {_MORE_TIME}")

    def _parts(self) -> list[TreePart]:
        """LightGBM and XGBoost models of the champion that can learn from further rows."""
        problem = self.rows.problem
        if problem.judged_as not in _LEARNED:
            raise _NotDoneError(f"because a {problem.judged_as} task learns from rows that are in memory together")
        if self.rows.data.weights is not None:
            raise _NotDoneError("because rows that count by a weight are learned from in memory alone")
        if file_sha256(self.rows.layout.features_py) != self.rows.features_sha256:
            raise _NotDoneError("because features.py was changed in the meantime")
        if self.result.champion.candidate.most_rows is not None:
            raise _NotDoneError(
                "because there was no time even for all that are in memory: give train more budget_seconds"
            )
        parts = list(tree_parts(self.result.model, self._name))
        if not parts:
            raise _NotDoneError(
                f"because {self._name} holds no LightGBM or XGBoost model, and others learn from rows in memory alone"
            )
        growing = [part for part in parts if not part.refusal]
        if not growing:
            raise _NotDoneError(f"because of its boosted trees: {parts[0].refusal}")
        return growing

    def _share(self, parts: list[TreePart], further: FurtherRows) -> tuple[float, float]:
        """The share of the further rows that time, memory and disk have room for; and how many there may be."""
        definition = self.rows.split.definition
        held = 0.0 if definition.strategy == "own_test_file" else definition.held_out_fraction
        expected = self.told.source_rows * (1 - self.told.sample_fraction) * (1 - held)
        on_disk = 0.8 * shutil.disk_usage(self.context.journal_dir.parent).free
        rooms = [rows_in_memory(part.columns, part.classes, self._memory()) for part in parts]
        room = min(*rooms, on_disk / (8 * sum(part.columns + 1 for part in parts))) - self.told.sampled_rows
        short = "because there is no room for more: give train more memory_limit_mb"
        if self.until < _WITHOUT_LIMIT:
            in_time = rows_in_time(self._pace(parts, further), self.until - self.context.clock())
            if in_time < room:
                room = in_time
                short = f"because there was no time to read and learn from the others: {_MORE_TIME}"
        if room < min(_WORTH_IT * self.told.sampled_rows, expected):
            raise _NotDoneError(short)
        return min(1.0, room / max(expected, 1.0)), expected

    def _memory(self) -> float:
        # Another machine's limit says nothing of this one's, which reads and writes the rows.
        limit = None if self.executor.is_remote else self.executor.memory_limit
        return float(limit or LEFT_FOR_FITS * psutil.virtual_memory().available)

    def _pace(self, parts: list[TreePart], further: FurtherRows) -> Pace:
        """What the first rows of the source take, and what fits on the sample took."""
        clock, build = self.context.clock, load_features(self.rows.layout)
        began = clock()
        with closing(further.__iter__()) as parts_of_source:
            first = next(parts_of_source)
        read, prepared = clock(), clock()
        if len(first.frame):
            features = build(first.frame)
            for part in parts:
                part.prepare(features)
            prepared = clock()
        spent = {one.candidate.name: one for one in self.result.standings}
        growing = 0.0
        for part in parts:
            fits = spent[part.name].fits if part.name in spent else {}
            each = [fit.fit_seconds / len(self.rows.data.all_pairs[fold][0]) for fold, fit in fits.items()]
            growing += max(each, default=0.0)
        return Pace(
            source_rows=self.told.source_rows,
            sampled_rows=self.told.sampled_rows,
            bytes_to_hash=sum(Path(name).stat().st_size for name in self.profile.report.files),
            reading=(read - began) / max(further.rows_a_part, 1),
            preparing=(prepared - read) / max(len(first.frame), 1),
            growing=growing,
        )

    def _write(
        self, parts: list[TreePart], further: FurtherRows, apart: RowsApart, *, share: float, expected: float
    ) -> int:
        """Write prepared rows of the sample and beyond it, by view, and what is learned of each; the further rows there are."""
        build, views = load_features(self.rows.layout), self._views(parts)
        rng, learned = np.random.default_rng(self.seed), 0
        checked = min(_CHECKED_SHARE, _MOST_CHECKED / max(expected, 1.0))
        until = self._after(_WRITING_SHARE)
        with ExitStack() as files:
            stores = {name: files.enter_context(NumbersFile(self._rows_path(name))) for name in views}
            targets = [files.enter_context(NumbersFile(self._target_path(place))) for place in range(len(parts))]

            def add(features: pd.DataFrame, actual: npt.NDArray[Any]) -> None:
                for name, part in views.items():
                    stores[name].append(part.prepare(features))
                for part, target in zip(parts, targets, strict=True):
                    target.append(part.target(actual.astype("float64")))

            for start in range(0, self.rows.data.rows, _BLOCK_ROWS):
                self._report("preparing the rows of the sample once more", until=until)
                block = slice(start, start + _BLOCK_ROWS)
                add(self.rows.data.features.iloc[block], self.rows.data.actual[block])
            for rows in further:
                self._report("reading the rows beyond the sample", until=until)
                set_apart = further.sides.set_apart(rows.units, checked)
                chosen = (rng.random(len(rows.frame)) < share) & ~set_apart
                if not (chosen | set_apart).any():
                    continue
                features = build(rows.frame)
                apart.add(features, rows, set_apart)
                if chosen.any():
                    add(features[chosen], rows.actual[chosen])
                    learned += int(chosen.sum())
        if not learned:
            raise _NotDoneError("because there are no development rows beyond it")
        return learned

    def _rows_path(self, view: str) -> Path:
        return self._folder / f"{view}.rows"

    def _target_path(self, place: int) -> Path:
        return self._folder / f"{place}.target"

    def _views(self, parts: list[TreePart]) -> dict[str, TreePart]:
        """One part for each preparation: parts of a view prepare rows alike."""
        return {self._view(parts, place): part for place, part in reversed(list(enumerate(parts)))}

    def _view(self, parts: list[TreePart], place: int) -> str:
        candidate = self.result.champion.candidate
        views = {one.name: one.view for one in (candidate, *(member for member, _ in candidate.members))}
        return views.get(parts[place].name, "") or f"part_{place}"

    def _after(self, share: float) -> float:
        """Reading of the clock when this share of the time that is left will have passed."""
        now = self.context.clock()
        return now + share * (self.until - now)

    def _grow(self, parts: list[TreePart], rows: int) -> list[tuple[TreePart, GrownTrees]]:
        """Parts whose trees could be grown again on so many rows, with their trees.

        Raises
        ------
        _NotDoneError
            If none could.
        """
        grown: list[tuple[TreePart, GrownTrees]] = []
        reason = f"there was no time to grow its trees on {rows:,} rows: {_MORE_TIME}"
        clock = self.context.clock
        until = self._after(1 - _JUDGING_SHARE)
        # A model ends by itself in time; one that does not, because a single round takes so long, is stopped a little later.
        stopped = self._after(1 - _JUDGING_SHARE / 2)

        def pieces() -> Iterator[Piece]:
            for place, part in enumerate(parts):
                now, path = clock(), self._rows_path(self._view(parts, place))
                seconds = (until - now) / (len(parts) - place)
                yield Piece(part, OutOfCoreFit.of(part, path, self._target_path(place), seconds=seconds), stopped - now)

        def ended(piece: Piece, outcome: Any) -> None:
            nonlocal reason
            if isinstance(outcome, Failure):
                if not outcome.out_of_time:
                    reason = f"growing its trees on {rows:,} rows failed: {outcome.reason}"
            elif outcome.learned < _ENOUGH:
                reason = (
                    f"there was time to grow {outcome.rounds} of {outcome.wanted} rounds on {rows:,} rows: {_MORE_TIME}"
                )
            else:
                grown.append((piece.about, outcome))

        executor = self._executor()
        workers, executor.workers = executor.workers, 1
        try:
            do_pieces(
                executor,
                pieces(),
                ended=ended,
                clock=clock,
                until=lambda: stopped,
                tell=lambda: self.context.report("growing trees on all development rows", 0.93),
                asked_to_stop=self.context.asked_to_stop,
            )
        finally:
            executor.workers = workers
        if not grown:
            raise _NotDoneError(f"because {reason}")
        return grown

    def _executor(self) -> Executor:
        if not self.executor.is_remote:
            return self.executor
        here = InlineExecutor(folder=self._folder, clock=self.context.clock)  # the rows lie on this machine
        here.load(self.rows.data)
        return here

    def _compared(self, model: Any, told: BeyondSample, apart: RowsApart) -> BeyondSample:
        """What the model that learned from further rows is worth on those set apart.

        Raises
        ------
        _NotDoneError
            If the champion of the sample does better there.
        """
        try:
            compared = apart.compare(
                self.rows.data, model, self.result.model, seed=self.seed, until=self.until, clock=self.context.clock
            )
        except TimeoutError as error:
            raise _NotDoneError(f"because {error}: {_MORE_TIME}") from error
        if compared is None:
            if told.grown_share < 1:
                raise _NotDoneError(
                    f"because not all of its trees could be grown, and what there is not be judged: {_MORE_TIME}"
                )
            return told
        if compared.gain.value < 0:
            raise _NotDoneError(
                f"because on {compared.rows:,} rows that neither learned from, the one of all rows was no better: "
                f"{self.rows.data.metric} {compared.after:.5g} instead of {compared.before:.5g}"
            )
        return told.model_copy(
            update={
                "checked_rows": compared.rows,
                "sample_score": compared.before,
                "further_score": compared.after,
                "gain": compared.gain,
            }
        )
