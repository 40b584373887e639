"""Writes an unfitted estimator down as the Python source that a person would write for it.

Parameters at their defaults are left out. What cannot be written down faithfully (a lambda, a class
of the user's own, a fitted part) is refused with the reason, as a value: `NotWritable`.
"""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import keyword
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ml_engineer.modelling.foundation import FOUNDATION_MODEL, FoundationClassifier, FoundationRegressor, OwnWeights
from ml_engineer.modelling.layout import Atom, Bracket, Node, flat, quoted, render
from ml_engineer.modelling.text_vectors import TEXT_MODEL, TextVectors

__all__ = [
    "ALLOWED_PACKAGES",
    "NotWritable",
    "SourceCode",
    "build_from_source",
    "merged_imports",
    "same_estimator",
    "write_source",
]

ALLOWED_PACKAGES = ("catboost", "lightgbm", "numpy", "pandas", "sklearn", "xgboost")
"""champion.py imports from these only."""

# `np.ravel` and its like are of a type without a public name.
_FUNCTIONS = (FunctionType, BuiltinFunctionType, np.ufunc, type(np.ravel))
_LONG = 50
"""Steps with more characters than this get a line of their own."""
_RESERVED = frozenset({"build_model", "np", *dir(builtins)})


@dataclass(frozen=True)
class SourceCode:
    """Statements that build an estimator, and the imports they need.

    Parameters
    ----------
    imports : tuple of str
        Import lines, in the formatter's order.
    parts : tuple of (str, Node)
        Larger parts of the estimator and the local names they get, in order.
    expression : Node
        The estimator itself; names the parts.
    class_name : str
        Its class.
    text_model : str
        Folder of the text model that it names by `TEXT_MODEL`; then it needs the class `TextVectors` too. Empty if none.
    foundation_model, foundation_class : str
        File of weights that it names by `FOUNDATION_MODEL`, and the class that reads them, which it needs too. Empty if none.
    """

    imports: tuple[str, ...]
    parts: tuple[tuple[str, Node], ...]
    expression: Node
    class_name: str
    text_model: str = ""
    foundation_model: str = ""
    foundation_class: str = ""

    def body(self, *, indent: int = 4, comment: str = "") -> str:
        """Lines of a function that returns the estimator; `comment` lines stand before the last statement."""
        space = " " * indent
        lines = [f"{space}{name} = {render(node, indent=indent, before=f'{name} = ')}" for name, node in self.parts]
        lines += [comment] if comment else []
        return "\n".join([*lines, f"{space}return {render(self.expression, indent=indent, before='return ')}"])


@dataclass(frozen=True)
class NotWritable:
    """Why an estimator cannot be written down."""

    reason: str


class _RefusedError(Exception):
    """Carries the reason up to `write_source`."""


def write_source(
    estimator: BaseEstimator, *, constants: Mapping[str, Sequence[str]] | None = None
) -> SourceCode | NotWritable:
    """Write `estimator` down.

    Parameters
    ----------
    estimator : sklearn.base.BaseEstimator
        Unfitted; pipelines, column transformers, stacks and the like may be nested.
    constants : mapping of str to sequence of str, optional
        Column lists that the source may name instead of repeating them.

    Returns
    -------
    SourceCode or NotWritable
        The source is run once and compared, so that it is known to build the same estimator.
    """
    writer = _Writer({name: list(columns) for name, columns in (constants or {}).items()})
    try:
        expression = writer.write(estimator)
    except _RefusedError as refusal:
        return NotWritable(str(refusal))
    code = SourceCode(
        writer.import_lines(),
        tuple(writer.parts),
        expression,
        type(estimator).__name__,
        writer.text_model,
        writer.foundation_model,
        writer.foundation_class,
    )
    try:
        built = build_from_source(code, constants=constants)
    except Exception as error:  # noqa: BLE001  (classes of anybody's raise anything, and the answer is the same)
        return NotWritable(f"its source does not run ({type(error).__name__})")
    if not same_estimator(estimator, built):
        return NotWritable("its source would build something else")
    return code


def merged_imports(*several: Sequence[str]) -> tuple[str, ...]:
    """Import lines of several sources as those of one."""
    imported: dict[str, set[str]] = {}
    numpy = False
    for node in ast.parse("\n".join(line for lines in several for line in lines)).body:
        if isinstance(node, ast.ImportFrom):
            imported.setdefault(str(node.module), set()).update(alias.name for alias in node.names)
        else:
            numpy = True
    return _import_lines(imported, numpy=numpy)


