"""Run a learned world: simulators, predictions, sessions, rollouts."""

from worldtwin.exact import Feature
from worldtwin.simulation.answers import Advance, Alternative, Prediction, Source, StepResult
from worldtwin.simulation.models.counting import count, merge
from worldtwin.simulation.models.polynomial import Polynomial
from worldtwin.simulation.models.table import Table
from worldtwin.simulation.report import FieldReport, Report
from worldtwin.simulation.running.episodes import Episodes
from worldtwin.simulation.running.flock import Candidates
from worldtwin.simulation.running.outcomes import Outcomes, outcomes
from worldtwin.simulation.running.rollout import Sink, rollout
from worldtwin.simulation.session import Session
from worldtwin.simulation.simulator import Simulator
from worldtwin.simulation.sources import Model

__all__ = [
    "Advance", "Alternative", "Candidates", "Episodes", "Feature", "FieldReport", "Model", "Outcomes", "Polynomial",
    "Prediction", "Report", "Session", "Simulator", "Sink", "Source", "StepResult", "Table", "count", "merge",
    "outcomes", "rollout",
]  # fmt: skip
