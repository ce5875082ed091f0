"""`Task`: the program that is improved, with the part of a world that it fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from worldtwin.errors import InvalidFile, InvalidScript, InvalidSpec, InvalidTask, InvalidValue
from worldtwin.exact import Key
from worldtwin.script import FUEL, Program, check_program
from worldtwin.tasks.actor import Mask, Numbers, Parameters, parameters_of, require_count
from worldtwin.tasks.document import Document, program_in, written
from worldtwin.tasks.fitting import require_network, require_same, require_seen, require_table
from worldtwin.tasks.programs.heads import Heads
from worldtwin.tasks.programs.inputs import inputs_of, seen_columns
from worldtwin.tasks.programs.network import Network, fresh_network
from worldtwin.tasks.programs.policy import TablePolicy
from worldtwin.tasks.programs.scripted import act_together
from worldtwin.world import Action, Lattice, Point, Space, Spec, State, canonical, decode_canonical, digest_of, typed

AnyProgram: TypeAlias = Network | TablePolicy | Program


class Known(Protocol):
    """A simulator, as far as a task looks at it."""

    @property
    def spec(self) -> Spec:
        """Its world."""
        ...

    @property
    def recorded(self) -> Lattice:
        """Recorded states (n, width)."""
        ...


class Task(Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """(state, memory) → (action, memory), for every world with this `state`, `action`, `history` and `possible`.

    `observes` names the fields that it sees.
    """

    state: Space
    action: Space
    program: AnyProgram
    observes: tuple[str, ...]
    history: int = 0
    possible: str = ""

    def __post_init__(self) -> None:
        """Refuse a world that cannot be, and a program that reads or does what the world does not have."""
        require_seen(self.observes, self.state)
        world = self.world
        match self.program:
            case Network() as network:
                require_network(network, world, self.observes)
            case TablePolicy() as table:
                require_table(table, world, self.observes)
            case Program():
                if self.program.state != self.state or self.program.action != self.action:
                    raise InvalidTask("the program was checked for another world: use program.bind(state, action)")

    @staticmethod
    def network(
        world: Spec | Known,
        *,
        hidden: Sequence[int] = (32,),
        key: Key | int,
        observes: str | Sequence[str] | None = None,
    ) -> Task:
        """A network task with random weights; `hidden=()` is the linear one.

        Given a simulator, its inputs are centred and scaled on the recorded states; given a spec, on the ranges.
        """
        spec, recorded = (world, None) if isinstance(world, Spec) else (world.spec, world.recorded)
        names = _observed(spec, observes)
        inputs = inputs_of(seen_columns(spec, names), recorded)
        program = fresh_network(inputs, hidden, Heads(spec.action).size, key=Key.of(key))
        return _task_of(spec, program, names)

    @staticmethod
    def table(
        spec: Spec,
        states: Lattice | None = None,
        actions: Lattice | None = None,
        *,
        observes: str | Sequence[str] | None = None,
    ) -> Task:
        """A table task with `actions` (n, a) in `states` (n, width); elsewhere it takes the first possible action."""
        names = _observed(spec, observes)
        columns = tuple(column.position for column in seen_columns(spec, names))
        empty = TablePolicy(
            columns=columns,
            keys=np.zeros((0, len(columns)), dtype=np.int64),
            actions=np.zeros((0, len(spec.action)), dtype=np.int64),
            otherwise=tuple(int(low) for low in spec.action.low),
        )
        task = _task_of(spec, empty, names)
        return task if states is None or actions is None else task.with_rules(states, actions)

    @staticmethod
    def script(program: Program | str, spec: Spec | None = None) -> Task:
        """The task that a checked program, or a program's text, is in the world `spec`. Raises `InvalidScript`."""
        if isinstance(program, str):
            program = check_program(program, *(() if spec is None else (spec.state, spec.action)))
        if spec is not None and (program.state != spec.state or program.action != spec.action):
            program = program.bind(spec.state, spec.action)
        if program.state is None or program.action is None:
            raise InvalidTask("the program fits no world yet: give the spec too")
        world = spec or _world(program.state, program.action)
        return _task_of(world, program, program.observes)

    @property
    def memory_width(self) -> int:
        """How many numbers it remembers within an episode."""
        return len(self.program.start_memory) if isinstance(self.program, Program) else 0

    def start_memory(self, n: int) -> Numbers:
        """What `n` episodes remember at their start (n, memory)."""
        start = self.program.start_memory if isinstance(self.program, Program) else ()
        return np.tile(np.array(start, dtype=np.float64), (n, 1))

    def act_rows(self, states: Lattice, memory: Numbers, possible: Mask | None) -> tuple[Lattice, Numbers]:
        """The actions (n, a) in `states` (n, width), and the memory (n, memory) after them."""
        match self.program:
            case Network() as network:
                return self.heads.act(network.run(states), possible), memory
            case TablePolicy() as table:
                return table.act(states, possible), memory
            case Program() as program:
                return act_together(program, self.world, states, memory, possible)

    def act(
        self, state: State | Mapping[str, object], memory: Sequence[float] | None = None
    ) -> tuple[Action, tuple[float, ...]]:
        """The action in one `state`, and the memory after it; without memory, as at an episode's start.

        A task of a world with a history takes the state for the past too. Raises `InvalidValue` naming the wrong field.
        """
        fields = np.array([self.state.encode(state)], dtype=np.int64)
        rows = self.world.start_rows(fields)
        before = self.start_memory(1) if memory is None else np.array([memory], dtype=np.float64)
        actions, after = self.act_rows(rows, before, self.world.possible_actions(rows))
        action = Point(self.action, tuple(int(value) for value in actions[0]))
        return action, tuple(float(value) for value in after[0])

    @property
    def fuel(self) -> int:
        """The most that one step can cost: multiply-adds, comparisons or nodes of a script."""
        if isinstance(self.program, Program):
            return FUEL if self.program.cost is None else self.program.cost
        return self.program.fuel

    def parameters(self) -> Parameters:
        """What may be changed in it."""
        match self.program:
            case Network() as network:
                return network.parameters()
            case TablePolicy():
                return Parameters.none()
            case Program() as program:
                return parameters_of(program.parameters)

    @property
    def knobs(self) -> dict[str, float | str | tuple[float, ...] | tuple[str, ...]]:
        """The values of a script's parameters by name, as its function takes them; empty for a network or a table."""
        parameters = self.program.parameters if isinstance(self.program, Program) else ()
        return {each.name: each.plain for each in parameters}

    def with_parameters(self, values: Numbers | Sequence[float]) -> Task:
        """The same task with other values for all parameters, in order. Raises `InvalidTask`."""
        match self.program:
            case Network() as network:
                return replace(self, program=network.with_parameters(values))
            case TablePolicy():
                require_count(values, 0, "table")
                return self
            case Program() as program:
                numbers = require_count(values, len(program.values), "program")
                try:
                    return replace(self, program=program.with_parameters([float(value) for value in numbers]))
                except InvalidValue as error:
                    raise InvalidTask(str(error)) from error

    def with_rules(self, states: Lattice, actions: Lattice) -> Task:
        """A table task with `actions` (n, a) in `states` (n, width) too; the last rule for a state counts."""
        if not isinstance(self.program, TablePolicy):
            raise InvalidTask("only a table task has rules")
        return replace(self, program=self.program.with_rules(states[:, self.program.columns], actions))

    def with_rule(self, state: State | Mapping[str, object], action: object) -> Task:
        """A table task that takes `action` in `state` (in a world with a history: the state for the past too)."""
        rows = self.world.start_rows(np.array([self.state.encode(state)], dtype=np.int64))
        return self.with_rules(rows, np.array([self.action.encode(action)], dtype=np.int64))

    def require_fit(self, spec: Spec) -> None:
        """Refuse a world that the task was not made for. Raises `InvalidTask` naming the first field that differs."""
        require_same("state", self.state, spec.state)
        require_same("action", self.action, spec.action)
        if self.history != spec.history:
            raise InvalidTask(f"the task sees {self.history} past steps, {spec.name} keeps {spec.history}")
        if self.possible != spec.possible:
            raise InvalidTask(
                f"the task reads its possible actions from `{self.possible}`, {spec.name} from `{spec.possible}`"
            )

    @cached_property
    def digest(self) -> str:
        """Its identity: SHA-256 of its canonical bytes."""
        return digest_of("task", encode_task(self))

    @cached_property
    def world(self) -> Spec:
        """A spec with just the parts that the task fits."""
        return _world(self.state, self.action, self.history, self.possible)

    @cached_property
    def heads(self) -> Heads:
        """The meaning of a network's outputs."""
        return Heads(self.action)


