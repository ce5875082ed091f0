"""Better tasks: search inside a simulator, plan on tables, and iterate with reality."""

from worldtwin.improving.climb import Stop
from worldtwin.improving.iterating import Comparison, Ending, Finding, Iteration, Proposal, Round, compare, iterate
from worldtwin.improving.planning import plan
from worldtwin.improving.progress import Listener, Progress
from worldtwin.improving.search import Improvement, improve, search
from worldtwin.improving.starts import Begin

__all__ = [
    "Begin", "Comparison", "Ending", "Finding", "Improvement", "Iteration", "Listener", "Progress", "Proposal", "Round",
    "Stop", "compare", "improve", "iterate", "plan", "search",
]  # fmt: skip
