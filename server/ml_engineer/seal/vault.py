"""The vault: one folder a deal, in the user's data directory, outside every project.

::

    vault/
    ├── .lock                  one writer at a time
    ├── projects.json          where the projects lie that sealed rows here, and what they predict
    └── deal_0123456789abcdef/
        ├── deal.json          the rule, the key, the fingerprints, the columns that are remembered
        ├── held_out.parquet   the sealed rows as they were read
        ├── entries.parquet    every row's hash and side, and the hashes (32 bits) of its cells
        ├── sketch.parquet     a few cells of each column, enough to tell that a table is another one
        └── ledger.jsonl       the deal's ledger
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import platformdirs
from filelock import FileLock, Timeout
from pydantic import ValidationError

from ml_engineer.errors import SealError
from ml_engineer.seal.cell_tables import CellTable
from ml_engineer.seal.private_files import disk_errors, make_private_folder, replace_bytes
from ml_engineer.vocabulary.split import Deal

__all__ = ["Entries", "Vault"]

_PATIENCE_SECONDS = 120
_PROJECTS = "projects.json"


@dataclass(frozen=True)
class Entries:
    """What the vault remembers of every row of a deal.

    Parameters
    ----------
    row_hashes : numpy.ndarray
        (m,) uint64, with column names.
    held_out : numpy.ndarray
        (m,) bool.
    table : CellTable
        Cells of the remembered columns.
    """

    row_hashes: np.ndarray
    held_out: np.ndarray
    table: CellTable


class Vault:
    """The vault's files.

    Parameters
    ----------
    root : pathlib.Path, optional
        Its folder; by default ``vault`` in the user's data directory.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or platformdirs.user_data_path("ml-engineer", appauthor=False) / "vault"

    def folder(self, deal_id: str) -> Path:
        """Folder of a deal, there or not."""
        return self.root / deal_id

    def ledger(self, deal_id: str) -> Path:
        """Ledger of a deal."""
        return self.folder(deal_id) / "ledger.jsonl"

    def holds(self, deal_id: str) -> bool:
        """Whether the deal is here."""
        return (self.folder(deal_id) / "deal.json").exists()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only writer while the block runs.

        Raises
        ------
        SealError
            If another process does not let go within two minutes, or the folder cannot be written.
        """
        with disk_errors(self.root):
            make_private_folder(self.root)
            lock = FileLock(self.root / ".lock", timeout=_PATIENCE_SECONDS, mode=0o600)
            try:
                lock.acquire()
            except Timeout as error:
                raise SealError(
                    f"Another process keeps the vault {self.root} busy",
                    remedy="Wait for it to end, then call the same verb again",
                ) from error
        try:
            yield
        finally:
            lock.release()

    def deals(self) -> tuple[Deal, ...]:
        """All deals, the latest first."""
        if not self.root.is_dir():
            return ()
        found = [self.load_deal(path.parent.name) for path in self.root.glob("deal_*/deal.json")]
        return tuple(sorted(found, key=lambda deal: (deal.created_at, deal.deal_id), reverse=True))

    def load_deal(self, deal_id: str) -> Deal:
        """One deal.

        Raises
        ------
        SealError
            If the vault does not hold it, or its file was damaged.
        """
        path = self.folder(deal_id) / "deal.json"
        try:
            return Deal.model_validate_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise SealError(
                f"The vault does not hold {deal_id}",
                found=f"there is no {path}",
                remedy="Call frame_problem on the source again: the same rows are dealt again, and looks that the "
                "project's ledger holds stay counted",
            ) from error
        except (OSError, ValidationError, UnicodeDecodeError) as error:
            raise _damaged(path) from error

    def load_entries(self, deal: Deal) -> Entries:
        """Hashes and side of every row of a deal."""
        frame = _read_parquet(self.folder(deal.deal_id) / "entries.parquet")
        cells = [frame[f"c{place}"].to_numpy() for place in range(len(deal.columns))]
        return Entries(
            row_hashes=frame["row"].to_numpy(),
            held_out=frame["held_out"].to_numpy(),
            table=CellTable(columns=deal.columns, cells=cells, rows=len(frame)),
        )

    def load_sides(self, deal_id: str) -> tuple[np.ndarray, np.ndarray]:
        """Hash (m,) uint64 and side (m,) bool, True for held out, of every row of a deal, without its cells."""
        frame = _read_parquet(self.folder(deal_id) / "entries.parquet", columns=["row", "held_out"])
        return frame["row"].to_numpy(), frame["held_out"].to_numpy(dtype=bool)

    def load_sketch(self, deal: Deal) -> list[np.ndarray]:
        """A few cells of each remembered column, each sorted (k,) uint32."""
        frame = _read_parquet(self.folder(deal.deal_id) / "sketch.parquet")
        place, cell = frame["column"].to_numpy(), frame["cell"].to_numpy()
        return [np.sort(cell[place == number]) for number in range(len(deal.columns))]

    def load_held_out(self, deal_id: str) -> pd.DataFrame:
        """The sealed rows; only `open_held_out` may hand them on."""
        return _read_parquet(self.folder(deal_id) / "held_out.parquet")

    def add(self, deal: Deal, entries: Entries, held_out: pd.DataFrame, ledger: bytes) -> None:
        """Put a whole deal in its place at once; call it while `locked`."""
        with disk_errors(self.root):
            building = Path(tempfile.mkdtemp(dir=self.root, prefix=".new-"))
            try:
                with ThreadPoolExecutor(max_workers=1) as pool:
                    writing = pool.submit(_write_entries, deal, entries, building / "entries.parquet")
                    _write_parquet(held_out, building / "held_out.parquet")
                    _write_sketch(entries.table.sketch(), building / "sketch.parquet")
                    writing.result()
                replace_bytes(building / "ledger.jsonl", ledger, private=True)
                replace_bytes(building / "deal.json", _deal_bytes(deal), private=True)
                building.replace(self.folder(deal.deal_id))
            finally:
                shutil.rmtree(building, ignore_errors=True)

    def rewrite_deal(self, deal: Deal) -> None:
        """Replace the description of a deal that is here; call it while `locked`."""
        with disk_errors(self.root):
            replace_bytes(self.folder(deal.deal_id) / "deal.json", _deal_bytes(deal), private=True)

    def projects(self) -> dict[str, dict[str, str]]:
        """Path and target of each project that sealed rows here, by the short hash of the ledger; empty if damaged."""
        try:
            stored = json.loads((self.root / _PROJECTS).read_text(encoding="utf-8"))
            return {str(name): {key: str(place[key]) for key in ("path", "target")} for name, place in stored.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}  # it serves messages alone, and is written again by the next framing

    def remember_project(self, name: str, path: Path, *, target: str) -> None:
        """Note where a project lies; call it while `locked`."""
        known = self.projects()
        place = {"path": str(path), "target": target}
        if known.get(name) != place:
            text = json.dumps(known | {name: place}, indent=2, ensure_ascii=False)
            with disk_errors(self.root):
                replace_bytes(self.root / _PROJECTS, (text + "\n").encode("utf-8", "replace"), private=True)


def _deal_bytes(deal: Deal) -> bytes:
    return (deal.model_dump_json(indent=2) + "\n").encode("utf-8")


def _write_entries(deal: Deal, entries: Entries, path: Path) -> None:
    columns = {"row": entries.row_hashes, "held_out": entries.held_out}
    columns |= {f"c{place}": cells for place, cells in enumerate(entries.table.cells)}
    # A dictionary of cells that hardly repeat costs time and saves nothing, as do the extremes of hashes.
    repeated = [f"c{i}" for i, c in enumerate(deal.columns) if c.distinct_values < deal.rows / 8]
    hashes = pd.DataFrame(columns, copy=False)
    _write_parquet(hashes, path, use_dictionary=repeated, compression="lz4", write_statistics=False)


def _write_sketch(sketch: list[np.ndarray], path: Path) -> None:
    places = np.repeat(np.arange(len(sketch)), [len(cells) for cells in sketch])
    cells = np.concatenate([*sketch, np.zeros(0, dtype="uint32")])
    _write_parquet(pd.DataFrame({"column": places, "cell": cells}), path)


def _write_parquet(frame: pd.DataFrame, path: Path, **options: Any) -> None:
    # Made before it is filled, so that it is never readable for others.
    path.touch(mode=0o600)
    frame.to_parquet(path, **options)


def _read_parquet(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    import pyarrow as pa

    try:
        return pd.read_parquet(path, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> SealError:
    return SealError(
        f"The vault's file {path} cannot be read",
        found="it is damaged, missing or not yours",
        remedy="Put it back from a backup. If there is none, move its folder away and call frame_problem on the "
        "source again: looks that the project's ledger holds stay counted",
    )
