"""The door for people at a terminal: ``ml-engineer``.

`commands` holds the commands; this page only decides who answers, so that neither ``mcp`` nor ``--help`` loads what it does not need.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from contextlib import closing

__all__ = ["VERB_COMMANDS", "main"]

VERB_COMMANDS = frozenset(
    {
        "check-guardrails",
        "evaluate",
        "frame-problem",
        "predict",
        "promote",
        "replay",
        "export",
        "run",
        "scaffold-project",
        "train",
        "verify",
        "waive-finding",
    }
)
"""The commands that need a child; named here, as the table of verbs takes longer to import than to start one."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the status that `exit_codes` lists."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["mcp"]:
        _serve_quickly()
        return
    if given and given[0] in VERB_COMMANDS and not {"--help", "-h"} & set(given):
        sys.exit(_run_verb(given))
    from ml_engineer.doors.command_line.commands import run_commands

    sys.exit(run_commands(given))


def _run_verb(given: list[str]) -> int:
    """Start the child first: it imports what the verb needs while this process reads the options."""
    from ml_engineer.jobs.warm import WarmChild

    with closing(WarmChild(verb=given[0].replace("-", "_"))) as warm:
        warm.prepare()
        from ml_engineer.doors.command_line.commands import run_commands

        return run_commands(given, warm=warm)


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
