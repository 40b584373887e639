"""What was served against what came true: is the model still as good as its backtest, and do its intervals still hold?

    python models/serving/monitor.py --actual FILE      # a CSV or Parquet file with time, series and target

Exit status: 0 quiet, 1 worse than chance explains, 2 cannot judge (nothing that was forecast has come true yet).
"""

import argparse
import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binom

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from data.features.contract import PROBLEM

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT / "experiments" / "predictions.db"
FALSE_ALARMS = 0.01
LEVEL = 0.9
FEWEST = 10


@dataclass(frozen=True)
class Verdict:
    """What was found."""

    outcomes: int  # forecasts whose moment has come
    mean_absolute_error: float
    naive_error: float | None  # of the naive rule on the same moments, where the season before is known
    inside: float  # share of outcomes inside their 90 % interval
    expected_inside: float
    alarm: bool
    explanation: str


def read_log(path: Path) -> pd.DataFrame:
    """Read the latest forecast of each series, moment and step from the service's log."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as log:
        answers = [json.loads(line) for (line,) in log.execute("SELECT answer FROM predictions ORDER BY id")]
    table = pd.DataFrame(answers)
    if table.empty:
        return table
    table["series"] = [" | ".join(str(one) for one in names.values()) for names in table["series"]]
    table["time"] = table["time"].astype(str)
    return table.drop_duplicates(["series", "time", "step"], keep="last")


def read_actual(path: Path) -> pd.DataFrame:
    """Read what came true: one row a series and moment."""
    rows = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    times = rows[PROBLEM.time_column]
    if not isinstance(PROBLEM.step, int):
        times = pd.to_datetime(times, utc=True).dt.tz_localize(None)
    names = rows[list(PROBLEM.series_columns)].astype(str)
    series = names.agg(" | ".join, axis=1) if PROBLEM.series_columns else pd.Series("", index=rows.index)
    written = [one.isoformat() if hasattr(one, "isoformat") else str(one) for one in times]
    found = pd.DataFrame({"series": series, "time": written, "moment": times, "actual": rows[PROBLEM.target]})
    return found.sort_values("moment", kind="stable")


def judge(forecasts: pd.DataFrame, actual: pd.DataFrame) -> Verdict | None:
    """Hold forecasts against what came true; nothing if too little did.

    Whether intervals hold too rarely is judged by the binomial distribution of independent moments, those of one horizon
    counted as one where they all fail together would be kinder: so an alarm asks for people, not for machines.
    """
    actual = actual.assign(naive=actual.groupby("series")["actual"].shift(PROBLEM.season))
    both = forecasts.merge(actual, on=["series", "time"], how="inner").dropna(subset=["actual", "prediction"])
    if len(both) < FEWEST:
        return None
    errors = np.abs(both["actual"] - both["prediction"])
    naive = (both["actual"] - both["naive"]).abs().dropna()
    inside = ((both["actual"] >= both["low_90"]) & (both["actual"] <= both["high_90"])).to_numpy()
    rare = float(binom.cdf(inside.sum(), len(inside), LEVEL))
    worse = len(naive) >= FEWEST and float(errors[naive.index].mean()) > float(naive.mean())
    reasons = []
    if rare < FALSE_ALARMS:
        reasons.append(f"only {inside.mean():.0%} of outcomes lie inside their {LEVEL:.0%} interval")
    if worse:
        reasons.append("the naive rule would have been better")
    return Verdict(
        outcomes=len(both),
        mean_absolute_error=float(errors.mean()),
        naive_error=float(naive.mean()) if len(naive) else None,
        inside=float(inside.mean()),
        expected_inside=LEVEL,
        alarm=bool(reasons),
        explanation="; ".join(reasons) or "forecasts come true as the backtest promised",
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the script; see the module for its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actual", type=Path, required=True, help="what came true: time, series and target")
    parser.add_argument("--log", type=Path, default=LOG, help="the service's log")
    parser.add_argument("--reports", type=Path, default=ROOT / "reports", help="where to write")
    options = parser.parse_args(arguments)
    for path in (options.log, options.actual):
        if not path.exists():
            print(f"There is no {path}.", file=sys.stderr)
            return 2
    forecasts = read_log(options.log)
    verdict = None if forecasts.empty else judge(forecasts, read_actual(options.actual))
    if verdict is None:
        print(f"Fewer than {FEWEST} forecasts have come true yet.", file=sys.stderr)
        return 2
    options.reports.mkdir(parents=True, exist_ok=True)
    (options.reports / "monitor.json").write_text(json.dumps(asdict(verdict), indent=2) + "\n", encoding="utf-8")
    lines = [f"- {name.replace('_', ' ')}: {value}" for name, value in asdict(verdict).items()]
    (options.reports / "monitor.md").write_text(
        "# Served and come true\n\n" + "\n".join(lines) + "\n", encoding="utf-8"
    )
    print(verdict.explanation)
    return 1 if verdict.alarm else 0


if __name__ == "__main__":
    sys.exit(main())
