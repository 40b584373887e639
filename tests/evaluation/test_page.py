"""The page answers its questions in order, and nothing from the data becomes markup or leaves it."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import numpy as np
import pytest

from ml_engineer.evaluation.groups import compare_held_out_groups, score_groups
from ml_engineer.evaluation.page import format_number, page_context
from ml_engineer.evaluation.pictures import draw_pictures
from ml_engineer.evaluation.plots import for_page
from ml_engineer.rendering.documents import render_document
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.evaluation import EvaluationReport, Importance, WorstRow
from ml_engineer.vocabulary.fairness import MitigationTrial
from ml_engineer.vocabulary.guardrails import GUARDRAIL_TITLES, Finding, GuardrailReport, GuardrailResult, Waiver
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun

Make = Callable[..., EvaluationReport]
MakeProblem = Callable[..., ProblemDefinition]
DROP = Estimate(value=0.1, low=0.05, high=0.15, method="paired bootstrap of rows, 200 replicates", rows=300)
HOSTILE = "<script>alert('x')</script> & {{ 7 * 7 }} \"quoted\"</td>"


class Reader(HTMLParser):
    """Collects tags, texts and attributes; complains about tags that close what was not opened."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def render(
    problem: ProblemDefinition,
    report: EvaluationReport,
    split: SplitPlan,
    training: TrainingRun,
    *,
    guardrails: GuardrailReport | None = None,
    pictures: dict[str, str] | None = None,
) -> str:
    context = page_context(
        problem=problem, split=split, training=training, report=report, guardrails=guardrails, pictures=pictures or {}
    )
    return render_document("evaluation.html", **context)


def test_sections_answer_the_questions_in_order(
    two_classes: Outcomes, make_problem: MakeProblem, make_report: Make, split: SplitPlan, training: TrainingRun
) -> None:
    page = render(make_problem(), make_report(two_classes, ("no", "yes"), "roc_auc"), split, training)
    assert re.findall(r'<section id="([a-z-]+)">', page) == [
        "decision",
        "how-good",
        "compared",
        "fails",
        "who",
        "why",
        "tried",
        "guardrails",
        "reproduce",
    ]
    text = read(page).text
    assert "Better than the naive baseline" in text
    assert "Not assessed: the problem names no sensitive column" in text
    assert "have not been checked for this model yet" in text
    assert "ran out of memory" in text


def test_nothing_from_the_data_becomes_markup(
    make_problem: MakeProblem, make_report: Make, split: SplitPlan, training: TrainingRun
) -> None:
    rng = np.random.default_rng(0)
    actual = rng.integers(0, 3, 300)
    raw = np.eye(3)[actual] + rng.random((300, 3))
    outcomes = Outcomes("multiclass", actual, raw.argmax(axis=1), raw / raw.sum(axis=1, keepdims=True), n_classes=3)
    classes = (HOSTILE, "</svg><script>", "$\\frac{1}{2}$ javascript:")
    problem = make_problem(
        "multiclass",
        classes=classes,
        features=(HOSTILE, "b"),
        metric="log_loss",
        title=HOSTILE,
        business_goal=HOSTILE,
    )
    importances = (Importance(feature=HOSTILE, drop=DROP),)
    report = make_report(
        outcomes,
        classes,
        "log_loss",
        importances=importances,
        groups=tuple(score_groups(HOSTILE, np.full(300, HOSTILE, dtype=object), outcomes)),
        worst_rows=(WorstRow(row=1, actual=HOSTILE, predicted="b", error=1),),
        warnings=(HOSTILE,),
    )
    drawn = draw_pictures(problem, held_out=outcomes, classes=classes, out_of_fold=None, importances=importances)
    pictures = {picture.name: for_page(picture.svg, name=picture.name, title=HOSTILE) for picture in drawn}
    assert set(pictures) == {"roc", "precision_recall", "calibration", "confusion", "importance"}
    page = render(problem, report, split, training, pictures=pictures)
    reader = read(page)
    assert "script" not in reader.tags
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert "<script" not in page
    assert "49" not in reader.text.split("Decision")[0]
    assert reader.text.count("alert('x')") >= 5


def test_page_is_self_contained(
    two_classes: Outcomes, make_problem: MakeProblem, make_report: Make, split: SplitPlan, training: TrainingRun
) -> None:
    problem = make_problem()
    drawn = draw_pictures(problem, held_out=two_classes, classes=("no", "yes"), out_of_fold=None, importances=())
    pictures = {picture.name: for_page(picture.svg, name=picture.name, title=picture.title) for picture in drawn}
    page = render(problem, make_report(two_classes, ("no", "yes"), "roc_auc"), split, training, pictures=pictures)
    assert "default-src 'none'" in page
    reader = read(page)
    links = [value or "" for name, value in reader.attributes if name in {"href", "src", "xlink:href"}]
    assert links
    assert all(link.startswith("#") for link in links)
    assert all(link.removeprefix("#") in reader.ids for link in links)
    assert len(reader.ids) == len(set(reader.ids))
    assert not re.findall(r"url\((?!#)", page)
    assert len(page) < 500_000


