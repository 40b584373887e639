"""Where things lie in a user's project, and its records. Light: no pandas, no scikit-learn."""
