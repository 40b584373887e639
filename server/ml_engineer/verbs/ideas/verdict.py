"""Kept, helps nobody, or harms: what follows from the two comparisons of a feature trial, and why."""

from __future__ import annotations

from ml_engineer.modelling.feature_arms import FeatureArms
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.ideas import IdeaVerdict

__all__ = ["idea_verdict"]

_MOST_NAMED = 6


def idea_verdict(
    gain: Estimate, twins: Estimate | None, arms: FeatureArms, *, held_against: str
) -> tuple[IdeaVerdict, str]:
    """The verdict, and the reason in a sentence or two.

    Parameters
    ----------
    gain : Estimate
        Over the accepted features.
    twins : Estimate or None
        Over the idea's columns with their rows shuffled; None if it only leaves columns out.
    arms : FeatureArms
        What was changed.
    held_against : str
        Whose the accepted features are, in words.
    """
    what = _columns(arms)
    subject = f"{what[0].upper()}{what[1:]}"
    says_nothing = twins is not None and twins.low <= 0 <= twins.high
    if gain.high < 0 and not (says_nothing and arms.only_adds):
        return "harms", f"With {what}, models learn worse than with {held_against}: {gain}, all below zero."
    if gain.low > 0 and (twins is None or twins.low > 0):
        beside = "" if twins is None else f", and over the same columns shuffled {twins}"
        return "kept", f"With {what}, models learn better than with {held_against}: {gain}{beside}."
    if twins is None:
        return "helps nobody", f"With {what}, models do neither better nor worse than with {held_against}: {gain}."
    if twins.low <= 0:
        return "helps nobody", (
            f"{subject} do no more for these models than with their rows shuffled: {twins} reaches zero. "
            f"{_noise_told(gain)}"
        )
    return "helps nobody", (
        f"{subject} say something about the target ({twins} over their shuffled twins), but nothing beyond "
        f"{held_against}: {gain} reaches zero."
    )


def _noise_told(gain: Estimate) -> str:
    if gain.high < 0:
        return f"Like other columns of noise, they cost: {gain} against the accepted ones."
    if gain.low > 0:
        return f"What they gain over the accepted ones ({gain}), columns of noise gain too."
    return f"Against the accepted ones: {gain}."


def _columns(arms: FeatureArms) -> str:
    parts = []
    if arms.changed:
        more = f" and {len(arms.changed) - _MOST_NAMED} more" if len(arms.changed) > _MOST_NAMED else ""
        parts.append(f"the columns {', '.join(arms.changed[:_MOST_NAMED])}{more}")
    if arms.removed:
        parts.append(f"{len(arms.removed)} column(s) left out")
    return " and ".join(parts)
