"""Which columns name things with several rows each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from guardrails.factories import a_table, ask, evidence_of, text
from ml_engineer.guardrails.split import SPL002


def devices(*, alike: bool, rows: int = 600, noise: float = 0.05) -> pd.DataFrame:
    """Six readings a device; a device's readings resemble each other, or are as different as any."""
    generator = np.random.default_rng(0)
    device = np.arange(rows) // 6
    size, speed = (generator.normal(size=rows)[device if alike else np.arange(rows)] for _ in range(2))
    broken = generator.integers(0, 2, rows)[device]
    return pd.DataFrame(
        {
            "device": text([f"D{number}" for number in device]),
            "size": size + noise * generator.normal(size=rows),
            "speed": speed + noise * generator.normal(size=rows),
            "y": text(np.where(broken, "yes", "no")),
        }
    )


def test_a_category_whose_rows_are_of_one_thing_is_a_key() -> None:
    evidence = evidence_of(devices(alike=True))
    assert evidence.keys == ("device",)
    finding = ask(SPL002(), evidence, stage="train")
    assert finding.blocks
    assert finding.columns == ("device",)


def test_a_category_whose_rows_only_share_an_outcome_is_none() -> None:
    evidence = evidence_of(devices(alike=False))
    assert evidence.keys == ()
    assert ask(SPL002(), evidence).outcome == "passed"


def test_identifiers_and_groups_are_keys_by_their_role() -> None:
    frame = a_table().assign(customer=np.arange(400) // 2, shop=np.arange(400) // 40)
    roles = {"customer": {"role": "identifier"}, "shop": {"role": "group"}}
    assert evidence_of(frame, columns=roles).keys == ("customer", "shop")


def test_a_category_whose_rows_are_related_is_asked_about() -> None:
    finding = ask(SPL002(), evidence_of(devices(alike=True, noise=0.6)), stage="train")
    assert (finding.outcome, finding.blocks, finding.columns) == ("question", False, ("device",))
