"""RDY: whether what is claimed of the model is what was written down: ledger, tally, records, and the champion before."""

from __future__ import annotations

from typing import ClassVar

from ml_engineer.guardrails.check import ALL_STAGES, Answer, Observation, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.readiness import ReadinessCheck
from ml_engineer.guardrails.wording import listed
from ml_engineer.vocabulary.guardrails import Stage

__all__ = ["RDY011", "RDY012", "RDY013", "RDY014", "RDY015"]

_NEVER: frozenset[Stage] = frozenset()


class RDY011(ReadinessCheck):
    """Every entry of the ledger is later than the one before it.

    A clock that was set back hides no look, for the chain holds their order; but then nobody can say when one was taken.
    """

    title = "Ledger's times run forwards"
    guardrail = "held_out_evaluation"
    needs = ("claims",)
    asked_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    blocks_at: ClassVar[frozenset[Stage]] = _NEVER

    def find(self, evidence: Evidence) -> Answer:
        """Read what the chain's times say."""
        assert evidence.claims is not None
        if not evidence.claims.clock:
            return passed("every entry is later than the one before")
        return observed(
            [Observation("issue", fault.rstrip(".")) for fault in evidence.claims.clock],
            remedy="Find out which machine's clock was wrong, and set it right; entries are never changed",
        )


class RDY012(ReadinessCheck):
    """Every candidate, run and look is counted.

    The ledger wrote down at each look how many candidates had been tried by then, and the passport how many looks.
    """

    title = "Everything that was tried is counted"
    guardrail = "held_out_evaluation"
    needs = ("claims",)

    def find(self, evidence: Evidence) -> Answer:
        """Compare the tally with what the ledger saw."""
        facts = evidence.claims
        assert facts is not None
        looks = 0 if evidence.ledger is None else evidence.ledger.looks
        fewer = []
        if facts.tried < facts.tried_at_looks:
            fewer.append(
                f"the tally counts {facts.tried} candidates, and {facts.tried_at_looks} had been tried at an earlier look"
            )
        if looks < facts.looks_claimed:
            fewer.append(f"the ledger counts {looks} looks, and the passport had seen {facts.looks_claimed}")
        if not fewer:
            return passed(f"{facts.tried} candidates and {looks} looks are counted, no fewer than were seen before")
        return observed(
            [Observation("forbids", text) for text in fewer],
            remedy="Put experiments/ (records/tally.json, runs, ledger.jsonl) and the vault back from version control or "
            "a backup",
        )


class RDY013(ReadinessCheck):
    """Records and reports are as the tools wrote them: what was edited by hand since is no evidence."""

    title = "Records and reports are as they were written"
    guardrail = "held_out_evaluation"
    needs = ("claims",)

    def find(self, evidence: Evidence) -> Answer:
        """List what has another hash than the passport says, and what is wrong with the passport."""
        facts = evidence.claims
        assert facts is not None
        if facts.passport == "there is no passport.json" and not facts.changed:
            return does_not_apply("there is no passport yet; this check's report begins it")
        faults = [*([facts.passport] if facts.passport else []), *(f"{path} was changed" for path in facts.changed)]
        if not faults:
            return passed("passport, records and reports have the hashes that they were written with")
        return observed(
            [Observation("forbids", listed(faults, join="; "))],
            remedy="Put the files back (version control), or call the verb that writes them: train, evaluate, "
            "check_guardrails",
        )


class RDY014(ReadinessCheck):
    """The held-out scores of the evaluation are those that the ledger wrote down when the rows were opened."""

    title = "Held-out scores are those in the ledger"
    guardrail = "held_out_evaluation"
    needs = ("claims", "evaluation")

    def find(self, evidence: Evidence) -> Answer:
        """Read the comparison."""
        facts = evidence.claims
        assert facts is not None
        if not facts.scores_apart:
            return passed("evaluation and ledger give the same scores")
        return observed(
            [Observation("forbids", fault) for fault in facts.scores_apart],
            remedy="Delete experiments/records/evaluation.json and call evaluate; the same model is no new look",
        )


class RDY015(ReadinessCheck):
    """A champion that replaces the promoted one shows that it is better, on the same rows."""

    title = "Better than the champion in use"
    guardrail = "held_out_evaluation"
    needs = ("evaluation",)
    blocks_at: ClassVar[frozenset[Stage]] = _NEVER

    def find(self, evidence: Evidence) -> Answer:
        """Read the paired comparison."""
        assert evidence.evaluation is not None
        against = evidence.evaluation.against_champion
        if against is None or not against.promoted:
            return does_not_apply("no other champion is in use, or it was not scored on these rows")
        text = f"gain over the champion in use in {against.metric}: {against.gain}"
        if against.verdict == "better":
            return passed(text)
        words = "worse than" if against.verdict == "worse" else "no evidence of improvement over"
        return observed(
            [Observation("question", f"{words} the champion in use; {text}")],
            remedy="Ask whether it shall be replaced all the same, for what other reason (cost, simplicity, fresher rows)",
        )
