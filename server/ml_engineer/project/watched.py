"""Watching what code reaches for: files, addresses, programs. Meant for a process that runs nothing else."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ml_engineer.vocabulary.code_trial import Touched

__all__ = ["Watch"]

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES: Final = frozenset(
    {
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.mkdir",
        "os.link",
        "os.symlink",
        "os.truncate",
        "os.chmod",
        "shutil.rmtree",
    }
)
_PROGRAMS: Final = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.startfile"})
# These read files outside Python, where no audit event tells.
_READERS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("pandas", ("read_parquet", "read_feather", "read_orc")),
    ("pyarrow.parquet", ("read_table", "ParquetFile", "read_pandas")),
    ("pyarrow.dataset", ("dataset",)),
    ("duckdb", ("connect", "sql", "query", "read_csv", "read_parquet", "execute")),
    ("polars", ("read_csv", "read_parquet", "scan_csv", "scan_parquet")),
)
_MOST: Final = 20


class Watch:
    """Notes what is reached for while it is on, and forbids what would change something outside `own`.

    Parameters
    ----------
    own : pathlib.Path
        Folder in which everything is allowed.
    root : pathlib.Path
        The project; its Python files may be read.
    guarded : sequence of pathlib.Path
        Files and folders where rows lie.
    """

    def __init__(self, *, own: Path, root: Path, guarded: Sequence[Path]) -> None:
        self.touched: list[Touched] = []
        self._own, self._root = own.resolve(), root.resolve()
        self._guarded = [path.resolve() for path in guarded]
        self._libraries = [
            Path(place).resolve() for place in {sys.prefix, sys.base_prefix, "/usr", "/etc", "/proc", "/sys", "/dev"}
        ]
        self._on = False
        # An audit hook cannot be taken off again, which is why this wants a process of its own.
        sys.addaudithook(self._heard)

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        """Watch for a while."""
        self._wrap_readers()
        self._on = True
        try:
            yield
        finally:
            self._on = False

    def _heard(self, event: str, details: tuple[Any, ...]) -> None:
        if not self._on:
            return
        self._on = False  # what is done here is not the code's doing
        try:
            self._judge(event, details)
        finally:
            self._on = True

    def _judge(self, event: str, details: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = details
            writes = bool(flags & _WRITING) if isinstance(flags, int) else isinstance(mode, str) and mode[:1] in "wax"
            self._file(path, writes=writes)
        elif event in _CHANGES:
            self._file(details[0], writes=True)
        elif event == "sqlite3.connect":
            self._file(details[0], writes=False)
        elif event in _PROGRAMS:
            self._note("started", str(details[0])[:200])
        elif event == "socket.connect":
            self._note("connected", str(details[1])[:200])
            raise PermissionError("features and candidates are tried without a network")

    def _file(self, path: object, *, writes: bool) -> None:
        if not isinstance(path, (str, bytes, os.PathLike)):
            return  # a descriptor that is open already
        place = Path(os.fsdecode(path)).absolute()
        place = place.resolve() if place.parent.exists() else place
        if place.is_relative_to(self._own) or str(place) == os.devnull:
            return
        if writes:
            self._note("wrote", str(place), guarded=self._is_guarded(place))
            raise PermissionError(f"features and candidates are tried without writing: {place.name}")
        code = place.suffix in (".py", ".pyc", ".so", ".pyd") or place.is_dir()
        if self._is_guarded(place) or not (code or any(place.is_relative_to(library) for library in self._libraries)):
            self._note("read", str(place), guarded=self._is_guarded(place))

    def _is_guarded(self, place: Path) -> bool:
        if place.suffix in (".py", ".pyc") and place.is_relative_to(self._root):
            return False
        return any(place == path or place.is_relative_to(path) for path in self._guarded)

    def _note(self, what: Any, where: str, *, guarded: bool = False) -> None:
        file, line = self._by_whom()
        seen = Touched(what=what, where=where, guarded=guarded, file=file, line=line)
        if seen not in self.touched and len(self.touched) < _MOST:
            self.touched.append(seen)

    def _by_whom(self) -> tuple[str, int | None]:
        """The innermost line of the project's code that is being run."""
        for frame in reversed(traceback.extract_stack()):
            path = Path(frame.filename)
            if path.is_absolute() and path.is_relative_to(self._root):
                return path.relative_to(self._root).as_posix(), frame.lineno
        return "", None

    def _wrap_readers(self) -> None:
        for module_name, names in _READERS:
            if module_name.split(".")[0] not in sys.modules:
                continue
            module = importlib.import_module(module_name)
            for name in names:
                function = getattr(module, name, None)
                if function is not None and not hasattr(function, "_watched"):
                    setattr(module, name, self._watched(function))

    def _watched(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function, updated=())
        def call(*args: Any, **kwargs: Any) -> Any:
            for value in (*args[:1], *kwargs.values()):
                if self._on and isinstance(value, (str, os.PathLike)):
                    self._on = False
                    try:
                        self._file(value, writes=False)
                    finally:
                        self._on = True
            return function(*args, **kwargs)

        call._watched = True  # type: ignore[attr-defined]  # a mark, so that nothing is wrapped twice
        return call
