"""Development rows come back as they were written, or say what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml_engineer.errors import ProjectStateError
from ml_engineer.project.development import load_development, save_development
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.problem import SplitDefinition
from ml_engineer.vocabulary.split import SplitPlan

FRAME = pd.DataFrame(
    {
        "n": [1.5, np.nan, 3.0],
        "text\n{x}": pd.Series(["a", None, "ü"], dtype="str"),
        "when": pd.to_datetime(["2024-01-01", "2024-01-02", None]).astype("datetime64[us]"),
        "flag": [True, False, True],
    }
).set_axis([7, 2, 9], axis=0)
FOLDS = np.array([1, 0, 1])


@pytest.fixture
def layout(tmp_path: Path) -> ProjectLayout:
    return ProjectLayout(tmp_path / "ml")


def plan(rows: int) -> SplitPlan:
    return SplitPlan(
        deal_id="deal_1",
        definition=SplitDefinition(strategy="random", held_out_fraction=0.2, folds=2, reason=""),
        table_sha256="",
        development_rows=rows,
        held_out_rows=1,
        development_sha256="",
        held_out_sha256="",
        fold_rows=(1, 2),
    )


def test_rows_types_row_numbers_and_folds_come_back(layout: ProjectLayout) -> None:
    save_development(layout, FRAME, FOLDS)
    development = load_development(layout, plan(3))
    pd.testing.assert_frame_equal(development.frame, FRAME, check_index_type=False)
    assert development.folds.tolist() == [1, 0, 1]


def test_further_foldings_come_back_and_are_missed(layout: ProjectLayout) -> None:
    split = plan(3)
    split = split.model_copy(update={"definition": split.definition.model_copy(update={"repeats": 3})})
    save_development(layout, FRAME, FOLDS, more_folds=[FOLDS[::-1], 1 - FOLDS])
    assert [folds.tolist() for folds in load_development(layout, split).more_folds] == [[1, 0, 1], [0, 1, 0]]
    assert load_development(layout, plan(3)).more_folds == ()
    save_development(layout, FRAME, FOLDS, more_folds=[FOLDS])
    with pytest.raises(ProjectStateError, match="lacks the column 'fold_3'"):
        load_development(layout, split)


def test_missing_rows_say_which_verb_writes_them(layout: ProjectLayout) -> None:
    with pytest.raises(ProjectStateError, match="Call frame_problem"):
        load_development(layout, plan(3))


def test_another_number_of_rows_is_refused(layout: ProjectLayout) -> None:
    save_development(layout, FRAME, FOLDS)
    with pytest.raises(ProjectStateError, match="3 rows, but 4 were dealt"):
        load_development(layout, plan(4))


def test_folds_of_other_rows_are_refused(layout: ProjectLayout) -> None:
    save_development(layout, FRAME, FOLDS)
    pd.DataFrame({"row": [7, 2, 8], "fold": [1, 0, 1]}).to_parquet(layout.folds)
    with pytest.raises(ProjectStateError, match="its rows are not those of"):
        load_development(layout, plan(3))


def test_a_broken_file_is_refused_and_not_a_traceback(layout: ProjectLayout) -> None:
    save_development(layout, FRAME, FOLDS)
    layout.development.write_bytes(b"not parquet")
    with pytest.raises(ProjectStateError, match="is not what frame_problem wrote"):
        load_development(layout, plan(3))


def test_a_write_that_fails_leaves_the_rows_as_they_were(layout: ProjectLayout) -> None:
    save_development(layout, FRAME, FOLDS)
    with pytest.raises(AttributeError):
        save_development(layout, FRAME.head(1), None)  # type: ignore[arg-type]  # the second file fails
    assert load_development(layout, plan(3)).frame.shape == FRAME.shape
