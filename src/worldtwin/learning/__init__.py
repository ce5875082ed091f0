"""Traces → Simulator: count what is discrete, fit what is not, and say how good the result is."""

from worldtwin.learning.fit import Listener, fit
from worldtwin.learning.reading import Since, Sources

__all__ = ["Listener", "Since", "Sources", "fit"]
