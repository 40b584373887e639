"""Judging a model: scores on held-out rows, and what out-of-fold predictions tell besides.

Held-out rows give aggregates only. Single rows, errors and explanations come from predictions on development
rows, made by models that had not seen them.
"""
