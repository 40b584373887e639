"""The verbs for forecasting, where rows are moments of series."""
