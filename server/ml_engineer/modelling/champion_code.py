"""champion.py: the model that won, as the plain code a person would have written for it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml_engineer.modelling.calibrated import CALIBRATION_IMPORTS, calibration_constants, calibration_function
from ml_engineer.modelling.calibration import Calibration
from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.foundation import FOUNDATION_IMPORTS, FOUNDATION_MODEL, foundation_source
from ml_engineer.modelling.layout import Atom, Bracket, quoted, render
from ml_engineer.modelling.preparation import ColumnList
from ml_engineer.modelling.source_code import NotWritable, SourceCode, merged_imports
from ml_engineer.modelling.text_vectors import TEXT_MODEL, VECTORS_IMPORTS, vectors_source

__all__ = ["ChampionFacts", "render_champion"]

_WIDTH = 116


@dataclass(frozen=True)
class ChampionFacts:
    """What champion.py says of itself.

    Parameters
    ----------
    run_id, metric : str
        The run, and what `score` measures.
    score : float
        Score over the pooled out-of-fold predictions.
    folds : tuple of int, optional
        Numbers of the folds that the score rests on; None if it is all of them.
    decision_threshold : float or None
        Probability from which the positive class is called.
    threshold_reason : str
        How it was chosen; our own words.
    calibration : Calibration, optional
        What the probabilities are mended by.
    classes : numpy.ndarray of shape (k,)
        Sorted labels.
    fold_numbers : dict of int to int
        Number of the stored fold at each position.
    further_rows : int
        Rows beyond development.parquet that the served model learned from too.
    """

    run_id: str
    metric: str
    score: float
    folds: tuple[int, ...] | None = None
    decision_threshold: float | None = None
    threshold_reason: str = ""
    calibration: Calibration | None = None
    classes: npt.NDArray[np.generic] = field(default_factory=lambda: np.empty(0))
    fold_numbers: dict[int, int] = field(default_factory=dict)
    further_rows: int = 0


def render_champion(candidate: Candidate, facts: ChampionFacts) -> str:
    """Text of champion.py.

    An estimator that cannot be written down is taken from candidates.py, and the text says so and why.
    """
    source = candidate.source
    if isinstance(source, NotWritable):
        return _imported(candidate, facts, source)
    return _written(candidate, facts, source)


def _written(candidate: Candidate, facts: ChampionFacts, source: SourceCode) -> str:
    mended = facts.calibration is not None
    parts = [
        _docstring("It imports scikit-learn and what the model needs, nothing else."),
        *([FOUNDATION_IMPORTS] if source.foundation_model else [VECTORS_IMPORTS] if source.text_model else []),
        "\n".join(merged_imports(source.imports, CALIBRATION_IMPORTS) if mended else source.imports),
        _constants(candidate, facts),
        *([_text_model(source.text_model)] if source.text_model else []),
        *([_foundation_model(source.foundation_model)] if source.foundation_model else []),
        *(_column_list(part.constant, part.columns, part.why) for part in _named(candidate.lists)),
    ]
    classes = f"{vectors_source()}\n\n\n" if source.text_model else ""
    classes += f"{foundation_source(source.foundation_class)}\n\n\n" if source.foundation_model else ""
    function = (
        f"{_signature(source.class_name, mended=mended)}{source.body(comment=_comment(candidate.why, indent=4))}\n"
    )
    return "\n\n".join(parts) + "\n\n\n" + classes + _calibrating(facts) + function


def _text_model(folder: str) -> str:
    """Where the project's copy of the text model lies, from champion.py on."""
    why = _comment("The model whose vectors stand for texts; the folder is named by the hash of what is in it.")
    return f"{why}\n{TEXT_MODEL} = str({_kept_place(folder)})"


def _foundation_model(weights: str) -> str:
    """Where the project's copy of the weights lies, from champion.py on."""
    why = _comment("Weights of the foundation model; the file is named by its hash.")
    return f"{why}\n{FOUNDATION_MODEL} = str({_kept_place(weights)})"


def _kept_place(path: str) -> str:
    kept = Path(path)
    return f"Path(__file__).resolve().parents[1] / {quoted(kept.parent.name)} / {quoted(kept.name)}"


def _imported(candidate: Candidate, facts: ChampionFacts, reason: NotWritable) -> str:
    why = _comment(
        f"The model cannot be written down here: {_plain(reason.reason)}. It is the entry CANDIDATE of candidates.py; "
        "the hash is that of the file it was trained from."
    )
    mended = facts.calibration is not None
    imports = ("from sklearn.base import BaseEstimator",)
    parts = [
        _docstring("The model comes from candidates.py beside this file."),
        _STANDARD_IMPORTS,
        "\n".join(merged_imports(imports, CALIBRATION_IMPORTS) if mended else imports),
        _constants(candidate, facts),
        "\n".join(
            [
                why,
                f"CANDIDATE = {quoted(candidate.entry)}",
                f"CANDIDATES_SHA256 = {quoted(candidate.origin)}",
                f"SEED = {candidate.seed}",
            ]
        ),
    ]
    function = _signature("BaseEstimator", mended=mended) + _IMPORTED_BODY
    return "\n\n".join(parts) + "\n\n\n" + _calibrating(facts) + function


