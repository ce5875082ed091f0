"""`@recorded`: what a function of a running program sees and does, as traces.

The state is some of its arguments, the action is what it returns, the next state is the state at the next call of the
same thread. Outputs come later: `function.outputs(...)` adds them to the last call, `function.end()` ends an episode.
"""

from __future__ import annotations

import functools
import inspect
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

from worldtwin.errors import InvalidValue
from worldtwin.recording.buffer import Buffer
from worldtwin.recording.episode import Episode, number_episodes
from worldtwin.recording.values import SIMPLE, parts_of
from worldtwin.traces import Traces, store_path
from worldtwin.world import hint

P = ParamSpec("P")
R = TypeVar("R")


State: TypeAlias = tuple[Any, ...] | dict[str, Any]


class Call:
    """One call of a recorded function: its state, its action, and outputs as they come.

    The state is a tuple of simple values in order, or the parts of others by name. The action is a value or its parts.
    """

    __slots__ = ("action", "episode", "mark", "outputs", "state", "step", "taken")

    def __init__(self, episode: Episode, step: int, state: State, action: object, mark: str = "") -> None:
        self.episode, self.step, self.state, self.action, self.mark = episode, step, state, action, mark
        self.outputs: Mapping[str, object] | None = None
        self.taken = False


class _Here(threading.local):
    """Where a thread is: its episode, the number of its next call, and its last call."""

    def __init__(self) -> None:
        self.episode = Episode()
        self.step = 0
        self.last: Call | None = None


class RecordedFunction(Generic[P, R]):
    """A function that is recorded whenever it is called, and otherwise behaves as before."""

    def __init__(self, function: Callable[P, R], tape: CallTape, *, durable: bool) -> None:
        functools.update_wrapper(self, function)
        self.__name__: str = getattr(function, "__name__", type(function).__name__)
        self._function, self._tape = function, tape
        self._read = _reader(function, tape.state)
        self._put = tape.buffer.put_durably if durable else tape.buffer.put
        self._here = _Here()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start_over)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function and record it. Whatever it raises passes through, and the call is marked."""
        state = self._read(args, kwargs)
        here = self._here
        episode, step = here.episode, here.step
        here.step = step + 1
        try:
            result = self._function(*args, **kwargs)
        except BaseException as error:
            here.last = failed = Call(episode, step, state, None, f"raised {type(error).__name__}")
            self._put(failed)
            raise
        action = result if type(result) in SIMPLE else parts_of("", result)
        here.last = call = Call(episode, step, state, action)
        self._put(call)
        return result

    def __get__(self, instance: object, owner: type | None = None) -> Any:  # noqa: ANN401 - a method, or the function itself
        """The recorded method of `instance`."""
        return self if instance is None else MethodType(self, instance)

    def outputs(self, **values: object) -> None:
        """Add what the last call of this thread led to. Raises `InvalidValue` for a name that was not declared."""
        for name in values:
            if name not in self._tape.outputs:
                raise InvalidValue(f"unknown output `{name}`{hint(name, self._tape.outputs) or ': none was declared'}")
        last = self._here.last
        if last is None:
            self._tape.buffer.dropped += 1
            return
        last.outputs = {**(last.outputs or {}), **values}
        if last.taken:
            late = Call(last.episode, last.step, (), None)
            late.outputs = values
            self._put(late)

    def end(self) -> None:
        """End the episode of this thread: the next call begins another one."""
        here = self._here
        here.episode, here.step = Episode(), 0

    def flush(self) -> None:
        """Store all calls so far. Raises `TracesError` when that fails."""
        self._tape.buffer.flush()

    @property
    def dropped(self) -> int:
        """How many calls and outputs were not recorded: the store failed, or there was no call to add them to."""
        return self._tape.buffer.dropped

    @property
    def traces(self) -> Traces:
        """The store that the calls go to."""
        return self._tape.traces

    @property
    def tape(self) -> CallTape:
        """What is recorded, under which names."""
        return self._tape

    @property
    def parameters(self) -> dict[str, object]:
        """The defaults of the function's arguments, among them what `param` marks."""
        return {name: item.default for name, item in inspect.signature(self._function).parameters.items()}

    def _start_over(self) -> None:
        self._here = _Here()


def recorded(
    traces: str | os.PathLike[str] | Traces,
    *,
    state: Sequence[str],
    action: str = "action",
    outputs: Sequence[str] = (),
    durable: bool = False,
) -> Callable[[Callable[P, R]], RecordedFunction[P, R]]:
    """A decorator that records a function: arguments named in `state`, and what it returns, as `action`.

    At most the last 100 ms of calls are at risk when the process is killed, none when it ends; with `durable` each call
    waits until it is stored (milliseconds). A store that fails never breaks the program: see `dropped` and the log.
    Raises `InvalidValue` when the function has no such arguments.
    """

    def decorate(function: Callable[P, R]) -> RecordedFunction[P, R]:
        tape = CallTape(traces, state=tuple(state), action=action, outputs=tuple(outputs))
        return RecordedFunction(function, tape, durable=durable)

    return decorate


