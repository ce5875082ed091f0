"""A writer that commits readings to a real database in batches: the example for a program of one's own."""
