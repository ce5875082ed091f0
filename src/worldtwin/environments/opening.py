"""`opened`: an environment by name, closed when it is no longer needed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gymnasium
from gymnasium.error import Error as GymnasiumError

from worldtwin.environments.evaluation import Reality
from worldtwin.errors import InvalidValue


@contextmanager
def opened(name: str) -> Iterator[Reality]:
    """The environment `gym:ID`, or what the function in `MODULE:FUNCTION` returns. Raises `InvalidValue`."""
    kind, colon, rest = name.partition(":")
    if not colon or not rest:
        raise InvalidValue(f"`{name}` is no environment: write gym:CartPole-v1, or MODULE:FUNCTION that returns one")
    env = _registered(rest) if kind == "gym" else _made(kind, rest)
    try:
        yield env
    finally:
        env.close()


def _registered(name: str) -> Reality:
    try:
        return gymnasium.make(name)
    except (GymnasiumError, ModuleNotFoundError) as error:
        raise InvalidValue(f"gymnasium has no environment `{name}`: {error}") from error


def _made(module: str, function: str) -> Reality:
    before = sys.path[:]
    sys.path.insert(0, str(Path.cwd()))
    try:
        make: Any = getattr(importlib.import_module(module), function)
    except Exception as error:
        raise InvalidValue(f"`{module}:{function}` cannot be found: {error}") from error
    finally:
        sys.path[:] = before
    try:
        env = make()
    except Exception as error:
        raise InvalidValue(f"`{module}:{function}` failed: {type(error).__name__}: {error}") from error
    if not isinstance(env, gymnasium.Env):
        raise InvalidValue(f"`{module}:{function}` returned a {type(env).__name__}, not a gymnasium.Env")
    return env
