"""How good is a task? Cases, exact evidence, and when a simulator is ready."""

from worldtwin.judging.better import is_better
from worldtwin.judging.case import Case, Cases
from worldtwin.judging.decision import MARGIN, Decision
from worldtwin.judging.enumeration import all_starts
from worldtwin.judging.evidence import evidence_bits
from worldtwin.judging.judge import Asked, ask, ask_each, judge
from worldtwin.judging.pairs import Pairing
from worldtwin.judging.readiness import Goal, Readiness, readiness
from worldtwin.judging.verdict import Answer, Verdict

__all__ = [
    "MARGIN", "Answer", "Asked", "Case", "Cases", "Decision", "Goal", "Pairing", "Readiness", "Verdict", "all_starts",
    "ask", "ask_each", "evidence_bits", "is_better", "judge", "readiness",
]  # fmt: skip
