"""A fitted champion as one ONNX file: from the feature columns to labels with probabilities, or to numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ml_engineer.modelling.onnx_graph import OPSETS, Block, Graph, NotExportableError
from ml_engineer.modelling.onnx_models import predicted
from ml_engineer.modelling.onnx_preparation import prepared

__all__ = ["NotExportableError", "column_kinds", "onnx_model", "run_onnx"]

Table = dict[str, Block]


def column_kinds(features: pd.DataFrame) -> dict[str, str]:
    """What the file takes for each feature column: 'double' for numbers and flags, 'string' for text."""
    return {
        str(name): "double" if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column) else "string"
        for name, column in features.items()
    }


def onnx_model(
    model: Any,
    features: pd.DataFrame,
    *,
    classes: tuple[str, ...],
    positive: int | None,
    threshold: float | None,
    about: Mapping[str, str],
) -> bytes:
    """The file's content.

    Parameters
    ----------
    model : estimator
        Fitted on a table like `features`.
    features : pandas.DataFrame
        Some rows; only names and types matter.
    classes : tuple of str
        Labels in the order of the model's classes; empty for regression.
    positive : int, optional
        Code of the positive class, which is called from `threshold` on; binary tasks.
    threshold : float, optional
        See `positive`.
    about : mapping of str to str
        Kept in the file's metadata.

    Raises
    ------
    NotExportableError
        Naming the part that ONNX operators cannot express.
    """
    from onnx import TensorProto, checker, helper

    graph = Graph()
    table: Table = {}
    for name, kind in column_kinds(features).items():
        graph.inputs.append(
            helper.make_tensor_value_info(
                name, TensorProto.DOUBLE if kind == "double" else TensorProto.STRING, [None, 1]
            )
        )
        table[name] = Block((name,), text=kind == "string")
    answer = _answered(graph, model, table)
    outputs = _outputs(graph, answer, classes=classes, positive=positive, threshold=threshold)
    made = helper.make_model(
        helper.make_graph(graph.nodes, "champion", graph.inputs, outputs, initializer=graph.constants),
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in OPSETS.items()],
        producer_name="ml-engineer",
        ir_version=8,
    )
    helper.set_model_props(made, dict(about))
    checker.check_model(made)
    return bytes(made.SerializeToString())


def run_onnx(content: bytes, features: pd.DataFrame) -> list[npt.NDArray[Any]]:
    """What the file answers for the rows of `features`: labels (n,) and probabilities (n, k), or numbers (n, 1)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only: converters declare shapes that are too narrow
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    kinds = column_kinds(features)
    fed = {}
    for one in session.get_inputs():
        column = features[one.name]
        if kinds[one.name] == "double":
            fed[one.name] = column.to_numpy(dtype="float64", na_value=np.nan)[:, None]
        else:
            fed[one.name] = column.astype(object).where(column.notna(), "").to_numpy(dtype=object)[:, None]
    return [np.asarray(each) for each in session.run(None, fed)]


def _answered(graph: Graph, model: Any, value: Table | Block) -> str:
    """Probabilities or numbers that `model` gives."""
    if isinstance(model, FrozenEstimator):
        return _answered(graph, model.estimator, value)
    if isinstance(model, Pipeline):
        for _, step in model.steps[:-1]:
            vote = isinstance(step, VotingClassifier)
            value = Block((_answered(graph, step, value),)) if vote else prepared(graph, step, value)
        return _answered(graph, model.steps[-1][1], value)
    if isinstance(model, VotingClassifier | VotingRegressor):
        return _voted(graph, model, value)
    if isinstance(model, TransformedTargetRegressor):
        return _back(graph, model, _answered(graph, model.regressor_, value))
    if isinstance(value, dict):
        raise NotExportableError(f"{type(model).__name__} that takes the table itself")
    return predicted(graph, model, graph.matrix(value))


def _voted(graph: Graph, model: Any, value: Table | Block) -> str:
    if isinstance(model, VotingClassifier) and model.voting != "soft":
        raise NotExportableError("a vote that counts labels")
    weights = model.weights if model.weights is not None else [1.0] * len(model.estimators_)
    total = ""
    for weight, one in zip(weights, model.estimators_, strict=True):
        if hasattr(model, "classes_") and len(one.classes_) != len(model.classes_):
            raise NotExportableError("a vote whose parts know other classes")
        part = graph.op("Mul", _answered(graph, one, value), graph.constant(weight / sum(weights)))
        total = graph.op("Add", total, part) if total else part
    return total


def _back(graph: Graph, model: TransformedTargetRegressor, value: str) -> str:
    """From the scale that was learned back to the target's."""
    steps = model.transformer_.steps if isinstance(model.transformer_, Pipeline) else [("", model.transformer_)]
    for _, step in reversed(steps):
        if isinstance(step, StandardScaler):
            value = graph.op("Mul", value, graph.constant(step.scale_[None, :]))
            value = graph.op("Add", value, graph.constant(step.mean_[None, :]))
        elif isinstance(step, FunctionTransformer) and step.inverse_func is np.expm1:
            value = graph.op("Sub", graph.op("Exp", value), graph.constant(1.0))
        elif isinstance(step, FunctionTransformer) and step.inverse_func is np.clip:
            limits = step.inv_kw_args or {}
            for name, operator in (("a_min", "Max"), ("a_max", "Min")):
                if limits.get(name) is not None:
                    value = graph.op(operator, value, graph.constant(limits[name]))
        else:
            raise NotExportableError(f"a target transformed by {type(step).__name__}")
    return value


def _outputs(
    graph: Graph, answer: str, *, classes: tuple[str, ...], positive: int | None, threshold: float | None
) -> list[Any]:
    from onnx import TensorProto, helper

    double = TensorProto.DOUBLE
    if not classes:
        graph.nodes.append(helper.make_node("Identity", [answer], ["prediction"]))
        return [helper.make_tensor_value_info("prediction", double, [None, 1])]
    graph.nodes.append(helper.make_node("Identity", [answer], ["probabilities"]))
    if positive is not None and threshold is not None:
        chance = graph.op("Gather", answer, graph.constant(positive, "int64"), axis=1)
        called = graph.op("GreaterOrEqual", chance, graph.constant(threshold))
        yes, no = graph.constant(positive, "int64"), graph.constant(1 - positive, "int64")
        code = graph.op("Where", called, yes, no)
    else:
        code = graph.op("ArgMax", answer, axis=1, keepdims=0)
    labels = graph.constant(np.array(classes, dtype=object))
    graph.nodes.append(helper.make_node("Gather", [labels, code], ["label"], axis=0))
    return [
        helper.make_tensor_value_info("label", TensorProto.STRING, [None]),
        helper.make_tensor_value_info("probabilities", double, [None, len(classes)]),
    ]
