"""Runs features.py and candidates.py of a project: fresh each time, nothing left behind, errors that name the line."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ml_engineer.errors import MlEngineerError, UserCodeError
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.patience import OutOfPatienceError, at_most

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load_candidates", "load_champion_builder", "load_features"]

BuildFeatures = Callable[["pd.DataFrame"], "pd.DataFrame"]

_SHOWN = 120
_FIRST_ROWS = 50
_PATIENCE_SECONDS = 60.0


def load_features(layout: ProjectLayout, *, kept: Path | None = None) -> BuildFeatures:
    """``build_features`` of the project's features.py, guarded; or of a text `kept` elsewhere that stood in its place.

    The returned function gives a frame with the same index, unique names, and numbers, booleans or strings only;
    otherwise, and if the code raises, it raises `UserCodeError`.

    Raises
    ------
    UserCodeError
        If the file is missing, does not run, or lacks the function.
    """
    path = layout.features_py
    build = _function(layout, path, "build_features", kept=kept)

    tried = False

    def build_features(rows: pd.DataFrame) -> pd.DataFrame:
        nonlocal tried
        if not tried and len(rows) > _FIRST_ROWS:
            tried = True
            build_features(rows.iloc[:_FIRST_ROWS])
        # How long many rows may take, nobody knows; few must not take long.
        limit = at_most(_PATIENCE_SECONDS) if len(rows) <= _FIRST_ROWS else contextlib.nullcontext()
        with _guarded(layout, path), limit:
            # A copy, because the code may write into what it is given.
            features = build(rows.copy())
        _check_features(features, rows, path)
        return features  # type: ignore[no-any-return]  # the user's code is untyped; it was checked above

    return build_features


def load_candidates(layout: ProjectLayout) -> dict[str, Any]:
    """What ``build_candidates`` of the project's candidates.py returns; empty if there is no such file.

    Raises
    ------
    UserCodeError
        If the file does not run, lacks the function, or gives anything but unfitted estimators by name.
    """
    path = layout.candidates_py
    if not path.exists():
        return {}
    build = _function(layout, path, "build_candidates")
    with _guarded(layout, path):
        candidates = build()
    remedy = "Return a dict of unfitted scikit-learn estimators by name, e.g. {'my_model': make_pipeline(...)}"
    if not isinstance(candidates, dict) or not all(isinstance(name, str) and name for name in candidates):
        raise UserCodeError(
            f"build_candidates in {path} must return a dict with a name for each estimator",
            found=f"it returned {_short(repr(candidates))}",
            remedy=remedy,
        )
    for name, estimator in candidates.items():
        if isinstance(estimator, type) or not hasattr(estimator, "fit") or not hasattr(estimator, "get_params"):
            raise UserCodeError(
                f"Candidate {_short(repr(name))} in {path} is no scikit-learn estimator",
                found=_short(repr(estimator)),
                remedy=remedy,
            )
    return candidates


def load_champion_builder(layout: ProjectLayout) -> Callable[..., Any]:
    """``build_model`` of champion.py, guarded: it gives the unfitted champion, calibrated for a fold if one is passed.

    Raises
    ------
    UserCodeError
        If the file is missing, does not run, or lacks the function.
    """
    path = layout.champion_py
    build = _function(layout, path, "build_model")

    def build_model(*fold: int) -> Any:
        with _guarded(layout, path):
            return build(*fold)

    return build_model


def _check_features(features: Any, rows: pd.DataFrame, path: Path) -> None:
    import pandas as pd

    def refuse(problem: str, found: str, remedy: str) -> UserCodeError:
        return UserCodeError(f"build_features in {path} {problem}", found=found, remedy=remedy)

    if not isinstance(features, pd.DataFrame):
        raise refuse("must return a pandas DataFrame", f"it returned {type(features).__name__}", "Return a frame")
    if not features.index.equals(rows.index):
        raise refuse(
            "must keep the rows and their index",
            f"{len(rows)} rows came in, {len(features)} came out or in another order",
            "Do not drop, add, sort or renumber rows",
        )
    names = list(features.columns)
    if not names:
        raise refuse("returns no column", "the frame is empty", "Return at least one column")
    odd = [name for name in names if not isinstance(name, str) or not name]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1] if len(set(names)) < len(names) else []
    if odd or twice:
        raise refuse(
            "must give every column a name of its own",
            f"{_short(repr((odd or twice)[0]))} {'is no name' if odd else 'occurs twice'}",
            "Use different, non-empty texts as column names",
        )
    for name in names:
        _check_column(features[name], refuse)


def _check_column(column: pd.Series, refuse: Callable[[str, str, str], UserCodeError]) -> None:
    import numpy as np
    from pandas.api.types import is_string_dtype

    name = _short(repr(column.name))
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
        infinite = int(np.isinf(column.to_numpy()).sum()) if column.dtype.kind == "f" else 0
        if infinite:
            raise refuse(
                "returns infinite values",
                f"column {name} has {infinite}",
                "Replace them, e.g. features.replace([np.inf, -np.inf], np.nan)",
            )
        return
    if column.dtype == object or not is_string_dtype(column.dtype):
        raise refuse(
            "returns a column that models cannot take",
            f"column {name} has dtype {column.dtype}",
            'Convert it: numbers and booleans to int64, float64 or bool, words with .astype("str"), '
            "dates to parts such as .dt.dayofweek, nullable numbers to float64",
        )


def _function(layout: ProjectLayout, path: Path, name: str, *, kept: Path | None = None) -> Callable[..., Any]:
    """Run a file, or a text `kept` elsewhere in its place, as a fresh module and give one of its functions."""
    try:
        source = (kept or path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserCodeError(f"There is no {path}", remedy="Call scaffold_project, or restore the file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserCodeError(f"{path} cannot be read", found=_short(str(error)), remedy="Save it as UTF-8") from error
    # Classes defined in the file are found by this name when a model that uses them is saved.
    module = ModuleType(f"ml_engineer_project_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    with _guarded(layout, path), at_most(_PATIENCE_SECONDS):
        exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102  (the project's own code is run on purpose)
    function = getattr(module, name, None)
    if not callable(function):
        raise UserCodeError(
            f"{path} has no function {name}", remedy=f"Define {name}() in it, as the scaffolded file did"
        )
    return function  # type: ignore[no-any-return]  # callable, as was just checked


@contextlib.contextmanager
def _guarded(layout: ProjectLayout, path: Path) -> Iterator[None]:
    """Run the user's code: its folder importable, its prints on stderr, its errors told with file and line."""
    folders = [str(path.parent), str(layout.root)]
    known, wrote_bytecode = set(sys.modules), sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    sys.path[:0] = folders
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except MlEngineerError:
        raise
    except OutOfPatienceError as error:
        raise UserCodeError(
            f"{path} did not end within {_PATIENCE_SECONDS:.0f} seconds on a few rows{_line(error, path)}",
            remedy="Look for a loop without an end, or for work that belongs elsewhere",
        ) from error
    except (Exception, SystemExit) as error:
        raise UserCodeError(
            f"{path} raised {type(error).__name__}{_line(error, path)}",
            found=_short(" ".join(str(error).split())),
            remedy="Correct the file, then call the same verb again",
        ) from error
    finally:
        sys.dont_write_bytecode = wrote_bytecode
        for folder in folders:
            if folder in sys.path:
                sys.path.remove(folder)
        _forget_modules(set(sys.modules) - known, layout.root)


def _forget_modules(names: set[str], root: Path) -> None:
    """Drop those modules that lie in the project, so that another project, or an edited file, is read afresh."""
    inside = f"{root}{os.sep}"
    for name in names:
        module = sys.modules.get(name)
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        if any(str(place).startswith(inside) for place in places):
            del sys.modules[name]


def _line(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f" in line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f" in line {lines[-1]}" if lines else ""


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
