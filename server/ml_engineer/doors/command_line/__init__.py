"""The door for people at a terminal: ``ml-engineer``.

`commands` holds the commands; this page only decides who answers, so that neither ``mcp`` nor ``--help`` loads what it does not need.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the status that `exit_codes` lists."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["mcp"]:
        _serve_quickly()
        return
    from ml_engineer.doors.command_line.commands import run_commands

    sys.exit(run_commands(given))


def _serve_quickly() -> None:
    """Serve as hosts ask for it, many times a day: without loading the other commands first."""
    # The collector, which would find no garbage among thousands of new classes, rests until the server is up.
    gc.disable()
    from ml_engineer.doors.mcp.server import serve
    from ml_engineer.errors import MlEngineerError

    try:
        serve()
    except MlEngineerError as error:
        sys.exit(f"ml-engineer mcp: {error}")
