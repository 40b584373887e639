"""LEA, continued: what the project's own code does, seen by running it in a process of its own."""

from __future__ import annotations

from typing import ClassVar

from ml_engineer.guardrails.check import ALL_STAGES, Answer, Observation, Severity, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.leakage import LeakageCheck
from ml_engineer.guardrails.wording import listed, quoted, quoted_list, rows_text, shortened
from ml_engineer.vocabulary.code_trial import CodeTrial, Touched
from ml_engineer.vocabulary.guardrails import Stage

__all__ = ["LEA017", "LEA018", "LEA019"]


class _CodeCheck(LeakageCheck):
    needs_target = False
    needs = ("code",)
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES


def _trial(evidence: Evidence) -> CodeTrial:
    assert evidence.code is not None, "a check that needs the trial of the code says so in `needs`"
    return evidence.code


class LEA017(_CodeCheck):
    """features.py is run on rows, on some of them, on one, backwards, beside other rows, without later ones, and again.

    A row whose features change saw other rows: a mean, a rank, an encoding. That carries the test part of each fold into its
    training part, or the future into the past. Code that raises or does not end is told here too.
    """

    title = "Features that depend on other rows"

    def find(self, evidence: Evidence) -> Answer:
        """Read what the trial saw."""
        trial = _trial(evidence)
        if trial.failure:
            return observed(
                [Observation("forbids", f"features.py could not be tried: {shortened(trial.failure, 300)}")],
                remedy="Correct the file; it is run on a few hundred rows and must end within a minute",
            )
        if not trial.moved:
            return passed(
                f"each of {rows_text(trial.rows)} has the same features when {listed(trial.ways, join=', ')} "
                f"({trial.seconds:.1f} s)"
            )
        return observed(
            [
                Observation(
                    "forbids",
                    f"{quoted(moved.column) if moved.column else 'the set of columns'} changes in {rows_text(moved.rows)} when "
                    f"{moved.when}" + (f" (features.py, line {moved.line})" if moved.line else ""),
                    (moved.column,) if moved.column else (),
                    moved.example_rows,
                )
                for moved in trial.moved
            ],
            remedy="Compute a row's features from that row alone; what is learned from many rows belongs into a pipeline in "
            "candidates.py, where it is fitted inside the folds",
        )


class LEA018(_CodeCheck):
    """Code that reaches for rows by itself, or beyond them: the vault, the source, a file, an address, a program.

    Rows that are read past the folds carry outcomes into features that no split can keep out. Other files are asked about: the
    service will need them too.
    """

    title = "Code that reaches beyond its rows"
    verbs: ClassVar[dict[str, str]] = {
        "read": "reads",
        "wrote": "writes to",
        "connected": "connects to",
        "started": "starts",
    }

    def find(self, evidence: Evidence) -> Answer:
        """Read what the trial saw."""
        trial = _trial(evidence)
        if not trial.touched:
            return passed("the code read, wrote and asked for nothing but its rows")
        return observed(
            [Observation(self._severity(seen), self._text(seen)) for seen in trial.touched],
            remedy="Give the code what it needs as columns of the table, or as values in the file itself; candidates learn from the "
            "rows they are fitted on and from nothing else",
        )

    @staticmethod
    def _severity(seen: Touched) -> Severity:
        if seen.guarded:
            return "forbids"
        return "question" if seen.what == "read" else "issue"

    def _text(self, seen: Touched) -> str:
        by = f"{seen.file}, line {seen.line}" if seen.file else "the code"
        rows = ", where rows lie" if seen.guarded else ""
        return f"{by} {self.verbs[seen.what]} {quoted(_tail(seen.where))}{rows}"


def _tail(where: str) -> str:
    """The last parts of a path, or an address as it is."""
    return where if len(where) <= 40 else f"…{where[-38:]}"


class LEA019(_CodeCheck):
    """Candidates of one's own whose answer for a row depends on the rows that are asked about with it.

    Each is fitted on half of the sample; the other half is asked about together, backwards and row by row. An estimator that ranks,
    scales or encodes what it is shown when it predicts learns from test rows.
    """

    title = "Candidates that learn while they predict"

    def find(self, evidence: Evidence) -> Answer:
        """Read what the trial saw."""
        trial = _trial(evidence)
        if trial.failure:
            return does_not_apply("the code could not be tried to the end")
        if not trial.candidates:
            return does_not_apply("candidates.py brings no candidate")
        if not trial.faults:
            return passed(
                f"{quoted_list(trial.candidates)}: the same answer for a row, whatever rows are asked about with it"
            )
        return observed(
            [
                Observation(
                    "forbids" if fault.forbids else "issue", f"{quoted(fault.name)}: {shortened(fault.fault, 240)}"
                )
                for fault in trial.faults
            ],
            remedy="In candidates.py, learn means, ranks and encodings in fit, keep them, and only apply them in predict and "
            "transform; scikit-learn's own transformers do",
        )
