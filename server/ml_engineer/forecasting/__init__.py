"""Forecasting: series on a grid of time, forecasters, backtests from rolling origins, and the search among them.

Modules named in `plain.py` are also the user's: they are copied into the project as they are, and import nothing of
ours but each other.
"""
