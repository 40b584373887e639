"""The page of the docs that shows every verb at every door, made from the tables in the code.

Write it anew with ``python -m ml_engineer.doors.overview > docs/doors.md``.
"""

from __future__ import annotations

import inspect
import sys

from ml_engineer.doors import python
from ml_engineer.doors.command_line.exit_codes import MEANING
from ml_engineer.doors.command_line.options import POSITIONAL
from ml_engineer.doors.mcp.server import HIDDEN_VERBS
from ml_engineer.vocabulary.verbs import VERBS, Verb

__all__ = ["doors_page"]

_ANYWHERE = inspect.Parameter.POSITIONAL_OR_KEYWORD

_HEAD = """\
# Every verb at every door

<!-- Made by `python -m ml_engineer.doors.overview`; a test compares it to the code. -->

The three doors hand the same request to the same verb and give the same reply. Arguments have the same names
everywhere; on the command line they are hyphenated (`--budget-seconds`), lists repeat the option or separate
names by commas, and roles are written `--roles 'passenger id=identifier'`.

| Verb | MCP tool | Command line | Python (`import ml_engineer as mle`) |
|---|---|---|---|
"""

_COMPANIONS = (
    ("Look after jobs", "`job_status`", "`ml-engineer jobs`, `ml-engineer jobs show ID`", "`mle.job_status(...)`"),
    ("Cancel a job", "`cancel_job`", "`ml-engineer jobs cancel ID`, Ctrl-C", "`mle.cancel_job(job_id)`"),
    ("Resume a job", "the same call again", "`ml-engineer jobs resume ID`", "`mle.resume_job(job_id)`"),
    ("Free disk", "-", "`ml-engineer clean [--yes]`", "-"),
    ("Examine the installation", "-", "`ml-engineer doctor`", "-"),
    ("Serve assistants", "-", "`ml-engineer mcp [--http PORT]`", "-"),
)

_TAIL = """
Long tools take `wait_seconds` (at most 50): afterwards the reply says `running` with a `job_id`, and the work
goes on. On the command line `--detach` returns at once; in Python `wait_seconds` bounds the wait. `--json`
prints the very reply of the tool on standard output and nothing else, `--record` the stored record.

Through MCP, writing stays in the workspace (`ML_ENGINEER_WORKSPACE`, else the folder the host names, else the
current one), reading outside it is asked for once, and `waive_finding` and `promote` are confirmed by a person:
where the client cannot ask them, the tool answers with the command line that they can run.

Cancelling a training that has a finished candidate ends it with the best so far: the reply is `done`, and its warnings say so. Cancelled
once more before that (a second Ctrl-C), it ends at once; `jobs resume` then goes on without redoing finished fits.

## Exit status of the command line

| Status | Meaning |
|---|---|
"""


def doors_page() -> str:
    """The page as Markdown."""
    rows = [_row(verb) for verb in VERBS.values()]
    rows += [f"| {' | '.join(cells)} |" for cells in _COMPANIONS]
    codes = [f"| {code.value} | {meaning} |" for code, meaning in MEANING.items()]
    return _HEAD + "\n".join(rows) + "\n" + _TAIL + "\n".join(codes) + "\n"


def _row(verb: Verb) -> str:
    tool = "-" if verb.name in HIDDEN_VERBS else f"`{verb.name}`"
    fields = verb.request.model_fields
    required = [name for name, field in fields.items() if field.is_required()]
    parameters = inspect.signature(getattr(python, verb.name)).parameters
    called = [name if parameters[name].kind is _ANYWHERE else f"{name}=..." for name in required]
    places = [name.upper() if name in POSITIONAL else f"--{name.replace('_', '-')} {name.upper()}" for name in required]
    command = " ".join(["ml-engineer", verb.name.replace("_", "-"), *places])
    call = f"mle.{verb.name}({', '.join([*called, '...'])})"
    return f"| {verb.title} | {tool} | `{command}` | `{call}` |"


if __name__ == "__main__":
    sys.stdout.write(doors_page())
