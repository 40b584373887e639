"""The seal: dealing rows, the vault that keeps the held-out ones, the ledger of looks at them.

What it cannot do is stated: someone with a shell can read any disk, and someone who deletes vault and project both
starts anew. Everything short of that is noticed and told.
"""

from ml_engineer.seal.answers import find_answers, keep_answers, models_looked_at
from ml_engineer.seal.beyond_sample import SidesBeyond, sides_beyond
from ml_engineer.seal.cell_tables import HashedFrame, hash_frame
from ml_engineer.seal.contamination import known_held_out_rows
from ml_engineer.seal.dealing import deal
from ml_engineer.seal.fingerprints import fingerprint_table, frame_sha256
from ml_engineer.seal.opening import (
    Opening,
    clock_problems,
    count_looks,
    ledger_chain,
    ledger_problems,
    open_again,
    open_held_out,
    project_ledger_problems,
    project_mark,
    record_score,
    was_dealt_here,
)
from ml_engineer.seal.other_projects import OtherLooks, looks_of_others
from ml_engineer.seal.recognised import Recognition
from ml_engineer.seal.recognition import recognise
from ml_engineer.seal.restoring import knows_deal, restore
from ml_engineer.seal.sealing import seal
from ml_engineer.seal.storing import SealReceipt

__all__ = [
    "HashedFrame",
    "Opening",
    "OtherLooks",
    "Recognition",
    "SealReceipt",
    "SidesBeyond",
    "clock_problems",
    "count_looks",
    "deal",
    "find_answers",
    "fingerprint_table",
    "frame_sha256",
    "hash_frame",
    "keep_answers",
    "known_held_out_rows",
    "knows_deal",
    "ledger_chain",
    "ledger_problems",
    "looks_of_others",
    "models_looked_at",
    "open_again",
    "open_held_out",
    "project_ledger_problems",
    "project_mark",
    "recognise",
    "record_score",
    "restore",
    "seal",
    "sides_beyond",
    "was_dealt_here",
]
