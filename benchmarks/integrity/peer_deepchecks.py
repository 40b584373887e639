"""deepchecks on the tables that `defect_detection.py export` wrote; runs in the environment that speed.py describes.

    peer/bin/python benchmarks/integrity/peer_deepchecks.py TABLES

Each table is split 80/20 at random; both suites that need no model are run with all their conditions. A defect is caught
if a check fails (or warns) that did not on the clean table, and named if its answer names a planted column.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
from deepchecks.core import ConditionCategory
from deepchecks.tabular import Dataset
from deepchecks.tabular.suites import data_integrity, train_test_validation


def failing(frame, meta):
    """Failing checks of both suites, with what they say."""
    times = [name for name in meta["times"] if name in frame.columns]
    for name in times:
        frame[name] = pd.to_datetime(frame[name])
    categories = [name for name in frame.columns if frame[name].dtype == object and name != meta["target"]]
    shuffled = frame if meta["timed"] else frame.sample(frac=1, random_state=0)
    cut = int(0.8 * len(shuffled))
    kind = "regression" if meta["task"] == "regression" else meta["task"]
    parts = [
        Dataset(
            part,
            label=meta["target"],
            cat_features=categories,
            label_type=kind,
            datetime_name=times[0] if times else None,
        )
        for part in (shuffled[:cut], shuffled[cut:])
    ]
    found = {}
    for result in (data_integrity().run(parts[0]), train_test_validation().run(*parts)):
        for check in result.results:
            for condition in getattr(check, "conditions_results", []):
                if condition.category in (ConditionCategory.FAIL, ConditionCategory.WARN):
                    found[type(check.check).__name__] = str(condition.details)[:300]
    return found


def main(folder):
    warnings.simplefilter("ignore")
    clean = {}
    for path in sorted(folder.glob("*.json"), key=lambda path: ("clean" not in path.name, path.name)):
        meta = json.loads(path.read_text(encoding="utf-8"))
        started = time.perf_counter()
        try:
            found = failing(pd.read_csv(path.with_suffix(".csv")), meta)
        except Exception as error:  # noqa: BLE001  (a crash is a case that was missed, not the end of the run)
            found = {"crashed": f"{type(error).__name__}: {error}"[:200]}
        if not meta["defect"]:
            clean[meta["table"]] = found
        new = {name: text for name, text in found.items() if name not in clean[meta["table"]] and name != "crashed"}
        changed = [
            name
            for name, text in found.items()
            if any(column in text for column in meta["columns"]) and name != "crashed"
        ]
        result = {
            **meta,
            "findings": sorted(found),
            "caught": bool(new or changed) if meta["defect"] else None,
            "named": bool(changed) if meta["columns"] else None,
            "crashed": found.get("crashed", ""),
            "seconds": round(time.perf_counter() - started, 1),
        }
        with (folder / "deepchecks.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        print(
            meta["case"],
            result["caught"],
            result["named"],
            sorted(new),
            result["crashed"],
            result["seconds"],
            flush=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
