"""The exploration notebook runs from top to bottom."""

import json

import pytest

from models.training.development import DEVELOPMENT, ROOT

matplotlib = pytest.importorskip("matplotlib", reason="the notebook group is not installed")


@pytest.mark.skipif(not DEVELOPMENT.exists(), reason="development rows are not on this machine")
def test_every_cell_runs_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("Agg")
    monkeypatch.chdir(ROOT / "notebooks")
    notebook = json.loads((ROOT / "notebooks" / "explore.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names: dict[str, object] = {}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"cell {number}", "exec"), names)
    assert "by_fold" in names


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = json.loads((ROOT / "notebooks" / "explore.ipynb").read_text(encoding="utf-8"))
    assert not any(cell.get("outputs") for cell in notebook["cells"])
