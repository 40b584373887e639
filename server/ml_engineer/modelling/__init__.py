"""Building models: preparation, portfolio, search, and the champion as plain code.

Knows nothing of projects, files (but for the model's own), clocks or MLflow: those are handed in.
"""