def _import_lines(imported: Mapping[str, set[str]], *, numpy: bool) -> tuple[str, ...]:
    """Imports as the formatter orders them."""
    lines = ["import numpy as np"] if numpy else []
    for module in sorted(imported):
        names = sorted(imported[module], key=_isort_key)
        line = f"from {module} import {', '.join(names)}"
        if len(line) > 120:
            line = f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"
        lines.append(line)
    return tuple(lines)


def build_from_source(code: SourceCode, *, constants: Mapping[str, Sequence[str]] | None = None) -> BaseEstimator:
    """Run the source and give the estimator that it builds."""
    names: dict[str, Any] = {name: list(columns) for name, columns in (constants or {}).items()}
    if code.text_model:
        names |= {TextVectors.__name__: TextVectors, TEXT_MODEL: code.text_model}
    if code.foundation_model:
        names |= {kind.__name__: kind for kind in (FoundationClassifier, FoundationRegressor)}
        names[FOUNDATION_MODEL] = code.foundation_model
    text = "\n".join([*code.imports, "def build_model():", code.body()])
    # The text is our own: every name and value of the user's stands in it as a literal.
    exec(compile(text, "<champion.py>", "exec"), names)  # noqa: S102  (text that we just wrote)
    return names["build_model"]()


@dataclass
class _Writer:
    """One walk over an estimator; collects the imports on its way."""

    constants: Mapping[str, list[str]]
    imported: dict[str, set[str]] = field(default_factory=dict)
    parts: list[tuple[str, Node]] = field(default_factory=list)
    numpy: bool = False
    text_model: str = ""
    foundation_model: str = ""
    foundation_class: str = ""

    def import_lines(self) -> tuple[str, ...]:
        return _import_lines(self.imported, numpy=self.numpy)

    def write(self, value: Any) -> Node:
        return next(write for kind, write in _WRITERS if isinstance(value, kind))(self, value)

    def _estimator(self, estimator: BaseEstimator) -> Node:
        kind = type(estimator)
        name = self._import(kind, kind.__name__)
        parameters = estimator.get_params(deep=False)
        _refuse_changed(estimator, parameters)
        items = [
            (f"{name}=", self.write(value)) for name, value in parameters.items() if not _is_default(kind, name, value)
        ]
        node: Node = Bracket(f"{name}(", tuple(_in_signature_order(kind, items)), ")")
        output = getattr(estimator, "_sklearn_output_config", {}).get("transform")
        return node if output is None else Bracket("", ((("", node)),), f".set_output(transform={quoted(output)})")

    def _text_vectors(self, step: TextVectors) -> Node:
        """The one class of ours: champion.py defines it, and names the model's folder where it lies by then."""
        _refuse_changed(step, step.get_params(deep=False))
        if self.text_model not in {"", str(step.folder)}:
            raise _RefusedError("it reads texts by two different models")
        self.text_model = str(step.folder)
        self.numpy = True
        self.imported.setdefault("sklearn.base", set()).update({"BaseEstimator", "TransformerMixin"})
        return Bracket(f"{TextVectors.__name__}(", (("folder=", Atom(TEXT_MODEL)),), ")")

    def _own_weights(self, model: OwnWeights) -> Node:
        """A foundation model: champion.py defines its class, and names the file of weights where it lies by then."""
        name, parameters = type(model).__name__, model.get_params(deep=False)
        _refuse_changed(model, parameters)
        if self.foundation_model not in {"", str(model.weights)}:
            raise _RefusedError("it has the weights of two foundation models")
        self.foundation_model, self.foundation_class = str(parameters.pop("weights")), name
        self.numpy = True
        mixin = "ClassifierMixin" if isinstance(model, FoundationClassifier) else "RegressorMixin"
        self.imported.setdefault("sklearn.base", set()).update({"BaseEstimator", mixin})
        others = [
            (f"{key}=", self.write(value))
            for key, value in parameters.items()
            if not _is_default(type(model), key, value)
        ]
        return Bracket(f"{name}(", (("weights=", Atom(FOUNDATION_MODEL)), *others), ")")

    def _function(self, function: Callable[..., Any]) -> Node:
        return Atom(self._import(function, function.__name__))

    def _class(self, kind: type) -> Node:
        if kind in {int, float, bool, str, object}:
            return Atom(kind.__name__)
        return Atom(self._import(kind, kind.__name__))

    def _import(self, thing: Any, name: str) -> str:
        """Import `thing` from the most public module that has it, and give the name to call it by."""
        parts = str(getattr(thing, "__module__", None) or "").split(".")
        if parts[0] not in ALLOWED_PACKAGES:
            where = parts[0] or "nowhere"
            if where.startswith("ml_engineer_project_"):  # the name under which a project's own file was loaded
                where = f"{where.removeprefix('ml_engineer_project_')}.py"
            raise _RefusedError(f"{name} comes from {where}, which champion.py does not import")
        for length in range(1, len(parts) + 1):
            module = ".".join(parts[:length])
            # scikit-learn's home of a class is its subpackage, so the bare package is never the answer there.
            if (module != "sklearn" or length == len(parts)) and getattr(import_module(module), name, None) is thing:
                if module == "numpy":
                    self.numpy = True
                    return f"np.{name}"
                self.imported.setdefault(module, set()).add(name)
                return name
        raise _RefusedError(f"{name} cannot be imported by its name")

    def _list(self, values: list[Any]) -> Node:
        for name, columns in self.constants.items():
            if values == columns:
                return Atom(name)
        return Bracket("[", tuple(("", self.write(value)) for value in values), "]")

    def _tuple(self, values: tuple[Any, ...]) -> Node:
        nodes = [self.write(value) for value in values]
        if len(values) > 1 and isinstance(values[0], str) and isinstance(values[1], BaseEstimator):
            nodes[1] = self._named_part(values[0], nodes[1])
        return Bracket("(", tuple(("", node) for node in nodes), ")", is_tuple=True)

    def _named_part(self, name: str, node: Node) -> Node:
        """Give a long step of a pipeline a line of its own under the step's name, as a person would."""
        # Classes begin with a capital, so a name in small letters hides none of them.
        fit = name.isidentifier() and name == name.lower() and not keyword.iskeyword(name)
        imported = {known for names in self.imported.values() for known in names}
        if len(flat(node)) <= _LONG or not fit or isinstance(node, Atom) or name in _RESERVED | imported:
            return node
        twin = next((part for part, other in self.parts if other == node), None)
        if twin is not None:
            return Atom(twin)  # meta-estimators clone their parts, so one may stand in two places
        taken = {part for part, _ in self.parts} | set(self.constants) | _RESERVED | imported
        free = next(one for one in (name, *(f"{name}_{number}" for number in range(2, 1000))) if one not in taken)
        self.parts.append((free, node))
        return Atom(free)

    def _dict(self, values: dict[Any, Any]) -> Node:
        items = tuple((f"{render(self.write(key))}: ", self.write(value)) for key, value in values.items())
        return Bracket("{", items, "}")

    def _array(self, array: np.ndarray) -> Node:
        if array.dtype.hasobject or array.size > 1000:
            raise _RefusedError(f"an array of {array.size} values of type {array.dtype} is too much for source code")
        self.numpy = True
        items = (("", self.write(array.tolist())), ("dtype=", Atom(quoted(str(array.dtype)))))
        return Bracket("np.array(", items, ")")

    def _plain(self, number: Any) -> Node:
        plain = number.item() if isinstance(number, np.generic) else number
        if isinstance(plain, float) and not math.isfinite(plain):
            self.numpy = True
            return Atom("np.nan" if math.isnan(plain) else "np.inf" if plain > 0 else "-np.inf")
        if not isinstance(plain, bool | int | float | str):
            raise _RefusedError(f"a value of type {type(number).__name__} has no source of its own")
        return Atom(quoted(plain) if isinstance(plain, str) else repr(plain))

    def _slice(self, value: slice) -> Node:
        return Atom(f"slice({value.start!r}, {value.stop!r}, {value.step!r})")

    def _object(self, value: Any) -> Node:
        """A cross-validation splitter, kernel or the like: an object of a public class whose arguments are its state."""
        kind = type(value)
        state = _state(value)
        name = self._import(kind, kind.__name__)
        items = [(f"{key}=", self.write(item)) for key, item in state.items() if not _is_default(kind, key, item)]
        return Bracket(f"{name}(", tuple(_in_signature_order(kind, items)), ")")


