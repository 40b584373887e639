"""RDY: whether what stands around the model is in place: tracking, the ledger, the service, the monitor."""

from __future__ import annotations

from typing import ClassVar

from ml_engineer.guardrails.check import (
    ALL_STAGES,
    BEFORE_USE,
    Answer,
    Check,
    Observation,
    does_not_apply,
    observed,
    passed,
)
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.wording import listed, quoted, rows_text
from ml_engineer.vocabulary.guardrails import Family, Stage

__all__ = ["RDY001", "RDY002", "RDY003", "RDY004", "RDY005", "RDY006", "RDY007", "RDY008", "RDY009", "RDY010"]

_ENGINE = "ml-engineer"
_PRODUCTION: frozenset[Stage] = frozenset({"production"})


class ReadinessCheck(Check):
    """What the checks of this family share."""

    family: ClassVar[Family] = "readiness"
    needs_target = False
    asked_at: ClassVar[frozenset[Stage]] = BEFORE_USE
    blocks_at: ClassVar[frozenset[Stage]] = BEFORE_USE


class RDY001(ReadinessCheck):
    """The champion's run is in the experiment store, so that anybody can see how it came about."""

    title = "Champion's run tracked"
    guardrail = "experiment_tracking"

    def find(self, evidence: Evidence) -> Answer:
        """Look for the run."""
        facts, run = evidence.tracking, evidence.training
        if run is None:
            return observed([Observation("forbids", "nothing was trained yet")], remedy="Call train")
        if facts is None or facts.problem:
            reason = "it was not read" if facts is None else facts.problem
            text = f"the experiment store cannot be read: {reason}"
        elif not facts.run_found:
            text = f"the experiment store does not hold run {quoted(run.mlflow_run_id)}"
        else:
            return passed(f"the experiment store holds run {quoted(run.mlflow_run_id)}")
        return observed([Observation("forbids", text)], remedy="Call train again; it tracks as it goes")


class RDY002(ReadinessCheck):
    """The tracked run holds what is needed to repeat and to compare it."""

    title = "Tracked run is complete"
    guardrail = "experiment_tracking"
    needs = ("training", "tracking")
    blocks_at: ClassVar[frozenset[Stage]] = frozenset()

    def find(self, evidence: Evidence) -> Answer:
        """List what the run lacks."""
        facts = evidence.tracking
        assert facts is not None
        if not facts.run_found:
            return does_not_apply("the run is not in the store")
        if not facts.missing:
            return passed(
                "the run holds parameters, fold scores, the data's fingerprint, the environment and the model"
            )
        return observed(
            [Observation("issue", f"the run lacks {listed(facts.missing)}")],
            remedy="Call train again; it tracks as it goes",
        )


class RDY003(ReadinessCheck):
    """The champion was trained on the data and the problem as they are now."""

    title = "Trained on the present data and problem"
    guardrail = "experiment_tracking"
    needs = ("training",)

    def find(self, evidence: Evidence) -> Answer:
        """Compare fingerprints and parents."""
        run = evidence.training
        assert run is not None
        if run.development_sha256 != evidence.split.development_sha256:
            text = "the champion was trained on other development rows than the present ones"
        elif "training" in evidence.stale:
            text = f"the {evidence.stale['training']} record has changed since the champion was trained"
        else:
            return passed("the champion was trained on the present development rows and problem")
        return observed([Observation("forbids", text)], remedy="Call train, then evaluate")


class RDY004(ReadinessCheck):
    """The ledger of looks is whole, and its two copies agree."""

    title = "Ledger of looks is sound"
    guardrail = "held_out_evaluation"
    needs = ("ledger",)
    asked_at: ClassVar[frozenset[Stage]] = ALL_STAGES

    def find(self, evidence: Evidence) -> Answer:
        """Read what verification found."""
        facts = evidence.ledger
        assert facts is not None
        if not facts.problems:
            return passed("hash chain and both copies agree")
        return observed(
            [Observation("forbids", problem.rstrip(".")) for problem in facts.problems],
            remedy="Put the missing or changed copy back (version control, backup). If that cannot be, deal anew with "
            "redeal=True: the looks that are known stay counted",
        )


class RDY005(ReadinessCheck):
    """The model file that would be served is the champion that was trained."""

    title = "Served model is the champion"
    guardrail = "held_out_evaluation"
    needs = ("training", "champion")

    def find(self, evidence: Evidence) -> Answer:
        """Compare the manifest with the model file and the training record."""
        run, files = evidence.training, evidence.champion
        assert run is not None
        assert files is not None
        if files.manifest_model_sha256 is None:
            text = "the serving folder has no manifest that says which model file to trust"
        elif files.manifest_model_sha256 != files.model_sha256:
            text = "the model file is not the one that the serving manifest promises"
        elif files.manifest_model_sha256 != run.champion.model_sha256:
            text = "the serving manifest promises another model than the champion"
        else:
            return passed("manifest, model file and training record name the same model")
        return observed(
            [Observation("forbids", text)], remedy="Call train, then evaluate; do not edit the serving folder's files"
        )


