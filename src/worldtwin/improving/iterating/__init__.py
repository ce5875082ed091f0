"""Improve, try in reality, record, learn again."""

from worldtwin.improving.iterating.comparison import Comparison, Finding, compare
from worldtwin.improving.iterating.entering import Proposal
from worldtwin.improving.iterating.iteration import iterate
from worldtwin.improving.iterating.outcome import Ending, Iteration, Round

__all__ = ["Comparison", "Ending", "Finding", "Iteration", "Proposal", "Round", "compare", "iterate"]
