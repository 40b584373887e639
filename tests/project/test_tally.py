"""Every run is counted once, killed ones too, and deleting the count does not make it smaller."""

from __future__ import annotations

from pathlib import Path

from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.tally import count_run, load_tally, tally_run
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.tally import TallyRun
from ml_engineer.vocabulary.training import CandidateResult, Champion, Environment, Leaderboard, TrainingRun

_SCORE = Estimate(value=0.8, low=0.7, high=0.9, method="assumed", rows=10)


def begun(run_id: str, at: str = "2026-01-01T00:00:00+00:00", **fields: int | bool) -> TallyRun:
    return TallyRun(run_id=run_id, at=at, deal_id="deal_1", development_sha256="d", metric="roc_auc", **fields)


def trained(run_id: str) -> TrainingRun:
    states = ("finished", "finished", "failed", "out_of_time")
    candidates = tuple(
        CandidateResult(name=f"m{place}", family="linear", status=status, score=_SCORE)
        for place, status in enumerate(states)
    )
    return TrainingRun(
        run_id=run_id,
        mlflow_run_id="0",
        started_at="2026-01-02T00:00:00+00:00",
        seconds=1,
        budget_seconds=1,
        seed=0,
        development_sha256="d",
        leaderboard=Leaderboard(metric="roc_auc", candidates=candidates),
        baseline=candidates[0],
        champion=Champion(
            name="m0",
            family="linear",
            score=_SCORE,
            model_path="m",
            model_sha256="0",
            model_format="skops",
            code_path="c",
            code_sha256="0",
            features_sha256="0",
        ),
        gain=_SCORE,
        out_of_fold_path="o",
        feature_columns=("x",),
        environment=Environment(python="3.11", platform="test", cores=1, packages={}),
    )


def test_a_run_is_counted_when_it_begins_and_filled_in_when_it_ends(tmp_path: Path) -> None:
    layout = ProjectLayout(tmp_path)
    count_run(layout, begun("run_1", ended=False))
    count_run(layout, begun("run_2", at="2026-01-02T00:00:00+00:00", finished=3, failed=1))
    assert (len(load_tally(layout).runs), load_tally(layout).candidates) == (2, 4)
    count_run(layout, begun("run_1", finished=5))
    tally = load_tally(layout)
    assert [(run.run_id, run.candidates, run.ended) for run in tally.runs] == [("run_1", 5, True), ("run_2", 4, True)]


def test_a_finished_run_says_what_became_of_its_candidates() -> None:
    run = tally_run(trained("run_1"), deal_id="deal_1")
    assert (run.finished, run.failed, run.unfinished, run.candidates) == (2, 1, 1, 4)


def test_runs_whose_count_was_deleted_are_counted_from_their_folders(tmp_path: Path) -> None:
    layout = ProjectLayout(tmp_path)
    folder = layout.run_dir("run_1")
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(trained("run_1").model_dump_json(), encoding="utf-8")
    assert load_tally(layout).candidates == 4
    count_run(layout, begun("run_2", at="2026-01-03T00:00:00+00:00", finished=1))
    assert load_tally(layout).candidates == 5
    (layout.records / "tally.json").unlink()
    assert load_tally(layout).candidates == 4


def test_runs_on_other_rows_are_told_apart(tmp_path: Path) -> None:
    layout = ProjectLayout(tmp_path)
    count_run(layout, begun("run_1", finished=2))
    other = begun("run_2", at="2026-01-02T00:00:00+00:00", finished=7).model_copy(update={"development_sha256": "e"})
    count_run(layout, other)
    assert load_tally(layout).of_rows("d").candidates == 2
