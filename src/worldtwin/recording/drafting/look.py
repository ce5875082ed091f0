"""A look at a source: some raw columns of it, and what it says about them itself."""

from __future__ import annotations

import copy
import importlib
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import gymnasium
import pyarrow as pa
from msgspec import Struct

from worldtwin.errors import InvalidValue, TracesError
from worldtwin.recording.calls import RecordedFunction
from worldtwin.recording.environment import RecordEnv
from worldtwin.recording.observing import Axis, axes_of
from worldtwin.recording.tables.reading import FILES, is_table, read_table
from worldtwin.script.parameter import FloatParameter, IntParameter
from worldtwin.traces import SUFFIX, Traces

Drafted: TypeAlias = "str | os.PathLike[str] | Traces | RecordedFunction[Any, Any] | gymnasium.Env[Any, Any]"

STEPS: Final = 1000
"""How long a fresh environment is tried with random actions."""


class Look(Struct, frozen=True, kw_only=True, eq=False):
    """Raw rows of a source called `name`, bounds it declares by column, its horizon, and where its traces are."""

    name: str
    table: pa.Table
    axes: Mapping[str, Axis] = {}
    horizon: int | None = None
    traces: str = ""


def look_at(source: Drafted, parts: Mapping[str, str]) -> Look:
    """A look at an environment (gym:ID), a file of rows, a trace store, or a recorded function (MODULE:FUNCTION).

    `parts` says of columns of a file, by name, whether they are the action or outputs. Raises `InvalidValue`.
    """
    if parts and not is_table(Path(str(source))):
        raise InvalidValue(f"which columns are {', '.join(sorted(set(parts.values())))} is only asked of {FILES}")
    match source:
        case gymnasium.Env():
            return _environment(_fresh(source))
        case Traces():
            return _store(source)
        case RecordedFunction():
            return _function(source)
        case _:
            return _named(str(source), parts)


def _named(source: str, parts: Mapping[str, str]) -> Look:
    if source.startswith("gym:"):
        return _environment(_made(source.removeprefix("gym:")))
    path = Path(source)
    if is_table(path):
        return Look(name=_dashed(path.stem), table=_some(read_table(path, parts=parts), source), traces=source)
    if path.suffix == SUFFIX:
        if not path.exists():
            raise TracesError(f"{source}: no such trace store: record something first")
        return _store(Traces(path))
    if ":" in source:
        return _function(_imported(source))
    raise InvalidValue(f"`{source}` cannot be looked at: give gym:ID, {FILES}, FILE.traces or MODULE:FUNCTION")


def _environment(env: gymnasium.Env[Any, Any]) -> Look:
    """What `STEPS` random steps show; the same ones each time."""
    with tempfile.TemporaryDirectory() as folder, Traces(Path(folder) / "look.traces") as traces:
        recorded = RecordEnv(env, traces)
        env.action_space.seed(0)
        seed: int | None = 0
        over = True
        for _ in range(STEPS):
            if over:
                recorded.reset(seed=seed)
                seed = None
            _, _, terminated, truncated, _ = recorded.step(env.action_space.sample())
            over = terminated or truncated
        recorded.close()
        table = traces.rows()
    axes = {f"state.{axis.name}": axis for axis in axes_of(env.observation_space, "state")}
    axes |= {f"action.{axis.name}": axis for axis in axes_of(env.action_space, "action")}
    known = env.spec
    name = _dashed(re.sub(r"-v\d+$", "", known.id if known else type(env.unwrapped).__name__))
    return Look(name=name, table=table, axes=axes, horizon=known.max_episode_steps if known else None)


def _store(traces: Traces) -> Look:
    return Look(name=_dashed(traces.path.stem), table=_some(traces.rows(), str(traces.path)), traces=str(traces.path))


def _function(function: RecordedFunction[Any, Any]) -> Look:
    look = _store(function.traces)
    axes: dict[str, Axis] = {}
    for name, value in function.parameters.items():
        if isinstance(value, IntParameter | FloatParameter) and f"action.{name}" in look.table.column_names:
            whole = isinstance(value, IntParameter)
            axes[f"action.{name}"] = Axis(name=name, whole=whole, low=value.low, high=value.high)
    return Look(name=_dashed(function.__name__), table=look.table, axes=axes, traces=look.traces)


def _fresh(env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    """Another one like `env`, which nobody records and nobody uses; `env` itself when it cannot be made again."""
    if env.spec is None:
        return env
    spec = copy.deepcopy(env.spec)
    spec.additional_wrappers = tuple(item for item in spec.additional_wrappers if item.name != RecordEnv.__name__)
    return gymnasium.make(spec)


def _made(name: str) -> gymnasium.Env[Any, Any]:
    try:
        return gymnasium.make(name)
    except (gymnasium.error.Error, ModuleNotFoundError) as error:
        raise InvalidValue(f"gym:{name}: {error}") from error


def _imported(source: str) -> RecordedFunction[Any, Any]:
    module, _, name = source.rpartition(":")
    before = sys.path[:]
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = importlib.import_module(module.removesuffix(".py").replace("/", "."))
    except Exception as error:
        raise InvalidValue(f"{source}: {module} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path[:] = before
    function = getattr(found, name, None)
    if not isinstance(function, RecordedFunction):
        what = "is not recorded: decorate it with `@worldtwin.recorded(...)`" if function else "is not there"
        raise InvalidValue(f"{source}: `{name}` {what}")
    return function


def _some(table: pa.Table, source: str) -> pa.Table:
    if not table.num_rows:
        raise TracesError(f"{source} is empty: record some steps first")
    return table


def _dashed(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    return re.sub(r"[\W_]+", "-", words).strip("-").lower() or "world"
