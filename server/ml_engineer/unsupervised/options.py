"""What is tried: ways to find groups, and ways to find rows unlike the rest; each a scikit-learn pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.cluster import Birch, KMeans, MiniBatchKMeans
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDOneClassSVM
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import QuantileTransformer

from ml_engineer.unsupervised.spaces import build_space
from ml_engineer.vocabulary.training import Family

__all__ = ["Option", "cluster_options", "counts_to_try", "detector_options"]

_MOST_GROUPS: Final = 10
_ROWS_A_GROUP: Final = 20
_MANY_ROWS: Final = 50_000
_MOST_ROWS_IN_MEMORY: Final = 20_000
"""Beyond it, methods that compare every row with every other one are left out."""
_MOST_DIMENSIONS: Final = 30
"""Beyond it, a full covariance matrix of each group is guesswork."""


@dataclass(frozen=True)
class Option:
    """Something to try.

    Parameters
    ----------
    name : str
        Unique among the options.
    family : Family
        Kind of model.
    estimator : Pipeline
        Unfitted; takes what features.py gives.
    why : str
        What it is, in a sentence, for generated code.
    lists : mapping of str to sequence of str
        Columns that its parts take, by the name that generated code gives the list.
    groups : int or None
        Number of groups that it makes.
    simplicity : int
        Smaller is simpler.
    """

    name: str
    family: Family
    estimator: Pipeline
    why: str
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    groups: int | None = None
    simplicity: int = 0

    @property
    def parameters(self) -> dict[str, str]:
        """Parameters of the last step that differ from their defaults."""
        last = self.estimator[-1]
        usual = type(last)().get_params()
        return {name: repr(value) for name, value in last.get_params().items() if value != usual.get(name)}


def counts_to_try(rows: int, *, wanted: int | None = None) -> list[int]:
    """Numbers of groups to try: from 2 on, with twenty rows a group at least."""
    if wanted is not None:
        return [wanted]
    return list(range(2, max(2, min(_MOST_GROUPS, rows // _ROWS_A_GROUP)) + 1))


def cluster_options(features: pd.DataFrame, *, wanted: int | None, seed: int) -> list[Option]:
    """Ways to group rows; all of them have a rule for rows that come later.

    HDBSCAN and its like are not among them, because they have no such rule. BIRCH (Zhang et al. 1996) stands for the
    hierarchical ones: its last step joins the nearest groups, and a new row belongs where the nearest of them does.

    Parameters
    ----------
    features : pandas.DataFrame of shape (n, d)
        All development rows.
    wanted : int or None
        Number of groups that the person asked for.
    seed : int
        Random state.
    """
    space = build_space(features, flags_are_words=True)
    rows = len(features)
    options: list[Option] = []
    for groups in counts_to_try(rows, wanted=wanted):
        for place, (name, family, model, why) in enumerate(_groupers(groups, rows, features.shape[1], seed)):
            estimator = Pipeline([("prepare", space.transformer), ("model", model)])
            options.append(Option(f"{name}_{groups}", family, estimator, why, space.lists, groups, place))
    # The simplest way with every number of groups comes first, so that a small budget still chooses among numbers.
    return sorted(options, key=lambda option: option.simplicity)


def _groupers(groups: int, rows: int, dimensions: int, seed: int) -> Iterator[tuple[str, Family, BaseEstimator, str]]:
    if rows > _MANY_ROWS:
        model: BaseEstimator = MiniBatchKMeans(groups, batch_size=4096, n_init=5, random_state=seed)
    else:
        model = KMeans(groups, n_init=3, random_state=seed)
    yield "k_means", "centres", model, f"{groups} centres; a row belongs to the nearest."
    kind = "full" if dimensions <= _MOST_DIMENSIONS and rows > 10 * groups * dimensions else "diag"
    mixture = GaussianMixture(groups, covariance_type=kind, n_init=2, reg_covar=1e-3, random_state=seed)
    yield "mixture", "density", mixture, f"{groups} normal clouds of their own shapes; a row belongs to the likeliest."
    if rows <= _MOST_ROWS_IN_MEMORY:
        birch = Birch(n_clusters=groups, threshold=0.5)
        yield "hierarchy", "hierarchy", birch, f"Near rows are joined step by step until {groups} groups are left."


def detector_options(features: pd.DataFrame, *, seed: int) -> list[Option]:
    """Ways to score how unlike the others a row is; the simplest first.

    Parameters
    ----------
    features : pandas.DataFrame of shape (n, d)
        All development rows.
    seed : int
        Random state.
    """
    space = build_space(features, flags_are_words=False)
    options = []
    for place, (name, family, steps, why) in enumerate(_detectors(len(features), features.shape[1], seed)):
        estimator = Pipeline([("prepare", space.transformer), *steps])
        options.append(Option(name, family, estimator, why, space.lists, simplicity=place))
    return options


def _detectors(rows: int, dimensions: int, seed: int) -> Iterator[tuple[str, Family, list[tuple[str, Any]], str]]:
    quantiles = max(2, min(200, rows // 6))  # a first fold in time has few rows
    ranks = ("ranks", QuantileTransformer(n_quantiles=quantiles, output_distribution="normal", random_state=seed))
    alone = GaussianMixture(1, covariance_type="diag", reg_covar=1e-3, random_state=seed)
    yield "tails", "density", [ranks, ("model", alone)], "How far out in its tails each column lies, added up."
    cloud = GaussianMixture(1, reg_covar=1e-3, random_state=seed)
    yield "cloud", "density", [("model", cloud)], "How far a row lies from the middle, given how columns go together."
    forest = IsolationForest(random_state=seed)
    yield "isolation_forest", "forest", [("model", forest)], "How few random cuts set a row apart (Liu et al. 2008)."
    if dimensions <= _MOST_DIMENSIONS and rows <= _MANY_ROWS and rows > 10 * dimensions:
        robust = EllipticEnvelope(support_fraction=0.9, random_state=seed)
        yield (
            "robust_cloud",
            "density",
            [("model", robust)],
            "The same, with the outermost tenth of the rows left aside.",
        )
    clouds = GaussianMixture(
        5, covariance_type="full" if dimensions <= _MOST_DIMENSIONS else "diag", reg_covar=1e-2, random_state=seed
    )
    if rows > 50 * dimensions:
        yield "clouds", "density", [("model", clouds)], "How unlikely a row is under five normal clouds."
    if rows <= _MOST_ROWS_IN_MEMORY:
        for near in (20, 60):
            if rows > 5 * near:
                factor = LocalOutlierFactor(n_neighbors=near, novelty=True)
                why = f"How thin rows lie around it, against its {near} neighbours (Breunig et al. 2000)."
                yield f"neighbours_{near}", "neighbours", [("model", factor)], why
    kernel = Nystroem(gamma=1 / max(dimensions, 1), n_components=min(100, rows // 4), random_state=seed)
    machine = SGDOneClassSVM(nu=0.05, random_state=seed)
    yield (
        "one_class",
        "kernel",
        [("kernel", kernel), ("model", machine)],
        "Outside of the surface that holds most rows.",
    )
