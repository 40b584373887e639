"""A table that was dealt before is known again, whatever was done to it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from ml_engineer import seal
from ml_engineer.errors import SealError
from seal.conftest import Project
from seal.tables import simulate

Change = Callable[[pd.DataFrame], pd.DataFrame]


def from_csv(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(frame.to_csv(index=False))).set_axis(frame.index)


def from_parquet(frame: pd.DataFrame) -> pd.DataFrame:
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return pd.read_parquet(stream)


def with_other_cells(frame: pd.DataFrame, share: float) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    changed = frame.copy()
    for name in frame.columns:
        other = pd.Series(rng.permutation(frame[name].to_numpy()), index=frame.index).astype(frame[name].dtype)
        changed[name] = frame[name].mask(rng.random(len(frame)) < share, other)
    return changed


CHANGES: dict[str, Change] = {
    "reordered": lambda frame: frame.sample(frac=1, random_state=0),
    "saved as csv": from_csv,
    "saved as parquet": from_parquet,
    "columns renamed": lambda frame: frame.rename(columns={n: f"v{i}" for i, n in enumerate(frame.columns)}),
    "columns reordered and renamed": lambda frame: frame[frame.columns[::-1]].set_axis(
        [f"v{i}" for i in range(frame.shape[1])], axis=1
    ),
    "columns added": lambda frame: frame.assign(one=1, noise=np.random.default_rng(1).normal(size=len(frame))),
    "a column dropped": lambda frame: frame.drop(columns=frame.columns[1]),
    "a column shuffled": lambda frame: frame.assign(
        **{frame.columns[1]: np.random.default_rng(1).permutation(frame[frame.columns[1]].to_numpy())}
    ),
    "a column replaced": lambda frame: frame.assign(**{frame.columns[1]: np.arange(len(frame)) ** 2 + 0.5}),
    "a part of it": lambda frame: frame.sample(frac=0.3, random_state=0),
    "one cell in twenty changed": lambda frame: with_other_cells(frame, 0.05),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_row_keeps_its_side(change: Change, customers: pd.DataFrame, project: Project) -> None:
    first = project.frame(customers)
    changed = change(customers)
    known = seal.recognise(changed, vault=project.vault)
    assert known is not None
    assert known.deal_id == first.receipt.deal_id
    side = pd.Series(known.side, index=changed.index)
    found = side[side >= 0]
    assert len(found) >= 0.98 * len(changed)
    wrong = (found == 1) != first.held_out[found.index]
    assert wrong.sum() <= 0.01 * len(changed)
    assert known.matched_rows == len(found)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_penguins_keep_their_side_too(change: Change, birds: pd.DataFrame, project: Project) -> None:
    first = project.frame(birds, "Species")
    changed = change(birds)
    known = seal.recognise(changed, vault=project.vault)
    assert known is not None
    side = pd.Series(known.side, index=changed.index)
    found = side[side >= 0]
    assert len(found) >= 0.98 * len(changed)
    assert ((found == 1) == first.held_out[found.index]).mean() >= 0.99


def test_appended_rows_are_never_seen_and_the_others_keep_their_side(project: Project) -> None:
    everyone = simulate(500)
    first = project.frame(everyone[:400])
    second = project.frame(everyone)
    assert second.recognition is not None
    assert (second.recognition.side[400:] == -1).all()
    assert second.recognition.matched_rows == 400
    pd.testing.assert_series_equal(second.held_out[:400], first.held_out)
    assert 5 <= second.held_out[400:].sum() <= 40
    assert second.receipt.deal_id != first.receipt.deal_id
    assert second.receipt.matched_rows == 400


def test_going_back_to_the_smaller_table_keeps_every_side(project: Project) -> None:
    everyone = simulate(500)
    first = project.frame(everyone[:400], now="2026-01-01")
    project.frame(everyone, now="2026-01-02")
    third = project.frame(everyone[:400], now="2026-01-03")
    pd.testing.assert_series_equal(third.held_out, first.held_out)
    assert third.receipt.deal_id == first.receipt.deal_id


def test_a_table_made_of_two_dealt_tables_keeps_the_sides_of_both(project: Project) -> None:
    both = simulate(900)
    first, second = project.frame(both[:500]), project.frame(both[500:])
    known = seal.recognise(both, vault=project.vault)
    assert known is not None
    assert known.deal_id == first.receipt.deal_id
    np.testing.assert_array_equal(known.side == 1, pd.concat([first.held_out, second.held_out]))
    assert set(known.deals) == {first.receipt.deal_id, second.receipt.deal_id}


def test_penguins_framed_twice_are_one_deal(birds: pd.DataFrame, project: Project) -> None:
    first, second = project.frame(birds, "Species"), project.frame(birds, "Species", now="2027-01-01")
    assert first.receipt.deal_id == second.receipt.deal_id
    pd.testing.assert_series_equal(first.held_out, second.held_out)
    assert len(project.ledger.read_text(encoding="utf-8").splitlines()) == 1


def test_rows_that_cannot_be_told_apart_are_counted(project: Project) -> None:
    frame = simulate(400)
    frame["balance"] = np.repeat(frame["balance"].to_numpy()[:200], 2)
    for name in ("income", "visits", "town", "member"):
        frame[name] = np.repeat(frame[name].to_numpy()[:200], 2)
    frame["note"] = [f"n{i * 7919 % 1000}" for i in range(400)]
    frame["y"] = np.repeat(frame["y"].to_numpy()[:200], 2)
    project.frame(frame)
    known = seal.recognise(frame.drop(columns="note"), vault=project.vault)
    assert known is not None
    assert 60 <= known.ambiguous_rows <= 180
    assert known.ambiguous_rows % 2 == 0


def codes_and_flags(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns = {f"item{i}": rng.integers(1, 6, rows) for i in range(4)} | {
        f"flag{i}": rng.integers(0, 2, rows) for i in range(3)
    }
    return pd.DataFrame(columns | {"y": rng.integers(0, 2, rows)})


def numbered(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(id=np.arange(len(frame)), day=pd.date_range("2024-01-01", periods=len(frame), freq="D"))


def wave(seed: int) -> pd.DataFrame:
    """A survey whose answers hang together, so that straight rows are common in every wave."""
    rng = np.random.default_rng(seed)
    mood = rng.integers(1, 6, 600)
    items = {f"q{i}": np.where(rng.random(600) < 0.8, mood, rng.integers(1, 6, 600)) for i in range(8)}
    return pd.DataFrame(items | {"y": rng.integers(0, 2, 600)})


UNRELATED: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = {
    "customers of another place": (simulate(400), simulate(400, seed=1)),
    "codes and flags": (codes_and_flags(3000, 0), codes_and_flags(3000, 1)),
    "codes and flags, fewer rows": (codes_and_flags(3000, 0), codes_and_flags(100, 1)),
    "numbered days": (numbered(simulate(400)[["balance", "y"]]), numbered(simulate(400, seed=1)[["balance", "y"]])),
    "numbered flags": (
        numbered(codes_and_flags(400, 0)[["flag0", "flag1", "y"]]),
        numbered(codes_and_flags(400, 1)[["flag0", "flag1", "y"]]),
    ),
    "another wave of a survey": (wave(0), wave(1)),
    "flowers and wine": (load_iris(as_frame=True).frame, load_wine(as_frame=True).frame),
    "patients of two studies": (load_diabetes(as_frame=True).frame, load_breast_cancer(as_frame=True).frame),
}


@pytest.mark.parametrize(("dealt", "other"), UNRELATED.values(), ids=UNRELATED.keys())
def test_unrelated_tables_are_not_recognised(dealt: pd.DataFrame, other: pd.DataFrame, project: Project) -> None:
    target = "y" if "y" in dealt else "target"
    project.frame(dealt, target)
    assert seal.recognise(other, vault=project.vault) is None


def test_a_coarse_table_is_recognised_when_nothing_but_names_and_order_changed(project: Project) -> None:
    dealt = codes_and_flags(2000, 0)
    first = project.frame(dealt)
    changed = CHANGES["columns reordered and renamed"](dealt).sample(frac=1, random_state=0)
    known = seal.recognise(changed, vault=project.vault)
    assert known is not None
    np.testing.assert_array_equal(known.side == 1, first.held_out[changed.index])


def test_an_empty_vault_knows_nothing_and_is_not_made(customers: pd.DataFrame, tmp_path: Path) -> None:
    assert seal.recognise(customers, vault=tmp_path / "nowhere") is None
    assert not (tmp_path / "nowhere").exists()


def test_a_damaged_vault_is_told_and_not_passed_over(customers: pd.DataFrame, project: Project) -> None:
    receipt = project.frame(customers).receipt
    (project.vault / receipt.deal_id / "deal.json").write_text("{", encoding="utf-8")
    with pytest.raises(SealError, match="cannot be read"):
        seal.recognise(simulate(seed=5), vault=project.vault)
