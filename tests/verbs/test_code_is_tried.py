"""When the project's own code is tried: always when asked, in `train` once somebody edited it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml_engineer.project.layout import ProjectLayout
from ml_engineer.verbs.guardrail_evidence import gather_evidence


def test_code_as_we_wrote_it_costs_train_no_time_and_edited_code_is_tried(
    tmp_path: Path, penguins: Path, call: Callable[..., Any]
) -> None:
    layout = ProjectLayout(tmp_path / "ml")
    call("frame_problem", data=str(penguins), target="Species", project_dir=str(layout.root))
    call("scaffold_project", project_dir=str(layout.root))
    asked = gather_evidence(layout, stage="train")
    assert asked.code is not None
    assert (asked.code.failure, asked.code.moved, asked.code.touched) == ("", (), ())
    assert gather_evidence(layout, stage="train", features=asked.features).code is None
    source = layout.features_py.read_text(encoding="utf-8")
    shifted = source.replace("    return features\n", "    return features.assign(seen=len(rows))\n")
    layout.features_py.write_text(shifted, encoding="utf-8")
    edited = gather_evidence(layout, stage="train", features=asked.features).code
    assert edited is not None
    assert [moved.column for moved in edited.moved] == ["seen"]
