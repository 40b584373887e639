"""New settings around the leaders, proposed by Optuna from what the earlier ones were worth."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sklearn.base import clone

from ml_engineer.modelling.candidate import Candidate, model_of
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import TrainingData
from ml_engineer.modelling.versions import installed_versions

__all__ = ["Tuner", "judged_by"]

_LEADERS = 3


class Tuner:
    """Proposes settings, one study per kind of model.

    Parameters
    ----------
    seed : int
        Random state of the sampler.
    journal : pathlib.Path, optional
        File that several searches may share, at a time or one after the other (an Optuna journal, not SQLite, which
        races); in memory without it, so that the same search proposes the same.
    about : str
        What losses depend on: searches that say the same here learn from one another.
    """

    def __init__(self, *, seed: int, journal: Path | None = None, about: str = "") -> None:
        self._seed = seed
        self._journal = journal
        self._about = about
        self._studies: dict[str, Any] = {}
        self._open: dict[str, tuple[Any, Any]] = {}
        self._number = 0

    def propose(self, leaders: Sequence[Standing], *, number: int, wide: bool = False) -> list[Candidate]:
        """New candidates around the leading kinds of model.

        Parameters
        ----------
        leaders : sequence of Standing
            Finished candidates, best first.
        number : int
            How many to propose.
        wide : bool
            Whether every kind of model that finished is asked, not only the leading ones.
        """
        kinds: dict[str, Standing] = {}
        for one in leaders:
            kind = _kind(one.candidate)
            if kind in _SPACES and kind not in kinds:
                kinds[kind] = one
        chosen = list(kinds.items())[: None if wide else _LEADERS]
        if not chosen:
            return []
        return [self._one(*chosen[self._number % len(chosen)]) for _ in range(number)]

    def tell(self, name: str, loss: float) -> None:
        """What a proposal was worth; infinite if it could not be tried."""
        from optuna.trial import TrialState

        study, trial = self._open.pop(name)
        if loss < float("inf"):
            study.tell(trial, loss)
        else:
            study.tell(trial, state=TrialState.FAIL)

    def _one(self, kind: str, leader: Standing) -> Candidate:
        study = self._study(kind)
        trial = study.ask()
        self._number += 1
        name = f"{leader.candidate.name.split(' ')[0]} {self._number}"
        self._open[name] = (study, trial)
        estimator = clone(leader.candidate.estimator)
        model = model_of(estimator)
        model.set_params(**_SPACES[kind](trial))
        return replace(
            leader.candidate,
            name=name,
            estimator=estimator,
            why=f"Settings of {leader.candidate.name.split(' ')[0]} that Optuna proposed.",
            growing=_GROWING.get(kind),
        )

    def _study(self, kind: str) -> Any:
        if kind not in self._studies:
            import optuna
            from optuna.storages.journal import JournalFileBackend

            optuna.logging.set_verbosity(optuna.logging.ERROR)
            storage: Any = optuna.storages.InMemoryStorage()
            if self._journal is not None:
                backend = JournalFileBackend(str(self._journal))
                storage = optuna.storages.JournalStorage(backend)
            study = optuna.create_study(
                storage=storage,
                study_name=f"{kind} {self._about}".strip(),
                load_if_exists=True,
            )
            known = study.get_trials(deepcopy=False)
            # Searches that share a study must not draw the same settings.
            seed = self._seed + len(known)
            study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=8, constant_liar=True)
            if any(trial.state == optuna.trial.TrialState.COMPLETE for trial in known):
                # What was best in an earlier search is where this one begins.
                study.enqueue_trial(study.best_params)
            self._studies[kind] = study
        return self._studies[kind]


def judged_by(data: TrainingData, *, seed: int) -> str:
    """What losses on `data` depend on beside the settings, as `Tuner` takes it.

    Losses of two scales, or of two versions of what fits, tell nothing of each other.
    """
    judged = data.metric, data.named, data.quantile, data.counts, sorted(installed_versions().items())
    return f"{data.fingerprint[:16]} {hashlib.sha256(repr(judged).encode()).hexdigest()[:16]} seed {seed}"


def _kind(candidate: Candidate) -> str:
    if not candidate.view:
        return ""
    model = model_of(candidate.estimator)
    name = type(model).__name__
    if name.startswith("XGB") and (model.booster == "gblinear" or model.num_parallel_tree is not None):
        return ""  # neither a line nor a forest has a boosted model's settings
    if name.startswith("MLP") and not model.early_stopping:
        return "held MLP"
    return name.removesuffix("Classifier").removesuffix("Regressor")


def _lightgbm(trial: Any) -> dict[str, Any]:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.015, 0.12, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 4, 200, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 2, 60, log=True),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.3, 1.0),
        "subsample": trial.suggest_float("subsample", 0.6, 1.0),
        "subsample_freq": 1,
        "reg_alpha": trial.suggest_float("reg_alpha", 1e-3, 5.0, log=True),
        "reg_lambda": trial.suggest_float("reg_lambda", 1e-3, 10.0, log=True),
        "extra_trees": trial.suggest_categorical("extra_trees", [False, True]),
    }


def _catboost(trial: Any) -> dict[str, Any]:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.12, log=True),
        "depth": trial.suggest_int("depth", 3, 9),
        "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 0.5, 20.0, log=True),
        "random_strength": trial.suggest_float("random_strength", 0.1, 5.0, log=True),
        "bootstrap_type": "Bernoulli",  # the default of several classes takes no share of rows
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "grow_policy": trial.suggest_categorical("grow_policy", ["SymmetricTree", "Depthwise"]),
    }


def _xgboost(trial: Any) -> dict[str, Any]:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.12, log=True),
        "max_depth": trial.suggest_int("max_depth", 2, 10),
        "min_child_weight": trial.suggest_float("min_child_weight", 0.3, 20.0, log=True),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.3, 1.0),
        "subsample": trial.suggest_float("subsample", 0.6, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.05, 10.0, log=True),
        "reg_alpha": trial.suggest_float("reg_alpha", 1e-3, 5.0, log=True),
    }


def _forest(trial: Any) -> dict[str, Any]:
    return {
        "max_features": trial.suggest_float("max_features", 0.1, 1.0),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 12, log=True),
    }


def _network(trial: Any) -> dict[str, Any]:
    width = trial.suggest_int("width", 24, 256, log=True)
    return {
        "hidden_layer_sizes": (width,) * trial.suggest_int("layers", 1, 3),
        "learning_rate_init": trial.suggest_float("learning_rate_init", 3e-4, 1e-2, log=True),
        "alpha": trial.suggest_float("alpha", 1e-6, 1e-1, log=True),
    }


def _held_network(trial: Any) -> dict[str, Any]:
    return _network(trial) | {"alpha": trial.suggest_float("held_alpha", 0.03, 3.0, log=True)}


def _logistic(trial: Any) -> dict[str, Any]:
    return {"C": trial.suggest_float("C", 1e-3, 30.0, log=True)}


def _margins(trial: Any) -> dict[str, Any]:
    return {"C": trial.suggest_float("C", 1e-3, 10.0, log=True)}


def _ridge(trial: Any) -> dict[str, Any]:
    return {"alpha": trial.suggest_float("alpha", 1e-2, 300.0, log=True)}


_SPACES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "LGBM": _lightgbm,
    "CatBoost": _catboost,
    "XGB": _xgboost,
    "LGBMRanker": _lightgbm,
    "XGBRanker": _xgboost,
    "ExtraTrees": _forest,
    "RandomForest": _forest,
    "MLP": _network,
    "held MLP": _held_network,
    "LogisticRegression": _logistic,
    "LinearSVC": _margins,
    "Ridge": _ridge,
}
_GROWING: dict[str, Any] = {
    "LGBM": "lightgbm",
    "CatBoost": "catboost",
    "XGB": "xgboost",
    "LGBMRanker": "lightgbm",
    "XGBRanker": "xgboost",
    "ExtraTrees": "forest",
    "RandomForest": "forest",
}
