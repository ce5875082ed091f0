"""Policies of other libraries as exact tasks: they show what they do, a small network or a table does it after them."""

from worldtwin.improving.distilling.distil import Distilled, distil

__all__ = ["Distilled", "distil"]
