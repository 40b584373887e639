"""LEA, continued: leakage proved by fitting: shuffled outcomes, columns left out, a later row's target."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.guardrails.cells import is_number, repeats_by_chance, row_hashes
from ml_engineer.guardrails.check import ALL_STAGES, Answer, Observation, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.leakage import LeakageCheck
from ml_engineer.guardrails.wording import percent, quoted, quoted_list, rows_text
from ml_engineer.statistics.predictive_power import Target
from ml_engineer.vocabulary.guardrails import Stage

__all__ = ["LEA014", "LEA015", "LEA016"]

Ints = npt.NDArray[np.intp]


class LEA014(LeakageCheck):
    """Outcomes are shuffled, and the whole way from folds to score is gone again: it must score like chance.

    Whole groups swap their outcomes (rows of one declared or visible key, else equal rows), because a model that knows groups
    again scores well on shuffled outcomes too. If it does, folds share groups, and the real score is partly recognition.
    """

    title = "Shuffled outcomes score like chance"
    of_single_rows = True
    of_one_answer = True
    cost = "models"
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    rounds: ClassVar[int] = 3
    tolerated: ClassVar[float] = 0.05
    surprise: ClassVar[float] = 4.0
    harmful: ClassVar[float] = 0.2
    """Share of the target's variance that groups explain, from which recognition is worth something."""

    def find(self, evidence: Evidence) -> Answer:
        """Score the quick model on outcomes that were shuffled between groups."""
        if evidence.inputs.shape[1] == 0:
            return does_not_apply("the model sees no column")
        if len(np.unique(evidence.target.values)) < 2:
            return does_not_apply("the target has one value")
        key, groups = _grouping(evidence)
        powers = [
            evidence.probe.together_for(_shuffled(evidence.target, groups, seed=evidence.seed + number))
            for number in range(self.rounds)
        ]
        score, chance = float(np.mean(powers)), evidence.target.chance
        error = _error_by_chance(evidence.target, groups) / np.sqrt(self.rounds)
        what = f"outcomes shuffled between groups of {key}" if key else "shuffled outcomes"
        text = f"on {what} a quick model gets a {evidence.target.measure} of {score:.3f}, where chance is {chance:g}"
        if score - chance <= max(self.tolerated, self.surprise * error):
            return passed(text)
        alike = _share_between(evidence.target, groups)
        text += f"; groups explain {percent(alike)} of the real outcome"
        return observed(
            [Observation("forbids" if alike > self.harmful else "question", text)],
            remedy="The folds share groups that the columns give away. Frame again with group_columns naming the key of what has "
            'several rows; if rows are copies, leave them out with sql="SELECT DISTINCT ..."',
        )


def _grouping(evidence: Evidence) -> tuple[str, Ints]:
    """The key whose groups swap outcomes, in words (empty if rows stand alone), and a group number a row."""
    frame, declared = evidence.frame, evidence.problem.split.group_columns
    if declared and set(declared) <= set(frame.columns):
        return quoted_list(declared), np.asarray(frame.groupby(list(declared), dropna=False).ngroup(), dtype=np.intp)
    for name in evidence.keys:
        codes, values = pd.factorize(frame[name])
        missing = codes < 0
        if 2 <= (~missing).sum() / max(len(values), 1) <= 50:
            # Rows without a key stand alone.
            alone = len(values) + np.cumsum(missing) - 1
            return quoted(name), np.where(missing, alone, codes).astype(np.intp)
    hashes = row_hashes(evidence.inputs)
    if repeats_by_chance(evidence.inputs, hashes):
        # Equal cells are no copies where there are few different ones, and their outcomes are honestly alike.
        return "", np.arange(len(frame), dtype=np.intp)
    return "", np.asarray(pd.factorize(hashes)[0], dtype=np.intp)


def _shuffled(target: Target, groups: Ints, *, seed: int) -> Target:
    """Each group gets the outcome of one row of some other group, for all of its rows."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(groups))
    _, first = np.unique(groups[order], return_index=True)
    outcomes = generator.permutation(target.values[order[first]])
    return Target(values=outcomes[groups], classes=target.classes)


def _error_by_chance(target: Target, groups: Ints) -> float:
    """Standard error of power when nothing is to be known (Hanley and McNeil 1982 for areas), with groups as units."""
    units = max(len(np.unique(groups)), 2)
    if not target.classes:
        return float(2 / np.sqrt(units))
    shares = np.bincount(target.values, minlength=target.classes) / len(groups)
    rare = max(float(min(shares[label] for label in target.judged)), 1 / units)
    return float(np.sqrt((1 / (rare * units) + 1 / max((1 - rare) * units, 1)) / 12))


def _share_between(target: Target, groups: Ints) -> float:
    """Share of the target's variance that lies between groups of several rows, beyond chance."""
    sizes = np.bincount(groups).astype(float)
    repeated = (sizes > 1)[groups]
    values = target.values if not target.classes else target.values == np.bincount(target.values).argmax()
    values = np.asarray(values, dtype=float)[repeated]
    if len(values) < 10 or values.var() == 0:
        return 0.0
    _, codes = np.unique(groups[repeated], return_inverse=True)
    counts = np.bincount(codes)
    within = ((values - (np.bincount(codes, weights=values) / counts)[codes]) ** 2).sum() / (len(values) - len(counts))
    return max(0.0, 1 - float(within / values.var()))


