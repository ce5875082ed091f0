"""The models that a simulator may carry, each a value of whole numbers."""
