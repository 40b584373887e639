"""Every check, in the order of the report. A check that is not listed here does not exist."""

from __future__ import annotations

from typing import Final

from ml_engineer.guardrails import data, leakage
from ml_engineer.guardrails.check import Check

__all__ = ["CHECKS"]

CHECKS: Final[tuple[Check, ...]] = (
    data.DAT001(),
    data.DAT002(),
    data.DAT003(),
    data.DAT004(),
    data.DAT005(),
    data.DAT006(),
    data.DAT007(),
    data.DAT008(),
    data.DAT009(),
    data.DAT010(),
    data.DAT011(),
    leakage.LEA001(),
)
