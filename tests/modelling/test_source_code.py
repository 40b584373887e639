"""An estimator as source: faithful, readable, or refused with the reason."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, StackingClassifier
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC

from ml_engineer.modelling.source_code import NotWritable, SourceCode, build_from_source, same_estimator, write_source

AWKWARD = [
    "it's",
    'a "word"',
    "both ' and \"",
    "new\nline",
    "{brace}",
    "back\\slash",
    "class",
    "🙂",
    "é",
    "\x00",
    '"""',
]


class Mine(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):  # noqa: N803  (scikit-learn's name)
        return self

    def transform(self, X):  # noqa: N803  (scikit-learn's name)
        return X


def stack() -> StackingClassifier:
    prepare = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), ["a", "b"]),
            ("words", OneHotEncoder(handle_unknown="ignore", categories=[["x", "y"]]), ["c"]),
            ("rest", OrdinalEncoder(dtype=np.float32), make_column_selector(dtype_include="str")),
        ],
        remainder="passthrough",
    )
    return StackingClassifier(
        [
            ("line", Pipeline([("prepare", prepare), ("model", LogisticRegression(C=0.1))])),
            ("boost", LGBMClassifier(n_estimators=7, verbosity=-1, deterministic=True)),
            ("hist", HistGradientBoostingClassifier(categorical_features=["c"], max_iter=5)),
        ],
        final_estimator=LogisticRegression(),
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
    )


@pytest.mark.parametrize(
    "estimator",
    [
        stack(),
        CalibratedClassifierCV(SVC(gamma=np.float64(0.1)), cv=3),
        FunctionTransformer(np.log1p),
        SimpleImputer(missing_values=np.nan, fill_value=-np.inf, strategy="constant"),
        RandomForestClassifier(class_weight={"yes": 2.0, "no": 1}, max_features=0.5),
        TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
        GaussianProcessRegressor(RBF(2.0) + WhiteKernel()),
        OneHotEncoder(categories=[AWKWARD]),
        make_pipeline(StandardScaler(), Ridge()).set_output(transform="pandas"),
        make_pipeline(StandardScaler(), "passthrough", Ridge(alpha=np.float32(2))),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_the_source_builds_an_equal_estimator(estimator: BaseEstimator) -> None:
    code = write_source(estimator)
    assert isinstance(code, SourceCode)
    assert same_estimator(build_from_source(code), estimator)


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (FunctionTransformer(lambda rows: rows), "<lambda>"),
        (make_pipeline(Mine(), Ridge()), "Mine comes from"),
        (RandomForestClassifier(random_state=np.random.RandomState(0)), "RandomState"),
        (Ridge().fit([[0.0], [1.0]], [0, 1]), "more than its parameters"),
        (make_pipeline(StandardScaler().fit([[0.0], [1.0]]), Ridge()), "more than its parameters"),
        (FunctionTransformer(kw_args={"rows": np.arange(5000)}), "too much"),
    ],
)
def test_what_cannot_be_written_faithfully_is_refused_with_the_reason(estimator: BaseEstimator, reason: str) -> None:
    answer = write_source(estimator)
    assert isinstance(answer, NotWritable)
    assert reason in answer.reason


def test_parameters_at_their_defaults_are_left_out() -> None:
    code = write_source(make_pipeline(StandardScaler(), LogisticRegression(C=0.5)))
    assert isinstance(code, SourceCode)
    assert "StandardScaler()" in code.body()
    assert "LogisticRegression(C=0.5)" in code.body()


def test_column_lists_are_named_instead_of_repeated() -> None:
    columns = ["a", "b", "c"]
    transformer = ColumnTransformer([("numbers", StandardScaler(), columns)])
    code = write_source(transformer, constants={"NUMBERS": columns})
    assert isinstance(code, SourceCode)
    assert '("numbers", StandardScaler(), NUMBERS)' in code.body()


def test_a_step_named_like_something_else_hides_nothing() -> None:
    long = SimpleImputer(strategy="constant", fill_value=0, add_indicator=True, keep_empty_features=True)
    names = ["Pipeline", "class", "np", "print", "build_model", "two words"]
    code = write_source(Pipeline([*((name, long) for name in names), ("log", FunctionTransformer(np.log1p))]))
    assert isinstance(code, SourceCode)
    assert len(code.parts) == 0


def test_equal_parameters_are_not_enough_to_be_the_same_estimator() -> None:
    plain, framed = StandardScaler(), StandardScaler().set_output(transform="pandas")
    assert not same_estimator(plain, framed)
    assert not same_estimator(Ridge(alpha=1), LogisticRegression())
    assert same_estimator(SimpleImputer(missing_values=float("nan")), SimpleImputer())


def test_the_source_is_as_the_formatter_and_the_linter_want_it(tmp_path) -> None:
    code = write_source(stack(), constants={"MANY": ["unused"]})
    assert isinstance(code, SourceCode)
    lines = [
        '"""A model."""',
        "",
        *code.imports,
        "",
        "",
        f"def build_model() -> {code.class_name}:",
        '    """Build it."""',
    ]
    path = tmp_path / "model.py"
    path.write_text("\n".join([*lines, code.body()]) + "\n", encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "format", "--isolated", "--line-length=120", "--check", path], check=True)
    subprocess.run(
        [*ruff, "check", "--isolated", "--line-length=120", "--select=ALL", "--ignore=D203,D212,CPY,INP", path],
        check=True,
    )
