"""Fitted models as ONNX operators: linear ones, machines of near rows, networks and forests by ours, boosters by their converters."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
)
from sklearn.linear_model import LassoCV, LinearRegression, LogisticRegression, LogisticRegressionCV, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC, SVR

from ml_engineer.modelling.onnx_graph import ML_DOMAIN, Graph, NotExportableError

__all__ = ["predicted"]

_OPSET = 15
"""What the converters of the boosters know."""


def predicted(graph: Graph, model: Any, values: str) -> str:
    """Probabilities (n, k) in the order of ``model.classes_``, or numbers (n, 1), of prepared rows (n, d).

    Raises
    ------
    NotExportableError
        Naming the model that has no operators.
    """
    for kind, emit in _MODELS.items():
        if type(model) is kind:
            return emit(graph, model, values)
    library = type(model).__module__.split(".")[0]
    if library in _BOOSTERS:
        return _BOOSTERS[library](graph, model, graph.cast(values, "float32"))
    raise NotExportableError(f"{type(model).__name__} has no ONNX operators here")


def _line(graph: Graph, values: str, weights: Any, offset: Any) -> str:
    return graph.op("Add", graph.op("MatMul", values, graph.constant(weights)), graph.constant(np.atleast_1d(offset)))


def _linear(graph: Graph, model: Any, values: str) -> str:
    return _line(graph, values, np.reshape(model.coef_, (-1, 1)), model.intercept_)


def _logistic(graph: Graph, model: Any, values: str) -> str:
    if len(model.classes_) > 2 and model.solver == "liblinear":
        raise NotExportableError("LogisticRegression with liblinear and several classes")
    scores = _line(graph, values, model.coef_.T, model.intercept_)
    return _two(graph, graph.op("Sigmoid", scores)) if len(model.classes_) == 2 else graph.op("Softmax", scores, axis=1)


def _two(graph: Graph, positive: str) -> str:
    return graph.beside([graph.op("Sub", graph.constant([[1.0]]), positive), positive])


def _network(graph: Graph, model: Any, values: str) -> str:
    layers = list(zip(model.coefs_, model.intercepts_, strict=True))
    for place, (weights, offset) in enumerate(layers):
        values = _line(graph, values, weights, offset)
        kind = model.activation if place < len(layers) - 1 else model.out_activation_
        if kind == "relu":
            values = graph.op("Max", values, graph.constant(0.0))
        elif kind != "identity":
            name = {"logistic": "Sigmoid", "tanh": "Tanh", "softmax": "Softmax"}[kind]
            values = graph.op(name, values, axis=1) if kind == "softmax" else graph.op(name, values)
    binary = hasattr(model, "classes_") and len(model.classes_) == 2
    return _two(graph, values) if binary else values


def _nearness(graph: Graph, model: Any, values: str) -> str:
    """What a support vector machine says of each row, (n, 1): its support vectors, weighed by how near they are."""
    if model.kernel != "rbf":
        raise NotExportableError(f"{type(model).__name__} with the kernel {model.kernel}")
    near = graph.nearness(values, np.asarray(model.support_vectors_), float(model._gamma))
    return _line(graph, near, np.asarray(model.dual_coef_).T, model.intercept_)


def _calibrated_support(graph: Graph, model: CalibratedClassifierCV, values: str) -> str:
    (inside,) = model.calibrated_classifiers_ if len(model.calibrated_classifiers_) == 1 else (None,)
    if inside is None or type(inside.estimator) is not SVC or len(model.classes_) != 2 or model.method != "sigmoid":
        raise NotExportableError("CalibratedClassifierCV of anything but one support vector machine of two classes")
    (curve,) = inside.calibrators
    said = _nearness(graph, inside.estimator, values)
    slope = graph.op("Mul", said, graph.constant(-float(curve.a_)))
    return _two(graph, graph.op("Sigmoid", graph.op("Sub", slope, graph.constant(float(curve.b_)))))


def _stacked_support(graph: Graph, model: StackingClassifier, values: str) -> str:
    """A logistic regression on how far a row lies from the border of each class."""
    (borders,) = model.estimators_ if len(model.estimators_) == 1 else (None,)
    machines = borders.estimators_ if isinstance(borders, OneVsRestClassifier) else [None]
    last = model.final_estimator_
    if (
        model.passthrough
        or model.stack_method_ != ["decision_function"]
        or type(last) is not LogisticRegression
        or any(type(one) is not SVC for one in machines)
    ):
        raise NotExportableError("StackingClassifier of anything but one support vector machine a class")
    return _logistic(graph, last, graph.beside([_nearness(graph, one, values) for one in machines]))


def _average(graph: Graph, model: Any, values: str) -> str:
    """The mean of models that each see all columns."""
    if any(list(chosen) != list(range(model.n_features_in_)) for chosen in model.estimators_features_):
        raise NotExportableError(f"{type(model).__name__} of models that see different columns")
    if any(len(one.classes_) != len(model.classes_) for one in model.estimators_ if hasattr(model, "classes_")):
        raise NotExportableError(f"{type(model).__name__} of models that learned different classes")
    total = predicted(graph, model.estimators_[0], values)
    for one in model.estimators_[1:]:
        total = graph.op("Add", total, predicted(graph, one, values))
    return graph.op("Div", total, graph.constant(float(len(model.estimators_))))


def _forest(graph: Graph, model: Any, values: str) -> str:
    """The mean of the trees' leaves; scikit-learn too compares single-precision values."""
    nodes: dict[str, list[Any]] = {
        name: [] for name in ("tree", "node", "feature", "value", "mode", "yes", "no", "gap")
    }
    leaves: dict[str, list[Any]] = {name: [] for name in ("tree", "node", "target", "weight")}
    for number, one in enumerate(model.estimators_):
        tree = one.tree_
        leaf = tree.children_left < 0
        limits = tree.threshold.astype("float32")
        limits = np.where(limits > tree.threshold, np.nextafter(limits, np.float32(-np.inf)), limits)
        nodes["tree"] += [number] * tree.node_count
        nodes["node"] += range(tree.node_count)
        nodes["feature"] += np.where(leaf, 0, tree.feature).tolist()
        nodes["value"] += np.where(leaf, 0.0, limits).tolist()
        nodes["mode"] += np.where(leaf, "LEAF", "BRANCH_LEQ").tolist()
        nodes["yes"] += np.where(leaf, 0, tree.children_left).tolist()
        nodes["no"] += np.where(leaf, 0, tree.children_right).tolist()
        nodes["gap"] += np.where(leaf, 0, tree.missing_go_to_left).astype(int).tolist()
        ends, shares = np.flatnonzero(leaf), tree.value[leaf][:, 0, :]
        width = shares.shape[1]
        leaves["tree"] += [number] * shares.size
        leaves["node"] += np.repeat(ends, width).tolist()
        leaves["target"] += np.tile(np.arange(width), len(ends)).tolist()
        leaves["weight"] += shares.ravel().tolist()
    mean = graph.op(
        "TreeEnsembleRegressor",
        graph.cast(values, "float32"),
        domain=ML_DOMAIN,
        aggregate_function="AVERAGE",
        n_targets=max(leaves["target"]) + 1,
        nodes_treeids=nodes["tree"],
        nodes_nodeids=nodes["node"],
        nodes_featureids=nodes["feature"],
        nodes_values=nodes["value"],
        nodes_modes=nodes["mode"],
        nodes_truenodeids=nodes["yes"],
        nodes_falsenodeids=nodes["no"],
        nodes_missing_value_tracks_true=nodes["gap"],
        target_treeids=leaves["tree"],
        target_nodeids=leaves["node"],
        target_ids=leaves["target"],
        target_weights=leaves["weight"],
    )
    return graph.cast(mean, "float64")


