"""What prepares columns, as ONNX operators in double precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.random_projection import SparseRandomProjection

from ml_engineer.modelling.onnx_graph import ML_DOMAIN, Block, Graph, NotExportableError

__all__ = ["prepared"]

Columns = dict[str, Block]


def prepared(graph: Graph, step: Any, value: Columns | Block) -> Block:
    """What a fitted transformer makes of columns by name, or of a block of them.

    Raises
    ------
    NotExportableError
        Naming the step that has no operators.
    """
    if isinstance(step, ColumnTransformer):
        assert isinstance(value, dict)  # only the first step sees the table
        return _side_by_side(graph, step, value)
    assert isinstance(value, Block)
    if isinstance(step, Pipeline):
        for _, one in step.steps:
            value = prepared(graph, one, value)
        return value
    if isinstance(step, FeatureUnion):
        parts = [graph.matrix(prepared(graph, one, value)) for _, one in step.transformer_list]
        return Block((graph.beside(parts),))
    if step == "passthrough":
        return value
    for kind, emit in _STEPS.items():
        if type(step) is kind:
            return Block((emit(graph, step, value),))
    raise NotExportableError(f"{type(step).__name__} has no ONNX operators here")


def _side_by_side(graph: Graph, step: ColumnTransformer, table: Columns) -> Block:
    found = []
    for _, part, names in step.transformers_:
        if part == "drop" or not len(names):
            continue
        blocks = [table[name] for name in names]
        block = Block(tuple(name for one in blocks for name in one.parts), text=blocks[0].text)
        found.append(graph.matrix(prepared(graph, part, block)))
    return Block((graph.beside(found),))


def _impute(graph: Graph, step: SimpleImputer, block: Block) -> str:
    values = graph.matrix(block)
    statistics = np.asarray(step.statistics_, dtype=float)
    if np.isnan(statistics).any() and not step.keep_empty_features:
        raise NotExportableError("SimpleImputer that drops empty columns")
    missing = graph.op("IsNaN", values)
    filled = graph.op("Where", missing, graph.constant(np.nan_to_num(statistics)[None, :]), values)
    if step.indicator_ is None or not len(step.indicator_.features_):
        return filled
    flags = graph.op(
        "Gather", graph.cast(missing, "float64"), graph.constant(step.indicator_.features_, "int64"), axis=1
    )
    return graph.beside([filled, flags])


def _flag_missing(graph: Graph, step: MissingIndicator, block: Block) -> str:
    flags = graph.cast(graph.op("IsNaN", graph.matrix(block)), "float64")
    return graph.op("Gather", flags, graph.constant(step.features_, "int64"), axis=1)


def _scale(graph: Graph, step: StandardScaler, block: Block) -> str:
    values = graph.matrix(block)
    if step.with_mean:
        values = graph.op("Sub", values, graph.constant(step.mean_[None, :]))
    return graph.op("Div", values, graph.constant(step.scale_[None, :])) if step.with_std else values


def _stretch(graph: Graph, step: MinMaxScaler, block: Block) -> str:
    values = graph.op("Mul", graph.matrix(block), graph.constant(step.scale_[None, :]))
    values = graph.op("Add", values, graph.constant(step.min_[None, :]))
    if not step.clip:
        return values
    low, high = (graph.constant(float(end)) for end in step.feature_range)
    return graph.op("Min", graph.op("Max", values, low), high)


def _function(graph: Graph, step: FunctionTransformer, block: Block) -> str:
    values, options = graph.matrix(block), step.kw_args or {}
    if step.func is None:
        return values
    if step.func is np.arcsinh:
        size = graph.op("Abs", values)
        root = graph.op("Sqrt", graph.op("Add", graph.op("Mul", size, size), graph.constant(1.0)))
        return graph.op("Mul", graph.op("Sign", values), graph.op("Log", graph.op("Add", size, root)))
    if step.func is np.log:
        return graph.op("Log", values)
    if step.func is np.clip:
        low, high = (graph.constant(options[name]) for name in ("a_min", "a_max"))
        return graph.op("Min", graph.op("Max", values, low), high)
    if step.func is np.diff:
        first, second = (graph.op("Gather", values, graph.constant([place], "int64"), axis=1) for place in (0, 1))
        return graph.op("Sub", second, first)
    if step.func is np.interp:
        levels, after = (np.asarray(options[name], dtype=float) for name in ("xp", "fp"))
        rises = np.diff(after) / np.where(np.diff(levels) > 0, np.diff(levels), 1.0)
        beyond = graph.op("Sub", values, graph.constant(levels[:-1][None, :]))
        within = graph.op("Min", graph.op("Max", beyond, graph.constant(0.0)), graph.constant(np.diff(levels)[None, :]))
        risen = graph.op("MatMul", within, graph.constant(rises[:, None]))
        return graph.op("Add", risen, graph.constant(after[0]))
    raise NotExportableError(f"FunctionTransformer with {getattr(step.func, '__name__', 'a function of its own')}")


def _codes(graph: Graph, column: str, categories: Any, codes: list[int], *, unknown: int) -> str:
    """Whole numbers for strings, (n, 1); a missing value is the empty string."""
    texts = ["" if one is None or one != one else str(one) for one in categories]  # noqa: PLR0124  (NaN)
    return graph.op(
        "LabelEncoder",
        column,
        domain=ML_DOMAIN,
        keys_strings=texts,
        values_int64s=codes,
        default_int64=unknown,
    )


def _one_hot(graph: Graph, step: OneHotEncoder, block: Block) -> str:
    _refuse_numbers(step, block)
    if step.drop is not None:
        raise NotExportableError("OneHotEncoder that drops a value")
    found = []
    for place, (column, categories) in enumerate(zip(block.parts, step.categories_, strict=True)):
        codes = np.arange(len(categories))
        mapping = step._default_to_infrequent_mappings[place] if step._infrequent_enabled else None
        codes = codes if mapping is None else np.asarray(mapping)
        width = int(codes.max()) + 1
        shared = step.handle_unknown == "infrequent_if_exist" and mapping is not None
        code = _codes(graph, column, categories, codes.tolist(), unknown=width - 1 if shared else -1)
        same = graph.op("Equal", code, graph.constant(np.arange(width)[None, :], "int64"))
        found.append(graph.cast(same, "float64"))
    return graph.beside(found)


def _ordinal(graph: Graph, step: OrdinalEncoder, block: Block) -> str:
    _refuse_numbers(step, block)
    if step.handle_unknown != "use_encoded_value":
        raise NotExportableError("OrdinalEncoder that refuses unknown values")
    found = []
    for column, categories in zip(block.parts, step.categories_, strict=True):
        codes = np.arange(len(categories), dtype=float)
        codes[[one is None or one != one for one in categories]] = step.encoded_missing_value  # noqa: PLR0124  (NaN)
        places = _codes(graph, column, categories, list(range(len(codes))), unknown=len(codes))
        table = graph.constant(np.append(codes, float(step.unknown_value)))
        found.append(graph.op("Gather", table, places, axis=0))
    return graph.beside(found)


def _target_means(graph: Graph, step: TargetEncoder, block: Block) -> str:
    _refuse_numbers(step, block)
    several = len(step.encodings_) // len(step.categories_)
    overall = np.atleast_1d(step.target_mean_)
    found = []
    for place, (column, categories) in enumerate(zip(block.parts, step.categories_, strict=True)):
        means = np.column_stack(step.encodings_[place * several : (place + 1) * several])
        places = _codes(graph, column, categories, list(range(len(categories))), unknown=len(categories))
        table = graph.constant(np.vstack([means, overall[None, :]]))
        flat = graph.op("Reshape", places, graph.constant([-1], "int64"))
        found.append(graph.op("Gather", table, flat, axis=0))
    return graph.beside(found)


def _landmarks(graph: Graph, step: Nystroem, block: Block) -> str:
    if step.kernel != "rbf":
        raise NotExportableError(f"Nystroem with the kernel {step.kernel}")
    points = np.asarray(step.components_)
    gamma = step.gamma if step.gamma is not None else 1.0 / points.shape[1]
    near = graph.nearness(graph.matrix(block), points, gamma)
    return graph.op("MatMul", near, graph.constant(np.asarray(step.normalization_).T))


def _projection(graph: Graph, step: SparseRandomProjection, block: Block) -> str:
    weights = step.components_.toarray() if hasattr(step.components_, "toarray") else step.components_
    return graph.op("MatMul", graph.matrix(block), graph.constant(np.asarray(weights).T))


def _turns(graph: Graph, step: SplineTransformer, block: Block) -> str:
    """Curves that begin again: between two knots each of them is a polynomial of the distance from the first."""
    bends = step.bsplines_
    knots = [one.t[step.degree : -step.degree] for one in bends]
    widths = np.diff(knots[0])
    if step.extrapolation != "periodic" or not all(np.allclose(np.diff(one), widths[0]) for one in knots):
        raise NotExportableError("SplineTransformer whose ends do not meet, or with knots at uneven distances")
    values, pieces, powers = graph.matrix(block), len(widths), np.arange(step.degree + 1)
    inside = (powers + 0.5) / (step.degree + 1)
    grid = (np.arange(pieces)[:, None] + inside).ravel()
    known = step.transform(np.column_stack([one[0] + widths[0] * grid for one in knots]))
    solved = np.linalg.inv(inside[:, None] ** powers)
    found = []
    for place, curves in enumerate(np.split(known, len(knots), axis=1)):
        weights = np.concatenate([solved @ one for one in np.split(curves, pieces)])
        along = graph.op("Gather", values, graph.constant([place], "int64"), axis=1)
        steps = graph.op("Div", graph.op("Sub", along, graph.constant(knots[place][0])), graph.constant(widths[0]))
        turns = graph.op("Floor", graph.op("Div", steps, graph.constant(float(pieces))))
        steps = graph.op("Sub", steps, graph.op("Mul", turns, graph.constant(float(pieces))))
        piece = graph.op("Floor", steps)
        rest = graph.op("Pow", graph.op("Sub", steps, piece), graph.constant(powers[None, :].astype(float)))
        here = graph.cast(graph.op("Equal", piece, graph.constant(np.arange(pieces)[None, :].astype(float))), "float64")
        terms = [
            graph.op("Mul", graph.op("Gather", here, graph.constant([one], "int64"), axis=1), rest)
            for one in range(pieces)
        ]
        found.append(graph.op("MatMul", graph.beside(terms), graph.constant(weights)))
    return graph.beside(found)


def _refuse_numbers(step: Any, block: Block) -> None:
    if not block.text:
        raise NotExportableError(f"{type(step).__name__} on numbers")


_STEPS: dict[type, Callable[[Graph, Any, Block], str]] = {
    SimpleImputer: _impute,
    MissingIndicator: _flag_missing,
    StandardScaler: _scale,
    MinMaxScaler: _stretch,
    FunctionTransformer: _function,
    OneHotEncoder: _one_hot,
    OrdinalEncoder: _ordinal,
    TargetEncoder: _target_means,
    Nystroem: _landmarks,
    SparseRandomProjection: _projection,
    SplineTransformer: _turns,
}
