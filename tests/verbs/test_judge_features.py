"""`train` with `trial`: an idea in features.py is kept, helps nobody or harms, and the verdict stays."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml_engineer.errors import InputError, ProjectStateError
from ml_engineer.modelling.executors import InlineExecutor
from ml_engineer.project.code_store import find_code
from ml_engineer.project.ideas import load_ideas
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.tally import load_tally
from ml_engineer.verbs.ideas.judge_features import judge_features
from ml_engineer.verbs.training.rows import load_training_rows
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.replies import TrainReply
from ml_engineer.vocabulary.requests import FrameProblemRequest, ScaffoldProjectRequest, TrainRequest

ROWS = 360
SELECTED = "def build_features(rows):\n    features = rows[['length', 'width', 'colour']].copy()\n"
NOISE = SELECTED + (
    "    features['noise'] = pd.util.hash_pandas_object(rows['length'], index=False).to_numpy() % {modulus}\n"
    "    features['noise'] = features['noise'].astype('float64')\n    return features\n"
)
IDEAS = {
    "area": SELECTED + "    features['area'] = rows['length'] * rows['width']\n    return features\n",
    "noise": "import pandas as pd\n" + NOISE.format(modulus=997),
    "no width": "def build_features(rows):\n    return rows[['length', 'colour']]\n",
}


def fields() -> pd.DataFrame:
    """The price of a field is its area, which no column holds; the colour of the fence says nothing."""
    rng = np.random.default_rng(0)
    length, width = rng.normal(size=(2, ROWS)).round(3)
    price = (3 * length * width + width + rng.normal(scale=0.3, size=ROWS)).round(3)
    return pd.DataFrame({"length": length, "width": width, "colour": rng.choice(["red", "blue"], ROWS), "price": price})


@pytest.fixture(scope="module")
def framed_once(tmp_path_factory: pytest.TempPathFactory) -> ProjectLayout:
    """A framed and scaffolded project, for copying."""
    home = tmp_path_factory.mktemp("framed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        fields().to_csv(home / "fields.csv", index=False)
        context = WorkContext(job_id="job_frame", journal_dir=home / "journal")
        root = str(home / "ml")
        framing = FrameProblemRequest(data=str(home / "fields.csv"), target="price", project_dir=root)
        importlib.import_module("ml_engineer.verbs.frame_problem").frame_problem(framing, context)
        scaffold = ScaffoldProjectRequest(project_dir=root, features=[])
        importlib.import_module("ml_engineer.verbs.scaffold_project").scaffold_project(scaffold, context)
    return ProjectLayout(home / "ml")


@pytest.fixture
def layout(framed_once: ProjectLayout, tmp_path: Path) -> ProjectLayout:
    """A fresh copy of it."""
    shutil.copytree(framed_once.root, tmp_path / "ml")
    return ProjectLayout(tmp_path / "ml")


def train(layout: ProjectLayout, name: str, text: str) -> TrainReply:
    """Write a text into features.py and have it judged, as every door does."""
    layout.features_py.write_text(text, encoding="utf-8")
    request = TrainRequest(project_dir=str(layout.root), trial=name, budget_seconds=60)
    context = WorkContext(job_id="job_train", journal_dir=layout.root.parent / "journal")
    return importlib.import_module("ml_engineer.verbs.train").train(request, context)


@pytest.fixture
def judge(layout: ProjectLayout, tmp_path: Path) -> Callable[..., TrainReply]:
    """The same without the checks of the data, and in this process."""

    def _judge(name: str, text: str | None = None, **arguments: object) -> TrainReply:
        layout.features_py.write_text(text or IDEAS[name], encoding="utf-8")
        request = TrainRequest(project_dir=str(layout.root), trial=name, **{"budget_seconds": 60} | arguments)
        context = WorkContext(job_id="job_train", journal_dir=tmp_path / "journal")
        executor = InlineExecutor(folder=tmp_path)
        rows = load_training_rows(layout)
        return judge_features(rows, request, context, executor, findings=(), notes=(), threads=1)

    return _judge


def test_a_useful_idea_is_kept_and_the_next_one_is_held_against_it(layout, judge) -> None:
    before = layout.features_py.read_text(encoding="utf-8")
    reply = train(layout, "area", IDEAS["area"])
    assert reply.verdict == "kept", reply.summary
    assert reply.gain.low > 0
    assert reply.over_twins.low > 0
    (idea,) = load_ideas(layout)
    assert (idea.name, idea.changed, idea.removed, idea.metric) == ("area", ("area",), (), "mae")
    assert find_code(layout, idea.accepted_sha256).read_text(encoding="utf-8") == before
    assert Path(reply.artifacts["accepted_features"]).read_text(encoding="utf-8") == IDEAS["area"]

    worse = judge("length", text="def build_features(rows):\n    return rows[['length']]\n")
    assert worse.verdict == "harms", worse.summary
    assert load_ideas(layout)[1].accepted_sha256 == idea.features_sha256
    assert f"cp {reply.artifacts['accepted_features']} {layout.features_py}" in worse.next_step
    assert worse.ideas_refused == ["length: harms (columns left out)"]


def test_noise_helps_nobody_and_stays_refused_under_any_name_and_text(layout, judge) -> None:
    reply = judge("noise")
    assert reply.verdict == "helps nobody", reply.summary
    assert "shuffled" in reply.summary
    assert layout.features_py.read_text(encoding="utf-8") == IDEAS["noise"]
    assert reply.ideas_refused == ["noise: helps nobody (noise)"]
    log = layout.ideas.read_bytes()

    again = judge("a magic number", text="# another text\n" + IDEAS["noise"], seed=5)
    assert (again.verdict, again.gain, again.run_id) == (reply.verdict, reply.gain, reply.run_id)
    assert "not tried again" in again.summary
    assert layout.ideas.read_bytes() == log
    assert "## noise" in (layout.reports / "ideas.md").read_text(encoding="utf-8")

    layout.ideas.write_text(log.decode().replace('"helps nobody"', '"kept"', 1), encoding="utf-8")
    with pytest.raises(ProjectStateError, match="was edited"):
        judge("area")


def test_an_idea_that_takes_something_away_harms_and_counts_as_a_try_like_all_others(layout, judge) -> None:
    reply = judge("no width")
    assert reply.verdict == "harms", reply.summary
    assert reply.over_twins is None
    (run,) = load_tally(layout).runs
    assert (run.run_id, run.ended, run.finished) == (reply.run_id, True, 2)
    assert layout.candidate_predictions(reply.run_id).exists()
    assert not layout.champion_manifest.exists()


def test_a_trial_that_is_killed_counts_as_a_try_but_has_no_verdict(layout, judge, monkeypatch) -> None:
    def killed(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ml_engineer.verbs.ideas.judge_features.run_trial", killed)
    with pytest.raises(KeyboardInterrupt):
        judge("noise")
    assert [run.ended for run in load_tally(layout).runs] == [False]
    assert load_ideas(layout) == ()


def test_a_leak_is_refused_by_the_checks_before_it_could_be_kept(layout) -> None:
    frame = pd.read_parquet(layout.development)
    prices = {str(length): price for length, price in zip(frame["length"].round(3), frame["price"], strict=True)}
    text = (
        f"PRICES = {prices!r}\n"
        "def build_features(rows):\n"
        "    return rows[['length']].assign(clue=rows['length'].round(3).map(lambda x: PRICES.get(str(x), 0.0)))\n"
    )
    reply = train(layout, "a clue", text)
    assert reply.status == "refused"
    assert any(finding.blocks for finding in reply.findings)
    assert load_ideas(layout) == ()


@pytest.mark.full  # twenty trials take half a minute of a processor
def test_twenty_ideas_of_noise_do_not_get_through_by_luck(layout, judge) -> None:
    for number in range(20):
        reply = judge(f"noise {number}", text="import pandas as pd\n" + NOISE.format(modulus=101 + 6 * number))
        assert reply.verdict == "helps nobody", reply.summary
    assert len(reply.ideas_refused) == 13
    errors = [idea.error_allowed for idea in load_ideas(layout)]
    assert errors == sorted(errors, reverse=True)
    assert sum(errors) < 0.05


def test_what_cannot_be_judged_is_told(layout, judge) -> None:
    accepted = layout.features_py.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="accepted already"):
        judge("nothing", text=accepted + "\n# a comment\n")
    with pytest.raises(InputError, match="do not go together"):
        judge("noise", candidates=["linear"])
    assert load_tally(layout).runs == ()
