"""Better tasks: search inside a simulator, plan on tables, and iterate with reality."""

from worldtwin.improving.climb import Stop
from worldtwin.improving.iteration import Iteration, Round, iterate
from worldtwin.improving.planning import plan
from worldtwin.improving.progress import Listener, Progress
from worldtwin.improving.search import Improvement, improve, search

__all__ = [
    "Improvement", "Iteration", "Listener", "Progress", "Round", "Stop", "improve", "iterate", "plan", "search",
]  # fmt: skip
