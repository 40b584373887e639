"""The champion can be fitted, sees nothing behind its origin, and survives being saved; the script gives its score again."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.features.contract import PROBLEM
from models.forecasting.intervals import Reach
from models.forecasting.model_file import SeriesModel
from models.serving import champion_file
from models.serving.champion_file import UnusableChampionError, load_champion, save_champion
from models.training import champion, train
from models.training.series import DEVELOPMENT, backtest_windows, build_grid, series_scales


def test_no_forecast_sees_what_lies_behind_its_origin(development: pd.DataFrame) -> None:
    grid = build_grid(development)
    origin = grid.length - PROBLEM.horizon
    model = champion.build_model().fit(grid.hidden_from(origin), origin, PROBLEM.horizon)
    before = model.forecast(grid, [origin], PROBLEM.horizon)
    np.testing.assert_allclose(model.forecast(grid.hidden_from(origin), [origin], PROBLEM.horizon), before)


def test_the_model_file_gives_the_same_forecasts(development: pd.DataFrame, tmp_path: Path) -> None:
    grid = build_grid(development)
    fitted = champion.build_model().fit(grid, grid.length, PROBLEM.horizon)
    units = dict(zip(grid.names, (float(one) for one in series_scales(grid)), strict=True))
    model = SeriesModel(
        grid.layout, PROBLEM.horizon, PROBLEM.season, fitted, units, Reach((1.0,) * PROBLEM.horizon), grid.length
    )
    model.save(tmp_path / "model.json")
    origin = grid.length - PROBLEM.horizon
    again = SeriesModel.load(tmp_path / "model.json")
    np.testing.assert_allclose(again.forecast(grid, [origin]), model.forecast(grid, [origin]))


def test_what_is_saved_loads_and_what_was_swapped_does_not(development: pd.DataFrame, tmp_path: Path) -> None:
    grid = build_grid(development)
    reach = Reach((1.0,) * PROBLEM.horizon)
    save_champion(tmp_path, grid, development, reach, series_scales(grid), run_id="test", score=0.5)
    assert load_champion(tmp_path).manifest["run_id"] == "test"
    model = tmp_path / champion_file.MODEL_FILE
    model.write_text(json.dumps(json.loads(model.read_text(encoding="utf-8")) | {"horizon": 1}), encoding="utf-8")
    with pytest.raises(UnusableChampionError, match="not the one"):
        load_champion(tmp_path)


def test_folds_end_with_the_rows(development: pd.DataFrame) -> None:
    grid = build_grid(development)
    assert len(backtest_windows(grid).folds) == PROBLEM.folds


@pytest.mark.skipif(not DEVELOPMENT.exists(), reason="development rows are not on this machine")
def test_the_script_reproduces_the_recorded_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["--no-track"]) == 0
    told = capsys.readouterr().out
    assert "The recorded run is reproduced." in told or champion.RUN_ID is None