class CallTape:
    """Turns calls into raw rows of a store, which is opened when the first ones are written."""

    def __init__(
        self, traces: str | os.PathLike[str] | Traces, *, state: tuple[str, ...], action: str, outputs: tuple[str, ...]
    ) -> None:
        self.state, self.action, self.outputs = state, action, outputs
        self._path = traces.path if isinstance(traces, Traces) else store_path(traces)
        self._traces: Traces | None = None
        self.buffer: Buffer[Call] = Buffer(self._store, self._path.name)
        if isinstance(traces, Traces):
            self._use(traces)

    @property
    def traces(self) -> Traces:
        """The store, created when missing."""
        return self._use(Traces(self._path)) if self._traces is None else self._traces

    def _use(self, traces: Traces) -> Traces:
        self._traces = traces
        traces.attach(self.buffer)
        return traces

    def _store(self, calls: list[Call]) -> None:
        for call in calls:
            call.taken = True
        plain, others = _parted(calls)
        traces = self.traces
        number_episodes([call.episode for call in calls], traces.begin)
        tables = [self._plain_rows(plain)] if plain else []
        if others:
            tables.append(self._other_rows(others))
        traces.append_all(tables)

    def _plain_rows(self, calls: list[Call]) -> dict[str, list[object]]:
        columns = zip(*[call.state for call in calls], strict=True)
        rows = {f"state.{name}": list(column) for name, column in zip(self.state, columns, strict=True)}
        rows[f"action.{self.action}"] = [call.action for call in calls]
        for name in self.outputs:
            rows[f"outputs.{name}"] = [call.outputs.get(name) if call.outputs else None for call in calls]
        return {**_numbers(calls), **rows}

    def _other_rows(self, calls: list[Call]) -> dict[str, list[object]]:
        rows = [self._row(call) for call in calls]
        names = dict.fromkeys(name for row in rows for name in row)
        columns = {name: [row.get(name) for row in rows] for name in names}
        return {**_numbers(calls), **columns, "marked": [call.mark for call in calls]}

    def _row(self, call: Call) -> dict[str, object]:
        state = call.state if isinstance(call.state, dict) else dict(zip(self.state, call.state, strict=False))
        action: dict[str, object] = call.action if isinstance(call.action, dict) else {"": call.action}
        return {
            **{f"state.{name}": value for name, value in state.items()},
            **{f"action.{self.action}{part}": value for part, value in action.items()},
            **{f"outputs.{name}": value for name, value in (call.outputs or {}).items()},
        }


def _numbers(calls: list[Call]) -> dict[str, list[object]]:
    return {"episode": [call.episode.number for call in calls], "step": [call.step for call in calls]}


def _parted(calls: list[Call]) -> tuple[list[Call], list[Call]]:
    """The plain calls and the others; of many at once, whether there are others is seen without looking at each."""
    if (
        {type(call.state) for call in calls} == {tuple}
        and SIMPLE.issuperset({type(call.action) for call in calls})
        and all(call.state and not call.mark for call in calls)
    ):
        return calls, []
    return [call for call in calls if _is_plain(call)], [call for call in calls if not _is_plain(call)]


def _is_plain(call: Call) -> bool:
    return bool(call.state) and type(call.state) is tuple and type(call.action) in SIMPLE and not call.mark


def _reader(
    function: Callable[..., object], names: tuple[str, ...]
) -> Callable[[tuple[Any, ...], dict[str, Any]], State]:
    """What finds the values of the arguments called `names` in a call."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidValue(f"`{function.__name__}` is asynchronous: only ordinary functions can be recorded")
    parameters = inspect.signature(function).parameters
    if not names:
        raise InvalidValue("`state` names no argument: say what the function sees")
    for name in names:
        if name not in parameters:
            raise InvalidValue(f"`{name}` is no argument of the function{hint(name, parameters)}")
    keyword_only = [parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in names]
    order = list(parameters)
    places = [1 << 30 if keyword else order.index(name) for name, keyword in zip(names, keyword_only, strict=True)]
    defaults = [None if (given := parameters[name].default) is inspect.Parameter.empty else given for name in names]
    wanted = list(zip(names, places, defaults, strict=True))
    enough = max(places)
    pick = itemgetter(*places) if len(places) > 1 else (lambda args: (args[places[0]],))

    def read(args: tuple[Any, ...], kwargs: dict[str, Any]) -> State:
        if len(args) > enough:
            values = pick(args)
        else:
            values = tuple(
                [kwargs.get(name, args[place] if place < len(args) else default) for name, place, default in wanted]
            )
        if SIMPLE.issuperset(map(type, values)):
            return values
        return {
            part: item
            for name, value in zip(names, values, strict=True)
            for part, item in parts_of(name, value).items()
        }

    return read
