"""Plans on tables: explore what can be reached, follow what may happen, value it, choose."""

from worldtwin.improving.planning.plan import plan

__all__ = ["plan"]