def test_numbers_page_speaks_of_coverage_and_unit(
    numbers: Outcomes, make_problem: MakeProblem, make_report: Make, split: SplitPlan, training: TrainingRun
) -> None:
    problem = make_problem("regression", metric="rmse", unit="mm", target_score=0.2)
    coverage = Estimate(value=0.91, low=0.87, high=0.94, method="Wilson", rows=300)
    report = make_report(numbers, (), "rmse", interval_coverage=coverage, importances=())
    drawn = list(draw_pictures(problem, held_out=numbers, classes=(), out_of_fold=numbers, importances=()))
    assert [picture.name for picture in drawn] == ["predicted_actual", "residuals"]
    text = read(render(problem, report, split, training)).text
    assert "lie inside their 90 % prediction interval" in text
    assert "is not reached: the whole interval is poorer" in text


def test_pictures_of_numbers_need_out_of_fold_rows(numbers: Outcomes, make_problem: MakeProblem) -> None:
    problem = make_problem("regression", metric="rmse")
    assert list(draw_pictures(problem, held_out=numbers, classes=(), out_of_fold=None, importances=())) == []


def test_guardrails_are_shown_with_findings_and_overrides(
    two_classes: Outcomes, make_problem: MakeProblem, make_report: Make, split: SplitPlan, training: TrainingRun
) -> None:
    results = tuple(
        GuardrailResult(guardrail=name, title=title, verdict="block" if name == "fairness" else "pass", summary="told")
        for name, title in GUARDRAIL_TITLES.items()
    )
    finding = Finding(
        code="FAI001",
        title="Groups",
        guardrail="fairness",
        outcome="issue",
        blocks=True,
        found="too few",
        remedy="ask for more",
    )
    waiver = Waiver(code="LEA002", reason="known at that time", name="A. Person", at="2026-01-01T00:00:00+00:00")
    guardrails = GuardrailReport(
        stage="deploy",
        checked_at="2026-01-02T05:00:00+00:00",
        verdict="block",
        guardrails=results,
        findings=(finding, finding.model_copy(update={"code": "FAI002", "outcome": "passed", "found": "unseen"})),
        waivers=(waiver,),
    )
    report = make_report(two_classes, ("no", "yes"), "roc_auc")
    text = read(render(make_problem(), report, split, training, guardrails=guardrails)).text
    assert all(title in text for title in GUARDRAIL_TITLES.values())
    assert "ask for more" in text
    assert "A. Person" in text
    assert "unseen" not in text


def test_groups_too_small_are_named_with_the_reason(
    two_classes: Outcomes, make_problem: MakeProblem, make_report: Make, split: SplitPlan, training: TrainingRun
) -> None:
    labels = np.array(["many"] * 399 + ["alone"], dtype=object)
    report = make_report(two_classes, ("no", "yes"), "roc_auc", groups=tuple(score_groups("sex", labels, two_classes)))
    text = read(render(make_problem(), report, split, training)).text
    assert "too few rows: 1, and at least 30 are needed" in text


def test_sixty_classes_do_not_become_a_table(
    make_problem: MakeProblem, make_report: Make, split: SplitPlan, training: TrainingRun
) -> None:
    classes = tuple(f"class {code}" for code in range(60))
    actual = np.arange(240) % 60
    outcomes = Outcomes("multiclass", actual, np.roll(actual, 1), np.full((240, 60), 1 / 60), n_classes=60)
    problem = make_problem("multiclass", classes=classes, metric="log_loss")
    page = render(problem, make_report(outcomes, classes, "log_loss"), split, training)
    assert "There are 60 classes, too many for a table here" in page
    assert len(page) < 100_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.91234, "0.912"),
        (0, "0.000"),
        (12.345, "12.35"),
        (123.45, "123.5"),
        (1234567.8, "1,234,568"),
        (-0.5, "\N{MINUS SIGN}0.500"),
        (0.00082, "0.0008"),
        (0.0000123, "1.2e\N{MINUS SIGN}05"),
        (float("nan"), "undefined"),
    ],
)
def test_numbers_are_written_for_people(value: float, text: str) -> None:
    assert format_number(value) == text


def test_groups_are_compared_with_verdict_tolerance_reason_and_price(
    two_classes: Outcomes, make_problem: MakeProblem, make_report: Make, split: SplitPlan, training: TrainingRun
) -> None:
    labels = {name: np.array([name, HOSTILE], dtype=object)[np.arange(400) % 2] for name in ("sex", "origin")}
    problem = make_problem(fairness_tolerance=0.07)
    trial = MitigationTrial(
        kind="threshold per group",
        column=HOSTILE,
        measure="recall",
        before=DROP,
        after=DROP,
        verdict="not enough data",
        metric="balanced_accuracy",
        metric_before=0.7,
        price=DROP,
        note="ask whether it is lawful",
    )
    fairness = compare_held_out_groups(problem, two_classes, labels)
    report = make_report(two_classes, ("no", "yes"), "roc_auc", fairness=fairness, mitigations=(trial,))
    reader = read(render(problem, report, split, training))
    assert "A difference of 0.070 is tolerated" in reader.text
    assert "who is missed counts: recall of 'yes' decides" in reader.text
    assert "None of them says that the model is fair" in reader.text
    assert "sex and origin: recall" in reader.text
    assert "by chance alone it would be about" in reader.text
    assert "ask whether it is lawful" in reader.text
    assert "script" not in reader.tags
