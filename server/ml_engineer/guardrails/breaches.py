"""Rows against the data contract, through a pandera schema: which rule is broken where, by what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from ml_engineer.guardrails.wording import quoted
from ml_engineer.vocabulary.contract import Breach, BreachRule, ColumnRules, DataContract, Level, Relation

if TYPE_CHECKING:
    import pandera.pandas as pa

__all__ = ["find_breaches"]

_EXAMPLES = 5
_VALUES = 3
_MOST_ALLOWED = 8
_WORDS_OF_TRUTH = frozenset({"true", "t", "yes", "y", "1", "1.0", "false", "f", "no", "n", "0", "0.0"})


def find_breaches(frame: pd.DataFrame, contract: DataContract) -> tuple[Breach, ...]:
    """Every rule that some rows break, errors first.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        Rows; columns that the contract does not name are not looked at. The index numbers the rows in what is told.
    contract : DataContract
        The rules; those at level 'allowed' are none.
    """
    import pandera.pandas as pa  # 0.4 s of processor time that only those pay who check rows

    absent = [
        Breach(column=column.name, rule="absent", level="error", rows=len(frame))
        for column in contract.columns
        if column.part == "input" and column.name not in frame.columns
    ]
    there = {column.name: column for column in contract.columns if column.name in frame.columns}
    relations = [one for one in contract.relations if {one.left, one.right} <= set(there) and one.breach != "allowed"]
    if not there or frame.empty:
        return tuple(absent)
    rows = frame[list(there)].reset_index(drop=True)
    schema = pa.DataFrameSchema(
        {name: pa.Column(checks=_checks(column), nullable=True) for name, column in there.items()},
        checks=[_relation_check(one, place) for place, one in enumerate(relations)],
    )
    try:
        schema.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as errors:
        found = list(_breaches(errors.failure_cases, frame.index, rows, there, relations))
        return tuple(sorted([*absent, *found], key=lambda breach: breach.level != "error"))
    return tuple(absent)


# --- rules as checks ---------------------------------------------------------------------------------------------


def _checks(column: ColumnRules) -> list[pa.Check | pa.Hypothesis]:
    import pandera.pandas as pa

    rules: dict[BreachRule, tuple[Level, Callable[[pd.Series], pd.Series] | None]] = {
        "type": ("error", lambda values: _readable(values, column)),
        "missing": (column.missing, lambda values: values.notna()),
        "outside": (column.outside, _limits(column)),
        "unseen": (column.unseen, _listed(column)),
        "repeats": (column.repeats, lambda values: ~values.duplicated(keep=False) | values.isna()),
    }
    return [
        pa.Check(check, name=rule, ignore_na=rule not in {"missing", "repeats"})
        for rule, (level, check) in rules.items()
        if check is not None and level != "allowed"
    ]


def _readable(values: pd.Series, column: ColumnRules) -> pd.Series:
    """Whether each value can be read as the column's type."""
    if column.type == "string":
        return pd.Series(data=True, index=values.index)
    if column.type == "datetime":
        return _moments(values).notna()
    if column.type == "boolean":
        if pd.api.types.is_bool_dtype(values):
            return pd.Series(data=True, index=values.index)
        return values.astype("str").str.strip().str.lower().isin(_WORDS_OF_TRUTH)
    numbers = _numbers(values)
    return numbers.notna() & ((numbers == np.floor(numbers)) if column.type == "integer" else True)


def _limits(column: ColumnRules) -> Callable[[pd.Series], pd.Series] | None:
    """Whether each readable value lies within the limits; none without limits."""
    if column.minimum is not None or column.maximum is not None:
        low = -np.inf if column.minimum is None else column.minimum
        high = np.inf if column.maximum is None else column.maximum
        return lambda values: _numbers(values).between(low, high) | _numbers(values).isna()
    if column.earliest is not None or column.latest is not None:
        first = pd.Timestamp.min if column.earliest is None else _moment(column.earliest)
        last = pd.Timestamp.max if column.latest is None else _moment(column.latest)
        return lambda values: _moments(values).between(first, last) | _moments(values).isna()
    return None


def _listed(column: ColumnRules) -> Callable[[pd.Series], pd.Series] | None:
    categories = column.categories
    return None if categories is None else lambda values: values.astype("str").isin(categories)


def _numbers(values: pd.Series) -> pd.Series:
    return pd.to_numeric(values, errors="coerce").astype("float64")


