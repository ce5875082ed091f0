"""A lamp whose answer depends on what it is asked alone: a stateless world."""
