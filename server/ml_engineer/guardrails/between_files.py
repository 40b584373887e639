"""DAT016, LEA020, SPL013: what differs between the files that a table was put together from."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from ml_engineer.guardrails.cells import is_number, is_text
from ml_engineer.guardrails.check import Answer, Observation, observed, passed
from ml_engineer.guardrails.data_columns import ColumnCheck
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.leakage import LeakageCheck, gain_from
from ml_engineer.guardrails.source_files import SourceFiles
from ml_engineer.guardrails.split import SplitCheck
from ml_engineer.guardrails.target_changes import SURPRISE, outcomes_of, worth_telling
from ml_engineer.guardrails.units import unit_ratio
from ml_engineer.guardrails.wording import percent, quoted, quoted_list, rows_text
from ml_engineer.statistics.predictive_power import power_alone

__all__ = ["DAT016", "LEA020", "SPL013"]

_FEWEST_ROWS: Final = 30
"""Development rows of a file, fewer of which tell nothing of it."""
_MOST_FILES_WRITTEN_OUT: Final = 12
"""Files for which a remedy gives the whole statement."""


def _several_files(evidence: Evidence) -> str:
    """Why there is nothing to compare; an empty text if there is."""
    return "" if evidence.source_files is not None else "the rows come from one file, or from a query"


def _grouped_by_file(files: SourceFiles) -> str:
    """What to call so that rows of one file stay together."""
    written_out = len(files.names) <= _MOST_FILES_WRITTEN_OUT
    some = files if written_out else replace(files, names=files.names[:2], paths=files.paths[:2])
    more = "" if written_out else ", and so on for every file"
    return f"frame again with group_columns=['source_file'] and sql = {some.query()}{more}"


class DAT016(ColumnCheck):
    """A column that one file writes otherwise than the others: left empty, in other words, or in another unit.

    The model then learns the file instead of what the column means, and a new file will follow a custom of its own. Files that
    are parts by design (one region each) have one value each, and are left alone.
    """

    title = "Columns that differ between files"
    empty: ClassVar[float] = 0.95
    filled: ClassVar[float] = 0.5
    most_words: ClassVar[int] = 50
    shared: ClassVar[float] = 0.05
    """Share of a file's cells with a word of the other files, from which they speak one language."""

    def applies_to(self, evidence: Evidence) -> str:
        """Only for rows of several files."""
        return super().applies_to(evidence) or _several_files(evidence)

    def find(self, evidence: Evidence) -> Answer:
        """Hold each file's cells against those of the others, column by column."""
        files = evidence.source_files
        assert files is not None
        enough = [code for code, rows in enumerate(files.rows()) if rows >= _FEWEST_ROWS]
        seen = [
            found
            for name in evidence.used_names
            for code in enough
            if (found := self._difference(evidence.frame[name], name, files, code)) is not None
        ]
        if not seen:
            return passed(
                f"{len(evidence.used_names):,} used columns are written alike in all {len(files.names)} files"
            )
        return observed(
            seen,
            remedy="Ask which way of writing holds from now on, and bring the others to it in features.py or with sql; a column "
            "that only some files fill goes into exclude_columns",
        )

    def _difference(self, column: pd.Series, name: str, files: SourceFiles, code: int) -> Observation | None:
        mine = files.codes == code
        inside, elsewhere = column[mine], column[~mine]
        file, rows = files.quoted(code), tuple(int(row) for row in inside.index[:3])
        if inside.isna().mean() >= self.empty and elsewhere.isna().mean() <= self.filled:
            text = (
                f"{quoted(name)} is empty in {percent(float(inside.isna().mean()))} of the rows of {file} and in "
                f"{percent(float(elsewhere.isna().mean()))} of the others"
            )
            return Observation("issue", text, (name,), rows)
        inside, elsewhere = inside.dropna(), elsewhere.dropna()
        if min(len(inside), len(elsewhere)) < _FEWEST_ROWS:
            return None
        if is_text(column):
            words, others = list(inside.unique()), set(elsewhere.unique())
            few = max(len(words), len(others)) <= self.most_words and min(len(words), len(others)) > 1
            if few and inside.isin(others).mean() <= self.shared:
                text = f"{quoted(name)} is {quoted_list(words, limit=3)} in {file}, words that no other file uses"
                return Observation("issue", text, (name,), rows)
        elif is_number(column) and (ratio := _other_unit(inside, elsewhere)):
            text = f"{quoted(name)} is around {inside.median():g} in {file} and around {elsewhere.median():g} in the others: {ratio}"
            return Observation("question", text, (name,), rows)
        return None