# Order matters: a bool is an int, and everything is an object.
_WRITERS: tuple[tuple[Any, Callable[[_Writer, Any], Node]], ...] = (
    (type(None), lambda _, __: Atom("None")),
    ((bool, int, float, str, np.generic), _Writer._plain),
    (list, _Writer._list),
    (tuple, _Writer._tuple),
    (dict, _Writer._dict),
    (np.ndarray, _Writer._array),
    (type, _Writer._class),
    (slice, _Writer._slice),
    (_FUNCTIONS, _Writer._function),
    (TextVectors, _Writer._text_vectors),
    (OwnWeights, _Writer._own_weights),
    (BaseEstimator, _Writer._estimator),
    (object, _Writer._object),
)


def _arguments(value: Any) -> dict[str, Any]:
    """Constructor arguments of an object that keeps each under its own name."""
    kind = type(value)
    try:
        names = [name for name in inspect.signature(kind).parameters if name not in {"args", "kwargs"}]
    except ValueError as error:
        raise _RefusedError(f"an object of class {kind.__name__} has no source of its own") from error
    # A random generator has a state that its arguments do not tell, so only objects of our packages' own shape pass.
    missing = [name for name in names if not hasattr(value, name)]
    if missing or isinstance(value, np.random.RandomState | np.random.Generator):
        raise _RefusedError(f"an object of class {kind.__name__} has no source of its own")
    return {name: getattr(value, name) for name in names}


