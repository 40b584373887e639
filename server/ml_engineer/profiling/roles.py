"""Each column's role, with the reason: from its name, its type and its values on development rows.

The target's values are not looked at here; what a column says about the target is `after_the_fact`'s business.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from ml_engineer.profiling.columns import ColumnsProfile, looks_personal
from ml_engineer.profiling.keys import looks_like_hashes
from ml_engineer.profiling.levels import order_of_words
from ml_engineer.profiling.names import has_any, key_strength, names_title, quoted, word_set, words
from ml_engineer.profiling.sensitive import sensitive_reason
from ml_engineer.vocabulary.cell_parts import CellParts, find_parts
from ml_engineer.vocabulary.data import ColumnProfile
from ml_engineer.vocabulary.problem import ColumnRole, ProblemColumn

__all__ = ["UNUSED_ROLES", "Structure", "read_roles", "tell_written_numbers"]

UNUSED_ROLES: Final[frozenset[ColumnRole]] = frozenset(
    {"target", "identifier", "group", "constant", "weight", "ignored"}
)
"""Roles whose columns the model does not see unless a person says so."""

_CODE_WORDS: Final = word_set("cat category class code kind label postal postcode type zip zipcode")
_GRADE_WORDS: Final = word_set("class cond grade level priority qual quality rank rating score severity stage stars")
_SURE_WEIGHTS: Final = word_set("fnlwgt pweight finalwgt sampleweight surveyweight")
_WEIGHT_WORDS: Final = word_set("weight weights wgt wt")
_WEIGHT_KINDS: Final = word_set("design expansion final inverse person probability sample sampling survey")
_ADDRESSES: Final = word_set("address street url link uri href email mail phone telephone mobile fax iban")
_FEWEST_WORDS: Final = 4
_MOST_LEVELS: Final = 20
_MOST_CATEGORIES: Final = 60
_MOST_TOLD: Final = 4
_MANY_OF_A_KIND: Final = 0.5
"""Share of different values from which on most rows have one that no other row has."""


@dataclass(frozen=True)
class Structure:
    """What was found of the columns before the rows were dealt.

    Parameters
    ----------
    target : str
        Column to predict.
    group_columns : tuple of str
        Columns that name the groups of the split.
    keys : collection of str
        Other columns that surely name single things with several rows.
    counters : collection of str
        Columns that count rows.
    """

    target: str
    group_columns: tuple[str, ...] = ()
    keys: Collection[str] = ()
    counters: Collection[str] = ()


def read_roles(frame: pd.DataFrame, profile: ColumnsProfile, structure: Structure) -> tuple[ProblemColumn, ...]:
    """The role of every column.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        Development rows.
    profile : ColumnsProfile
        What its columns look like.
    structure : Structure
        What was found before.

    Returns
    -------
    tuple of ProblemColumn
        In table order; availability is not judged here.
    """
    columns = []
    for column in profile.columns:
        role, reason = next(_rules(frame[column.name], column, structure, profile.twins))
        if role == "categorical" and column.numbers is not None:
            reason += f", and {column.numbers.kind}, which are read as numbers beside it"
        why = sensitive_reason(column.name, column.categories) if column.name != structure.target else ""
        if why:
            reason += f"; sensitive: {why}"
        elif has_any(column.name, word_set("zip zipcode postcode postal")):
            reason += "; may stand in for origin or income"
        columns.append(
            ProblemColumn(
                name=column.name, role=role, used=role not in UNUSED_ROLES, sensitive=bool(why), reason=reason
            )
        )
    return tuple(columns)


def tell_written_numbers(columns: Sequence[ProblemColumn], profile: ColumnsProfile) -> list[str]:
    """At most one sentence on the texts whose numbers become features.

    Parameters
    ----------
    columns : sequence of ProblemColumn
        Every column as decided.
    profile : ColumnsProfile
        What they look like.
    """
    written = {column.name: column.numbers for column in profile.columns if column.numbers is not None}
    told = [
        f"{quoted(column.name)} ({written[column.name].kind}: {', '.join(written[column.name].parts)})"
        for column in columns
        if column.used and column.role in {"numeric", "categorical"} and column.name in written
    ]
    if not told:
        return []
    more = f" and {len(told) - _MOST_TOLD:,} more columns" if len(told) > _MOST_TOLD else ""
    return [f"Texts whose numbers are read by features.py: {'; '.join(told[:_MOST_TOLD])}{more}"]


Role = tuple[ColumnRole, str]


def _rules(values: pd.Series, column: ColumnProfile, structure: Structure, twins: dict[str, str]) -> Iterator[Role]:
    """Roles whose rule applies, in order of precedence: the first is the column's."""
    name = column.name
    if name == structure.target:
        yield "target", "the column to predict"
    if name in structure.group_columns:
        yield "group", "names the groups that the split keeps together"
    if column.distinct_values == 0:
        yield "constant", "has no value in any development row"
    if column.distinct_values == 1 and column.missing_rows == 0:
        yield "constant", f"has one value only, {quoted(column.examples[0], 20)}"
    if name in twins:
        yield "ignored", f"repeats {quoted(twins[name])} cell by cell"
    if name in structure.counters:
        yield "identifier", "counts the rows of the file"
    if name in structure.keys:
        yield "identifier", "names single things, so that what is learned of one does not carry over to another"
    if column.storage == "datetime":
        yield "datetime", f"time stamps from {(column.earliest or '')[:10]} to {(column.latest or '')[:10]}"
    if column.storage == "boolean":
        yield "categorical", "yes or no"
    yield from _text_rules(values, column) if column.storage == "string" else _number_rules(values, column)


