"""Plans on tables: explore what can be reached, follow what may happen, value it, choose; or hope, and find out."""

from worldtwin.improving.planning.exploring import MAX_CHOICES, MAX_PAIRS, count_actions, every_action
from worldtwin.improving.planning.hoping import Seen, hoped
from worldtwin.improving.planning.plan import plan
from worldtwin.improving.planning.values import END, SWEEPS, Graph, paid, valued

__all__ = [
    "END", "MAX_CHOICES", "MAX_PAIRS", "SWEEPS", "Graph", "Seen", "count_actions", "every_action", "hoped", "paid",
    "plan", "valued",
]  # fmt: skip
