"""Watch a program run, build a twin of the world it runs in, rehearse there until the program is better, and prove it.

Public names load when they are first used (PEP 562), so that importing `worldtwin` costs a verifier next to nothing.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from worldtwin.errors import MissingExtra

if TYPE_CHECKING:
    from worldtwin import accelerate, environments, examples, improving, learning, recording, traces
    from worldtwin.accelerate import JaxBackend
    from worldtwin.environments import evaluate, make_env, make_sb3, make_vec
    from worldtwin.errors import InvalidSpec, UnknownTransition, WorldtwinError
    from worldtwin.exact import Key
    from worldtwin.files import load_cases, load_simulator, load_spec, load_task, save
    from worldtwin.improving import improve, iterate
    from worldtwin.improving.distilling import distil
    from worldtwin.judging import Case, Cases, Verdict, is_better, judge, readiness
    from worldtwin.learning import fit
    from worldtwin.recording import RecordEnv, draft_spec, recorded
    from worldtwin.script import param, remember
    from worldtwin.simulation import Prediction, Session, Simulator, rollout
    from worldtwin.tasks import LocalTask, Task
    from worldtwin.traces import Run, Traces
    from worldtwin.world import Action, Spec, State, digest

__all__ = [
    "Action", "Case", "Cases", "InvalidSpec", "JaxBackend", "Key", "LocalTask", "Prediction", "RecordEnv", "Run",
    "Session", "Simulator", "Spec", "State", "Task", "Traces", "UnknownTransition", "Verdict", "WorldtwinError",
    "accelerate", "digest", "distil", "draft_spec", "environments", "evaluate", "examples", "fit", "improve",
    "improving", "is_better", "iterate", "judge", "learning", "load_cases", "load_simulator", "load_spec", "load_task",
    "make_env", "make_sb3", "make_vec", "param", "readiness", "recorded", "recording", "remember", "rollout", "save",
    "traces",
]  # fmt: skip

_HOMES = {
    "accelerate": ("JaxBackend",),
    "environments": ("evaluate", "make_env", "make_sb3", "make_vec"),
    "errors": ("InvalidSpec", "UnknownTransition", "WorldtwinError"),
    "exact": ("Key",),
    "examples": (),
    "files": ("load_cases", "load_simulator", "load_spec", "load_task", "save"),
    "improving": ("improve", "iterate"),
    "improving.distilling": ("distil",),
    "judging": ("Case", "Cases", "Verdict", "is_better", "judge", "readiness"),
    "learning": ("fit",),
    "recording": ("RecordEnv", "draft_spec", "recorded"),
    "script": ("param", "remember"),
    "simulation": ("Prediction", "Session", "Simulator", "rollout"),
    "tasks": ("LocalTask", "Task"),
    "traces": ("Run", "Traces"),
    "world": ("Action", "Spec", "State", "digest"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_EXTRA_OF = {
    "cmaes": "learn",
    "gymnasium": "rl",
    "jax": "accelerate",
    "jaxlib": "accelerate",
    "optax": "learn",
    "pyarrow": "learn",
    "scipy": "learn",
    "sklearn": "learn",
}


def __getattr__(name: str) -> object:
    """The public value, or the sub-package, called `name`. Raises `MissingExtra` where a library is not installed."""
    if name in _HOME_OF:
        value = getattr(_package(_HOME_OF[name], name), name)
    elif name in _HOMES:
        value = _package(name, name)
    else:
        raise AttributeError(f"module `worldtwin` has no public name `{name}`")
    globals()[name] = value
    return value


def _package(home: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(f"worldtwin.{home}")
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA_OF:
            raise
        command = f"pip install 'worldtwin[{_EXTRA_OF[error.name]}]'"
        raise MissingExtra(f"worldtwin.{name} needs the library {error.name}: {command}") from error


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
