"""Compare what was served lately with the development rows, and say whether something has changed.

    python models/serving/monitor.py                        # the last 1,000 predictions in the log
    python models/serving/monitor.py --data new_rows.csv    # any file with the columns of the data

Writes reports/monitor.json and reports/monitor.md; both count the broken rules of data/contract.yaml too. Exit status: 0 nothing has changed, 1 something has, 2 cannot
judge (too few rows, no data). Rows like those of training raise an alarm in one check of a hundred.
"""

import argparse
import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from data.features.contract import COLUMNS, PROBLEM
from data.features.rows import cast
from data.features.schema import Breach, breaches
from models.serving.drift import comparable, make_bins, stability_index, thresholds
from models.training.development import DEVELOPMENT, ROOT

FEWEST_ROWS = 30
PREDICTION = "(prediction)"
QUIET, DRIFT, CANNOT_JUDGE = 0, 1, 2


@dataclass(frozen=True)
class Change:
    """One column in the window against the reference."""

    column: str
    index: float  # population stability index
    threshold: float  # the index from which unchanged rows are not a good explanation
    drifted: bool
    missing_share: float
    missing_share_before: float
    unseen_share: float  # values that the reference never had, or outside its range


class CannotJudgeError(Exception):
    """There is not enough to compare; the text says what is missing."""


def compare(reference: pd.DataFrame, window: pd.DataFrame, *, false_alarm_rate: float) -> list[Change]:
    """Compare the columns that both have, the most changed first."""
    names = [name for name in reference.columns if name in window.columns]
    bins = {name: make_bins(reference[name]) for name in names}
    before = [bins[name].count(reference[name]) for name in names]
    limits = thresholds(before, len(window), false_alarm_rate=false_alarm_rate)
    changes = []
    for name, old, limit in zip(names, before, limits, strict=True):
        new = bins[name].count(window[name])
        index = float(stability_index(old, new))
        unseen = new[:-1][old[:-1] == 0].sum()
        changes.append(
            Change(
                column=name,
                index=index,
                threshold=limit,
                drifted=index > limit,
                missing_share=float(new[-1] / len(window)),
                missing_share_before=float(old[-1] / len(reference)),
                unseen_share=float(unseen / len(window)),
            )
        )
    return sorted(changes, key=lambda change: change.threshold - change.index)


def comparable_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Bring the contract's columns that are there into the form that is compared."""
    columns = {}
    for column in COLUMNS:
        if column.name in rows.columns:
            values = comparable(cast(rows[column.name], column), column)
            if values is not None:
                columns[column.name] = values
    return pd.DataFrame(columns, index=rows.index)


