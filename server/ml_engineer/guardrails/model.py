"""MOD: whether the champion's score deserves belief, and belongs to the model on disk."""

from __future__ import annotations

from typing import ClassVar

from ml_engineer.guardrails.check import BEFORE_USE, Answer, Check, Observation, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence, Part
from ml_engineer.guardrails.wording import listed, percent, quoted
from ml_engineer.vocabulary.estimates import Estimate, Metric, direction_of
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.guardrails import Family, Guardrail, Stage
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["MOD001", "MOD002", "MOD003", "MOD004", "MOD005", "MOD006", "MOD007", "MOD008", "MOD009", "MOD010", "MOD011"]


class ModelCheck(Check):
    """What the checks of this family share."""

    family: ClassVar[Family] = "model"
    guardrail: ClassVar[Guardrail] = "held_out_evaluation"
    asked_at: ClassVar[frozenset[Stage]] = BEFORE_USE
    blocks_at: ClassVar[frozenset[Stage]] = BEFORE_USE
    needs: ClassVar[tuple[Part, ...]] = ("training",)


def _training(evidence: Evidence) -> TrainingRun:
    assert evidence.training is not None, "a check that needs the training run says so in `needs`"
    return evidence.training


def _evaluation(evidence: Evidence) -> EvaluationReport:
    assert evidence.evaluation is not None, "a check that needs the evaluation says so in `needs`"
    return evidence.evaluation


class MOD001(ModelCheck):
    """A champion that is no better than the naive baseline on the folds."""

    title = "Better than the baseline, cross-validated"
    needs_target = False

    def find(self, evidence: Evidence) -> Answer:
        """Read the interval of the paired gain."""
        run = _training(evidence)
        metric = run.leaderboard.metric
        text = f"gain over the naive baseline in {metric}: {run.gain}"
        if run.gain.low > 0:
            return passed(text)
        why = f"no evidence that {quoted(run.champion.name)} beats the naive baseline; {text}"
        if run.champion.family == "baseline":
            became = {each.status for each in run.leaderboard.candidates if each.family != "baseline"}
            unjudged = "out_of_time" in became and became <= {"out_of_time", "failed"}
            told = "no candidate was judged" if unjudged else "no candidate was better"
            why = f"the naive baseline won: {told} in the time it had"
        return observed(
            [Observation("forbids", why)],
            remedy="Give train more budget_seconds if candidates ran out of time. Otherwise do not use this model: add columns that know something about the target, or more rows; if the interval is "
            "wide, more rows may settle it",
        )


class MOD002(ModelCheck):
    """A model that was never scored on rows it could not know."""

    title = "Held-out evaluation done"
    needs_target = False

    def find(self, evidence: Evidence) -> Answer:
        """Look for an evaluation."""
        if evidence.evaluation is None:
            text = "the champion was never scored on the held-out rows"
            return observed([Observation("forbids", text)], remedy="Call evaluate")
        return passed(f"scored on {evidence.evaluation.held_out_rows:,} held-out rows")


class MOD003(ModelCheck):
    """An evaluation of another model than the present champion, or of another problem."""

    title = "Evaluation of the present champion"
    needs_target = False
    needs = ("training", "evaluation")

    def find(self, evidence: Evidence) -> Answer:
        """Compare run, deal, model hash and parents of the evaluation with those of the champion."""
        run, evaluation = _training(evidence), _evaluation(evidence)
        reasons = []
        if evaluation.run_id != run.run_id:
            reasons.append(
                f"it scored run {quoted(evaluation.run_id)}, and the champion is of run {quoted(run.run_id)}"
            )
        elif evaluation.model_sha256 != run.champion.model_sha256:
            reasons.append("it scored another model file than the champion's")
        if evaluation.deal_id != evidence.split.deal_id:
            reasons.append("its rows were dealt differently")
        if "evaluation" in evidence.stale and not reasons:
            reasons.append(f"the {evidence.stale['evaluation']} record has changed since")
        if not reasons:
            return passed(f"the evaluation scored run {quoted(run.run_id)}, the present champion")
        return observed(
            [Observation("forbids", f"the evaluation is out of date: {listed(reasons, join='; ')}")],
            remedy="Call evaluate again; it counts as a new look if the model is new",
        )


class MOD004(ModelCheck):
    """Files changed by hand after the champion was scored: the score is no longer theirs."""

    title = "Champion unchanged since it was scored"
    needs_target = False
    needs = ("training", "champion")

    def find(self, evidence: Evidence) -> Answer:
        """Compare hashes on disk with those recorded."""
        run, files = _training(evidence), evidence.champion
        assert files is not None
        scored = evidence.evaluation.model_sha256 if evidence.evaluation else run.champion.model_sha256
        changed = [
            f"{name} {'is missing' if now is None else 'was changed'}"
            for name, now, recorded in (
                ("the model file", files.model_sha256, scored),
                ("champion.py", files.code_sha256, run.champion.code_sha256),
                ("features.py", files.features_sha256, run.champion.features_sha256),
            )
            if now != recorded
        ]
        if not changed:
            return passed("model file, champion.py and features.py are those that were scored")
        return observed(
            [Observation("forbids", listed(changed, join="; "))],
            remedy="Put your ideas into features.py and candidates.py and call train, then evaluate; a changed champion has "
            "no score",
        )


