"""Training, evaluation and serving."""
