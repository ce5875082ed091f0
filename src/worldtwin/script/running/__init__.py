"""Evaluators of the typed tree: whole columns, and one row at a time."""
