"""Write the champion in a format that other languages run, and compare its predictions with the champion's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_engineer.errors import InputError
from ml_engineer.evaluation.prediction import positive_code
from ml_engineer.modelling.onnx_export import NotExportableError, column_kinds, onnx_model, run_onnx
from ml_engineer.project.definition import load_problem
from ml_engineer.project.development import load_development
from ml_engineer.project.files import replacing, write_text
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.verbs.champion import LoadedChampion, load_champion
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.replies import ExportReply
from ml_engineer.vocabulary.requests import ExportRequest

__all__ = ["export"]

_ROWS = 5_000
_CLOSE = 1e-4
"""Of a probability, or of the spread of predicted numbers: what single precision in trees may change."""


def export(request: ExportRequest, context: WorkContext) -> ExportReply:
    """Write the champion as ONNX, with a description of its inputs and outputs beside it.

    The file takes the columns that features.py gives, and answers in double precision; trees compare in single precision.
    It is asked about development rows, and what it says is held against what the champion says.

    Raises
    ------
    InputError
        If a part of the champion cannot be expressed; the text names it.
    ProjectStateError
        If there is no champion, it is not of one piece with its records, or the file cannot be written.
    """
    layout = ProjectLayout(Path(request.project_dir))
    context.report("reading the champion", 0.05)
    if not load_problem(layout).learns_target:
        raise InputError(
            "Only a model that predicts a target can be exported",
            found=f"task_type in {layout.problem_yaml}",
            remedy="Serve the model file with the generated service",
        )
    if load_problem(layout).form == "multilabel":
        raise InputError(
            "A model of several labels a row is not exported",
            found=f"task_type in {layout.problem_yaml}",
            remedy="Serve the model file with the generated service, or frame one label as a binary task and export that",
        )
    champion = load_champion(layout)
    frame = load_development(layout, champion.split).frame
    frame = frame.iloc[:: max(1, -(-len(frame) // _ROWS))]
    features = champion.build_features(frame.drop(columns=champion.problem.target))
    context.report("writing the operators", 0.3)
    content = _content(champion, features)
    context.report("comparing predictions", 0.8)
    answers = run_onnx(content, features)
    largest, changed, spread = _compared(champion, frame, answers)
    output = Path(request.output) if request.output else layout.serving_app.parent / "export" / "champion.onnx"
    with replacing(output) as temporary:
        temporary.write_bytes(content)
    reply = _reply(champion, output, features=column_kinds(features), rows=len(frame), largest=largest, changed=changed)
    warnings = []
    if largest > _CLOSE * spread or changed:
        warnings.append(
            f"The file does not say quite the same: it differs by up to {largest:.3g}"
            + (f", and calls another class on {changed} of {len(frame)} rows." if changed else ".")
        )
    write_text(output.with_suffix(".json"), json.dumps(_about(champion, reply), indent=2, ensure_ascii=False) + "\n")
    return reply.model_copy(update={"warnings": warnings})


def _content(champion: LoadedChampion, features: Any) -> bytes:
    training, problem = champion.training, champion.problem
    try:
        return onnx_model(
            champion.model,
            features,
            classes=problem.classes,
            positive=positive_code(problem) if problem.form == "binary" else None,
            threshold=training.champion.decision_threshold,
            about={
                "run_id": training.run_id,
                "model_sha256": training.champion.model_sha256,
                "features_sha256": training.champion.features_sha256,
                "target": problem.target,
            },
        )
    except NotExportableError as error:
        raise InputError(
            "The champion cannot be written as ONNX",
            found=f"what prevents it: {error}",
            remedy="Serve the model file with the generated service, or train with candidates that can be written, such as "
            "linear, boosting, extra_trees, network, gradient_boosting",
        ) from error


def _compared(champion: LoadedChampion, frame: Any, answers: list[npt.NDArray[Any]]) -> tuple[float, int | None, float]:
    """Largest difference, rows on which another class is called, and the spread of what is predicted."""
    expected = champion.answer(frame)
    if expected.probabilities is None:
        numbers = np.asarray(expected.predicted, dtype=float)
        return float(np.abs(answers[0][:, 0] - numbers).max()), None, max(float(numbers.std()), 1e-12)
    labels = np.asarray(champion.problem.classes)[np.asarray(expected.predicted, dtype=int)]
    differences = np.abs(answers[1] - np.asarray(expected.probabilities))
    return float(differences.max()), int((answers[0].astype(str) != labels).sum()), 1.0


def _reply(
    champion: LoadedChampion, output: Path, *, features: dict[str, str], rows: int, largest: float, changed: int | None
) -> ExportReply:
    classes = champion.problem.classes
    outputs = {"prediction": "double [rows, 1], in the target's unit"}
    if classes:
        outputs = {
            "label": f"string [rows], {'called at the decision threshold' if len(classes) == 2 else 'the likeliest'}",
            "probabilities": f"double [rows, {len(classes)}], in the order {', '.join(classes)[:200]}",
        }
    said = "" if changed is None else f", with the same label on all but {changed} of them"
    return ExportReply(
        status="done",
        summary=f"Wrote the champion of {champion.training.run_id} as ONNX: on {rows} development rows its predictions "
        f"differ by at most {largest:.2g}{said}.",
        next_step="Make the input columns as data/features/features.py does: numbers as double, missing as NaN; truth values "
        "as 1 and 0; texts as string, missing as an empty one; each of shape [rows, 1]",
        artifacts={"onnx": str(output), "description": str(output.with_suffix(".json"))},
        project_dir=str(champion.layout.root),
        run_id=champion.training.run_id,
        output=str(output),
        largest_difference=largest,
        changed_labels=changed,
        rows=rows,
        inputs={name: f"{kind} [rows, 1]" for name, kind in features.items()},
        outputs=outputs,
    )


def _about(champion: LoadedChampion, reply: ExportReply) -> dict[str, Any]:
    training = champion.training
    return {
        "run_id": training.run_id,
        "model_sha256": training.champion.model_sha256,
        "features_sha256": training.champion.features_sha256,
        "target": champion.problem.target,
        "decision_threshold": training.champion.decision_threshold,
        "inputs": reply.inputs,
        "outputs": reply.outputs,
        "compared_rows": reply.rows,
        "largest_difference": reply.largest_difference,
        "changed_labels": reply.changed_labels,
    }