class RDY006(ReadinessCheck):
    """Python packages are those that the champion was made with; others may read it differently."""

    title = "Same package versions as in training"
    guardrail = "experiment_tracking"
    needs = ("training",)
    blocks_at: ClassVar[frozenset[Stage]] = frozenset()

    def find(self, evidence: Evidence) -> Answer:
        """Compare versions."""
        run = evidence.training
        assert run is not None
        common = {
            name: version
            for name, version in run.environment.packages.items()
            if name in evidence.packages and name != _ENGINE
        }
        if not common:
            return does_not_apply("the versions installed now are not known")
        changed = [
            f"{name} {version} → {evidence.packages[name]}"
            for name, version in sorted(common.items())
            if evidence.packages[name] != version
        ]
        if not changed:
            return passed(f"all {len(common)} packages have the version of training")
        return observed(
            [Observation("issue", f"versions changed since training: {listed(changed)}")],
            remedy="Install the versions that the project's pyproject.toml pins, or call train and evaluate again",
        )


class RDY007(ReadinessCheck):
    """There is a service to deploy."""

    title = "Service in place"
    guardrail = "monitoring"
    needs = ("serving",)
    blocks_at: ClassVar[frozenset[Stage]] = _PRODUCTION

    def find(self, evidence: Evidence) -> Answer:
        """Look for the application."""
        assert evidence.serving is not None
        if evidence.serving.app_present:
            return passed("models/serving/app.py is there")
        return observed(
            [Observation("forbids", "models/serving/app.py is missing")],
            remedy="Call scaffold_project with the features 'serving' and 'monitoring'",
        )


class RDY008(ReadinessCheck):
    """There is a monitor that would notice when the data drifts away from what was learned."""

    title = "Drift monitor in place"
    guardrail = "monitoring"
    needs = ("serving",)

    blocks_at: ClassVar[frozenset[Stage]] = _PRODUCTION

    def find(self, evidence: Evidence) -> Answer:
        """Look for the monitor."""
        assert evidence.serving is not None
        if evidence.serving.monitor_present:
            return passed("models/serving/monitor.py is there")
        return observed(
            [Observation("forbids", "models/serving/monitor.py is missing: nobody would notice drift")],
            remedy="Call scaffold_project with the feature 'monitoring'",
        )


class RDY009(ReadinessCheck):
    """The monitor has something to look at: the service logs what it was asked."""

    title = "Drift monitor is fed"
    guardrail = "monitoring"
    needs = ("serving",)
    asked_at: ClassVar[frozenset[Stage]] = _PRODUCTION
    blocks_at: ClassVar[frozenset[Stage]] = _PRODUCTION

    def find(self, evidence: Evidence) -> Answer:
        """Count logged predictions."""
        assert evidence.serving is not None
        logged = evidence.serving.logged_predictions
        if logged:
            return passed(f"the prediction log holds {rows_text(logged)}")
        text = "there is no prediction log" if logged is None else "the prediction log is empty"
        return observed(
            [Observation("forbids", f"{text}, so that the monitor sees nothing")],
            remedy="Start the service, send it a few real requests, and run the monitor once before going into production",
        )


class RDY010(ReadinessCheck):
    """Python and this engine are those that made the champion: another engine may deal, check and score by other rules."""

    title = "Same Python and engine as in training"
    guardrail = "experiment_tracking"
    needs = ("training",)
    blocks_at: ClassVar[frozenset[Stage]] = frozenset()

    def find(self, evidence: Evidence) -> Answer:
        """Compare versions; of Python, the part that decides what a pickle means."""
        run = evidence.training
        assert run is not None
        recorded = {"Python": _minor(run.environment.python), "ml-engineer": run.environment.packages.get(_ENGINE)}
        now = {"Python": _minor(evidence.packages.get("python")), "ml-engineer": evidence.packages.get(_ENGINE)}
        known = [name for name in recorded if recorded[name] and now[name]]
        if not known:
            return does_not_apply("the versions installed now are not known")
        changed = [f"{name} {recorded[name]} → {now[name]}" for name in known if recorded[name] != now[name]]
        if not changed:
            return passed(f"{listed([f'{name} {now[name]}' for name in known])}, as in training")
        return observed(
            [Observation("issue", f"changed since training: {listed(changed)}")],
            remedy="Read the engine's CHANGELOG for what it now does differently, and call train and evaluate again; or work with "
            "the version that made the champion",
        )


def _minor(version: str | None) -> str | None:
    """Major and minor version: ``3.11.7`` becomes ``3.11``."""
    return None if version is None else ".".join(version.split(".")[:2])