def _other_unit(inside: pd.Series, elsewhere: pd.Series) -> str:
    """What lies between the numbers of two lots whose middle nine tenths do not touch; empty unless it is a usual factor."""
    low, high = sorted((inside, elsewhere), key=lambda part: float(part.median()))
    if not 0 < float(low.quantile(0.95)) < float(high.quantile(0.05)):
        return ""
    return unit_ratio(float(high.median()) / float(low.median())) if float(low.median()) > 0 else ""


class LEA020(LeakageCheck):
    """The file that a row came from tells its target.

    Where each class has a file of its own, whatever differs between the files (who collected them, when, with which device)
    looks like knowledge of the class, and nothing in the table can tell the two apart. Where the file adds to what the columns
    know, rows of one file belong together, and random folds flatter the model.
    """

    title = "File that carries the target"
    of_one_answer = True
    cost = "models"
    decided: ClassVar[float] = 0.98
    classes_limit: ClassVar[float] = 0.65
    numbers_limit: ClassVar[float] = 0.1
    gain: ClassVar[float] = 0.03
    """What the file must add to the model's power."""

    def applies_to(self, evidence: Evidence) -> str:
        """Only for rows of several files."""
        return super().applies_to(evidence) or _several_files(evidence)

    def find(self, evidence: Evidence) -> Answer:
        """Probe the file alone, then on top of the inputs."""
        files, target = evidence.source_files, evidence.target
        assert files is not None
        power = power_alone(files.codes, len(files.names), target, evidence.folds)
        text = f"the file that a row came from, alone, gives a {target.measure} of {power:.2f}"
        if power <= (self.classes_limit if target.classes else self.numbers_limit):
            return passed(text)
        if target.classes and power >= self.decided:
            named = "; ".join(self._what_it_holds(evidence, files, code) for code in range(min(3, len(files.names))))
            return observed(
                [Observation("issue", f"each file holds (nearly) one class: {named}")],
                remedy="Whatever else differs between the files (source, period, device, spelling) now looks like the class. Bring "
                "rows of all classes from each source; until then no score tells how rows of one source are told apart. "
                "Columns that differ between the files for another reason go into exclude_columns",
            )
        without, with_it = gain_from(evidence, "source file", pd.Series(files.codes, index=evidence.inputs.index))
        text += f"; added to the columns it lifts a quick model from {without:.3f} to {with_it:.3f}"
        if with_it - without <= self.gain:
            return passed(f"{text}, so the columns explain what differs")
        return observed(
            [Observation("question", text)],
            remedy="Ask what rows of one file have in common (period, place, batch), and whether predictions are made for files "
            f"yet to come; if so, {_grouped_by_file(files)}",
        )

    @staticmethod
    def _what_it_holds(evidence: Evidence, files: SourceFiles, code: int) -> str:
        labels = evidence.frame[evidence.problem.target].astype(str)[files.codes == code].value_counts()
        return f"{files.quoted(code)} holds {int(labels.iloc[0]):,} of {int(labels.sum()):,} rows of class {quoted(labels.index[0])}"


class SPL013(SplitCheck):
    """A target that is not the same in all files: another period, place or way of counting.

    What is learned from some files may not hold in the next one, while a split at random puts rows of each file on both sides.
    """

    title = "Target that changes between files"
    of_one_answer = True

    def applies_to(self, evidence: Evidence) -> str:
        """Only for rows of several files."""
        return super().applies_to(evidence) or _several_files(evidence)

    def find(self, evidence: Evidence) -> Answer:
        """Hold each file's outcomes against those of the others."""
        files = evidence.source_files
        assert files is not None
        seen: list[tuple[float, str, int]] = []
        # What the first of two files says of the second, the second would say of the first.
        for code, count in list(enumerate(files.rows()))[: 1 if len(files.names) == 2 else None]:
            mine = files.codes == code
            if min(count, (~mine).sum()) < _FEWEST_ROWS:
                continue
            for what, values in outcomes_of(evidence).items():
                inside, elsewhere = float(values[mine].mean()), float(values[~mine].mean())
                error = float(np.sqrt(values.var() * (1 / count + 1 / (~mine).sum())))
                if abs(inside - elsewhere) > max(worth_telling(evidence), SURPRISE * error):
                    text = f"{what} is {inside:.2f} in {files.quoted(code)} ({rows_text(int(count))}) and {elsewhere:.2f} elsewhere"
                    seen.append((abs(inside - elsewhere), text, code))
        if not seen:
            return passed(
                f"the target is alike in all {len(files.names)} files, which are read in the order of their names"
            )
        # Of two classes the one says what the other says: the largest change of each file is enough.
        largest = {code: text for _, text, code in sorted(seen)}
        known = evidence.problem.split.strategy in ("time", "grouped")
        return observed(
            [Observation("advice" if known else "question", text) for text in largest.values()],
            remedy="Ask what differs between the files (period, place, way of counting), and whether predictions are made for "
            f"files yet to come; if so, name the time_column that explains it, or {_grouped_by_file(files)}",
        )
