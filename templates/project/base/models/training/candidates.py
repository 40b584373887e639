"""Pipelines of your own, tried by `train` beside its portfolio. This file is yours."""

from sklearn.base import BaseEstimator


def build_candidates() -> dict[str, BaseEstimator]:
    """Build unfitted scikit-learn pipelines by name; each takes the frame that `build_features` returns.

    Examples
    --------
    A pipeline of any scikit-learn parts; what it learns from several rows is learned inside each fold::

        numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        prepare = make_column_transformer(
            (numbers, make_column_selector(dtype_include="number")),
            (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="str")),
        )
        return {"my_forest": make_pipeline(prepare, RandomForestClassifier(random_state=0))}
    """
    return {}
