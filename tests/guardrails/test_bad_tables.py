"""Tables at the edge of sense: everything suspicious, groups of one, very many columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import evidence_of, text
from ml_engineer.guardrails import CHECKS, run_checks
from ml_engineer.vocabulary.guardrails import Finding


def findings_of(evidence: object) -> dict[str, Finding]:
    found = run_checks(evidence, stage="train")
    assert [finding.code for finding in found] == [check.code for check in CHECKS]
    return {finding.code: finding for finding in found}


def test_a_table_whose_every_column_gives_the_target_is_blocked_once_a_check() -> None:
    generator = np.random.default_rng(0)
    yes = generator.random(400) < 0.5
    frame = pd.DataFrame({f"copy_{place}": yes + generator.normal(0, 0.02, 400) for place in range(12)})
    frame["code"] = text(np.where(yes, "K1", "K2"))
    frame["empty when no"] = np.where(yes, 1.0, np.nan)
    frame["y"] = text(np.where(yes, "yes", "no"))
    found = findings_of(evidence_of(frame))
    assert found["LEA007"].blocks
    assert found["LEA002"].columns == ("empty when no",)
    assert all(len(finding.model_dump_json()) < 20_000 for finding in found.values())


def test_a_thousand_groups_of_one_row_are_no_groups() -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"case": [f"C{number}" for number in range(1000)], "x": generator.normal(size=1000)})
    frame["case"] = frame["case"].astype("str")
    frame["y"] = text(np.where(frame["x"] + generator.normal(size=1000) > 0, "yes", "no"))
    found = findings_of(evidence_of(frame, columns={"case": {"role": "identifier", "used": False}}))
    assert {found[code].outcome for code in ("SPL002", "LEA014", "SPL009")} == {"passed"}
    assert found["SPL011"].outcome == "not_applicable"


@pytest.mark.full
def test_ten_thousand_columns_are_all_looked_at() -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(120, 10_000)), columns=[f"x{place}" for place in range(10_000)])
    frame["made"] = (frame["x0"] > 0).map({True: 7, False: 3})
    frame["y"] = text(np.where(frame["x0"] > 0, "yes", "no"))
    found = findings_of(evidence_of(frame))
    assert found["LEA007"].columns == ("made",)
    assert [code for code, finding in found.items() if finding.blocks and "made" not in finding.columns] == []
