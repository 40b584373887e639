"""The at most four questions whose answer would change whether the result is valid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ml_engineer.profiling.names import has_any, quoted, word_set, words
from ml_engineer.vocabulary.problem import ProblemColumn, Question

__all__ = ["ask_about_survival", "choose_questions"]

_EVENT_WORDS: Final = word_set(
    "cens censor censored censoring dead death died event failed failure fustat recurrence relapse relapsed status"
)
_FOLLOWED_NAMES: Final = word_set("days followup futime months os pfs stime survtime time tstop tte weeks years")
_FOLLOWED_WORDS: Final = word_set("followup futime survival")

_MOST = 4
_MOST_NAMED = 4


def ask_about_survival(target: str, classes: Sequence[str], columns: Sequence[ProblemColumn]) -> tuple[Question, ...]:
    """The question whether the target is the event of a time that stands beside it; none where names do not say so.

    As a class it would be wrong: rows that were followed for a short time look as if nothing happened.
    """
    if not 2 <= len(classes) <= 3 or not has_any(target, _EVENT_WORDS):
        return ()
    times = [
        column.name
        for column in columns
        if column.role == "numeric"
        and (
            column.name.casefold() in _FOLLOWED_NAMES
            or has_any(column.name, _FOLLOWED_WORDS)
            or _follow_up(column.name)
        )
    ]
    if not times:
        return ()
    time, event = quoted(times[0], 30), quoted(target, 30)
    return (
        Question(
            id="target",
            text=f"Does {event} say what had happened by {time}? Rows followed for a short time then only seem to be spared.",
            assumption=f"{event} is a label like others.",
            argument=f"target={times[0]!r}, event_column={target!r} (1 where it happened, else 0)",
        ),
    )


def _follow_up(name: str) -> bool:
    return {"follow", "up"} <= set(words(name))


def choose_questions(
    found: Sequence[Question],
    *,
    target: str,
    columns: Sequence[ProblemColumn],
    moment_given: bool,
    costs_missing: bool,
) -> tuple[Question, ...]:
    """Order what is open by how much hangs on it, and ask no more than four.

    Parameters
    ----------
    found : sequence of Question
        What came up on the way: about the target, groups, time.
    target : str
        Column to predict.
    columns : sequence of ProblemColumn
        Every column, as decided.
    moment_given : bool
        Whether the person said when the prediction is made.
    costs_missing : bool
        Whether errors have costs (binary tasks) and nobody said them.
    """
    late = [quoted(column.name, 30) for column in columns if column.availability != "at_prediction"]
    # Whether later rows are predicted is no question of a time that is itself known too late.
    questions = [one for one in found if one.id != "time" or not any(name in one.text for name in late)]
    open_columns = [
        column for column in columns if column.decided_by == "inferred" and column.availability != "at_prediction"
    ]
    if open_columns or not moment_given:
        questions.insert(0, _moment(target, open_columns))
    if costs_missing:
        questions.append(
            Question(
                id="costs",
                text="What does a false alarm cost, and what a miss?",
                assumption="Neither is known.",
                argument="false_positive_cost, false_negative_cost",
            )
        )
    return tuple(questions[:_MOST])


def _moment(target: str, columns: Sequence[ProblemColumn]) -> Question:
    # The surest suspects first, so that cutting the list never hides them.
    ordered = sorted(columns, key=lambda column: column.availability != "after_the_fact")
    named = ", ".join(quoted(column.name, 30) for column in ordered[:_MOST_NAMED])
    named += f" and {len(ordered) - _MOST_NAMED} more" if len(ordered) > _MOST_NAMED else ""
    if not columns:
        return Question(
            id="prediction_moment",
            text=f"When is the prediction made, and is every column known by then? ({quoted(target, 30)} is not)",
            assumption="All used columns are known at that moment.",
            argument="prediction_moment, after_the_fact",
        )
    out = [quoted(column.name, 30) for column in ordered[:_MOST_NAMED] if column.availability == "after_the_fact"]
    return Question(
        id="prediction_moment",
        text=f"When is the prediction made, and are these known by then: {named}?",
        assumption=f"{', '.join(out)} left out as known too late, all others used."
        if out
        else "They are, and are used.",
        argument="prediction_moment, known_at_prediction, after_the_fact",
    )