class MOD005(ModelCheck):
    """A champion that is no better than the naive baseline on held-out rows."""

    title = "Better than the baseline, held out"
    needs_target = False
    needs = ("training", "evaluation")

    def find(self, evidence: Evidence) -> Answer:
        """Read the verdict of the paired difference."""
        evaluation = _evaluation(evidence)
        primary = evaluation.primary
        text = f"{primary.metric} {primary.model} on {evaluation.held_out_rows:,} held-out rows"
        if primary.baseline is not None:
            text += f", baseline {primary.baseline.value:.4g}"
        if evaluation.verdict == "better_than_baseline":
            return passed(text)
        words = "worse than" if evaluation.verdict == "worse_than_baseline" else "no evidence of being better than"
        return observed(
            [Observation("forbids", f"{words} the naive baseline: {text}")],
            remedy="Do not use this model; collect more rows or better columns. Trying models until one passes on these rows "
            "would only spend them",
        )


class MOD006(ModelCheck):
    """A held-out score well below the cross-validated one: chosen by luck, or the folds flatter."""

    title = "Held-out score keeps the promise"
    needs_target = False
    needs = ("training", "evaluation")

    def find(self, evidence: Evidence) -> Answer:
        """Compare the two intervals."""
        evaluation = _evaluation(evidence)
        held_out, promised = evaluation.primary.model, evaluation.cross_validated
        metric = evaluation.primary_metric
        text = f"{metric}: cross-validated {promised}, held out {held_out}"
        if not _clearly_worse(held_out, promised, metric):
            return passed(text)
        return observed(
            [Observation("issue", f"the held-out score is worse than the folds promised; {text}")],
            remedy=f"Believe the held-out score. {_why_promised(evidence)}, and try fewer candidates",
        )


def _why_promised(evidence: Evidence) -> str:
    """Where to look for what made the folds promise too much."""
    if evidence.problem.split.strategy == "time":
        return (
            "The held-out rows are the latest, and folds lie before them: ask what changed since (SPL005), plan to train "
            "again on newer rows and to watch the live error"
        )
    return "Look for rows of one thing or time in several folds (group_columns, time_column)"


def _clearly_worse(value: Estimate, than: Estimate, metric: Metric) -> bool:
    """Whether the whole interval of `value` is worse than that of `than`."""
    return value.high < than.low if direction_of(metric) == "higher" else value.low > than.high


class MOD007(ModelCheck):
    """Scores that change sign from fold to fold: on some part of the data the model knows nothing."""

    title = "Steady over folds"
    blocks_at: ClassVar[frozenset[Stage]] = frozenset()

    def find(self, evidence: Evidence) -> Answer:
        """Compare champion and baseline fold by fold."""
        run = _training(evidence)
        champion = next((each for each in run.leaderboard.candidates if each.name == run.champion.name), None)
        if champion is None or not champion.fold_scores or run.champion.family == "baseline":
            return does_not_apply("no model was scored fold by fold")
        finished, planned = len(champion.fold_scores), len(run.baseline.fold_scores)
        if finished < planned:
            text = f"the champion was scored on {finished} of {planned} folds only"
            return observed([Observation("issue", text)], remedy="Call train with more budget_seconds")
        sign = 1 if direction_of(run.leaderboard.metric) == "higher" else -1
        gains = [
            sign * (ours - theirs) for ours, theirs in zip(champion.fold_scores, run.baseline.fold_scores, strict=True)
        ]
        worse = [number for number, gain in enumerate(gains) if gain <= 0]
        scores = ", ".join(f"{score:.3g}" for score in champion.fold_scores)
        if not worse:
            return passed(f"better than the baseline on each of {len(gains)} folds ({scores})")
        text = f"no better than the baseline on {len(worse)} of {len(gains)} folds ({scores})"
        return observed(
            [Observation("issue", text)],
            remedy="See how the rows of these folds differ (time, place, group); more rows or a simpler model make it steadier",
        )


