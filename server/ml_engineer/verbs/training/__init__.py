"""What `train` does around a search: rows, journal, the champion and its files."""
