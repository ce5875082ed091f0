"""Gymnasium and Stable-Baselines3, both ways: observation ↔ state, action ↔ action; a task in reality."""

from worldtwin.environments.evaluation import Evaluation, Reality, evaluate
from worldtwin.environments.guest import Guest, Policy
from worldtwin.environments.opening import opened
from worldtwin.environments.reading import Reading, observe, readings, sense
from worldtwin.environments.single import SimulatedEnv, make_env
from worldtwin.environments.vector import SimulatedVectorEnv, make_sb3, make_vec
from worldtwin.environments.writing import space_of, to_gymnasium, to_observation

__all__ = [
    "Evaluation", "Guest", "Policy", "Reading", "Reality", "SimulatedEnv", "SimulatedVectorEnv", "evaluate", "make_env",
    "make_sb3", "make_vec", "observe", "opened", "readings", "sense", "space_of", "to_gymnasium", "to_observation",
]  # fmt: skip
