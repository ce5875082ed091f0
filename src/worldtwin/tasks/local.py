"""`LocalTask`: any Python callable as a task, on this machine only."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, cast, final

import numpy as np
from msgspec.structs import replace

from worldtwin.errors import InvalidTask, InvalidValue
from worldtwin.script import Parameter, parameter_of
from worldtwin.script.parameter import ArrayParameter, FloatParameter, IntParameter, NameParameter
from worldtwin.tasks.actor import Mask, Numbers, Parameters, parameters_of, require_count
from worldtwin.tasks.fitting import require_same
from worldtwin.tasks.programs.onebyone import act_one_by_one
from worldtwin.world import Action, Lattice, Point, Spec, State

Function = Callable[..., Any]


@final
class LocalTask:
    """A Python `function` that acts in the world `spec`.

    It is called with `state` (and `memory`, when it asks for it: then it returns both), or with the state's fields by
    name; arguments whose default is a `param(...)` are its parameters. It may do anything, so nobody else can check it:
    it has no digest and cannot be saved.
    """

    def __init__(
        self, function: Function, spec: Spec, *, memory: Sequence[float] = (), parameters: Sequence[Parameter] = ()
    ) -> None:
        self.function, self.spec = function, spec
        self._start = tuple(float(value) for value in memory)
        self._declared = tuple(parameters) or _declared(function)
        self._call = _caller(function, spec, {each.name for each in self._declared}, remembers=bool(self._start))

    @property
    def memory_width(self) -> int:
        """How many numbers it remembers within an episode."""
        return len(self._start)

    def start_memory(self, n: int) -> Numbers:
        """What `n` episodes remember at their start (n, memory)."""
        return np.tile(np.array(self._start, dtype=np.float64), (n, 1))

    def act_rows(self, states: Lattice, memory: Numbers, possible: Mask | None) -> tuple[Lattice, Numbers]:
        """The actions (n, a) in `states` (n, width), and the memory (n, memory) after them."""
        return act_one_by_one(self._decide, self.spec, states, memory, possible)

    def act(
        self, state: State | Mapping[str, object], memory: Sequence[float] | None = None
    ) -> tuple[Action, tuple[float, ...]]:
        """The action in one `state`, and the memory after it."""
        point = self.spec.state.decode(self.spec.state.encode(state))
        answer, after = self._decide(point, self._start if memory is None else tuple(memory))
        try:
            return Point(self.spec.action, self.spec.action.encode(answer)), after
        except InvalidValue as error:
            raise InvalidTask(f"the task's action is not possible: {error}") from error

    def parameters(self) -> Parameters:
        """What may be changed in it."""
        return parameters_of(self._declared)

    def with_parameters(self, values: Numbers | Sequence[float]) -> LocalTask:
        """The same task with other values for all parameters, whole ones rounded. Raises `InvalidTask`."""
        rest = iter(require_count(values, sum(len(each.values) for each in self._declared), "function").tolist())
        try:
            changed = [_changed(each, [next(rest) for _ in each.values]) for each in self._declared]
        except InvalidValue as error:
            raise InvalidTask(str(error)) from error
        return LocalTask(self.function, self.spec, memory=self._start, parameters=changed)

    def require_fit(self, spec: Spec) -> None:
        """Refuse a world that the task was not made for. Raises `InvalidTask` naming the first field that differs."""
        require_same("state", self.spec.state, spec.state)
        require_same("action", self.spec.action, spec.action)

    @property
    def digest(self) -> NoReturn:
        """Refuse: nobody else can run or check a Python function. Raises `InvalidTask`."""
        raise InvalidTask(
            f"`{getattr(self.function, '__name__', 'this function')}` is a local task and stays on this machine: "
            "to save, digest or prove it, write it in the script language (worldtwin.load_task)"
        )

    def _decide(self, state: Point, memory: tuple[float, ...]) -> tuple[object, tuple[float, ...]]:
        return self._call(state, memory, {each.name: each.plain for each in self._declared})


def _declared(function: Function) -> tuple[Parameter, ...]:
    kinds = (FloatParameter, IntParameter, NameParameter, ArrayParameter)
    arguments = inspect.signature(function).parameters.values()
    return tuple(parameter_of(each.name, each.default) for each in arguments if isinstance(each.default, kinds))


def _changed(declared: Parameter, values: list[float]) -> Parameter:
    numbers = tuple(float(round(value)) if declared.integer else value for value in values)
    return replace(declared, values=numbers)


def _caller(
    function: Function, spec: Spec, parameters: set[str], *, remembers: bool
) -> Callable[[Point, tuple[float, ...], dict[str, Any]], tuple[object, tuple[float, ...]]]:
    """How to call `function`: with the state as one value, or with its fields by name."""
    names = [name for name in inspect.signature(function).parameters if name not in parameters]
    by_name = [name for name in names if name in spec.state.names]
    if names and by_name == names:
        return lambda state, memory, rest: (function(**{name: state[name] for name in by_name}, **rest), memory)
    if remembers:
        return lambda state, memory, rest: _both(function(state, memory, **rest))
    return lambda state, memory, rest: (function(state, **rest), memory)


def _both(answer: object) -> tuple[object, tuple[float, ...]]:
    if not isinstance(answer, tuple) or len(cast("tuple[object, ...]", answer)) != 2:
        raise InvalidTask("a task with memory returns its action and its memory: `return action, memory`")
    action, memory = cast("tuple[object, Sequence[float]]", answer)
    return action, tuple(float(value) for value in memory)
