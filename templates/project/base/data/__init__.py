"""Data of this project; only `features` holds code."""
