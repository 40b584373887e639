"""Predictions in plain words, by Claude."""
