"""Groups are compared by fairlearn's definitions, with intervals that hold what they promise and one of four verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_ratio,
    equal_opportunity_difference,
    false_positive_rate,
    mean_prediction,
    selection_rate,
    true_positive_rate,
)
from sklearn.metrics import mean_absolute_error, precision_score

from ml_engineer.statistics.fairness import assess_fairness, compare_groups
from ml_engineer.statistics.group_measures import Measured, choose_use
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.vocabulary.fairness import FairnessAssessment, FairnessUse, GroupComparison
from ml_engineer.vocabulary.problem import Costs


def two_classes(rows: int = 3000, *, seed: int = 0) -> tuple[Outcomes, dict[str, np.ndarray]]:
    generator = np.random.default_rng(seed)
    sex = generator.choice(["w", "m"], rows).astype(object)
    origin = generator.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2]).astype(object)
    actual = generator.integers(2, size=rows)
    told = np.clip(0.35 * actual + 0.1 * (sex == "w") + generator.uniform(0, 0.6, rows), 0, 1)
    return Outcomes("binary", actual, (told > 0.5).astype(int), np.column_stack([1 - told, told]), n_classes=2), {
        "sex": sex,
        "origin": origin,
    }


def assessed(
    outcomes: Outcomes, groups: dict[str, np.ndarray], use: FairnessUse | None = "allocation", tolerance: float = 0.1
) -> FairnessAssessment:
    return assess_fairness(outcomes, groups, basis="held-out", use=use, use_reason="made up", tolerance=tolerance)


def found(assessment: FairnessAssessment, measure: str, *columns: str) -> GroupComparison:
    return next(one for one in assessment.comparisons if (one.measure, one.columns) == (measure, columns))


def shares(*groups: tuple[int, float]) -> tuple[Measured, np.ndarray]:
    """Groups of so many rows with so many ones among them, as near as whole rows allow."""
    values = np.concatenate([np.arange(rows) < round(rows * share) for rows, share in groups]).astype(float)
    names = np.repeat([f"g{place}" for place in range(len(groups))], [rows for rows, _ in groups]).astype(object)
    return Measured("recall", values, np.ones(len(values), dtype=bool), is_share=True), names


def compared(*groups: tuple[int, float], tolerance: float = 0.1) -> GroupComparison:
    measured, names = shares(*groups)
    return compare_groups(measured, names, columns=("sex",), tolerance=tolerance)


@pytest.mark.parametrize(
    ("use", "measure", "oracle"),
    [
        ("allocation", "recall", true_positive_rate),
        ("allocation", "selection_rate", selection_rate),
        ("alarm", "false_positive_rate", false_positive_rate),
        ("alarm", "precision", precision_score),
    ],
)
def test_values_and_differences_are_fairlearns(use: FairnessUse, measure: str, oracle: Any) -> None:
    outcomes, groups = two_classes()
    frame = MetricFrame(
        metrics=oracle, y_true=outcomes.actual, y_pred=outcomes.predicted, sensitive_features=groups["origin"]
    )
    mine = found(assessed(outcomes, groups, use), measure, "origin")
    assert {cell.group: cell.estimate.value for cell in mine.cells if cell.estimate} == pytest.approx(
        frame.by_group.to_dict()
    )
    assert mine.difference is not None
    assert mine.difference.value == pytest.approx(frame.difference())


def test_equal_opportunity_parity_ratio_and_intersections_are_fairlearns() -> None:
    outcomes, groups = two_classes()
    assessment = assessed(outcomes, groups)
    pair = {"y_true": outcomes.actual, "y_pred": outcomes.predicted, "sensitive_features": groups["sex"]}
    recall = found(assessment, "recall", "sex").difference
    assert recall is not None
    assert recall.value == pytest.approx(equal_opportunity_difference(**pair))
    four_fifths = found(assessment, "selection_rate", "sex").four_fifths
    assert four_fifths is not None
    assert four_fifths.ratio == pytest.approx(demographic_parity_ratio(**pair))
    crossed = MetricFrame(
        metrics=true_positive_rate,
        y_true=outcomes.actual,
        y_pred=outcomes.predicted,
        sensitive_features={name: groups[name] for name in ("sex", "origin")},
    ).by_group
    mine = {
        cell.group: cell.estimate.value for cell in found(assessment, "recall", "sex", "origin").cells if cell.estimate
    }
    assert mine == pytest.approx({f"{sex} & {origin}": value for (sex, origin), value in crossed.items()})


def test_errors_of_numbers_are_fairlearns_and_relative_to_all_rows() -> None:
    generator = np.random.default_rng(0)
    sex = generator.choice(["w", "m"], 2000).astype(object)
    actual = generator.normal(50, 10, 2000)
    predicted = actual + generator.normal(2, 4, 2000)
    assessment = assessed(Outcomes("regression", actual, predicted), {"sex": sex}, None)
    frame = MetricFrame(
        metrics={"mae": mean_absolute_error, "mean": mean_prediction},
        y_true=actual,
        y_pred=predicted,
        sensitive_features=sex,
    )
    mae = found(assessment, "mae", "sex")
    assert {cell.group: cell.estimate.value for cell in mae.cells if cell.estimate} == pytest.approx(
        frame.by_group["mae"].to_dict()
    )
    assert mae.difference is not None
    assert mae.difference.value == pytest.approx(frame.difference()["mae"] / frame.overall["mae"])
    mean_error = found(assessment, "mean_error", "sex")
    women = next(cell for cell in mean_error.cells if cell.group == "w")
    assert women.estimate is not None
    assert women.estimate.value == pytest.approx((predicted - actual)[sex == "w"].mean())
    assert women.shrunk is None


def test_a_difference_beyond_the_tolerance_is_shown() -> None:
    one = compared((2000, 0.5), (2000, 0.8))
    assert one.verdict == "disparity shown"
    assert (one.highest, one.lowest) == ("g1", "g0")
    assert one.difference is not None
    assert one.difference.low > 0.1
    assert one.p_value == pytest.approx(1 / 1001)


def test_a_difference_surely_below_the_tolerance_is_within_it() -> None:
    assert compared((3000, 0.7), (3000, 0.72)).verdict == "within the tolerance you set"
    assert compared((3000, 0.7), (3000, 0.72), tolerance=0.0).verdict == "not enough data"


def test_too_few_rows_say_how_many_would_settle_it() -> None:
    one = compared((500, 0.7), (60, 0.65))
    assert one.verdict == "not enough data"
    assert one.rows_now == 60
    assert one.rows_needed is not None
    assert one.reason == f"not enough data: 60 rows of 'g1' now, {one.rows_needed:,} needed"
    settled = compared((20 * one.rows_needed, 0.7), (2 * one.rows_needed, 0.65))
    assert settled.verdict == "within the tolerance you set"


def test_the_four_fifths_rule_comes_with_its_false_alarm_rate_at_these_sizes() -> None:
    """Eight equal groups of 200 at a rate of 0.3 fail it in five of six tables without any disparity."""
    measured, names = shares(*[(200, 0.3)] * 8)
    measured = Measured("selection_rate", measured.values, measured.counted, is_share=True)
    one = compare_groups(measured, names, columns=("region",), tolerance=0.1)
    assert one.four_fifths is not None
    assert one.four_fifths.false_alarm_rate == pytest.approx(0.83, abs=0.05)
    assert one.expected_by_chance == pytest.approx(0.092, abs=0.01)


def test_intervals_of_the_largest_difference_cover_the_truth() -> None:
    """Nominal 95 %: of 400 tables no fewer than 92 % (three standard errors below), with three groups of unlike size."""
    generator, covered = np.random.default_rng(0), 0
    for seed in range(400):
        sizes, truth = (40, 200, 600), (0.5, 0.6, 0.7)
        values = np.concatenate([generator.random(n) < p for n, p in zip(sizes, truth, strict=True)]).astype(float)
        measured = Measured("recall", values, np.ones(840, dtype=bool), is_share=True)
        names = np.repeat(["a", "b", "c"], sizes).astype(object)
        one = compare_groups(measured, names, columns=("sex",), tolerance=0.1, seed=seed).difference
        covered += one is not None and one.low <= 0.2 <= one.high
    assert covered / 400 >= 0.92


def test_equal_groups_are_seldom_called_unequal() -> None:
    generator, shown = np.random.default_rng(1), 0
    for seed in range(300):
        values = (generator.random(1600) < 0.3).astype(float)
        measured = Measured("selection_rate", values, np.ones(1600, dtype=bool), is_share=True)
        names = np.repeat([f"g{place}" for place in range(8)], 200).astype(object)
        one = compare_groups(measured, names, columns=("region",), tolerance=0.0, seed=seed)
        shown += one.verdict == "disparity shown"
    assert shown / 300 <= 0.08


def test_small_cells_of_an_intersection_go_into_their_first_columns_group_and_stay_listed() -> None:
    outcomes, groups = two_classes()
    rare = groups["origin"].copy()
    rare[np.flatnonzero(groups["sex"] == "w")[:20]] = "x"
    rare[np.flatnonzero(groups["sex"] == "w")[20:35]] = "y"
    crossed = found(assessed(outcomes, groups | {"origin": rare}), "recall", "sex", "origin")
    cells = {cell.group: cell for cell in crossed.cells}
    assert cells["w & x"].note == "too small: 20 rows, 30 are needed; pooled into w & (pooled: 2 small groups)"
    assert (cells["w & x"].judged, cells["w & x"].estimate) == (False, None)
    pooled = cells["w & (pooled: 2 small groups)"]
    assert (pooled.rows, pooled.judged) == (35, True)


def test_a_rate_of_few_rows_is_drawn_further_to_the_rest_than_one_of_many() -> None:
    one = compared((1000, 0.3), (1000, 0.35), (40, 0.8), (4000, 0.8))
    cells = {cell.group: cell for cell in one.cells}
    few, many = cells["g2"], cells["g3"]
    assert few.estimate is not None
    assert few.shrunk is not None
    assert many.shrunk is not None
    assert few.estimate.value - few.shrunk.value > 10 * (0.8 - many.shrunk.value) > 0


def test_a_group_with_no_error_at_all_still_has_an_interval() -> None:
    one = compared((35, 1.0), (400, 0.9))
    perfect = next(cell for cell in one.cells if cell.group == "g0").estimate
    assert perfect is not None
    assert perfect.low == pytest.approx(0.901, abs=0.002)  # Wilson for 35 of 35
    assert one.verdict == "not enough data"


@pytest.mark.parametrize(
    ("given", "costs", "use", "because"),
    [
        (None, None, "allocation", "no costs were given"),
        (
            None,
            Costs(false_positive=1, false_negative=5),
            "allocation",
            "a miss costs no less (5) than a false alarm (1)",
        ),
        (None, Costs(false_positive=5, false_negative=1), "alarm", "a false alarm costs more (5) than a miss (1)"),
        ("scores", Costs(false_positive=5, false_negative=1), "scores", "problem.yaml sets fairness_use to 'scores'"),
    ],
)
def test_the_measure_follows_the_use_and_the_costs(
    given: FairnessUse | None, costs: Costs | None, use: FairnessUse, because: str
) -> None:
    chosen, reason = choose_use("binary", given=given, costs=costs, positive="yes")
    assert chosen == use
    assert because in reason


def test_a_model_that_says_the_same_of_everybody_is_not_assessed() -> None:
    outcomes, groups = two_classes()
    outcomes = replace(outcomes, predicted=np.zeros(outcomes.rows, dtype=int))
    one = found(assessed(outcomes, groups), "recall", "sex")
    assert (one.verdict, one.reason) == ("not assessed", "not assessed: the model gives every row the same answer")
    assert found(assessed(outcomes, groups), "calibration", "sex").verdict != "not assessed"


def test_groups_that_are_all_alike_are_named_as_two() -> None:
    one = compared((200, 0.5), (200, 0.5))
    assert one.highest != one.lowest


def test_small_ranges_are_pooled_with_their_neighbours_only() -> None:
    sizes = {
        "below 10": 12,
        "10 to below 20": 100,
        "20 to below 30": 200,
        "60 to below 70": 15,
        "70 to below 80": 18,
        "80 and above": 4,
        "(missing)": 40,
    }
    names = np.repeat(list(sizes), list(sizes.values())).astype(object)
    measured = Measured("recall", np.arange(len(names)) % 2.0, np.ones(len(names), dtype=bool), is_share=True)
    cells = {cell.group: cell for cell in compare_groups(measured, names, columns=("age",), tolerance=0.1).cells}
    pooled = cells["(pooled: 60 to below 70 … 80 and above)"]
    assert (pooled.rows, pooled.judged) == (37, True)
    assert cells["below 10"].note == "too small: 12 rows, 30 are needed; nothing to pool it with"
    assert cells["(missing)"].judged


def test_large_groups_of_errors_have_the_interval_of_their_mean() -> None:
    """Two groups of 20,000 errors: the interval of their difference is the textbook one."""
    values = np.random.default_rng(0).normal(size=40_000)
    names = np.repeat(["a", "b"], 20_000).astype(object)
    measured = Measured("mean_error", values, np.ones(40_000, dtype=bool), is_share=False)
    one = compare_groups(measured, names, columns=("sex",), tolerance=0.1)
    assert one.difference is not None
    assert one.difference.high - one.difference.value == pytest.approx(1.96 * np.sqrt(2 / 20_000), rel=0.1)
    assert one.expected_by_chance == pytest.approx(np.sqrt(2 / np.pi) * np.sqrt(2 / 20_000), rel=0.1)


def test_a_tiny_group_does_not_hide_a_sure_difference_between_large_ones() -> None:
    one = compared((2000, 0.7), (400, 0.4), (31, 0.5))
    assert one.verdict == "disparity shown"
    assert (one.highest, one.lowest) == ("g0", "g1")
    assert one.p_value is not None
    assert one.p_value < 0.01


def test_chance_explains_a_difference_that_is_none() -> None:
    one = compared((2000, 0.7), (400, 0.7), (31, 0.65))
    assert one.p_value is not None
    assert one.p_value > 0.2
