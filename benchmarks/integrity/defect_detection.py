"""Clean tables with planted defects: which are caught, with which column, at the price of how many false alarms.

    uv run python benchmarks/integrity/defect_detection.py run --out RESULTS [--real FOLDER] [--part 1/4] [--seeds 2]
    uv run python benchmarks/integrity/defect_detection.py report --out RESULTS > docs/integrity.md

Every case is one line of RESULTS/cases.jsonl; a run goes on where it was stopped. No case is dropped: what crashes is a
case that was missed, with its error.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import ours
import pandas as pd
import scores
from defects import Defect, Planted, applies
from more_defects import ALL
from report import render
from tables import Table, builtin, real, simulated


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "export", "report"])
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--real", type=Path, help="folder with real files")
    parser.add_argument("--peer", type=Path, help="deepchecks.jsonl, for the report")
    parser.add_argument("--claims", type=Path, help="cases.jsonl of a run with claims, if the main run left them out")
    parser.add_argument("--cost", type=Path, help="what speed.py printed, for the report")
    parser.add_argument("--part", default="1/1", help="i/n: every n-th case, beginning with the i-th")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--hosts", default="all", help="tables to plant in: 'all', or names separated by commas")
    parser.add_argument(
        "--no-claims", action="store_true", help="leave the claimed and true scores out, which take half the time"
    )
    parser.add_argument("--only", default="", help="part of a defect's or table's name")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "cases.jsonl"
    if arguments.what == "report":
        cost = arguments.cost.read_text(encoding="utf-8") if arguments.cost else ""
        sys.stdout.write(render(_lines(path), _lines(arguments.peer), _lines(arguments.claims), cost))
        return
    if arguments.what == "export":
        export(arguments)
        return
    run(path, arguments)


def _lines(path: Path | None) -> list[dict[str, Any]]:
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def export(arguments: argparse.Namespace) -> None:
    """Write the tables for peers: those whose defect lies in the table itself."""
    wanted = set(arguments.hosts.split(","))
    for number, (case, table, defect, strength, seed) in enumerate(
        cases(arguments.real, arguments.seeds, arguments.hosts)
    ):
        if table.name not in wanted or arguments.only not in case:
            continue
        planted = plant(table, defect, strength, seed) if defect else Planted(table.frame)
        if planted.code or planted.test is not None:
            continue
        times = planted.frame.select_dtypes("datetime").columns
        meta = {
            "case": case,
            "table": table.name,
            "task": table.task,
            "target": table.target,
            "defect": defect.name if defect else "",
            "strength": strength,
            "columns": list(planted.columns),
            "times": list(times),
            "timed": "time_column" in table.told,
        }
        name = f"{number:05d}{'' if defect else '_clean'}"
        planted.frame.to_csv(arguments.out / f"{name}.csv", index=False)
        (arguments.out / f"{name}.json").write_text(json.dumps(meta), encoding="utf-8")


def plant(table: Table, defect: Defect, strength: Any, seed: int) -> Planted:
    rng = np.random.default_rng(zlib.crc32(f"{table.name}{defect.name}{strength}{seed}".encode()))
    return defect.plant(table, strength, rng)


def run(path: Path, arguments: argparse.Namespace) -> None:
    done = (
        {json.loads(line)["case"] for line in path.read_text(encoding="utf-8").splitlines()} if path.exists() else set()
    )
    part, parts = map(int, arguments.part.split("/"))
    for number, (case, table, defect, strength, seed) in enumerate(
        cases(arguments.real, arguments.seeds, arguments.hosts)
    ):
        if number % parts != part - 1 or case in done or arguments.only not in case:
            continue
        started = time.perf_counter()
        result: dict[str, Any] = {
            "case": case,
            "table": table.name,
            "task": table.task,
            "real": table.real,
            "strength": strength,
            "defect": defect.name if defect else "",
            "seed": seed,
        }
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result |= judged(table, defect, strength, seed, claims=not arguments.no_claims)
        except Exception as error:  # noqa: BLE001  (a crash is a case that was missed, not the end of the run)
            result |= {"crashed": f"{type(error).__name__}: {error}", "where": traceback.format_exc()[-600:]}
        result["seconds"] = round(time.perf_counter() - started, 2)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result, default=float) + "\n")
        print(
            f"{case}: {result.get('caught', result.get('blocking', result.get('crashed')))} {result['seconds']} s",
            flush=True,
        )


def cases(folder: Path | None, seeds: int, chosen: str) -> Iterator[tuple[str, Table, Defect | None, str, int]]:
    """Clean tables first, then each defect at each strength on each table that it fits."""
    for seed in range(seeds):
        tables = [
            *simulated(seed=seed),
            *(builtin() if seed == 0 else ()),
            *(real(folder) if folder and seed == 0 else ()),
        ]
        for table in tables:
            yield f"{table.name}/clean/{seed}", table, None, "", seed
        names = HOSTS if chosen == "all" else set(chosen.split(","))
        hosts = [table for table in tables if table.name in names]
        for strength in ("strong", "medium", "weak"):
            for defect in ALL:
                for table in hosts:
                    if applies(defect, table):
                        yield f"{table.name}/{defect.name}/{strength}/{seed}", table, defect, strength, seed


# Tables that defects are planted in; the others are looked at as they are.
HOSTS = frozenset({*(table.name for table in simulated(10)), "breast_cancer", "diabetes", "telco", "california"})

_CLEAN: dict[tuple[str, int], ours.Verdict] = {}


def clean_verdict(table: Table, seed: int) -> ours.Verdict:
    key = (table.name, seed)
    if key not in _CLEAN:
        _CLEAN[key] = ours.judge(table.frame, table.target, table.told)
    return _CLEAN[key]


def judged(table: Table, defect: Defect | None, strength: Any, seed: int, *, claims: bool) -> dict[str, Any]:
    clean = clean_verdict(table, seed)
    if defect is None:
        planted = Planted(table.frame)
        return _told(clean) | (_claims(table, planted, clean, seed) if claims else {})
    planted = plant(table, defect, strength, seed)
    verdict = ours.judge(planted.frame, table.target, table.told | planted.told, code=planted.code, test=planted.test)
    caught, named = noticed(planted, verdict, clean)
    return (
        _told(verdict)
        | {"caught": caught, "named": named, "expected": planted.columns}
        | (_claims(table, planted, verdict, seed) if claims else {})
    )


def _told(verdict: ours.Verdict) -> dict[str, Any]:
    return {
        "findings": verdict.findings,
        "blocking": verdict.blocking,
        "taken_out": verdict.taken_out,
        "refused": verdict.refused[:300],
    }


def noticed(planted: Planted, verdict: ours.Verdict, clean: ours.Verdict) -> tuple[bool, bool | None]:
    """Whether something new was noticed that fits the defect, and whether a right column was named."""
    wanted = set(planted.columns)
    if wanted:
        named = any(
            wanted & set(columns)
            for code, columns in verdict.findings.items()
            if code in planted.codes or code.startswith("LEA")
        ) or bool(wanted & (set(verdict.taken_out) | (set(planted.lost) & set(verdict.unused))))
    else:
        named = None
    fits = any(
        code in planted.codes and (code not in clean.findings or set(columns) != set(clean.findings[code]))
        for code, columns in verdict.findings.items()
    ) or ("refused" in planted.codes and bool(verdict.refused))
    return bool(named) or fits, named


def _claims(table: Table, planted: Planted, verdict: ours.Verdict, seed: int) -> dict[str, Any]:
    """What is claimed and what comes true, for simulated tables whose target still means the same."""
    if table.draw is None or planted.test is not None or planted.code or planted.retold:
        return {}
    fresh = table.draw(2_000, np.random.default_rng(10_000 + seed))
    if "when" in fresh:
        fresh["when"] += pd.Timedelta(days=200)
    made = [name for name in planted.frame.columns if name not in fresh.columns]
    if not planted.lost and set(made) - {"device"}:
        return {}  # how such a column and the target go together on fresh rows is not known
    for name in made:
        drawn = planted.frame[name].sample(len(fresh), replace=True, random_state=0).to_numpy()
        fresh[name] = np.nan if name in planted.lost else "unseen" if name == "device" else drawn
    fresh = fresh.astype(
        {name: planted.frame[name].dtype for name in planted.lost if planted.frame[name].dtype == float}
    )
    told = {}
    for who, claim in (
        ("plain", scores.plain(planted.frame, fresh, table.target, table.task)),
        ("ours", scores.ours(verdict, fresh, table.target, table.task)),
    ):
        told[who] = [claim.claimed, claim.low, claim.high, claim.true]
    return {"claims": told}


if __name__ == "__main__":
    main()
