"""Feature code and the data contract."""
