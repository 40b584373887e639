"""Pictures of development rows, as SVG text."""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from ml_engineer.unsupervised.rows import Floats, Ints

__all__ = ["draw_map", "draw_scores"]

# The evaluation page puts its own colours in the place of these.
_PAPER, _INK, _SOFT, _GRID = "#fcfdfe", "#20242b", "#6b7280", "#dfe3e8"
_SERIES: Final = (
    "#2563eb",
    "#d97706",
    "#059669",
    "#db2777",
    "#7c3aed",
    "#0891b2",
    "#65a30d",
    "#b45309",
    "#475569",
    "#e11d48",
)
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ml-engineer",
    "text.parse_math": False,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _SOFT,
    "axes.labelcolor": _INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "text.color": _INK,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
    "legend.frameon": False,
    "figure.facecolor": _PAPER,
    "axes.facecolor": "none",
}


def draw_map(prepared: Floats, labels: Ints) -> str:
    """Rows along the two directions in which they differ most, coloured by group.

    Parameters
    ----------
    prepared : numpy.ndarray of shape (n, p)
        Rows in the space of distances.
    labels : numpy.ndarray of shape (n,)
        Group of each.
    """
    places = np.zeros((len(prepared), 2))
    own = PCA(min(2, *prepared.shape), random_state=0).fit_transform(prepared)
    places[:, : own.shape[1]] = own
    with rc_context(_STYLE):
        figure = Figure(figsize=(5.6, 4.2), layout="constrained")
        axes = figure.add_subplot()
        for place, group in enumerate(np.unique(labels)):
            mine = places[labels == group]
            axes.scatter(mine[:, 0], mine[:, 1], s=10, color=_SERIES[place % len(_SERIES)], label=f"group {group}")
        axes.set(xlabel="main direction", ylabel="second direction")
        axes.legend(fontsize=8)
        return _as_text(figure)


def draw_scores(scores: Floats, threshold: float | None) -> str:
    """How often which anomaly score occurs, and from where on a row is flagged.

    Parameters
    ----------
    scores : numpy.ndarray of shape (n,)
        Anomaly scores.
    threshold : float or None
        Score from which a row is flagged.
    """
    with rc_context(_STYLE):
        figure = Figure(figsize=(5.6, 3.6), layout="constrained")
        axes = figure.add_subplot()
        axes.hist(np.clip(scores, None, np.quantile(scores, 0.999)), bins=60, color=_SERIES[0])
        if threshold is not None:
            axes.axvline(threshold, color=_SERIES[1], linewidth=1.5)
        axes.set(xlabel="anomaly score (the line: flagged from here on)", ylabel="development rows")
        return _as_text(figure)


def _as_text(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
