"""DAT, column by column: what the cells hold."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.guardrails.cells import is_number, is_text, row_hashes
from ml_engineer.guardrails.check import ALL_STAGES, Answer, Check, Observation, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.personal_data import personal_kind
from ml_engineer.guardrails.wording import percent, quoted, quoted_list, rows_text
from ml_engineer.vocabulary.guardrails import Family, Guardrail, Stage
from ml_engineer.vocabulary.problem import ProblemColumn

__all__ = ["DAT006", "DAT007", "DAT008", "DAT009", "DAT010", "DAT011", "DAT013", "ColumnCheck"]


class ColumnCheck(Check):
    """What the checks of columns share."""

    family: ClassVar[Family] = "data"
    needs_target = False
    guardrail: ClassVar[Guardrail] = "data_quality"


class DAT006(ColumnCheck):
    """Columns that carry nothing: one value only, or the same as another column."""

    title = "Columns that carry nothing"

    def find(self, evidence: Evidence) -> Answer:
        """Compare value codes of the used columns."""
        seen: list[Observation] = []
        first_with: dict[bytes, str] = {}
        for name in evidence.used_names:
            codes, values = pd.factorize(evidence.frame[name])
            if len(values) <= 1 and (codes < 0).mean() in (0.0, 1.0):
                seen.append(Observation("advice", f"{quoted(name)} has one value in every row", (name,)))
                continue
            # Columns that rename each other's values are the same only where values repeat.
            repeats = len(values) <= len(codes) / 2
            same = codes if repeats else _cells(evidence.frame[name])
            twin = first_with.setdefault(same.tobytes(), name)
            if twin != name:
                seen.append(
                    Observation("advice", f"{quoted(name)} says the same as {quoted(twin)} in every row", (name,))
                )
        if not seen:
            return passed(f"each of {len(evidence.used_names):,} used columns varies and differs from the others")
        return observed(seen, remedy="Frame again with exclude_columns naming them; the model loses nothing")


def _cells(column: pd.Series) -> npt.NDArray[np.generic]:
    """One value a cell that is equal for equal cells, whatever the column's type."""
    return column.to_numpy(dtype=float) if is_number(column) else row_hashes(column.to_frame()).to_numpy()


class DAT007(ColumnCheck):
    """Text columns that are mostly numbers: a few odd words hide the numbers from the model."""

    title = "Numbers mixed with words"
    numeric_share: ClassVar[float] = 0.5
    most_words: ClassVar[int] = 20

    def find(self, evidence: Evidence) -> Answer:
        """Try to read each used text column as numbers."""
        seen = []
        texts = [name for name in evidence.used_names if is_text(evidence.frame[name])]
        for name in texts:
            known = evidence.frame[name].dropna()
            values = pd.Series(known.unique(), dtype="str")
            words = list(values[pd.to_numeric(values, errors="coerce").isna()])
            odd = known[known.isin(words)]
            if len(known) and 0 < len(odd) <= (1 - self.numeric_share) * len(known) and len(words) <= self.most_words:
                seen.append(
                    Observation(
                        "issue",
                        f"{percent(1 - len(odd) / len(known))} of {quoted(name)} are numbers; the rest is "
                        f"{quoted_list(words, limit=4)}",
                        (name,),
                        rows=tuple(int(row) for row in odd.index[:3]),
                    )
                )
        if not seen:
            return passed(f"none of {len(texts):,} used text columns is mostly numbers")
        return observed(
            seen,
            remedy="In features.py turn the column into numbers with pandas.to_numeric(..., errors='coerce'), and keep "
            "what the words say in a column of its own if it matters",
        )


class DAT008(ColumnCheck):
    """A column that names the single row: it cannot generalise, and it invites learning by heart."""

    title = "Identifier used as a feature"
    unique_share: ClassVar[float] = 0.9
    least_rows: ClassVar[int] = 50
    longest_key: ClassVar[int] = 30

    def find(self, evidence: Evidence) -> Answer:
        """Look for used columns with a value of its own in nearly every row."""
        seen = [
            Observation("issue", f"{quoted(column.name)} {reason}", (column.name,))
            for column, reason in ((column, self._reason(evidence, column)) for column in evidence.used)
            if reason
        ]
        if not seen:
            return passed("no used column names single rows")
        return observed(seen, remedy="Frame again with exclude_columns naming it, or with roles if it is a measurement")

    def _reason(self, evidence: Evidence, known: ProblemColumn) -> str:
        column = evidence.frame[known.name].dropna()
        if known.role == "identifier":
            return "is an identifier and used"
        if len(column) < self.least_rows or known.role in ("text", "datetime"):
            return ""
        distinct = column.nunique()
        if (
            is_text(column)
            and not (known.role == "numeric" and evidence.profile.column(known.name).numbers)
            and distinct >= self.unique_share * len(column)
            and column.str.len().mean() <= self.longest_key
        ):
            return f"has {distinct:,} different values in {rows_text(len(column))}"
        filled = len(column) >= len(evidence.frame) / 2
        if is_number(column) and filled and distinct == len(column) and _counts_up(column, rows=evidence.profile.rows):
            return "counts the rows"
        return ""


