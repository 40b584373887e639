"""Where everything lies in a user's project: the only place that spells these paths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ProjectLayout"]


@dataclass(frozen=True)
class ProjectLayout:
    """Paths of one project.

    Parameters
    ----------
    root : pathlib.Path
        The project's folder, absolute; by default it is called ``ml``.
    """

    root: Path

    # --- documents ---------------------------------------------------------------------------------------------
    @property
    def problem_md(self) -> Path:
        """The problem for people."""
        return self.root / "PROBLEM.md"

    @property
    def problem_yaml(self) -> Path:
        """The problem for machines; a person may edit it."""
        return self.root / "problem.yaml"

    @property
    def passport(self) -> Path:
        """What is claimed of the champion, and what proves it."""
        return self.root / "passport.json"

    @property
    def reports(self) -> Path:
        """Reports and plots."""
        return self.root / "reports"

    @property
    def evaluation_html(self) -> Path:
        """The evaluation page."""
        return self.reports / "evaluation.html"

    # --- data --------------------------------------------------------------------------------------------------
    @property
    def raw_manifest(self) -> Path:
        """Where the original data lies, how it was read, what identifies it."""
        return self.root / "data" / "raw" / "manifest.json"

    @property
    def contract_yaml(self) -> Path:
        """What the data must look like; a person may edit it."""
        return self.root / "data" / "contract.yaml"

    @property
    def development(self) -> Path:
        """Cleaned development rows (Parquet; the index is the row number in the source)."""
        return self.root / "data" / "processed" / "development.parquet"

    @property
    def folds(self) -> Path:
        """Fold number of each development row (Parquet with columns ``row`` and ``fold``, same order)."""
        return self.root / "data" / "processed" / "folds.parquet"

    @property
    def features_py(self) -> Path:
        """The feature code that the assistant may edit."""
        return self.root / "data" / "features" / "features.py"

    # --- models ------------------------------------------------------------------------------------------------
    @property
    def training_dir(self) -> Path:
        """Training scripts."""
        return self.root / "models" / "training"

    @property
    def candidates_py(self) -> Path:
        """Pipelines of the assistant's own."""
        return self.training_dir / "candidates.py"

    @property
    def champion_py(self) -> Path:
        """The champion as plain code; written by `train`."""
        return self.training_dir / "champion.py"

    @property
    def text_models(self) -> Path:
        """Static embedding models that trainings were given, each in a folder of its own."""
        return self.root / "models" / "text_models"

    def text_model(self, sha256: str) -> Path:
        """Folder of the text model with this hash."""
        return self.text_models / sha256[:12]

    @property
    def foundation_models(self) -> Path:
        """Weights of foundation models that trainings were given, each in a file of its own."""
        return self.root / "models" / "foundation_models"

    def foundation_model(self, sha256: str) -> Path:
        """The weights with this hash."""
        return self.foundation_models / f"{sha256[:12]}.ckpt"

    @property
    def champion_dir(self) -> Path:
        """The champion's model file and the manifest of hashes."""
        return self.root / "models" / "serving" / "champion"

    @property
    def champion_manifest(self) -> Path:
        """What serving needs to know of the champion."""
        return self.champion_dir / "manifest.json"

    @property
    def serving_app(self) -> Path:
        """The FastAPI application."""
        return self.root / "models" / "serving" / "app.py"

    @property
    def monitor(self) -> Path:
        """The drift monitor."""
        return self.root / "models" / "serving" / "monitor.py"

    @property
    def prediction_log(self) -> Path:
        """Requests and answers of the running service (SQLite), which the drift monitor reads."""
        return self.root / "experiments" / "predictions.db"

    # --- experiments -------------------------------------------------------------------------------------------
    @property
    def experiments(self) -> Path:
        """Everything that is recorded."""
        return self.root / "experiments"

    @property
    def records(self) -> Path:
        """Stored records, one JSON file each."""
        return self.experiments / "records"

    @property
    def tracking_db(self) -> Path:
        """MLflow's SQLite store."""
        return self.experiments / "mlflow.db"

    @property
    def tracking_artifacts(self) -> Path:
        """MLflow's artefacts."""
        return self.experiments / "artifacts"

    @property
    def tuning(self) -> Path:
        """Settings that were tried, an Optuna journal: later and parallel trainings learn from it."""
        return self.experiments / "tuning.jsonl"

    @property
    def ledger(self) -> Path:
        """The project's copy of the ledger of looks."""
        return self.experiments / "ledger.jsonl"

    @property
    def approvals(self) -> Path:
        """The log of who approved which model, and why."""
        return self.experiments / "approvals.jsonl"

    @property
    def ideas(self) -> Path:
        """The log of feature ideas that were judged, and the verdicts."""
        return self.experiments / "ideas.jsonl"

    @property
    def code(self) -> Path:
        """Folder of code that runs and ideas rest on, as it was then, by hash."""
        return self.experiments / "code"

    @property
    def promoted(self) -> Path:
        """Folder of the files of every promoted champion, by run."""
        return self.experiments / "promoted"

    def run_dir(self, run_id: str) -> Path:
        """Files of one training run (its record, out-of-fold predictions)."""
        return self.experiments / "runs" / run_id

    def out_of_fold(self, run_id: str) -> Path:
        """Out-of-fold predictions of a run's champion (Parquet, development order)."""
        return self.run_dir(run_id) / "out_of_fold.parquet"

    def candidate_predictions(self, run_id: str) -> Path:
        """Out-of-fold predictions of all of a run's finished candidates (Parquet, development order)."""
        return self.run_dir(run_id) / "candidates.parquet"

    def known_answers(self, run_id: str) -> Path:
        """What a run's refitted champion says of some development rows (Parquet), to be asked again."""
        return self.run_dir(run_id) / "known_answers.parquet"

    def relative(self, path: Path) -> str:
        """`path` relative to the project, with forward slashes."""
        return path.resolve().relative_to(self.root.resolve()).as_posix()