def _converted(graph: Graph, model: Any, values: str, convert: Callable[..., Any]) -> str:
    from onnxmltools.convert.common.data_types import FloatTensorType

    types = [("values", FloatTensorType([None, model.n_features_in_]))]
    try:
        made = convert(model, types)
    except Exception as error:  # the converter raises whatever it stumbles over
        told = " ".join(str(error).split())[:200]
        raise NotExportableError(f"{type(model).__name__}, which onnxmltools does not convert ({told})") from error
    output = "probabilities" if hasattr(model, "classes_") else made.graph.output[0].name
    return graph.cast(graph.include(made, values, output=output), "float64")


def _lightgbm(graph: Graph, model: Any, values: str) -> str:
    from onnxmltools import convert_lightgbm

    if model.get_params().get("linear_tree"):
        raise NotExportableError("LightGBM with linear trees")
    return _converted(
        graph,
        model,
        values,
        lambda one, types: convert_lightgbm(one, initial_types=types, target_opset=_OPSET, zipmap=False),
    )


def _xgboost(graph: Graph, model: Any, values: str) -> str:
    from onnxmltools import convert_xgboost

    return _converted(
        graph, model, values, lambda one, types: convert_xgboost(one, initial_types=types, target_opset=_OPSET)
    )


def _catboost(graph: Graph, model: Any, values: str) -> str:
    import onnx

    if model.get_cat_feature_indices():
        raise NotExportableError(
            "CatBoost writes no ONNX for a model with categories, which it turns into means of earlier rows"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        model.save_model(str(path), format="onnx")
        made = onnx.load(str(path))
    output = "probabilities" if hasattr(model, "predict_proba") else made.graph.output[0].name
    if output == "probabilities":
        output = next(node.input[0] for node in made.graph.node if node.op_type == "ZipMap")
    number = graph.include(made, values, output=output)
    number = graph.cast(number, "float64")
    return number if hasattr(model, "predict_proba") else graph.op("Reshape", number, graph.constant([-1, 1], "int64"))


_MODELS: dict[type, Callable[[Graph, Any, str], str]] = {
    LinearRegression: _linear,
    Ridge: _linear,
    LassoCV: _linear,
    LogisticRegression: _logistic,
    LogisticRegressionCV: _logistic,
    MLPClassifier: _network,
    MLPRegressor: _network,
    RandomForestClassifier: _forest,
    RandomForestRegressor: _forest,
    ExtraTreesClassifier: _forest,
    ExtraTreesRegressor: _forest,
    SVR: _nearness,
    CalibratedClassifierCV: _calibrated_support,
    StackingClassifier: _stacked_support,
    BaggingClassifier: _average,
    BaggingRegressor: _average,
}
_BOOSTERS: dict[str, Callable[[Graph, Any, str], str]] = {
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "catboost": _catboost,
}