def _refuse_changed(estimator: BaseEstimator, parameters: Mapping[str, Any]) -> None:
    """Refuse an estimator whose state is more than its parameters: fitted, or with routed metadata."""
    kind = type(estimator)
    try:
        fresh = kind(**parameters)
    except Exception as error:
        raise _RefusedError(f"{kind.__name__} cannot be built from its parameters ({type(error).__name__})") from error
    more = set(vars(estimator)) - set(vars(fresh)) - {"_sklearn_output_config"}
    if more:
        raise _RefusedError(f"{kind.__name__} holds more than its parameters ({', '.join(sorted(more)[:3])})")


def _is_default(kind: type, name: str, value: Any) -> bool:
    parameter = inspect.signature(kind).parameters.get(name)
    if parameter is not None and parameter.default is not inspect.Parameter.empty:
        default = parameter.default
    elif name in _unnamed_defaults(kind):
        default = _unnamed_defaults(kind)[name]
    else:
        return False
    if type(value) is not type(default):
        return False
    if isinstance(value, float) and math.isnan(value):
        return math.isnan(default)
    return value is default or (isinstance(value, bool | int | float | str | tuple) and value == default)


@functools.cache
def _unnamed_defaults(kind: type) -> dict[str, Any]:
    """Parameters that a class takes without naming them in its signature, as XGBoost's do, and what they are."""
    takes_any = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in inspect.signature(kind).parameters.values())
    if not takes_any or not issubclass(kind, BaseEstimator):
        return {}
    try:
        return dict(kind().get_params(deep=False))
    except TypeError:  # it cannot be made without arguments
        return {}


def _in_signature_order(kind: type, items: list[tuple[str, Node]]) -> list[tuple[str, Node]]:
    order = {f"{name}=": place for place, name in enumerate(inspect.signature(kind).parameters)}
    return sorted(items, key=lambda item: order.get(item[0], len(order)))


def _isort_key(name: str) -> tuple[int, str]:
    rank = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    return rank, name.lower()


def same_estimator(first: Any, second: Any) -> bool:
    """Whether two unfitted estimators (or parameter values) are equal, all the way down."""
    return bool(_picture(first) == _picture(second))


def _picture(value: Any) -> object:
    """Plain nested values that are equal exactly if what they picture is."""
    plain = value.item() if isinstance(value, np.generic) else value
    picture: object = plain
    if isinstance(plain, float):
        picture = repr(plain)  # a NaN equals no NaN, its text does
    elif isinstance(plain, list | tuple):
        picture = (type(plain), [_picture(item) for item in plain])
    elif isinstance(plain, dict):
        picture = {key: _picture(item) for key, item in plain.items()}
    elif isinstance(plain, np.ndarray):
        picture = (str(plain.dtype), plain.tolist())
    elif plain is not None and not isinstance(plain, (bool, int, str, slice, type, *_FUNCTIONS)):
        output = getattr(plain, "_sklearn_output_config", None)
        picture = (type(plain), output, _picture(_state(plain)))
    return picture


def _state(value: Any) -> dict[str, Any]:
    return value.get_params(deep=False) if hasattr(value, "get_params") else _arguments(value)
