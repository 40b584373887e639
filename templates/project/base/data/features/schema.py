"""Tables against data/contract.yaml, through a pandera schema: which rule is broken, how often, in which rows."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pandera.pandas as pa

from data.features.rules import RELATIONS, RULES, Relation, Rules, reads_as_truth

EXAMPLES = 5
Rule = Callable[[pd.Series], pd.Series]


@dataclass(frozen=True)
class Breach:
    """One rule that some rows break."""

    column: str  # or the relation
    rule: str
    level: str
    rows: int
    examples: list[object]  # the first few rows, by their place in the index


def breaches(frame: pd.DataFrame, *, parts: Collection[str] = ("input", "target", "key")) -> list[Breach]:
    """List every rule that rows break, errors first; columns that are not there are not looked at.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows as they were read or cleaned.
    parts : collection of str
        Parts of the contract to check: "input", "target", "key".
    """
    there = {name: rules for name, rules in RULES.items() if name in frame.columns and rules.part in parts}
    relations = [one for one in RELATIONS if {one.left, one.right} <= set(there) and one.breach != "allowed"]
    if frame.empty or not there:
        return []
    rows = frame[list(there)].reset_index(drop=True)
    schema = pa.DataFrameSchema(
        {name: pa.Column(checks=_checks(rules), nullable=True) for name, rules in there.items()},
        checks=[_relation_check(one, place) for place, one in enumerate(relations)],
    )
    try:
        schema.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return []
    found = []
    for (context, name, check), failed in cases.groupby(["schema_context", "column", "check"], sort=False):
        places = np.unique(failed["index"].dropna().astype(int).to_numpy())
        examples = list(frame.index[places[:EXAMPLES]])
        if context != "DataFrameSchema":
            rules = there[str(name)]
            level = "error" if check == "type" else getattr(rules, str(check))
            found.append(Breach(rules.name, str(check), level, len(places), examples))
            continue
        relation = relations[int(str(check).rsplit(" ", 1)[-1])]
        if name == relation.left:  # pandera tells a row once for every column
            found.append(Breach(relation.text, "relation", relation.breach, len(places), examples))
    return sorted(found, key=lambda breach: breach.level != "error")


def _checks(rules: Rules) -> list[pa.Check]:
    checks: dict[str, tuple[str, Rule | None]] = {
        "type": ("error", lambda values: _readable(values, rules)),
        "missing": (rules.missing, lambda values: values.notna()),
        "outside": (rules.outside, _limits(rules)),
        "unseen": (rules.unseen, _listed(rules)),
        "repeats": (rules.repeats, lambda values: ~values.duplicated(keep=False) | values.isna()),
    }
    return [
        pa.Check(check, name=name, ignore_na=name not in {"missing", "repeats"})
        for name, (level, check) in checks.items()
        if check is not None and level != "allowed"
    ]


def _readable(values: pd.Series, rules: Rules) -> pd.Series:
    """Say of each value whether it can be read as the column's type."""
    if rules.type == "string" or (rules.type == "boolean" and pd.api.types.is_bool_dtype(values)):
        return pd.Series(True, index=values.index)
    if rules.type == "datetime":
        return _moments(values).notna()
    if rules.type == "boolean":
        return values.astype("str").map(reads_as_truth)
    numbers = _numbers(values)
    return numbers.notna() & ((numbers == np.floor(numbers)) if rules.type == "integer" else True)


def _limits(rules: Rules) -> Rule | None:
    """Give the check that each readable value lies within the limits; nothing without limits."""
    read = _moments if rules.type == "datetime" else _numbers
    low, high = (rules.earliest, rules.latest) if rules.type == "datetime" else (rules.minimum, rules.maximum)
    if low is None and high is None:
        return None

    def within(values: pd.Series) -> pd.Series:
        known = read(values)
        kept = known.isna()
        above = pd.Series(True, index=values.index) if low is None else known >= low
        below = pd.Series(True, index=values.index) if high is None else known <= high
        return kept | (above & below)

    return within


def _listed(rules: Rules) -> Rule | None:
    categories = rules.categories
    return None if categories is None else lambda values: values.astype("str").isin(categories)


def _numbers(values: pd.Series) -> pd.Series:
    return pd.to_numeric(values, errors="coerce").astype("float64")


def _moments(values: pd.Series) -> pd.Series:
    """Time stamps without a zone, in UTC; what cannot be read as one is missing."""
    if not pd.api.types.is_datetime64_any_dtype(values):
        values = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
    return values.dt.tz_convert("UTC").dt.tz_localize(None) if values.dt.tz is not None else values


def _relation_check(relation: Relation, place: int) -> pa.Check:
    def holds(rows: pd.DataFrame) -> pd.Series:
        read = _moments if pd.api.types.is_datetime64_any_dtype(rows[relation.left]) else _numbers
        left, right = read(rows[relation.left]), read(rows[relation.right])
        return relation.holds(left, right) | left.isna() | right.isna()

    return pa.Check(holds, name=f"relation {place}", ignore_na=False)
