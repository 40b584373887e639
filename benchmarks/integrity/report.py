"""The page of results, made from the cases."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

Case = dict[str, Any]

_HEAD = """# How many planted defects are caught

<!-- Made by `python benchmarks/integrity/defect_detection.py report`; do not edit. -->

{cases:,} cases: {clean} clean tables, and {planted:,} tables with one planted defect each ({tables} tables from
scikit-learn, simulations and real files; {defects} kinds of defect at three strengths). Each is framed as
`frame_problem` does it and asked every check of stage `train`. *Caught*: framing took a leaking column out or asks
about it, or an open finding fits the defect and was not there on the clean table. *Named*: the right column is named.
Advice does not count. Everything that was missed is listed at the end.

Read it with its limits: the defects and the checks were written by the same hand, and some thresholds were set after a first
run had shown what was missed; strengths of noise are relative to the gap between two classes, or to the target's ranks.
A leak that is no stronger than what the other columns know together cannot be told from an honest column by any statistic.

    uv run python benchmarks/integrity/defect_detection.py run --out RESULTS --real FOLDER
    uv run python benchmarks/integrity/defect_detection.py report --out RESULTS > docs/integrity.md
"""

_COST = """\
What `benchmarks/integrity/speed.py` printed, on two busy cores. Memory is by how much the process's peak grows. Some 40 MB of it are what
the checks' own models and the libraries that they load take, however small the table: that is nine times a table of 10,000 rows (5 MB) and
less than one of 100,000. deepchecks runs every condition of its suites `data_integrity` and `train_test_validation`; evidently summarises
each column and compares two parts for drift, and fits no model."""


def render(cases: Sequence[Case], peer: Sequence[Case] = (), claims: Sequence[Case] = (), cost: str = "") -> str:
    cases = sorted(cases, key=lambda case: case["case"])
    clean = [case for case in cases if not case["defect"]]
    planted = [case for case in cases if case["defect"]]
    parts = [
        _HEAD.format(
            cases=len(cases),
            clean=len(clean),
            planted=len(planted),
            tables=len({case["table"] for case in cases}),
            defects=len({case["defect"] for case in planted}),
        ),
        "## In all\n\n" + "\n".join(_overall(planted)),
        "## By defect\n\n" + "\n".join(_by_defect(planted)),
        "## False alarms on clean tables\n\n" + "\n".join(_alarms(clean)),
        "## Beside deepchecks\n\n" + "\n".join(_beside(cases, peer)),
        "## Claimed and true scores\n\n" + "\n".join(_claims([*cases, *claims])),
        f"## Cost\n\n{_COST}\n\n{_indented(cost)}" if cost else "",
        "## Missed\n\n" + "\n".join(_missed(planted)),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines())


def _share(cases: Iterable[Case], key: str) -> str:
    values = [bool(case.get(key)) for case in cases if case.get(key) is not None or key == "caught"]
    return f"{sum(values)}/{len(values)}" if values else "-"


def _percent(cases: Sequence[Case], key: str) -> str:
    values = [bool(case.get(key)) for case in cases if case.get(key) is not None or key == "caught"]
    return f"{100 * sum(values) / len(values):.0f} %" if values else "-"


def _overall(planted: Sequence[Case]) -> Iterable[str]:
    yield "| Strength | Cases | Caught | With the right column | Training blocked |"
    yield "|---|---|---|---|---|"
    for strength in ("strong", "medium", "weak"):
        some = [case for case in planted if case["strength"] == strength]
        blocked = [case | {"blocked": bool(case.get("blocking")) or bool(case.get("refused"))} for case in some]
        yield f"| {strength} | {len(some)} | {_percent(some, 'caught')} | {_percent(some, 'named')} | {_percent(blocked, 'blocked')} |"


def _by_defect(planted: Sequence[Case]) -> Iterable[str]:
    yield "| Defect | Strong | Medium | Weak | Named (all strengths) |"
    yield "|---|---|---|---|---|"
    for defect in dict.fromkeys(case["defect"] for case in planted):
        some = [case for case in planted if case["defect"] == defect]
        cells = [
            _share([case for case in some if case["strength"] == strength], "caught")
            for strength in ("strong", "medium", "weak")
        ]
        yield f"| {defect} | {' | '.join(cells)} | {_share(some, 'named')} |"


def _alarms(clean: Sequence[Case]) -> Iterable[str]:
    blocking = sum(len(case.get("blocking", [])) for case in clean)
    taken = sum(len(case.get("taken_out", [])) for case in clean)
    opened = sum(len(case.get("findings", {})) for case in clean)
    yield f"{blocking / max(len(clean), 1):.2f} blocking findings a table, {opened / max(len(clean), 1):.2f} open ones, {taken} columns taken out or asked about by framing.\n"
    yield "| Table | Blocking | Open | Taken out by framing |"
    yield "|---|---|---|---|"
    for case in clean:
        yield (
            f"| {case['table']} | {', '.join(case.get('blocking', [])) or case.get('crashed', '')} | "
            f"{', '.join(sorted(case.get('findings', {})))} | {', '.join(case.get('taken_out', []))} |"
        )


def _beside(cases: Sequence[Case], peer: Sequence[Case]) -> Iterable[str]:
    """The same tables, where the peer was run on them."""
    if not peer:
        yield "Not run."
        return
    ours = {case["case"]: case for case in cases}
    both = [(ours[case["case"]], case) for case in peer if case["defect"] and case["case"] in ours]
    clean = [(ours[case["case"]], case) for case in peer if not case["defect"] and case["case"] in ours]
    yield (
        "deepchecks 0.19.1 in an environment of its own: the suites `data_integrity` and `train_test_validation` on a random 80/20 "
        "split, every condition of theirs. Caught, for it: any check fails or warns that did not on the clean table, or its "
        "answer names a planted column. Defects that lie in code or in a test file are left out, because it has no place for them.\n"
    )
    yield "| | Cases | Caught | With the right column | Failing on clean tables |"
    yield "|---|---|---|---|---|"
    for name, place in (("ml-engineer", 0), ("deepchecks", 1)):
        mine = [pair[place] for pair in both]
        alarms = "; ".join(
            f"{pair[place]['table']}: {', '.join(sorted(pair[place].get('findings', []))) or 'none'}" for pair in clean
        )
        yield f"| {name} | {len(mine)} | {_share(mine, 'caught')} | {_share(mine, 'named')} | {alarms} |"
    crashed = [peer_case["case"] for _, peer_case in both if peer_case.get("crashed")]
    yield f"\nIt crashed on {len(crashed)} of these tables; a crash counts as missed."
    missed = [theirs["defect"] for _, theirs in both if not theirs.get("caught")]
    yield f"\nMissed by it: {', '.join(dict.fromkeys(missed))}."


def _claims(cases: Sequence[Case]) -> Iterable[str]:
    yield (
        "On simulated tables fresh rows are to be had, in which a planted leak is worthless. *Plain*: a random split, all columns, "
        "histogram boosting, as it is usually written. *Ours*: the same learner on the stored folds, after what the findings "
        "ask for (columns out, groups together, time in order), with a 95 % interval; no claim where training is refused for "
        "another reason. ROC AUC (mean over classes) or R².\n"
    )
    yield "| Cases | Claims | mean claimed - true | mean abs(claimed - true) | worst | interval reaches the truth |"
    yield "|---|---|---|---|---|---|"
    for label, some in (
        ("clean", [case for case in cases if not case["defect"]]),
        *(
            (strength, [case for case in cases if case["strength"] == strength])
            for strength in ("strong", "medium", "weak")
        ),
    ):
        for who in ("plain", "ours"):
            told = [case["claims"][who] for case in some if "claims" in case]
            known = [
                claim for claim in told if not any(value is None or math.isnan(value) for value in (claim[0], claim[3]))
            ]
            if not known:
                continue
            gaps = [claim[0] - claim[3] for claim in known]
            reached = [claim[1] <= claim[3] for claim in known if claim[1] is not None and not math.isnan(claim[1])]
            yield (
                f"| {label}, {who} | {len(known)}/{len(told)} | {sum(gaps) / len(gaps):+.3f} | {sum(map(abs, gaps)) / len(gaps):.3f} | "
                f"{max(gaps):+.3f} | {f'{100 * sum(reached) / len(reached):.0f} %' if reached else '-'} |"
            )
    yield "\n*Interval reaches the truth*: the true score is no lower than the interval's lower end."


def _missed(planted: Sequence[Case]) -> Iterable[str]:
    missed = [case for case in planted if not case.get("caught")]
    yield f"{len(missed)} of {len(planted)}."
    for strength in ("strong", "medium", "weak"):
        some = [case for case in missed if case["strength"] == strength]
        yield f"\n**{strength}** ({len(some)})\n"
        for defect in dict.fromkeys(case["defect"] for case in some):
            tables = [
                case["table"] + (" (crashed)" if "crashed" in case else "") for case in some if case["defect"] == defect
            ]
            yield f"- {defect}: {', '.join(tables)}"
