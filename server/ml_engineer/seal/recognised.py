"""What is known of a table that was dealt before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["DEVELOPMENT", "HELD_OUT", "NEVER_SEEN", "Recognition"]

DEVELOPMENT, HELD_OUT, NEVER_SEEN = 0, 1, -1
"""Sides of a row, as `Recognition.side` holds them."""


@dataclass(frozen=True)
class Recognition:
    """A table that shares rows with earlier deals.

    Parameters
    ----------
    deal_id : str
        The deal whose rows were found most often, the latest among equals.
    side : numpy.ndarray
        (n,) int8: 1 held-out, 0 development, -1 never seen.
    ambiguous_rows : int
        Rows that match earlier rows of both sides equally well in kind (they take the side of the most).
    matched_rows : int
        Rows with a side.
    looks : int
        Looks taken under all deals that these rows come from.
    key : str
        Key (hex) by which rows never seen are dealt.
    deals : tuple of str
        All deals that rows were found in, the main one first.
    """

    deal_id: str
    side: np.ndarray
    ambiguous_rows: int
    matched_rows: int
    looks: int
    key: str
    deals: tuple[str, ...] = ()
