"""From a table to a framed problem: what the columns are, what to predict, when, and whether it can be learned.

Frames and records in, records out: nothing here reads a file or asks a clock. What relates a column to the
target is handed development rows only.
"""
