"""Several ways to learn compete for each next field and output; held-out rows choose."""