def _moments(values: pd.Series) -> pd.Series:
    """Time stamps without a zone, in UTC; what cannot be read as one is missing."""
    if not pd.api.types.is_datetime64_any_dtype(values):
        values = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
    return values.dt.tz_convert("UTC").dt.tz_localize(None) if values.dt.tz is not None else values


def _moment(text: str) -> pd.Timestamp:
    moment = pd.Timestamp(text)
    return moment.tz_convert("UTC").tz_localize(None) if moment.tzinfo else moment


def _relation_check(relation: Relation, place: int) -> pa.Check:
    import pandera.pandas as pa

    def holds(rows: pd.DataFrame) -> pd.Series:
        read = _moments if pd.api.types.is_datetime64_any_dtype(rows[relation.left]) else _numbers
        left, right = read(rows[relation.left]), read(rows[relation.right])
        kept = {"<": left < right, "<=": left <= right, "==": left == right}[relation.operator]
        return kept | left.isna() | right.isna()

    return pa.Check(holds, name=f"relation {place}", ignore_na=False)


# --- failures as breaches ----------------------------------------------------------------------------------------


def _breaches(
    cases: pd.DataFrame,
    index: pd.Index,
    rows: pd.DataFrame,
    columns: dict[str, ColumnRules],
    relations: list[Relation],
) -> Iterator[Breach]:
    """One breach a column and rule, from pandera's failure cases."""
    for (context, name, check), failed in cases.groupby(["schema_context", "column", "check"], sort=False):
        places = failed["index"].dropna().astype(int).drop_duplicates().sort_values().to_numpy()
        if context == "DataFrameSchema":
            relation = relations[int(str(check).rsplit(" ", 1)[-1])]
            if name == relation.left:  # pandera tells a row once for every column
                yield _relation_breach(relation, places, index, rows, columns)
            continue
        column, rule = columns[str(name)], cast("BreachRule", check)
        values = rows[column.name].iloc[places]
        yield Breach(
            column=column.name,
            rule=rule,
            level=_level(column, rule),
            rows=len(places),
            examples=_numbered(index, places),
            values=() if rule == "missing" else _shown(values, masked=column.masked),
            allowed=_allowed(column, rule),
        )


def _relation_breach(
    relation: Relation, places: np.ndarray, index: pd.Index, rows: pd.DataFrame, columns: dict[str, ColumnRules]
) -> Breach:
    masked = columns[relation.left].masked or columns[relation.right].masked
    pairs = rows[[relation.left, relation.right]].iloc[places[:_VALUES]]
    return Breach(
        column=relation.text,
        rule="relation",
        level=relation.breach,
        rows=len(places),
        examples=_numbered(index, places),
        values=("(masked)",) if masked else tuple(f"{left} and {right}" for left, right in pairs.to_numpy()),
        allowed=relation.text,
    )


def _numbered(index: pd.Index, places: np.ndarray) -> tuple[int, ...]:
    return tuple(int(row) for row in index[places[:_EXAMPLES]])


def _level(column: ColumnRules, rule: BreachRule) -> Level:
    return "error" if rule == "type" else getattr(column, rule)


def _shown(values: pd.Series, *, masked: bool) -> tuple[str, ...]:
    if masked:
        return ("(masked)",)
    return tuple(
        quoted(value) if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
        for value in values.drop_duplicates().head(_VALUES)
    )


def _allowed(column: ColumnRules, rule: BreachRule) -> str:
    """What the rule would have accepted, in words."""
    if rule == "type":
        return {
            "integer": "a whole number",
            "float": "a number",
            "boolean": "true or false",
            "datetime": "a time stamp",
        }[column.type]
    if rule == "outside" and (column.minimum is not None or column.maximum is not None):
        return _between(*(None if end is None else f"{end:g}" for end in (column.minimum, column.maximum)))
    if rule == "outside":
        return _between(column.earliest, column.latest)
    if rule == "unseen" and column.categories is not None and not column.masked:
        more = len(column.categories) - _MOST_ALLOWED
        return ", ".join(column.categories[:_MOST_ALLOWED]) + (f" and {more} more" if more > 0 else "")
    return ""


def _between(low: str | None, high: str | None) -> str:
    if low is None or high is None:
        return f"at most {high}" if low is None else f"at least {low}"
    return f"{low} to {high}"
