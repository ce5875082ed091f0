"""What a world remembers: the past that still predicts, the state that never does, hidden states that explain it."""

from worldtwin.learning.memory.aliasing import Alias, Aliasing, aliasing
from worldtwin.learning.memory.course import Course, numbered
from worldtwin.learning.memory.stateless import looks_stateless
from worldtwin.learning.memory.telling import memory_report
from worldtwin.learning.memory.uncovering import Uncovered, uncovered

__all__ = [
    "Alias", "Aliasing", "Course", "Uncovered", "aliasing", "looks_stateless", "memory_report", "numbered", "uncovered",
]  # fmt: skip
