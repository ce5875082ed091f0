"""Files as traces: CSV, JSON Lines and Parquet, one row a step, columns by name."""
