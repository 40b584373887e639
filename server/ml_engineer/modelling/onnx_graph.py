"""A graph of ONNX operators under construction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ML_DOMAIN", "OPSETS", "Block", "Graph", "NotExportableError"]

ML_DOMAIN = "ai.onnx.ml"
OPSETS = {"": 17, ML_DOMAIN: 3}


class NotExportableError(Exception):
    """A part of the model that ONNX operators cannot express, in words."""


@dataclass(frozen=True)
class Block:
    """Some columns of all rows.

    Parameters
    ----------
    parts : tuple of str
        Values of shape (n, 1), or one of shape (n, k).
    text : bool
        Whether they are strings, with an empty one for missing; else 64-bit floats, with NaN for missing.
    """

    parts: tuple[str, ...]
    text: bool = False


@dataclass
class Graph:
    """Operators, constants and inputs so far."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    _names: int = 0

    def name(self, kind: str) -> str:
        """A name that is not in use."""
        self._names += 1
        return f"{kind.lower()}_{self._names}"

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add an operator with one output, whose name is given back."""
        from onnx import helper

        output = self.name(kind)
        self.nodes.append(helper.make_node(kind, list(inputs), [output], domain=domain, **attributes))
        return output

    def constant(self, values: npt.ArrayLike, dtype: str = "float64") -> str:
        """Add a constant."""
        from onnx import numpy_helper

        name = self.name("constant")
        array = np.asarray(values)
        texts = array.dtype.kind in "OU"
        array = array.astype(object) if texts else np.array(array, dtype=dtype)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def cast(self, value: str, dtype: str) -> str:
        """The same values as another type of numbers."""
        from onnx import TensorProto

        return self.op("Cast", value, to={"float64": TensorProto.DOUBLE, "float32": TensorProto.FLOAT}[dtype])

    def matrix(self, block: Block) -> str:
        """Numbers side by side, (n, k)."""
        if block.text:
            raise NotExportableError("text where numbers are needed")
        return block.parts[0] if len(block.parts) == 1 else self.op("Concat", *block.parts, axis=1)

    def beside(self, values: list[str]) -> str:
        """Matrices side by side."""
        return values[0] if len(values) == 1 else self.op("Concat", *values, axis=1)

    def nearness(self, values: str, points: npt.NDArray[np.floating], gamma: float) -> str:
        """How near rows (n, d) are to `points` (m, d) by the radial basis function ``exp(-gamma distance^2)``, (n, m)."""
        own = self.op("ReduceSum", self.op("Mul", values, values), self.constant([1], "int64"), keepdims=1)
        theirs = self.constant((points**2).sum(axis=1)[None, :])
        both = self.op("MatMul", values, self.constant(2 * points.T))
        apart = self.op("Max", self.op("Sub", self.op("Add", own, theirs), both), self.constant(0.0))
        return self.op("Exp", self.op("Mul", apart, self.constant(-gamma)))

    def include(self, model: Any, value: str, *, output: str) -> str:
        """Put another graph with one input behind `value`; the name of its `output`."""
        prefix = self.name("part") + "_"
        renamed = {model.graph.input[0].name: value, "": ""}

        def new(name: str) -> str:
            return renamed.setdefault(name, prefix + name)

        for constant in model.graph.initializer:
            constant.name = new(constant.name)
            self.constants.append(constant)
        for node in model.graph.node:
            if node.op_type == "ZipMap":  # a list of dictionaries, made of what we want
                continue
            node.input[:] = [new(name) for name in node.input]
            node.output[:] = [new(name) for name in node.output]
            node.name = self.name(node.op_type)
            self.nodes.append(node)
        return renamed[output]
