"""What `evaluate` does around a look: sealed and development rows, the honest score, comparisons, the page."""
