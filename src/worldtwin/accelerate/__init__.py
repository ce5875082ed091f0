"""Walk through simulations in JAX, with the bits of NumPy."""

from worldtwin.accelerate.backend import JaxBackend

__all__ = ["JaxBackend"]
