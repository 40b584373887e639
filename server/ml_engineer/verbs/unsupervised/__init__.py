"""The verbs for clustering and anomaly detection, where nothing is predicted."""
