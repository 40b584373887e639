"""Pictures as SVG text, drawn by matplotlib; names from the data are plain text in them."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.figure import Figure

from ml_engineer.evaluation.curves import Calibration, Curve
from ml_engineer.evaluation.places import ByPlace
from ml_engineer.evaluation.survival import RiskGroup
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.vocabulary.evaluation import ConfusionMatrix, Importance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "INLINE_COLOURS",
    "draw_calibration",
    "draw_confusion",
    "draw_curves",
    "draw_importance",
    "draw_predicted_against_actual",
    "draw_relevance_by_place",
    "draw_residuals",
    "draw_survival",
    "for_page",
]

_PAPER, _INK, _SOFT, _GRID = "#fcfdfe", "#20242b", "#6b7280", "#dfe3e8"
_SERIES = ("#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#0891b2", "#65a30d", "#b45309", "#475569", "#e11d48")
INLINE_COLOURS: dict[str, str] = {
    _PAPER: "none",
    _INK: "var(--ink)",
    _SOFT: "var(--soft)",
    _GRID: "var(--line)",
    _SERIES[0]: "var(--accent)",
    _SERIES[1]: "var(--second)",
}
"""What each colour of a file becomes in the page, whose style sheet knows light and dark."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searchable, drawn with the reader's fonts
    "svg.hashsalt": "ml-engineer",  # the same picture gives the same file
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _SOFT,
    "axes.labelcolor": _INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.8,
    "text.color": _INK,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "legend.frameon": False,
    "figure.facecolor": _PAPER,
    "axes.facecolor": "none",
    "savefig.facecolor": "auto",
}
_MOST_POINTS = 800


def for_page(svg: str, *, name: str, title: str) -> str:
    """The picture as it stands in a page: coloured by the page's style sheet, as wide as there is room.

    Parameters
    ----------
    svg : str
        What one of the functions below gave.
    name : str
        Short ASCII name, unique on the page; becomes the prefix of every id.
    title : str
        What the picture shows, for those who cannot see it.
    """
    picture = ET.fromstring(svg)  # noqa: S314 -- drawn by the functions below
    for parent in list(picture.iter()):
        for child in list(parent):
            # The metadata is empty, and the style sheet in <defs> would reach out over the whole page.
            if _plain(child.tag) in {"metadata", "style"}:
                parent.remove(child)
    for element in picture.iter():
        element.tag = _plain(element.tag)
        element.attrib = {
            _plain(key): _for_page_value(_plain(key), value, name) for key, value in element.attrib.items()
        }
    view = picture.attrib["viewBox"]
    picture.attrib = {"viewBox": view, "role": "img", "aria-label": title, "stroke-linejoin": "round"}
    return ET.tostring(picture, encoding="unicode")


def _plain(qualified: str) -> str:
    """A tag or attribute without its namespace, which HTML implies."""
    return qualified.rpartition("}")[2]


def _for_page_value(attribute: str, value: str, name: str) -> str:
    if attribute == "id":
        return f"{name}-{value}"
    if attribute == "href":
        return value.replace("#", f"#{name}-")
    value = value.replace("url(#", f"url(#{name}-")
    if attribute == "style":
        value = re.sub(r"font-family:[^;]*;?", "", value)
        for colour, variable in INLINE_COLOURS.items():
            value = value.replace(colour, variable)
    return value


def _draw(paint: Callable[[Axes], None], *, width: float = 4.6, height: float = 3.6) -> str:
    """A figure of `width` times `height` inches as SVG text."""
    with rc_context(_STYLE), warnings.catch_warnings():
        # Only measured with matplotlib's fonts; the reader's fonts draw, and may well have the glyph.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure = Figure(figsize=(width, height), layout="constrained")
        paint(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _short(name: str, width: int = 28) -> str:
    """`name` on one line, without what does not print, cut to `width` characters."""
    line = " ".join("".join(character if character.isprintable() else " " for character in name).split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _unit_square(axes: Axes, x: str, y: str) -> None:
    axes.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_aspect("equal", adjustable="box")


def draw_curves(curves: Sequence[Curve], *, x: str, y: str, chance: str) -> str:
    """ROC or precision-recall curves.

    Parameters
    ----------
    curves : sequence of Curve
        At most ten are drawn, those of the most frequent classes.
    x, y : str
        Names of the axes.
    chance : {'diagonal', 'share'}
        What guessing gives: the diagonal, or the share of the class.
    """
    drawn = sorted(curves, key=lambda curve: -curve.share)[: len(_SERIES)]

    def paint(axes: Axes) -> None:
        if chance == "diagonal":
            axes.plot([0, 1], [0, 1], color=_SOFT, linewidth=1, linestyle=(0, (4, 3)))
        for colour, curve in zip(_SERIES, drawn, strict=False):
            axes.plot(curve.x, curve.y, color=colour, linewidth=2, label=_short(curve.label))
            if chance == "share" and len(drawn) == 1:
                axes.axhline(curve.share, color=_SOFT, linewidth=1, linestyle=(0, (4, 3)))
        _unit_square(axes, x, y)
        if len(drawn) > 1:
            axes.legend(fontsize=8)

    return _draw(paint)


def draw_calibration(found: Calibration) -> str:
    """Foretold against observed shares, with Wilson intervals."""

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=_SOFT, linewidth=1, linestyle=(0, (4, 3)))
        axes.vlines(found.foretold, found.low, found.high, color=_SERIES[0], linewidth=1.5, alpha=0.6)
        axes.plot(found.foretold, found.observed, color=_SERIES[0], marker="o", markersize=5, linewidth=1.5)
        _unit_square(axes, "probability that the model gave", "share that came true")

    return _draw(paint)


def draw_confusion(matrix: ConfusionMatrix) -> str:
    """Counts of actual against predicted classes, shaded by the share of the actual class."""
    counts = np.array(matrix.counts)
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = len(counts)
    side = max(3.6, 0.42 * size + 1.6)

    def paint(axes: Axes) -> None:
        axes.grid(visible=False)
        for (row, column), count in np.ndenumerate(counts):
            alpha = 0.04 + 0.6 * float(count / totals[row, 0])
            axes.fill_between(
                [column - 0.48, column + 0.48], row - 0.48, row + 0.48, color=_SERIES[0], alpha=alpha, lw=0
            )
            axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=9)
        names = [_short(label, 18) for label in matrix.labels]
        axes.set_xticks(range(size), names, rotation=45 if size > 3 else 0, ha="right" if size > 3 else "center")
        axes.set_yticks(range(size), names)
        axes.set(xlabel="predicted", ylabel="actual", xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5))
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)

    return _draw(paint, width=side + 1, height=side)