class MOD008(ModelCheck):
    """One feature that carries nearly all of the model. It may be honest; most leaks look like this."""

    title = "One golden feature"
    blocks_at: ClassVar[frozenset[Stage]] = frozenset()
    needs = ("training", "evaluation")
    share: ClassVar[float] = 0.8
    fewest_features: ClassVar[int] = 3

    def find(self, evidence: Evidence) -> Answer:
        """Share of the strongest feature in all permutation importances."""
        drops = {each.feature: max(0.0, each.drop.value) for each in _evaluation(evidence).importances}
        total = sum(drops.values())
        if len(drops) < self.fewest_features or total <= 0:
            return does_not_apply("there are too few features with an importance")
        name, drop = max(drops.items(), key=lambda item: item[1])
        if evidence.problem.task_type == "text_classification" and evidence.problem.column(name).role == "text":
            return does_not_apply(f"the text {quoted(name)} is what is classified")
        text = f"{quoted(name)} carries {percent(drop / total)} of all permutation importance"
        if drop / total < self.share:
            return passed(f"the strongest feature, {text}")
        return observed(
            [Observation("question", text, (name,))],
            remedy="Ask whether the column is known at the prediction moment, and whether a rule on it alone would do; if it "
            "is not known in time, frame again with after_the_fact naming it",
        )


class MOD009(ModelCheck):
    """A score that is nearly perfect. Reasons to believe it and to doubt it are set side by side; a person decides."""

    title = "Too good to be true"
    of_one_answer = True
    blocks_at: ClassVar[frozenset[Stage]] = frozenset()
    cost = "models"
    nearly: ClassVar[float] = 0.995
    little_left: ClassVar[float] = 0.02
    """Share of the baseline's error that is left, for metrics where lower is better."""

    def find(self, evidence: Evidence) -> Answer:
        """Look at the score, then at how many columns it hangs on."""
        run = _training(evidence)
        score, baseline, metric = run.champion.score, run.baseline.score, run.leaderboard.metric
        if not self._nearly_perfect(score.value, baseline.value if baseline else None, metric):
            return passed(f"{metric} {score} is not too good to be true")
        probe = evidence.probe
        strongest = max(probe.alone, key=lambda name: probe.alone[name])
        without = probe.together(without=probe.near_copies(strongest, list(probe.alone)))
        margin = (1 - probe.target.chance) / 10
        text = (
            f"{metric} {score} is nearly perfect; {quoted(strongest)} alone gives a {probe.target.measure} of "
            f"{probe.alone[strongest]:.3f}, and a quick model without it {without:.3f}"
        )
        if probe.together() - without <= margin and probe.alone[strongest] < self.nearly:
            return passed(f"{text}: several columns know the answer and none alone, which speaks for an easy problem")
        return observed(
            [Observation("question", f"{text}: the score hangs on one column, which speaks for a leak", (strongest,))],
            remedy="Ask how the column comes about and when it is known; if it is made with or after the outcome, frame again "
            "with after_the_fact naming it",
        )

    def _nearly_perfect(self, score: float, baseline: float | None, metric: Metric) -> bool:
        if direction_of(metric) == "higher":
            return score >= self.nearly
        return baseline is not None and baseline > 0 and score <= self.little_left * baseline


class MOD010(ModelCheck):
    """Held-out rows that were looked at too often: the best of many models owes its score to these very rows."""

    title = "Looks at the held-out rows"
    needs_target = False
    needs = ("ledger",)
    many: ClassVar[int] = 5
    """The budget is the problem's (`look_budget`). After 20 independent looks the winner's true score lies below its own
    95 % interval four times in ten."""

    def find(self, evidence: Evidence) -> Answer:
        """Count the models that the ledger says were scored."""
        assert evidence.ledger is not None
        looks, budget = evidence.ledger.looks, evidence.problem.look_budget
        if looks < self.many and looks <= budget:
            return passed(f"models scored on these rows: {looks} of {budget} that the problem allows")
        return observed(
            [
                Observation(
                    "forbids" if looks > budget else "issue",
                    f"{looks} models were scored on the same rows; the problem allows {budget}",
                )
            ],
            remedy="Choose by cross-validation, and look again only with the final model; fresh rows restore the count",
        )


class MOD011(ModelCheck):
    """The score that the person called good enough."""

    title = "Good enough, as was asked"
    needs_target = False
    needs = ("training", "evaluation")

    def find(self, evidence: Evidence) -> Answer:
        """Compare the held-out interval with the wanted score."""
        wanted, evaluation = evidence.problem.target_score, _evaluation(evidence)
        if wanted is None:
            return does_not_apply("nobody named a score that would be good enough")
        score, higher = evaluation.primary.model, direction_of(evaluation.primary_metric) == "higher"
        text = f"{evaluation.primary_metric} {score} where {wanted:g} was asked for"
        if score.low >= wanted if higher else score.high <= wanted:
            return passed(text)
        missed = score.high < wanted if higher else score.low > wanted
        seen = (
            Observation("forbids", f"the wanted score is out of reach: {text}")
            if missed
            else Observation("advice", f"the wanted score may or may not be reached: {text}")
        )
        return observed([seen], remedy="Improve the model or the data, or frame again with another target_score")
