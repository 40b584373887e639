"""`export`: a file that runs without Python says what the champion says, or the part that prevents it is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ml_engineer.errors import InputError
from verbs.trained_projects import TrainedProject, churn, train_project

onnxruntime = pytest.importorskip("onnxruntime")


def project(tmp_path: Path, last: object) -> TrainedProject:
    prepare = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["region", "sex"]), (StandardScaler(), ["charge", "months"])
    )
    model = make_pipeline(prepare, last)
    return train_project(tmp_path, churn(), target="left", task="binary", keys=("customer",), model=model)


def test_the_file_answers_like_the_champion_and_is_described(tmp_path: Path, call) -> None:
    trained = project(tmp_path, LogisticRegression())
    reply = call("export", project_dir=trained.root)
    assert reply.status == "done"
    assert reply.largest_difference < 1e-6
    assert reply.changed_labels == 0
    assert reply.rows == 300
    about = json.loads(Path(reply.artifacts["description"]).read_text(encoding="utf-8"))
    assert about["inputs"]["region"] == "string [rows, 1]"
    assert about["inputs"]["charge"] == "double [rows, 1]"
    assert about["outputs"]["probabilities"].endswith("in the order no, yes")

    # As a service in another language would ask it.
    session = onnxruntime.InferenceSession(reply.output)
    asked = {"charge": 500.0, "months": 1.0, "region": "north", "sex": "male"}
    fed = {
        name: np.array([[value]], dtype=object if isinstance(value, str) else "float64")
        for name, value in asked.items()
    }
    labels, probabilities = session.run(None, fed)
    assert labels.tolist() == ["yes"]
    assert probabilities.sum() == pytest.approx(1.0)


def test_a_champion_that_cannot_be_written_names_the_part_and_leaves_no_file(tmp_path: Path, call) -> None:
    trained = project(tmp_path, GaussianNB())
    output = tmp_path / "champion.onnx"
    with pytest.raises(InputError, match="GaussianNB"):
        call("export", project_dir=trained.root, output=str(output))
    assert not output.exists()