def _signature(class_name: str, *, mended: bool) -> str:
    if mended:
        return (
            f"def build_uncalibrated() -> {class_name}:\n"
            '    """Build the unfitted model whose probabilities build_model mends."""\n'
        )
    return (
        f"def build_model(fold: int | None = None) -> {class_name}:\n"
        '    """Build the unfitted model; it takes the frame that build_features returns.\n\n'
        "    It is the same whichever `fold` it is to predict, for nothing in it was learned before.\n"
        '    """\n'
    )


def _calibrating(facts: ChampionFacts) -> str:
    return "" if facts.calibration is None else calibration_function(facts.calibration, facts.classes) + "\n\n"


_STANDARD_IMPORTS = """\
import hashlib
import importlib.util
import warnings
from pathlib import Path"""

_IMPORTED_BODY = """\
    path = Path(__file__).with_name("candidates.py")
    if hashlib.sha256(path.read_bytes()).hexdigest() != CANDIDATES_SHA256:
        warnings.warn(f"{path} has changed since the champion was trained from it", stacklevel=2)
    spec = importlib.util.spec_from_file_location("candidates", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    candidates = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(candidates)
    model = candidates.build_candidates()[CANDIDATE]
    # Random states that were left open get the seed of the run, as in training.
    states = [name for name, value in model.get_params().items() if name.endswith("random_state") and value is None]
    return model.set_params(**dict.fromkeys(states, SEED))
"""


def _docstring(last: str) -> str:
    return (
        '"""The champion as plain code, written by `train` and replaced by the next one: edit candidates.py instead.\n\n'
        f"train.py cross-validates what build_model() returns and arrives at EXPECTED_SCORE.\n{last}\n"
        '"""'
    )


def _constants(candidate: Candidate, facts: ChampionFacts) -> str:
    lines = [
        f"RUN_ID: str | None = {quoted(facts.run_id)}",
        f"CHAMPION = {quoted(candidate.name)}",
        f"METRIC = {quoted(facts.metric)}",
        "# METRIC over all out-of-fold predictions together.",
        f"EXPECTED_SCORE: float | None = {facts.score!r}",
        "# Numbers of the stored folds that the score rests on; None means all."
        if facts.folds is None
        else "# Numbers of the stored folds that the score rests on: the time was not enough for all.",
        f"FOLDS: list[int] | None = {None if facts.folds is None else list(facts.folds)!r}",
    ]
    if candidate.most_rows is not None:
        lines.append(
            _comment(
                "All rows took longer than there was time: it learns from a sample of so many, which train.py draws."
            )
        )
        lines.append(f"LEARNED_ROWS = {candidate.most_rows}")
    if facts.further_rows:
        lines.append(
            _comment(
                "The table is larger than the memory: development.parquet is a sample of it, on which everything was chosen "
                "and scored. The trees of LightGBM and XGBoost that `train` saved for serving were then grown on so many rows beyond it "
                "too; train.py --save fits on the sample alone."
            )
        )
        lines.append(f"FURTHER_ROWS = {facts.further_rows}")
    if facts.threshold_reason:
        lines.append(_comment(f"Chosen so: {facts.threshold_reason}."))
    lines.append(f"DECISION_THRESHOLD: float | None = {facts.decision_threshold!r}")
    if facts.calibration is not None:
        lines += calibration_constants(facts.calibration, facts.classes, facts.fold_numbers)
    return "\n".join(lines)


def _named(lists: Sequence[ColumnList]) -> Iterable[ColumnList]:
    """The lists that the code names: of those that hold the same columns the first, with the reasons of all."""
    named: dict[tuple[str, ...], ColumnList] = {}
    for part in lists:
        known = named.get(part.columns, part)
        why = known.why if part.why in known.why else f"{known.why} {part.why}"
        named[part.columns] = replace(known, why=why)
    return named.values()


def _column_list(constant: str, columns: tuple[str, ...], why: str) -> str:
    node = Bracket("[", tuple(("", Atom(quoted(name))) for name in columns), "]")
    return f"{_comment(why)}\n{constant} = {render(node, before=f'{constant} = ')}"


def _comment(text: str, *, indent: int = 0) -> str:
    lines = textwrap.wrap(text, _WIDTH - indent)
    return "\n".join(f"{' ' * indent}# {line}" for line in lines)


def _plain(text: str) -> str:
    """Text that may hold a name of the user's, on one line and short enough for a comment."""
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode()[:200]
