"""Gymnasium, both ways: observation ↔ state, action ↔ action, a task in reality, a simulator as an environment."""

from worldtwin.environments.evaluation import Evaluation, Reality, evaluate
from worldtwin.environments.opening import opened
from worldtwin.environments.reading import Reading, observe, readings, sense
from worldtwin.environments.single import SimulatedEnv, make_env
from worldtwin.environments.vector import SimulatedVectorEnv, make_vec
from worldtwin.environments.writing import space_of, to_gymnasium, to_observation

__all__ = [
    "Evaluation", "Reading", "Reality", "SimulatedEnv", "SimulatedVectorEnv", "evaluate", "make_env", "make_vec",
    "observe", "opened", "readings", "sense", "space_of", "to_gymnasium", "to_observation",
]  # fmt: skip
