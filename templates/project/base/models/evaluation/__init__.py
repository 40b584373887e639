"""Scores of out-of-fold predictions."""