def draw_importance(importances: Sequence[Importance], *, metric: str, most: int = 15) -> str:
    """How much the score falls when a column is shuffled, with intervals; the most needed at the top."""
    shown = list(importances[:most])[::-1]
    values = np.array([importance.drop.value for importance in shown])

    def paint(axes: Axes) -> None:
        places = np.arange(len(shown))
        axes.barh(places, values, color=_SERIES[0], alpha=0.35, height=0.6)
        axes.hlines(
            places,
            [importance.drop.low for importance in shown],
            [importance.drop.high for importance in shown],
            color=_SERIES[0],
            linewidth=2,
        )
        axes.axvline(0, color=_SOFT, linewidth=1)
        axes.set_yticks(places, [_short(importance.feature) for importance in shown])
        axes.set_xlabel(f"loss of {metric} when shuffled")
        axes.grid(visible=False, axis="y")

    return _draw(paint, width=6.4, height=0.9 + 0.28 * max(3, len(shown)))


def _sample(outcomes: Outcomes) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Actual and predicted numbers, thinned evenly over the range of the actual ones."""
    order = np.argsort(outcomes.actual, kind="stable")
    picked = order[np.unique(np.linspace(0, len(order) - 1, min(_MOST_POINTS, len(order))).astype(int))]
    return outcomes.actual[picked].astype(float), outcomes.predicted[picked].astype(float)


def draw_predicted_against_actual(outcomes: Outcomes, *, unit: str) -> str:
    """Out-of-fold predictions of development rows against what came true; never held-out rows."""
    actual, predicted = _sample(outcomes)

    def paint(axes: Axes) -> None:
        ends = [min(actual.min(), predicted.min()), max(actual.max(), predicted.max())]
        axes.plot(ends, ends, color=_SOFT, linewidth=1, linestyle=(0, (4, 3)))
        axes.scatter(actual, predicted, s=10, color=_SERIES[0], alpha=0.4, linewidths=0)
        axes.set(xlabel=_short(f"actual{unit}", 48), ylabel=_short(f"predicted{unit}", 48))
        axes.ticklabel_format(useOffset=False)

    return _draw(paint)


def draw_relevance_by_place(by_place: ByPlace) -> str:
    """Mean relevance at each of the first places: reached, best possible, and in a random order."""
    places = np.arange(1, len(by_place.reached) + 1)

    def paint(axes: Axes) -> None:
        axes.plot(places, by_place.best, color=_SERIES[1], marker="o", markersize=4, label="best order")
        axes.plot(places, by_place.reached, color=_SERIES[0], marker="o", markersize=4, label="the model's order")
        axes.plot(places, by_place.chance, color=_SOFT, linestyle=(0, (4, 3)), label="random order")
        axes.set(xlabel="place", ylabel="mean relevance", xticks=places)
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=9)

    return _draw(paint)


def draw_survival(groups: Sequence[RiskGroup]) -> str:
    """Survival of each group: observed (Kaplan and Meier) drawn through, predicted on average dashed."""

    def paint(axes: Axes) -> None:
        for colour, group in zip(_SERIES, groups, strict=False):
            label = f"{group.name} ({group.rows:,} rows)"
            axes.step(np.r_[0.0, group.times], np.r_[1.0, group.observed], where="post", color=colour, label=label)
            axes.plot(np.r_[0.0, group.times], np.r_[1.0, group.predicted], color=colour, linestyle=(0, (4, 3)))
        axes.set(xlabel="time", ylabel="share without the event", ylim=(-0.02, 1.02))
        axes.legend(fontsize=9)

    return _draw(paint)


def draw_residuals(outcomes: Outcomes, *, unit: str) -> str:
    """Errors of out-of-fold predictions against the prediction; never of held-out rows."""
    actual, predicted = _sample(outcomes)

    def paint(axes: Axes) -> None:
        axes.axhline(0, color=_SOFT, linewidth=1, linestyle=(0, (4, 3)))
        axes.scatter(predicted, actual - predicted, s=10, color=_SERIES[0], alpha=0.4, linewidths=0)
        axes.set(xlabel=_short(f"predicted{unit}", 48), ylabel=_short(f"actual minus predicted{unit}", 48))
        axes.ticklabel_format(useOffset=False)

    return _draw(paint)
