"""Who does it, for the ledger."""

from __future__ import annotations

import getpass
import platform

__all__ = ["who_acts"]


def who_acts() -> str:
    """User and host of this process."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # no user name in some containers
        user = "unknown user"
    return f"{user}@{platform.node()}"
