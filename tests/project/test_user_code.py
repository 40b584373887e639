"""A project's own code: run fresh, guarded, and told off by file and line."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml_engineer.errors import UserCodeError
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.row_locality import check_row_local
from ml_engineer.project.user_code import load_candidates, load_features

ROWS = pd.DataFrame(
    {"a": [1.0, 2.0, np.nan], "b": pd.Series(["x", "y", None], dtype="str"), "t": pd.to_datetime(["2026-01-01"] * 3)},
    index=[4, 7, 9],
)


@pytest.fixture
def layout(tmp_path: Path) -> ProjectLayout:
    layout = ProjectLayout(tmp_path / "ml")
    layout.features_py.parent.mkdir(parents=True)
    layout.candidates_py.parent.mkdir(parents=True)
    return layout


def features(layout: ProjectLayout, body: str, *, head: str = "") -> None:
    layout.features_py.write_text(
        f"import pandas as pd\n{head}\ndef build_features(rows):\n    {body}\n", encoding="utf-8"
    )


def test_an_edited_file_is_read_anew_and_leaves_no_bytecode(layout: ProjectLayout) -> None:
    (layout.root / "data" / "__init__.py").touch()
    (layout.features_py.parent / "__init__.py").touch()
    (layout.features_py.parent / "helper.py").write_text("FACTOR = 2\n", encoding="utf-8")
    head = "from data.features.helper import FACTOR\nimport helper"
    features(layout, "return rows[['a']] * FACTOR * helper.FACTOR", head=head)
    assert load_features(layout)(ROWS)["a"].tolist()[:2] == [4.0, 8.0]
    (layout.features_py.parent / "helper.py").write_text("FACTOR = 3\n", encoding="utf-8")
    assert load_features(layout)(ROWS)["a"].tolist()[:2] == [9.0, 18.0]
    assert not list(layout.root.rglob("*.pyc"))
    assert "helper" not in sys.modules
    assert str(layout.features_py.parent) not in sys.path


def test_what_the_code_prints_stays_off_standard_output(layout: ProjectLayout, capsys) -> None:
    features(layout, "print('from inside') or None; return rows[['a']]", head="print('on import')")
    load_features(layout)(ROWS)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "on import\nfrom inside\n"


def test_the_code_cannot_change_the_rows_it_is_given(layout: ProjectLayout) -> None:
    features(layout, "rows['a'] = 0.0; return rows[['a']]")
    before = ROWS.copy()
    load_features(layout)(ROWS)
    pd.testing.assert_frame_equal(ROWS, before)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return rows['a']", "it returned Series"),
        ("return rows[['a']].iloc[:2]", "3 rows came in, 2 came out"),
        ("return rows[['a']].reset_index(drop=True)", "must keep the rows and their index"),
        ("return rows[[]]", "returns no column"),
        ("return rows[['a', 'a']]", "'a' occurs twice"),
        ("return rows[['a']].rename(columns={'a': 7})", "7 is no name"),
        ("return rows[['t']]", "column 't' has dtype datetime64"),
        ("return rows[['b']].astype(object)", "column 'b' has dtype object"),
        ("return rows[['b']].astype('category')", "column 'b' has dtype category"),
        ("return rows[['a']].astype('Float64')", "column 'a' has dtype Float64"),
        ("return rows[['a']] / 0", "column 'a' has 2"),
        ("return rows[['missing']]", "raised KeyError in line 4"),
        ("raise SystemExit(3)", "raised SystemExit in line 4"),
    ],
)
def test_output_that_models_cannot_take_is_refused_by_name(layout: ProjectLayout, body: str, expected: str) -> None:
    features(layout, body)
    with pytest.raises(UserCodeError) as caught:
        load_features(layout)(ROWS)
    assert expected in str(caught.value)
    assert str(layout.features_py) in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def build_features(rows:\n", "raised SyntaxError in line 1"),
        ("x = 1\nimport nothing_of_this_name\n", "raised ModuleNotFoundError in line 2"),
        ("x = 1\n", "has no function build_features"),
        ("build_features = 3\n", "has no function build_features"),
    ],
)
def test_a_file_that_does_not_run_is_told_with_its_line(layout: ProjectLayout, text: str, expected: str) -> None:
    layout.features_py.write_text(text, encoding="utf-8")
    with pytest.raises(UserCodeError, match=expected):
        load_features(layout)


def test_a_missing_or_undecodable_file_names_the_remedy(layout: ProjectLayout) -> None:
    with pytest.raises(UserCodeError, match="scaffold_project"):
        load_features(layout)
    layout.features_py.write_bytes(b"# \xff\n")
    with pytest.raises(UserCodeError, match="Save it as UTF-8"):
        load_features(layout)


def test_a_long_message_of_the_code_is_shortened(layout: ProjectLayout) -> None:
    features(layout, "raise ValueError('x' * 5000)")
    with pytest.raises(UserCodeError) as caught:
        load_features(layout)(ROWS)
    assert len(caught.value.found) <= 120


@pytest.mark.parametrize(
    ("body", "column"),
    [
        ("return rows[['a']].fillna(0) / rows['a'].mean()", "a"),
        ("return pd.DataFrame({'rank': rows['a'].rank()})", "rank"),
        ("return pd.DataFrame({'first': (rows.index == rows.index[0])}, index=rows.index)", "first"),
    ],
)
def test_features_that_look_at_other_rows_are_refused(layout: ProjectLayout, body: str, column: str) -> None:
    features(layout, body)
    many = pd.DataFrame({"a": np.random.default_rng(0).normal(size=90)})
    build = load_features(layout)
    with pytest.raises(UserCodeError, match=f"other rows are absent.*'{column}'"):
        check_row_local(build, many, build(many), path=layout.features_py)


def test_columns_that_depend_on_the_rows_given_are_refused(layout: ProjectLayout) -> None:
    features(layout, "return pd.get_dummies(rows['b']).astype(float)")
    many = pd.DataFrame({"b": pd.Series([f"k{code}" for code in range(60)], dtype="str")})
    build = load_features(layout)
    with pytest.raises(UserCodeError, match="other columns when it is given fewer rows"):
        check_row_local(build, many, build(many), path=layout.features_py)


def test_row_local_features_pass(layout: ProjectLayout) -> None:
    features(layout, "return rows[['a', 'b']].assign(c=rows['a'] * 2, d=rows['a'] > 1)")
    build = load_features(layout)
    check_row_local(build, ROWS, build(ROWS), path=layout.features_py)


def test_candidates_come_by_name(layout: ProjectLayout) -> None:
    layout.candidates_py.write_text(
        "from sklearn.linear_model import Ridge\ndef build_candidates():\n    return {'mine': Ridge()}\n",
        encoding="utf-8",
    )
    assert list(load_candidates(layout)) == ["mine"]


def test_no_candidates_file_means_no_candidates(layout: ProjectLayout) -> None:
    assert load_candidates(layout) == {}


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("[Ridge()]", "must return a dict"),
        ("{1: Ridge()}", "must return a dict"),
        ("{'mine': Ridge}", "'mine' .* is no scikit-learn estimator"),
        ("{'mine': 'Ridge'}", "'mine' .* is no scikit-learn estimator"),
        ("{'mine': 1 / 0}", "raised ZeroDivisionError in line 3"),
    ],
)
def test_what_is_no_estimator_is_refused_by_name(layout: ProjectLayout, returned: str, expected: str) -> None:
    layout.candidates_py.write_text(
        f"from sklearn.linear_model import Ridge\ndef build_candidates():\n    return {returned}\n", encoding="utf-8"
    )
    with pytest.raises(UserCodeError, match=expected):
        load_candidates(layout)


def test_code_that_never_ends_is_ended_and_the_line_named(
    layout: ProjectLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml_engineer.project.user_code._PATIENCE_SECONDS", 0.2)
    layout.features_py.write_text(
        "def build_features(rows):\n    while True:\n        try:\n            n = 1\n        except Exception:\n            pass\n",
        encoding="utf-8",
    )
    with pytest.raises(UserCodeError, match=r"did not end within .* in line \d"):
        load_features(layout)(ROWS)