def _counts_up(numbers: pd.Series, *, rows: int) -> bool:
    """Whether whole numbers fill a range hardly wider than the table."""
    values = numbers.to_numpy(dtype=float)
    return bool((values == np.round(values)).all() and values.max() - values.min() < 1.1 * max(rows, len(values)))


class DAT009(ColumnCheck):
    """Used columns that are mostly empty: what is learned from them rests on few rows."""

    title = "Columns mostly empty"
    mostly: ClassVar[float] = 0.5

    def find(self, evidence: Evidence) -> Answer:
        """Share of missing cells per used column."""
        shares = evidence.frame[evidence.used_names].isna().mean().sort_values(ascending=False)
        empty = shares[shares > self.mostly]
        if empty.empty:
            return passed(f"no used column is empty in more than {percent(self.mostly)} of rows")
        seen = [
            Observation("advice", f"{quoted(name)} is empty in {percent(float(share))}", (str(name),))
            for name, share in empty.items()
        ]
        return observed(
            seen,
            remedy="Find out what an empty cell means; where it means 'none', say so in features.py, else exclude it",
        )


class DAT010(ColumnCheck):
    """One category spelled in several ways: the model sees several categories.

    Among the labels of the target it is worse: each spelling is a class of its own, and being right in another spelling counts
    as an error. Labels of one letter are left alone, because there case may be the difference.
    """

    title = "Categories spelled in several ways"
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    most_categories: ClassVar[int] = 1_000

    def find(self, evidence: Evidence) -> Answer:
        """Fold case and white space, and see what falls together."""
        seen = []
        target = evidence.problem.target
        labelled = evidence.problem.learns_target and evidence.target.classes
        for name in [*evidence.used_names, *([target] if labelled else [])]:
            column = evidence.frame[name]
            if not is_text(column) or evidence.problem.column(name).role == "text":
                continue
            counts = column.value_counts()
            if len(counts) > self.most_categories:
                continue
            if name == target:
                counts = counts[counts.index.str.strip().str.len() > 1]
            folded = pd.Series(counts.index, index=counts.index).str.split().str.join(" ").str.casefold()
            together = folded[folded.duplicated(keep=False)]
            if len(together):
                variants = together.index[together == together.iloc[0]]
                seen.append(
                    Observation(
                        "forbids" if name == target else "issue",
                        f"{'the target ' if name == target else ''}{quoted(name)} spells {together.nunique():,} of its categories in several ways, for example "
                        f"{quoted_list(variants, limit=3)}",
                        (name,),
                        rows=tuple(int(row) for row in evidence.frame.index[column.isin(variants)][:3]),
                    )
                )
        if not seen:
            return passed("no category of a used column is spelled in several ways")
        if any(one.severity == "forbids" for one in seen):
            return observed(
                seen,
                remedy='Bring the labels to one spelling and frame again, for example with sql="SELECT * REPLACE (lower(trim(LABEL)) AS '
                "LABEL) FROM 'FILE'\", LABEL being the target; other columns are cleaned in features.py",
            )
        return observed(
            seen, remedy="In features.py clean the text: rows[NAME].str.split().str.join(' ').str.casefold()"
        )


class DAT011(ColumnCheck):
    """Infinite numbers: most models refuse them, and the others misread them."""

    title = "Infinite numbers"
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES

    def find(self, evidence: Evidence) -> Answer:
        """Look for infinities in what the model sees."""
        seen = []
        for name in evidence.inputs.columns:
            column = evidence.inputs[name]
            if not is_number(column):
                continue
            infinite = np.isinf(column.to_numpy(dtype=float, na_value=np.nan))
            if infinite.any():
                rows = tuple(int(row) for row in evidence.inputs.index[infinite][:3])
                text = f"{quoted(name)} is infinite in {rows_text(int(infinite.sum()))}"
                seen.append(Observation("forbids", text, (str(name),), rows))
        if not seen:
            return passed("no number that the model sees is infinite")
        return observed(
            seen, remedy="In features.py replace infinities by missing values, and mend a division by zero there"
        )


class DAT013(ColumnCheck):
    """Columns that name or locate a person. Whether they may be used is a question of law, and of need."""

    title = "Personal data"
    most_values: ClassVar[int] = 500
    fewest_values: ClassVar[int] = 20
    """A column with fewer different values cannot name persons, whatever it is called."""

    def find(self, evidence: Evidence) -> Answer:
        """Match names and values of text columns against patterns; values are never shown."""
        seen = []
        for column in evidence.problem.columns:
            name = column.name
            if name not in evidence.frame.columns or column.role == "target":
                continue
            values = evidence.frame[name].dropna().drop_duplicates()
            if len(values) < self.fewest_values:
                continue
            kind = personal_kind(name, values.head(self.most_values) if is_text(values) else None)
            if kind:
                text = f"{quoted(name)} holds {kind}" + ("" if column.used else ", which the model does not see")
                seen.append(Observation("question" if column.used else "advice", text, (name,)))
        if not seen:
            return passed("no column looks like names, addresses or numbers of persons")
        return observed(
            seen,
            remedy="Ask whether it is needed and lawful; otherwise frame again with exclude_columns, or leave it out of "
            "the data with sql",
        )
