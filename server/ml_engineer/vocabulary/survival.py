"""How a risk score becomes the chance of no event yet at any time."""

from __future__ import annotations

from pydantic import Field

from ml_engineer.vocabulary.records import Record

__all__ = ["SurvivalCurve"]


class SurvivalCurve(Record):
    """A Cox model of one number, the score: the chance of no event by t is exp(-hazard(t) exp(slope (z - centre))).

    z is the logarithm of the score where all scores are positive (hazard ratios), and the score itself otherwise.
    """

    logarithm: bool = Field(description="Whether z is the logarithm of the score.")
    centre: float = Field(description="Mean of z over the development rows.")
    slope: float = Field(description="How strongly z tells; 1 where the model's own hazard ratios hold for new rows.")
    times: tuple[float, ...] = Field(description="Times at which the hazard rises, in the target's unit, ascending.")
    hazard: tuple[float, ...] = Field(description="Cumulative baseline hazard from each of these times on.")
    end: float = Field(gt=0, description="Time up to which enough rows were followed for the curve to be judged.")
    horizons: tuple[float, ...] = Field(description="Times at which predictions tell the chance of no event yet.")
