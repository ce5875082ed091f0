"""The YAML of a world: its sections, its units, and the `Spec` and `Plan` that it comes to."""
