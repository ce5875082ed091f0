"""Run a learned world: simulators, predictions, sessions, rollouts."""

from worldtwin.exact import Feature
from worldtwin.simulation.answers import Advance, Alternative, Prediction, Source, StepResult
from worldtwin.simulation.models.classifier import Classifier
from worldtwin.simulation.models.columns import input_fields
from worldtwin.simulation.models.confidence import Confidence
from worldtwin.simulation.models.counting import count, merge
from worldtwin.simulation.models.ensemble import Ensemble
from worldtwin.simulation.models.forest import Forest
from worldtwin.simulation.models.functions import Function
from worldtwin.simulation.models.gear import RATIO_BITS, Gear
from worldtwin.simulation.models.polynomial import Polynomial
from worldtwin.simulation.models.regressor import FINE_BITS, Changes, Regressor
from worldtwin.simulation.models.table import Table
from worldtwin.simulation.report import (
    ENOUGH_EPISODES,
    MOSTLY,
    BasisReport,
    ContradictionReport,
    FieldReport,
    GapReport,
    ImageReport,
    LevelReport,
    MemoryReport,
    RegimeReport,
    RegionReport,
    Report,
)
from worldtwin.simulation.running.backend import Backend, NumpyBackend, Walk
from worldtwin.simulation.running.episodes import Episodes
from worldtwin.simulation.running.flock import Candidates, Flock, Play, require_allowed
from worldtwin.simulation.running.outcomes import Outcomes, outcomes
from worldtwin.simulation.running.rollout import Sink, rollout
from worldtwin.simulation.session import Session
from worldtwin.simulation.simulator import Simulator
from worldtwin.simulation.sources import STREAMS_APART, Model
from worldtwin.simulation.starts import COLUMNS_APART, drawn_up_to

__all__ = [
    "COLUMNS_APART", "ENOUGH_EPISODES", "FINE_BITS", "MOSTLY", "RATIO_BITS", "STREAMS_APART", "Advance", "Alternative",
    "Backend", "BasisReport", "Candidates",
    "Changes", "Classifier", "Confidence", "ContradictionReport", "Ensemble", "Episodes", "Feature", "FieldReport",
    "Flock", "Forest", "Function", "GapReport", "Gear", "ImageReport", "LevelReport", "MemoryReport", "Model",
    "NumpyBackend", "Outcomes", "Play", "Polynomial", "Prediction", "RegimeReport", "RegionReport", "Regressor",
    "Report", "Session", "Simulator", "Sink", "Source", "StepResult", "Table", "Walk", "count", "drawn_up_to",
    "input_fields", "merge", "outcomes", "require_allowed", "rollout",
]  # fmt: skip
