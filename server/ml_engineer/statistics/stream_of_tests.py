"""How sure one of many findings must be, when questions come one after the other and nobody knows how many there will be."""

from __future__ import annotations

from scipy.special import zeta

__all__ = ["ERROR_RATE", "error_allowed"]

ERROR_RATE = 0.05
"""Share of false findings among the findings that is allowed in the long run; the chance of any if nothing is true."""

_DECAY = 1.5
"""How fast the shares fall: slower spares late questions, faster spares early ones. Any value over 1 keeps the promise."""


def error_allowed(number: int, findings: int, *, error_rate: float = ERROR_RATE) -> float:
    """Probability of a false finding that question `number` may run.

    Each question gets a share of `error_rate` that falls with its number, times one more than the findings before it
    (LOND). If nothing is true, the chance of a single finding over all questions, however many, is at most `error_rate`,
    whatever the questions have to do with each other: the shares add up to 1. If some are true, the expected share of false
    ones among the findings is at most `error_rate` for questions that are independent or depend positively on each other.

    Parameters
    ----------
    number : int
        Place of the question, from 1; all that were asked count.
    findings : int
        Findings before it.
    error_rate : float
        See above.

    References
    ----------
    A. Javanmard and A. Montanari (2015), On online control of false discovery rate, arXiv:1502.06197.
    T. Zrnic, A. Ramdas and M. I. Jordan (2021), Asynchronous online testing of multiple hypotheses, JMLR 22.
    """
    return float(error_rate * number**-_DECAY / zeta(_DECAY) * (findings + 1))
