"""MOD, continued: whether the search looked where it should have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from ml_engineer.guardrails.check import Answer, Observation, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.model import ModelCheck
from ml_engineer.guardrails.wording import quoted
from ml_engineer.vocabulary.estimates import direction_of
from ml_engineer.vocabulary.guardrails import Stage
from ml_engineer.vocabulary.training import CandidateResult, TrainingRun

__all__ = ["MOD016", "MOD017"]

_SIMPLICITY: Final = ("baseline", "linear", "forest", "boosting")
"""Families from the simplest on; those not named come last."""


class _SearchCheck(ModelCheck):
    blocks_at: ClassVar[frozenset[Stage]] = frozenset()


def _run(evidence: Evidence) -> TrainingRun:
    assert evidence.training is not None, "a check that needs the training run says so in `needs`"
    return evidence.training


class MOD016(_SearchCheck):
    """The best value of a parameter is the last one that was tried: a better one may lie beyond.

    Among the finished candidates of the champion's family, each parameter that took at least three different numbers is
    looked at.
    """

    title = "Search at its edge"
    fewest_values: ClassVar[int] = 3

    def find(self, evidence: Evidence) -> Answer:
        """Compare the champion's parameters with those of its family."""
        run = _run(evidence)
        champion = _named(run, run.champion.name)
        if champion is None or not champion.parameters:
            return does_not_apply("the champion's parameters are not recorded")
        family = [
            each for each in run.leaderboard.candidates if each.family == champion.family and each.score is not None
        ]
        seen, looked_at = [], 0
        for name, value in _numbers(champion):
            tried = sorted({number for each in family for other, number in _numbers(each) if other == name})
            if len(tried) < self.fewest_values:
                continue
            looked_at += 1
            if value in (tried[0], tried[-1]):
                side = "smallest" if value == tried[0] else "largest"
                seen.append(
                    Observation("advice", f"{quoted(name)} is {value:g}, the {side} of {len(tried)} values tried")
                )
        if seen:
            return observed(
                seen,
                remedy="Add a candidate with values beyond the edge to candidates.py, or call train with more budget_seconds",
            )
        if not looked_at:
            return does_not_apply("no parameter of the champion's family took three different values")
        return passed(f"the champion lies inside what was tried, for each of {looked_at} parameters")


class MOD017(_SearchCheck):
    """A simpler or faster candidate whose score lies within the champion's interval.

    It need not be as good: two models judged on the same rows can differ by less than their intervals are wide. Whether the
    difference is worth a model that is harder to explain or slower to ask is for a person to say.
    """

    title = "Simpler model close to the champion"
    faster: ClassVar[float] = 10.0
    slow: ClassVar[float] = 0.05
    """Milliseconds a row below which nobody would notice."""

    def find(self, evidence: Evidence) -> Answer:
        """Look for candidates within the champion's interval that are simpler, or ten times as fast."""
        run = _run(evidence)
        champion = _named(run, run.champion.name)
        if champion is None or champion.score is None:
            return does_not_apply("the champion has no score of its own")
        higher = direction_of(run.leaderboard.metric) == "higher"
        bar = champion.score.low if higher else champion.score.high
        as_good = [
            each
            for each in run.leaderboard.candidates
            if each.score is not None
            and each.name != champion.name
            and each.status == "finished"
            and (each.score.value >= bar if higher else each.score.value <= bar)
        ]
        better = [(each, reason) for each in as_good if (reason := self._reason(each, champion))]
        if not better:
            return passed(
                f"no simpler or much faster candidate scores within the champion's interval ({champion.score})"
            )
        each, reason = better[0]
        text = f"{quoted(each.name)} scores {each.score}, the champion {champion.score}, and {reason}"
        return observed(
            [Observation("advice", text)],
            remedy=f"If simplicity or speed matters, call train with candidates naming {quoted(each.name)} alone",
        )

    def _reason(self, other: CandidateResult, champion: CandidateResult) -> str:
        if _rank(other) < _rank(champion):
            return f"is of a simpler family ({other.family})"
        ours, theirs = champion.predict_milliseconds_per_row, other.predict_milliseconds_per_row
        if ours is not None and theirs is not None and ours > self.slow and theirs * self.faster <= ours:
            return f"predicts a row in {theirs:.2g} ms instead of {ours:.2g}"
        return ""


def _named(run: TrainingRun, name: str) -> CandidateResult | None:
    return next((each for each in run.leaderboard.candidates if each.name == name), None)


def _rank(candidate: CandidateResult) -> int:
    return _SIMPLICITY.index(candidate.family) if candidate.family in _SIMPLICITY else len(_SIMPLICITY)


def _numbers(candidate: CandidateResult) -> Iterator[tuple[str, float]]:
    """Parameters that are numbers, by name; the random state is no choice."""
    for name, value in candidate.parameters.items():
        if name.endswith(("random_state", "n_jobs", "num_threads", "verbose", "verbosity")):
            continue
        try:
            yield name, float(value)
        except ValueError:
            continue
