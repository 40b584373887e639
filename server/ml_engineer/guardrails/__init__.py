"""The checks that stand between a table and a number that somebody will believe.

`evidence` is all that is known, handed in; `check` is what a rule is; the families are files
(`data`, `leakage`, `split`, `model`, `fairness`, `readiness`); `registry` lists them; `report` asks
them all and folds the findings into the five guardrails.
"""

from ml_engineer.guardrails.evidence import (
    ChampionFiles,
    ClaimFacts,
    Evidence,
    LedgerFacts,
    RefitFacts,
    ServingFacts,
    TrackingFacts,
)
from ml_engineer.guardrails.registry import CHECKS
from ml_engineer.guardrails.report import (
    NO_TIME,
    assemble_report,
    findings_in_brief,
    in_order_of_weight,
    is_open,
    run_checks,
    waiver_in_words,
)

__all__ = [
    "CHECKS",
    "NO_TIME",
    "ChampionFiles",
    "ClaimFacts",
    "Evidence",
    "LedgerFacts",
    "RefitFacts",
    "ServingFacts",
    "TrackingFacts",
    "assemble_report",
    "findings_in_brief",
    "in_order_of_weight",
    "is_open",
    "run_checks",
    "waiver_in_words",
]