def _text_rules(values: pd.Series, column: ColumnProfile) -> Iterator[Role]:
    present = column.rows - column.missing_rows
    share = column.distinct_values / present
    sample = [str(value) for value in values.dropna().head(300)]
    many = f"{column.distinct_values:,} different values in {present:,} rows"
    if looks_personal(column.name, sample):
        yield "identifier", f"looks like names or other personal data ({many})"
    if share > 0.5 and present >= 20 and (looks_like_hashes(sample) or _names_row(column.name)):
        yield "identifier", f"names single rows: {many}"
    if column.numbers is not None and column.numbers.measured and column.distinct_values > _MOST_LEVELS:
        yield "numeric", f"{column.numbers.kind}, read as numbers ({many})"
    if column.distinct_values > _MOST_LEVELS:
        parts = find_parts([str(value) for value in values.dropna()])
        if parts is not None and (share >= _MANY_OF_A_KIND or _reads_better_by_parts(parts, column)):
            yield "text", f"{parts.sentence} ({many})"
    words_each = sum(len(value.split()) for value in sample) / len(sample)
    if words_each >= _FEWEST_WORDS and share >= 0.5:
        yield "text", f"free text, about {words_each:.0f} words each"
    if share >= 0.95 and present >= 20:
        yield "identifier", f"different in nearly every row: {many}"
    if order_of_words(column.categories or ()) is not None:
        yield "ordinal", f"steps of a scale: {', '.join(quoted(value, 15) for value in (column.categories or ())[:6])}"
    if column.distinct_values > _MOST_LEVELS:
        yield "categorical", f"category with many values: {many}"
    yield "categorical", f"category with {column.distinct_values} values"


def _reads_better_by_parts(parts: CellParts, column: ColumnProfile) -> bool:
    """Whether cells that come again are still read better by their parts than each as a category of its own."""
    return parts.kind == "list" and column.distinct_values > _MOST_CATEGORIES


def _names_row(name: str) -> bool:
    return key_strength(name) == "strong" or names_title(name) or has_any(name, _ADDRESSES)


def _number_rules(values: pd.Series, column: ColumnProfile) -> Iterator[Role]:
    name, whole = column.name, column.storage == "integer"
    present = column.rows - column.missing_rows
    span = "no finite value" if column.minimum is None else f"{column.minimum:.6g} to {column.maximum:.6g}"
    if _is_weight(name, values, whole=whole):
        yield "weight", f"seems to be a sampling weight ({span}): it describes the sampling, not the row"
    if whole and key_strength(name) == "strong" and column.distinct_values > max(50, 0.02 * present):
        yield "identifier", f"names rows or things: {column.distinct_values:,} different numbers in {present:,} rows"
    if whole and _ends_with(name, _CODE_WORDS) and column.distinct_values <= max(50, 0.5 * present):
        yield "categorical", f"codes, by its name: {column.distinct_values} different numbers"
    if whole and column.distinct_values <= _MOST_LEVELS and _ends_with(name, _GRADE_WORDS):
        yield "ordinal", f"steps of a scale, {span}"
    if whole and column.distinct_values == 2:
        yield "numeric", f"a flag, {span}"
    yield "numeric", f"{'whole numbers' if whole else 'numbers'} from {span}"


def _ends_with(name: str, vocabulary: frozenset[str]) -> bool:
    # `pclass` and `zipcode` are one word to the splitter.
    endings = tuple(word for word in vocabulary if len(word) > 3)
    return has_any(name, vocabulary) or any(part.endswith(endings) for part in words(name)[-1:])


def _is_weight(name: str, values: pd.Series, *, whole: bool) -> bool:
    parts = set(words(name))
    if parts & _SURE_WEIGHTS or (parts & _WEIGHT_WORDS and parts & _WEIGHT_KINDS):
        return True
    # `weight` alone is mostly a body's or a car's: only weights that average one are taken for sampling weights.
    return parts <= _WEIGHT_WORDS and bool(parts) and not whole and values.min() > 0 and 0.9 < values.mean() < 1.1
