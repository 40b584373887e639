"""Which assistants on this machine are set up to use us. Their files are read, never written."""

from __future__ import annotations

import json
import sys
from pathlib import Path

__all__ = ["configured_clients"]


def configured_clients(home: Path, project: Path) -> tuple[str, ...]:
    """Names of the clients whose configuration names our server.

    Parameters
    ----------
    home : pathlib.Path
        The user's home folder.
    project : pathlib.Path
        The folder the user works in; some clients keep their servers there.
    """
    return tuple(dict.fromkeys(name for name, path in _configuration_files(home, project) if _names_us(path)))


def _configuration_files(home: Path, project: Path) -> tuple[tuple[str, Path], ...]:
    if sys.platform == "darwin":
        support = home / "Library" / "Application Support"
    elif sys.platform == "win32":
        support = home / "AppData" / "Roaming"
    else:
        support = home / ".config"
    return (
        ("Claude Code", home / ".claude.json"),
        ("Claude Code", project / ".mcp.json"),
        ("Claude Code (plugin)", home / ".claude" / "plugins" / "installed_plugins.json"),
        ("Claude Desktop", support / "Claude" / "claude_desktop_config.json"),
        ("Cursor", home / ".cursor" / "mcp.json"),
        ("Cursor", project / ".cursor" / "mcp.json"),
        ("VS Code", project / ".vscode" / "mcp.json"),
        ("VS Code", support / "Code" / "User" / "mcp.json"),
    )


def _names_us(path: Path) -> bool:
    """Whether 'ml-engineer' is a key or a command somewhere in a JSON file; a broken file names nobody."""
    try:
        return _mentions(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return False


def _mentions(value: object) -> bool:
    if isinstance(value, dict):
        return any(_is_us(str(key)) or _mentions(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(_mentions(inner) for inner in value)
    return isinstance(value, str) and Path(value).name == "ml-engineer"


def _is_us(key: str) -> bool:
    return key == "ml-engineer" or key.startswith("ml-engineer@")
