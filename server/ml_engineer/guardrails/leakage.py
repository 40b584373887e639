"""LEA: whether a column carries the answer, which will not be there when the model is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from ml_engineer.guardrails.check import ALL_STAGES, Answer, Check, Observation, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.probe import Probe
from ml_engineer.guardrails.target_changes import outcomes_of
from ml_engineer.guardrails.wording import listed, quoted, quoted_list, rows_text
from ml_engineer.statistics.predictive_power import column_power
from ml_engineer.vocabulary.guardrails import Family, Guardrail, Stage

__all__ = ["LEA001", "LEA002", "LEA003", "LEA004", "LeakageCheck", "gain_from"]

_KNOWN_IN_TIME = (
    "Ask whether the column is known at the prediction moment and not made from the outcome; if not, frame again with "
    "after_the_fact naming it; if it is, a person may waive this with the reason"
)


class LeakageCheck(Check):
    """What the checks of this family share."""

    family: ClassVar[Family] = "leakage"
    guardrail: ClassVar[Guardrail] = "data_quality"


@dataclass(frozen=True)
class _Thresholds:
    """When a column is too good: its power alone, and how far the model falls without it."""

    suspicious: float
    blocking: float
    fall: float


class LEA001(LeakageCheck):
    """A column that predicts the target alone.

    Alone it proves nothing: some problems are easy. So the model is fitted without the column (and its near copies):
    if it falls, the column was the answer; if it holds, other columns know the same, and the problem is easy. A
    regression target may honestly hang on one measurement, and one of many labels on one word, so that the bar is higher there:
    what falls below it is asked about.
    """

    title = "Column that predicts the target alone"
    of_one_answer = True
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    cost = "models"
    classes: ClassVar[_Thresholds] = _Thresholds(suspicious=0.9, blocking=0.9, fall=0.08)
    numbers: ClassVar[_Thresholds] = _Thresholds(suspicious=0.95, blocking=0.98, fall=0.05)
    one_label: ClassVar[_Thresholds] = _Thresholds(suspicious=0.9, blocking=0.97, fall=0.08)
    """A copy of the label with one row in a hundred wrong has an area of 0.99; a telling word, missing in one row of ten, 0.95."""
    most_ablations: ClassVar[int] = 4
    nearly_perfect: ClassVar[float] = 0.99
    sharp_fall: ClassVar[float] = 0.015
    sharper: ClassVar[float] = 5.0
    sharp_rows: ClassVar[int] = 300
    """Where the rest is good too, a nearly perfect column that takes away four fifths of what is left is asked about."""

    def find(self, evidence: Evidence) -> Answer:
        """Probe each input alone, then the model without those that are suspicious."""
        probe = evidence.probe
        limits = self._limits(evidence)
        suspects = sorted(
            (name for name, power in probe.alone.items() if power > limits.suspicious),
            key=lambda name: -probe.alone[name],
        )
        measure = probe.target.measure
        if not suspects:
            best = max(probe.alone.items(), key=lambda item: item[1], default=None)
            strongest = f"; the strongest is {quoted(best[0])} with {best[1]:.2f}" if best else ""
            return passed(
                f"no column alone exceeds a {measure} of {limits.suspicious}{strongest} ({probe.rows:,} rows)"
            )
        clusters = self._clusters(evidence, suspects)[: self.most_ablations]
        contrasts = [self._contrast(evidence, copies) for copies in clusters]
        seen = [
            Observation(
                "forbids"
                if contrast.alone > limits.blocking and contrast.full - contrast.without > limits.fall
                else "question",
                f"{contrast.names} alone gives a {measure} of {contrast.alone:.3f}; a quick model gives "
                f"{contrast.full:.3f} with it and {contrast.without:.3f} without it",
                contrast.columns,
            )
            for contrast in contrasts
            if contrast.full - contrast.without > limits.fall
            or (probe.rows >= self.sharp_rows and self._is_sharp(contrast))
        ]
        if seen:
            return observed(seen, remedy=_KNOWN_IN_TIME)
        return self._all_of_them(evidence, contrasts, limits, suspects)

    def _limits(self, evidence: Evidence) -> _Thresholds:
        if evidence.one_of_labels:
            return self.one_label
        return self.classes if evidence.target.classes else self.numbers

    def _is_sharp(self, contrast: _Contrast) -> bool:
        """Whether a nearly perfect column leaves the model far less wrong than all others together."""
        fall = contrast.full - contrast.without
        left, left_without = 1 - contrast.full, 1 - contrast.without
        return contrast.alone > self.nearly_perfect and fall > self.sharp_fall and left_without > self.sharper * left

    def _all_of_them(
        self, evidence: Evidence, contrasts: list[_Contrast], limits: _Thresholds, suspects: list[str]
    ) -> Answer:
        """No suspect matters alone; several that stand in for each other may be made from the outcome together."""
        probe, measure = evidence.probe, evidence.target.measure
        texts = [f"{item.names} alone {item.alone:.3f}, model without it {item.without:.3f}" for item in contrasts[:3]]
        full, rest = probe.together(), probe.together(without=frozenset(suspects))
        # Where most columns are strong, taking all of them away proves nothing.
        few = len(suspects) <= evidence.inputs.shape[1] / 2
        if len(contrasts) > 1 and few and full - rest > 2 * limits.fall:
            seen = Observation(
                "question",
                f"{quoted_list(suspects, limit=4)} each predict the target alone, and a quick model falls from a {measure} "
                f"of {full:.3f} to {rest:.3f} without all of them",
                tuple(suspects),
            )
            return observed([seen], remedy=_KNOWN_IN_TIME)
        return passed(f"other columns know the same, as in an easy problem ({measure}): {listed(texts, join='; ')}")

    @staticmethod
    def _contrast(evidence: Evidence, copies: list[str]) -> _Contrast:
        probe = evidence.probe
        return _Contrast(
            columns=tuple(copies),
            names=quoted_list(copies, limit=3),
            alone=probe.alone[copies[0]],
            full=probe.together(),
            without=probe.together(without=frozenset(copies)),
        )

    @staticmethod
    def _clusters(evidence: Evidence, suspects: list[str]) -> list[list[str]]:
        """Suspects with their near copies, strongest first; a copy hides a leak from the ablation if it stays."""
        clusters: list[list[str]] = []
        placed: set[str] = set()
        for name in suspects:
            if name not in placed:
                copies = evidence.probe.near_copies(name, suspects) - placed
                placed |= copies
                clusters.append(sorted(copies, key=suspects.index))
        return clusters


@dataclass(frozen=True)
class _Contrast:
    """Power of a column (with its near copies) alone, of all columns, and of all columns but these."""

    columns: tuple[str, ...]
    names: str
    alone: float
    full: float
    without: float


class LEA002(LeakageCheck):
    """Cells that are empty because of the outcome: a field filled in only when something happened."""

    title = "Missing cells that mirror the target"
    of_one_answer = True
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    worth_asking: ClassVar[float] = 0.10
    forbidding: ClassVar[float] = 0.50
    forbidding_share: ClassVar[float] = 0.05
    """Share of rows that must be empty (and filled): fewer cannot carry a score."""
    fewest_rows: ClassVar[int] = 20
    surprise: ClassVar[float] = 3.5
    """Standard errors; about one false alarm in 2,000 columns."""

    def find(self, evidence: Evidence) -> Answer:
        """Compare the target where a cell is empty with where it is filled."""
        outcomes, seen, looked_at = outcomes_of(evidence), [], 0
        for name in evidence.inputs.columns:
            empty = evidence.inputs[name].isna().to_numpy()
            if min(empty.sum(), (~empty).sum()) < self.fewest_rows:
                continue
            looked_at += 1
            what = max(outcomes, key=lambda each: abs(_gap(outcomes[each], empty)))
            values, gap = outcomes[what], _gap(outcomes[what], empty)
            error = float(np.sqrt(values.var() * (1 / empty.sum() + 1 / (~empty).sum())))
            if abs(gap) > max(self.worth_asking, self.surprise * error):
                seen.append(self._observation(evidence, str(name), empty, what=what, values=values))
        if not seen:
            return passed(f"where cells are empty the target is as elsewhere ({looked_at:,} columns with gaps)")
        return observed(
            seen,
            remedy="Ask why cells are empty, and whether that is known at the prediction moment. If they are filled in "
            "after the outcome, frame again with after_the_fact naming the column; if there was nothing to fill in (no garage, no "
            "cabin), nothing leaks: say so with waive_finding",
        )

    def _observation(
        self, evidence: Evidence, name: str, empty: np.ndarray, *, what: str, values: np.ndarray
    ) -> Observation:
        gap, share = _gap(values, empty), float(empty.mean())
        forbids = abs(gap) > self.forbidding and min(share, 1 - share) >= self.forbidding_share
        return Observation(
            "forbids" if forbids else "question",
            f"{what} is {values[empty].mean():.2f} where {quoted(name)} is empty ({rows_text(int(empty.sum()))}) and "
            f"{values[~empty].mean():.2f} elsewhere",
            (name,),
            tuple(int(row) for row in evidence.inputs.index[empty][:3]),
        )


def _gap(values: np.ndarray, empty: np.ndarray) -> float:
    """Difference of means, empty minus filled."""
    return float(values[empty].mean() - values[~empty].mean())


class LEA003(LeakageCheck):
    """An identifier that carries the target: numbers given in the order of the outcome, or by class."""

    title = "Identifier that carries the target"
    of_one_answer = True
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    classes_limit: ClassVar[float] = 0.7
    numbers_limit: ClassVar[float] = 0.2

    def find(self, evidence: Evidence) -> Answer:
        """Probe each identifier by its place in sorted order."""
        names = [
            column.name
            for column in evidence.problem.columns
            if column.role == "identifier" and column.name in evidence.frame.columns
        ]
        if not names:
            return does_not_apply("no column is an identifier")
        limit = self.classes_limit if evidence.target.classes else self.numbers_limit
        powers = {name: column_power(evidence.frame[name], evidence.target, evidence.folds) for name in names}
        seen = [
            Observation(
                "forbids" if name in evidence.used_names else "advice",
                f"{quoted(name)}, put in order, gives a {evidence.target.measure} of {power:.2f}"
                + (
                    ""
                    if name in evidence.used_names
                    else "; the model does not see it, but the rows were collected in an order that knows the outcome"
                ),
                (name,),
            )
            for name, power in powers.items()
            if power > limit
        ]
        if not seen:
            return passed(f"{quoted_list(names)} {'do' if len(names) > 1 else 'does'} not predict the target")
        if all(one.severity == "advice" for one in seen):
            return observed(
                seen,
                remedy="Ask how the numbers were given (by place, time, batch, outcome?), and whether rows to come will be numbered so; "
                "if a column says it, frame again with it as time_column or group_columns",
            )
        return observed(seen, remedy="Frame again with exclude_columns naming it, and ask how the numbers were given")


class LEA004(LeakageCheck):
    """The place of a row in the file tells its target, and no column says why.

    A sorted file harms nobody once rows are dealt at random, and order that columns explain is known to the model
    anyway. But neighbours that resemble each other for no visible reason are rows of one batch, place or hour, and then
    random folds flatter the model. So a quick model is fitted with and without the row number.
    """

    title = "Row order that carries the target"
    of_one_answer = True
    cost = "models"
    classes_limit: ClassVar[float] = 0.65
    numbers_limit: ClassVar[float] = 0.1
    gain: ClassVar[float] = 0.03
    """What the row number must add to the model's power."""

    def applies_to(self, evidence: Evidence) -> str:
        """Not where order is known to matter already."""
        if evidence.problem.split.strategy in ("time", "grouped"):
            return f"the {evidence.problem.split.strategy} split already keeps neighbours together"
        return super().applies_to(evidence)

    def find(self, evidence: Evidence) -> Answer:
        """Probe the row number alone, then on top of the inputs."""
        files = evidence.source_files
        # What the file itself tells is LEA020's question.
        places = (
            evidence.frame.index.to_numpy(dtype=float) if files is None else files.place_within(evidence.frame.index)
        )
        numbers = pd.Series(places, index=evidence.inputs.index)
        power = column_power(numbers, evidence.target, evidence.folds)
        limit = self.classes_limit if evidence.target.classes else self.numbers_limit
        text = f"the row number{'' if files is None else ' within its file'} alone gives a {evidence.target.measure} of {power:.2f}"
        if power <= limit:
            return passed(text)
        if _is_sorted(evidence):
            return observed(
                [Observation("advice", f"{text}, because the file is sorted by the target")],
                remedy="Nothing to do: rows were dealt at random; only do not use the row number as a feature",
            )
        without, with_it = gain_from(evidence, "row number", numbers)
        text += f"; added to the columns it lifts a quick model from {without:.3f} to {with_it:.3f}"
        if with_it - without <= self.gain:
            return passed(f"{text}, so the columns explain the order")
        return observed(
            [Observation("question", text)],
            remedy="Ask what neighbouring rows have in common (time, place, batch, person), and frame again with "
            "time_column or group_columns if there is such a column",
        )


def gain_from(evidence: Evidence, what: str, values: pd.Series) -> tuple[float, float]:
    """Power of the quick model without and with one more column, called `what` or nearly so."""
    name = what
    while name in evidence.inputs.columns:
        name += "_"
    probe = Probe(evidence.inputs.assign(**{name: values}), evidence.target, evidence.folds, seed=evidence.seed)
    return evidence.probe.together(), probe.together()


def _is_sorted(evidence: Evidence) -> bool:
    """Whether the rows lie in file order as one run per class, or in rising or falling order."""
    values = evidence.target.values[np.argsort(evidence.frame.index.to_numpy(), kind="stable")]
    steps = np.diff(values)
    if evidence.target.classes:
        return int((steps != 0).sum()) == evidence.target.classes - 1
    return bool((steps >= 0).all() or (steps <= 0).all())