def read_log(path: Path, last: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the inputs and the answers of the last predictions in the log."""
    if not path.exists():
        raise CannotJudgeError(f"there is no prediction log {path}")
    with closing(sqlite3.connect(path)) as connection:
        try:
            query = "SELECT inputs, answer FROM predictions ORDER BY id DESC LIMIT ?"
            lines = connection.execute(query, (last,)).fetchall()
        except sqlite3.Error as error:
            raise CannotJudgeError(f"the prediction log {path} cannot be read: {error}") from error
    inputs = pd.DataFrame([json.loads(line[0]) for line in lines])
    return inputs, pd.DataFrame([served(json.loads(line[1])) for line in lines])


def read_file(path: Path) -> pd.DataFrame:
    """Read rows from a Parquet or CSV file; each column's own words for missing count as missing."""
    if not path.exists():
        raise CannotJudgeError(f"there is no file {path}")
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    texts = {column.name: "str" for column in COLUMNS if column.storage == "string"}  # "007" is not 7
    missing = {column.name: ["", *column.missing_words] for column in COLUMNS}
    return pd.read_csv(path, dtype=texts, na_values=missing, keep_default_na=False)


def served(answer: dict) -> dict[str, float | str]:
    """Give what is compared of an answer: the probability of the positive class, the class, or the number.

    Of several labels a row, the probability of each.
    """
    if PROBLEM.task == "multilabel":
        return {f"{PREDICTION} {label}": float(value) for label, value in answer.get("probabilities", {}).items()}
    if PROBLEM.task == "binary" and PROBLEM.positive_class in answer.get("probabilities", {}):
        return {PREDICTION: float(answer["probabilities"][PROBLEM.positive_class])}
    return {PREDICTION: answer["predicted"]}


def reference_predictions(champion_dir: Path) -> pd.DataFrame | None:
    """Give the champion's out-of-fold predictions in the same form, if they are on this machine."""
    try:
        run_id = json.loads((champion_dir / "manifest.json").read_text(encoding="utf-8"))["run_id"]
        table = pd.read_parquet(ROOT / "experiments" / "runs" / str(run_id) / "out_of_fold.parquet")
    except (OSError, ValueError, KeyError):
        return None
    table = table[table["fold"] >= 0]
    if PROBLEM.task == "multilabel":
        return pd.DataFrame({f"{PREDICTION} {label}": table[f"p{code}"] for code, label in enumerate(PROBLEM.classes)})
    if PROBLEM.task == "binary":
        return table[f"p{PROBLEM.positive_code}"].to_frame(PREDICTION)
    if PROBLEM.classes:
        return table["predicted"].map(lambda code: PROBLEM.classes[int(code)]).astype("str").to_frame(PREDICTION)
    return table[["predicted"]].set_axis([PREDICTION], axis="columns")


def judge(window: pd.DataFrame, predictions: pd.DataFrame | None, options: argparse.Namespace) -> list[Change]:
    """Compare the window's columns, and its predictions if there are any, with those of development.

    Raises
    ------
    CannotJudgeError
        If there is too little to compare.
    """
    if not options.reference.exists():
        raise CannotJudgeError(f"there are no development rows at {options.reference}")
    if len(window) < FEWEST_ROWS:
        raise CannotJudgeError(f"{len(window)} rows are too few to compare: at least {FEWEST_ROWS} are needed")
    absent = [column.name for column in COLUMNS if column.name not in window.columns and not column.sensitive]
    if absent:
        raise CannotJudgeError(f"{len(absent)} columns are missing, among them {absent[:5]!r}")
    reference = comparable_columns(pd.read_parquet(options.reference))
    # Columns and predictions rest on different rows of development, so each keeps its own reference.
    rate = options.false_alarm_rate
    before = None if predictions is None else reference_predictions(options.champion)
    if predictions is None or before is None:
        return compare(reference, comparable_columns(window), false_alarm_rate=rate)
    changes = compare(reference, comparable_columns(window), false_alarm_rate=rate / 2)
    changes += compare(before, predictions, false_alarm_rate=rate / 2)
    return sorted(changes, key=lambda change: change.threshold - change.index)


def counted(breach: Breach, rows: int) -> dict:
    """Give the count of a broken rule of the contract, without the rows themselves."""
    return {
        "column": breach.column,
        "rule": breach.rule,
        "level": breach.level,
        "rows": breach.rows,
        "share": breach.rows / rows,
    }


def as_markdown(report: dict) -> str:
    """Write the report for people."""
    lines = [f"# Drift: {report['verdict']}", "", report["summary"], ""]
    if report["columns"]:
        lines += [
            "| Column | Index | Threshold | | Missing (before) | Never seen before |",
            "|---|---|---|---|---|---|",
        ]
    for change in report["columns"]:
        mark = "changed" if change["drifted"] else ""
        missing = f"{change['missing_share']:.1%} ({change['missing_share_before']:.1%})"
        lines.append(
            f"| {_cell(change['column'])} | {change['index']:.3f} | {change['threshold']:.3f} | {mark} | {missing} "
            f"| {change['unseen_share']:.1%} |"
        )
    if report["contract"]:
        lines += ["", "## Broken rules of data/contract.yaml", "", "| Column | Rule | Level | Rows | Share |"]
        lines += ["|---|---|---|---|---|"]
    for broken in report["contract"]:
        name, share = _cell(broken["column"]), f"{broken['share']:.1%}"
        lines.append(f"| {name} | {broken['rule']} | {broken['level']} | {broken['rows']} | {share} |")
    return "\n".join(lines) + "\n"


def _cell(name: str) -> str:
    """Write a column's name so that nothing in it becomes markup."""
    plain = "".join(sign if sign.isprintable() and sign not in "`|" else " " for sign in name)
    return f"`{plain.strip()[:80] or ' '}`"


def make_report(options: argparse.Namespace) -> tuple[int, dict]:
    """Compare and put the findings together: exit status and report."""
    report: dict = {
        "checked_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": 0,
        "columns": [],
        "contract": [],
    }
    try:
        window, predictions = (
            read_log(options.log, options.last) if options.data is None else (read_file(options.data), None)
        )
        report["rows"] = len(window)
        report["contract"] = [counted(breach, len(window)) for breach in breaches(window, parts=["input"])]
        changes = judge(window, predictions, options)
    except CannotJudgeError as reason:
        return CANNOT_JUDGE, report | {"verdict": "cannot judge", "summary": f"Nothing was compared: {reason}."}
    changed = [change.column for change in changes if change.drifted]
    report["columns"] = [asdict(change) for change in changes]
    report["false_alarm_rate"] = options.false_alarm_rate
    told = f"{len(changed)} of {len(changes)} columns differ from development" if changed else "No column differs"
    chance = f"rows like those of training would raise an alarm in {options.false_alarm_rate:.1%} of such checks"
    report["summary"] = f"{told} over {len(window)} rows; {chance}."
    report["verdict"] = "drift" if changed else "quiet"
    return (DRIFT if changed else QUIET), report


def main(arguments: list[str] | None = None) -> int:
    """Run the script; see the exit status above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    experiments, serving, reports = ROOT / "experiments", ROOT / "models" / "serving", ROOT / "reports"
    parser.add_argument("--data", type=Path, help="file to look at instead of the prediction log (CSV or Parquet)")
    parser.add_argument("--log", type=Path, default=experiments / "predictions.db", help="prediction log")
    parser.add_argument("--last", type=int, default=1000, help="predictions to look at")
    parser.add_argument("--reference", type=Path, default=DEVELOPMENT, help="development rows")
    parser.add_argument("--champion", type=Path, default=serving / "champion", help="folder of the champion")
    parser.add_argument("--false-alarm-rate", type=float, default=0.01, help="share of unchanged windows that alarm")
    parser.add_argument("--output", type=Path, default=reports, help="folder for monitor.json and monitor.md")
    options = parser.parse_args(arguments)

    status, report = make_report(options)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "monitor.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (options.output / "monitor.md").write_text(as_markdown(report), encoding="utf-8")
    print(f"{report['verdict']}: {report['summary']}")
    for change in report["columns"]:
        if change["drifted"]:
            print(f"  {change['column']!r}: index {change['index']:.3f}, threshold {change['threshold']:.3f}")
    for broken in report["contract"]:
        level = f"{broken['rule']}, {broken['level']}"
        print(f"  {broken['column']!r} breaks the contract ({level}): {broken['rows']} rows")
    return status


if __name__ == "__main__":
    sys.exit(main())