def encode_task(task: Task) -> bytes:
    """The canonical bytes of `task`."""
    return canonical(
        Document(
            state=task.state,
            action=task.action,
            observes=task.observes,
            history=task.history,
            possible=task.possible,
            program=written(task.program),
        )
    )


def decode_task(body: bytes) -> Task:
    """The task of canonical bytes, checked as if a stranger had written them. Raises `InvalidFile` or `InvalidTask`."""
    try:
        document = typed(decode_canonical(body), Document)
        return Task(
            state=document.state,
            action=document.action,
            observes=document.observes,
            history=document.history,
            possible=document.possible,
            program=program_in(document),
        )
    except (InvalidSpec, InvalidScript, InvalidValue) as error:
        raise InvalidFile(f"not a task: {error}") from error


def _world(state: Space, action: Space, history: int = 0, possible: str = "") -> Spec:
    return Spec(name="task", state=state, action=action, history=history, possible=possible)


def _task_of(spec: Spec, program: AnyProgram, observes: tuple[str, ...]) -> Task:
    return Task(
        state=spec.state,
        action=spec.action,
        program=program,
        observes=observes,
        history=spec.history,
        possible=spec.possible,
    )


def _observed(spec: Spec, observes: str | Sequence[str] | None) -> tuple[str, ...]:
    """The names of the observed fields in the order of the state; all of them unless told."""
    if observes is None:
        return spec.state.names
    names = observes.split() if isinstance(observes, str) else tuple(observes)
    require_seen(names, spec.state)
    return tuple(name for name in spec.state.names if name in names)
