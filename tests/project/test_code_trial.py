"""The project's code is tried where it can do no harm: what moves, what it reaches for, what never ends."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml_engineer.project import code_trial
from ml_engineer.project.code_trial import try_code
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.code_trial import CodeTrial


@pytest.fixture
def layout(tmp_path: Path) -> ProjectLayout:
    layout = ProjectLayout(tmp_path / "ml")
    layout.features_py.parent.mkdir(parents=True)
    layout.candidates_py.parent.mkdir(parents=True)
    return layout


@pytest.fixture
def rows() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "a": generator.normal(size=120),
            "b": pd.Series(generator.choice(["x", "y", "z"], 120), dtype="str"),
            "when": pd.date_range("2024-01-01", periods=120, freq="D"),
        }
    )
    return frame.set_index(pd.RangeIndex(5, 5 + 3 * 120, 3))


def tried(
    layout: ProjectLayout, rows: pd.DataFrame, body: str, *, candidates: str = "", **options: object
) -> CodeTrial:
    layout.features_py.write_text(f"import pandas as pd\n\n\ndef build_features(rows):\n{body}\n", encoding="utf-8")
    if candidates:
        layout.candidates_py.write_text(candidates, encoding="utf-8")
    target = pd.Series(np.where(rows["a"] > 0, "yes", "no"), index=rows.index)
    options = {"guarded": [layout.development.parent], "time_column": "when", **options}
    return try_code(layout, rows, target.to_frame("target"), **options)


def test_row_local_code_stays_the_same_in_every_way(layout: ProjectLayout, rows: pd.DataFrame) -> None:
    trial = tried(layout, rows, "    return rows[['a', 'b']].assign(twice=rows['a'] * 2, day=rows['when'].dt.day)")
    assert (trial.failure, trial.moved, trial.touched, trial.faults) == ("", (), (), ())
    assert trial.rows == 120


def test_a_project_named_by_a_relative_path_is_found(
    layout: ProjectLayout, rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(layout.root.parent)
    trial = tried(ProjectLayout(Path(layout.root.name)), rows, "    return rows[['a']]")
    assert (trial.failure, trial.moved) == ("", ())


@pytest.mark.parametrize(
    "made",
    [
        "rows['a'] - rows['a'].mean()",
        "rows['a'].rank()",
        "rows['a'].shift(1)",
        "rows['b'].map(rows['b'].value_counts())",
        "rows.groupby('b')['a'].transform('max')",
        "rows['a'] * (len(rows) > 100)",
        "rows['a'].cumsum()",
        "rows['a'].fillna(rows['a'].median())",
        "rows['a'] + pd.Series(__import__('random').random(), index=rows.index)",
    ],
)
def test_a_feature_that_sees_other_rows_is_named_with_its_line(
    layout: ProjectLayout, rows: pd.DataFrame, made: str
) -> None:
    trial = tried(
        layout, rows, f"    out = rows[['a']].copy()\n    out['made'] = ({made}).astype(float)\n    return out"
    )
    assert [(moved.column, moved.line) for moved in trial.moved] == [("made", 6)]
    assert trial.moved[0].example_rows
    assert set(trial.moved[0].example_rows) <= set(rows.index)


def test_columns_that_come_and_go_with_the_rows_are_told(layout: ProjectLayout, rows: pd.DataFrame) -> None:
    trial = tried(layout, rows, "    return pd.get_dummies(rows['b']).astype(float)")
    assert [(moved.column, moved.when) for moved in trial.moved] == [("", "the row stood alone")]


def test_what_the_code_reads_of_the_rows_is_guarded(layout: ProjectLayout, rows: pd.DataFrame) -> None:
    layout.development.parent.mkdir(parents=True)
    rows.to_parquet(layout.development)
    body = f"    pd.read_parquet({str(layout.development)!r})\n    return rows[['a']]"
    trial = tried(layout, rows, body)
    (seen,) = trial.touched
    assert (seen.what, seen.where, seen.guarded) == ("read", str(layout.development.resolve()), True)
    assert (seen.file, seen.line) == ("data/features/features.py", 5)


def test_another_file_that_is_read_is_told_and_not_guarded(layout: ProjectLayout, rows: pd.DataFrame) -> None:
    lookup = layout.root / "lookup.csv"
    lookup.write_text("b,rate\nx,1\n", encoding="utf-8")
    trial = tried(layout, rows, f"    pd.read_csv({str(lookup)!r})\n    return rows[['a']]")
    assert [(seen.what, seen.guarded) for seen in trial.touched] == [("read", False)]


def test_writing_and_removing_is_told_and_prevented(layout: ProjectLayout, rows: pd.DataFrame) -> None:
    precious = layout.root / "precious.txt"
    precious.write_text("keep", encoding="utf-8")
    body = f"    import os\n    try:\n        os.remove({str(precious)!r})\n    except OSError:\n        pass\n    return rows[['a']]"
    trial = tried(layout, rows, body)
    assert [seen.what for seen in trial.touched] == ["wrote"]
    assert precious.read_text(encoding="utf-8") == "keep"
    failed = tried(layout, rows, f"    open({str(precious)!r}, 'w').write('gone')\n    return rows[['a']]")
    assert "PermissionError" in failed.failure
    assert precious.read_text(encoding="utf-8") == "keep"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("    return rows[['nothing']]", "KeyError in line 5"),
        ("    while True:\n        pass", "did not end within 6 seconds"),
        ("    import os\n    os._exit(3)", "ended with status 3"),
        ("    print('x' * 100)\n    raise SystemExit", "SystemExit"),
    ],
    ids=["raises", "loops", "dies", "leaves"],
)
def test_code_that_fails_is_a_clear_failure(layout: ProjectLayout, rows: pd.DataFrame, body: str, told: str) -> None:
    assert told in tried(layout, rows, body, limit_seconds=6).failure


@pytest.mark.parametrize(
    ("had", "told"),
    [(20.0, ""), (89.0, "did not end within 90 seconds"), (0.1, "did not end within 90 seconds")],
    ids=["was kept from it", "had it all the time", "did not want it"],
)
def test_code_that_was_kept_from_the_processor_is_waited_for_again(
    layout: ProjectLayout, rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, had: float, told: str
) -> None:
    limits: list[float] = []

    def wait(child: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if timeout is not None and not limits:
            limits.append(timeout)
            raise subprocess.TimeoutExpired("the code", timeout)
        return to_the_end(child)

    to_the_end = subprocess.Popen.wait
    monkeypatch.setattr(subprocess.Popen, "wait", wait)
    monkeypatch.setattr(code_trial, "_processor_seconds", lambda pid: had)
    trial = tried(layout, rows, "    return rows[['a']]")
    assert limits == [90.0]
    assert trial.failure.startswith("the code " + told if told else "")
    assert bool(trial.failure) == bool(told)


RANKING = """
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer


def ranks(rows):
    return pd.DataFrame(rows).rank(pct=True)


def build_candidates():
    return {MODEL}
"""


def test_a_candidate_that_ranks_what_it_is_asked_about_is_a_fault(layout: ProjectLayout, rows: pd.DataFrame) -> None:
    code = RANKING.replace("MODEL", "'ranked': make_pipeline(FunctionTransformer(ranks), LogisticRegression())")
    trial = tried(layout, rows, "    return rows[['a']]", candidates=code)
    assert trial.candidates == ("ranked",)
    assert [(fault.name, fault.forbids) for fault in trial.faults] == [("ranked", True)]
    assert "each is asked about alone" in trial.faults[0].fault


def test_a_candidate_that_learns_in_fit_has_no_fault(layout: ProjectLayout, rows: pd.DataFrame) -> None:
    code = RANKING.replace("MODEL", "'plain': LogisticRegression()")
    trial = tried(layout, rows, "    return rows[['a']]", candidates=code)
    assert (trial.candidates, trial.faults) == (("plain",), ())


def test_a_candidate_that_cannot_be_fitted_is_told(layout: ProjectLayout, rows: pd.DataFrame) -> None:
    code = RANKING.replace("MODEL", "'words': LogisticRegression()")
    trial = tried(layout, rows, "    return rows[['b']]", candidates=code)
    assert [(fault.name, fault.forbids) for fault in trial.faults] == [("words", False)]