class LEA015(LeakageCheck):
    """A problem that is nearly solved, and is not without one column: the jump is worth a question.

    The strongest columns are left out one at a time (with their near copies). Columns that predict the target alone are LEA001's
    business; here it is the jump that counts, whatever the column does alone. A target that is a number may honestly hang on one
    measurement, so that it is advice there.
    """

    title = "One column that makes the jump"
    of_one_answer = True
    cost = "models"
    most_columns: ClassVar[int] = 6
    solved: ClassVar[float] = 0.9
    """Share of the way from chance to certainty."""
    jump: ClassVar[float] = 0.3

    def find(self, evidence: Evidence) -> Answer:
        """Leave the strongest columns out, one at a time."""
        probe = evidence.probe
        span, measure = 1 - probe.target.chance, probe.target.measure
        texts = {column.name for column in evidence.used if column.role == "text"}
        columns = [name for name in probe.alone if name not in texts]
        if len(columns) < 2:
            return does_not_apply("the model sees one column at most, texts apart")
        full = probe.together()
        if full - probe.target.chance < self.solved * span:
            return passed(f"with a {measure} of {full:.3f} by a quick model the problem is not nearly solved")
        names = sorted(columns, key=lambda name: -probe.alone[name])[: self.most_columns]
        without = {name: probe.together(without=probe.near_copies(name, names)) for name in names}
        seen = [
            Observation(
                "question" if probe.target.classes else "advice",
                f"without {quoted(name)} a quick model falls from a {measure} of {full:.3f} to {left:.3f}; alone the column "
                f"gives {probe.alone[name]:.3f}",
                (name,),
            )
            for name, left in without.items()
            if full - left > self.jump * span
        ]
        if not seen:
            least = min(without, key=lambda name: without[name])
            return passed(
                f"the problem is nearly solved ({measure} {full:.3f}) and stays so without any one of {len(names)} strong "
                f"columns (lowest {without[least]:.3f}, without {quoted(least)}): an easy problem"
            )
        return observed(
            seen,
            remedy="Ask how and when the column comes about; if it is made with or after the outcome, frame again with "
            "after_the_fact naming it; if it is known in time, a rule on it may do",
        )


class LEA016(LeakageCheck):
    """A column that holds the target of a later row: a shift that went the wrong way.

    Rows are put in order of time (within declared groups), and each column is compared with the target of rows that come
    after, cell by cell.
    """

    title = "Column that holds a later target"
    of_one_answer = True
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    shifts: ClassVar[tuple[int, ...]] = (1, 2, 3, 4, 6, 7, 12, 24, 30, 52)
    equal_share: ClassVar[float] = 0.5
    beyond_chance: ClassVar[float] = 0.3
    fewest_rows: ClassVar[int] = 50

    def find(self, evidence: Evidence) -> Answer:
        """Compare used columns with the target some rows ahead."""
        name = evidence.problem.split.time_column
        if name is None or name not in evidence.frame.columns:
            return does_not_apply("no column orders the rows in time")
        ordered = evidence.frame.sort_values(name, kind="stable")
        target = ordered[evidence.problem.target]
        target = (
            target.astype(float)
            if evidence.problem.form == "regression"
            else pd.Series(pd.factorize(target, sort=True)[0], index=target.index).astype(float)
        )
        plan = evidence.problem.forecast
        things = evidence.problem.split.group_columns if plan is None else plan.series_columns
        declared = [group for group in things if group in ordered.columns]
        keys = ordered.groupby(declared, dropna=False).ngroup() if declared else pd.Series(0, index=ordered.index)
        seen = [
            Observation("forbids", text, (column,))
            for column in evidence.used_names
            if is_number(ordered[column]) and (text := self._text(ordered[column], target, keys, column))
        ]
        if not seen:
            return passed(f"no used column holds the target of one of the next rows by {quoted(name)}")
        return observed(
            seen,
            remedy="Shift the column the other way, so that it holds earlier targets, or frame again with exclude_columns",
        )

    def _text(self, column: pd.Series, target: pd.Series, keys: pd.Series, name: str) -> str:
        for shift in self.shifts:
            later = target.groupby(keys).shift(-shift)
            both = later.notna() & column.notna()
            if both.sum() < self.fewest_rows:
                continue
            equal = float((column[both] == later[both]).mean())
            # What few different values, and a target that hardly moves, give without any shift.
            chance = float((column[both].value_counts(normalize=True) * later[both].value_counts(normalize=True)).sum())
            still = float((column[both] == target[both]).mean())
            if equal > max(self.equal_share, still + 0.1) and equal - chance > self.beyond_chance:
                return f"{quoted(name)} is the target {rows_text(shift)} later in {percent(equal)} of {rows_text(int(both.sum()))}"
        return ""
