"""A first spec of a world, from a look at its data."""
