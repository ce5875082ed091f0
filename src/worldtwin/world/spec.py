"""`Spec`: what a world is. Its fields, its bounds, what it pays, when it ends, and when its simulator is done."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final, Literal, TypeAlias

import numpy as np
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import force_setattr, replace
from numpy.typing import NDArray

from worldtwin.errors import InvalidSpec, Problem
from worldtwin.world.field import Category, Integer, Set
from worldtwin.world.lattice import Lattice, hint
from worldtwin.world.space import Space
from worldtwin.world.wording import invisible

REWARD_BITS: Final = 40
MAX_FIELDS: Final = 256
MAX_HISTORY: Final = 64
MAX_COLUMNS: Final = 4096
"""The most columns of a state row: the fields now, and those of past steps."""
MAX_HORIZON: Final = 10_000_000
MAX_HIDDEN: Final = 4096
LATENT: Final = "latent"
"""The name of the column that holds the hidden state."""
MAX_AWAY: Final = 2**21
"""How many times their width returns may be away from 0: 64 bits count them in steps of 2^-41 of it."""
_WIDTHS: Final = (1e-200, 1e200)
OBJECTIVES: Final = ("cases", "return", "fuel")

_VERSION: Final = re.compile(r"\d{1,9}\.\d{1,9}\.\d{1,9}")


def _as_floats(value: Struct, *names: str) -> None:
    for name in names:
        number = getattr(value, name)
        if number is not None and number is not UNSET:
            force_setattr(value, name, float(number))


class StartRange(Struct, frozen=True, tag="range"):
    """A start drawn evenly from the lattice values in [low, high]."""

    low: int
    high: int


class StartValues(Struct, frozen=True, tag="values"):
    """A start drawn evenly from some lattice values."""

    values: tuple[int, ...]


Start: TypeAlias = StartRange | StartValues


class HorizonError(Struct, frozen=True):
    """After `steps` steps on its own, the simulator is off by less than `below` standard deviations."""

    steps: int
    below: float

    def __post_init__(self) -> None:
        """Keep a float: equal values have equal bytes."""
        _as_floats(self, "below")


class Done(Struct, frozen=True, kw_only=True):
    """When the simulator is good enough. A goal that is None is not asked for.

    `width` and `plateau` (nats a step) are absent, also from the bytes, where they are not asked for.
    """

    known: float | None = 0.998
    coverage: float | None = None
    horizon_error: HorizonError | None = None
    calibration: float | None = None
    width: float | UnsetType = UNSET
    plateau: float | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Keep floats: equal values have equal bytes."""
        _as_floats(self, "known", "coverage", "calibration", "width", "plateau")


class Need(Struct, frozen=True):
    """Another world that this one is to be combined with: its name and the versions that will do."""

    name: str
    version: str = ""


class Port(Struct, frozen=True, kw_only=True):
    """Where another world can be connected: an action that it feeds, or an output or state field that it reads."""

    name: str
    kind: Literal["action", "output", "state"]
    field: str


class Clients(Struct, frozen=True, kw_only=True):
    """Shared worlds: what a silent client does (lattice values by action field), and when a tick ends."""

    idle: Mapping[str, int] = {}
    deadline_seconds: float | None = None

    def __post_init__(self) -> None:
        """Keep a float: equal values have equal bytes."""
        _as_floats(self, "deadline_seconds")


class Spec(Struct, frozen=True, kw_only=True, dict=True):
    """The world. Raises `InvalidSpec` with every problem that the parts have with each other.

    `latent` asks `fit` for hidden states ("auto"); in the spec of a simulator that has some it is their number. It is
    absent, also from the bytes, where it is "none".
    """

    name: str
    version: str = "0.1.0"
    state: Space
    action: Space
    outputs: Space = Space()
    step_seconds: float | None = None
    stateless: bool = False
    possible: str = ""
    history: int = 0
    start: Mapping[str, Start] | None = None
    reward: str | None = None
    ends: str = "False"
    horizon: int = 1000
    returns: tuple[float, float] = (0.0, 0.0)
    objective: tuple[str, ...] = OBJECTIVES
    unknown: Literal["guess", "error"] = "guess"
    done: Done = Done()
    needs: tuple[Need, ...] = ()
    inlets: tuple[Port, ...] = ()
    outlets: tuple[Port, ...] = ()
    per_client: tuple[str, ...] = ()
    clients: Clients = Clients()
    latent: Literal["none", "auto"] | int | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse parts that do not fit each other, all at once. Numbers become floats: equal values, equal bytes."""
        _as_floats(self, "step_seconds")
        force_setattr(self, "returns", (float(self.returns[0]), float(self.returns[1])))
        if self.latent == "none":
            force_setattr(self, "latent", UNSET)
        problems = _hidden(self)
        if not (problems and self.hidden):  # the inner state may be nothing to speak of
            problems = [*_scalars(self), *_names(self), *problems, *_starts(self), *_ports(self)]
        if problems:
            raise InvalidSpec(problems)

    @property
    def width(self) -> int:
        """Columns of a state row: the fields now, a hidden state, `history` blocks of (older fields, older action)."""
        return len(self.inner) + self.history * (len(self.state) + len(self.action))

    @property
    def hidden(self) -> int:
        """How many hidden states there are; 0 in a world whose fields are all that matters, as far as is known."""
        return self.latent if isinstance(self.latent, int) else 0

    @cached_property
    def inner(self) -> Space:
        """The state as a step computes it: with the hidden state, where there are some, in its last column.

        That is a number below `hidden`, or `hidden` itself where it is not known. Nobody outside is shown it.
        """
        if not self.hidden:
            return self.state
        return Space((*self.state.names, LATENT), (*self.state.fields, Integer(low=0, high=self.hidden)))

    @property
    def declared(self) -> Spec:
        """The spec as it was before hidden states were found, and how to see images was learned."""
        latent = "auto" if self.hidden else self.latent
        return replace(self, latent=latent, state=self.state.blank) if self.hidden or self.state.pictures else self

    @property
    def reward_unit(self) -> float:
        """The size of one step of the reward lattice: the largest power of two at most 2^-40 of the returns' width."""
        width = self.returns[1] - self.returns[0]
        return 2.0 ** (math.frexp(width)[1] - 1 - REWARD_BITS) if width > 0 else 2.0**-REWARD_BITS

    def start_rows(self, fields: Lattice) -> Lattice:
        """State rows (n, width) of episodes that begin at `fields` (n, fields): the past is the start itself.

        Hidden states are not known there, unless the fields come with them.
        """
        if fields.shape[1] < len(self.inner):
            fields = np.concatenate([fields, np.full((len(fields), 1), self.hidden, dtype=np.int64)], axis=1)
        if not self.history:
            return fields
        older = np.concatenate([fields, np.broadcast_to(self.action.low, (len(fields), len(self.action)))], axis=1)
        return np.concatenate([fields, *[older] * self.history], axis=1)

    def shift(self, states: Lattice, actions: Lattice, next_fields: Lattice) -> Lattice:
        """State rows (n, width) after `actions` (n, a) led from `states` (n, width) to `next_fields` (n, fields)."""
        if not self.history:
            return next_fields
        count = len(self.state)
        kept = self.width - count - len(self.action) - count
        return np.concatenate([next_fields, states[:, :count], actions, states[:, count : count + kept]], axis=1)

    @cached_property
    def choices(self) -> int:
        """How many values the action has when it is one category, else 0."""
        only = self.action.fields[0] if len(self.action) == 1 else None
        return len(only.values) if isinstance(only, Category) else 0

    def possible_actions(self, states: Lattice) -> NDArray[np.bool_] | None:
        """Which values of the action are possible in `states` (n, width): (n, choices), or None when all always are."""
        if not self.possible:
            return None
        return (states[:, [self.state.index(self.possible)]] >> self._possible_bits & 1).astype(np.bool_) | self._always

    @property
    def exits(self) -> tuple[tuple[int, ...], tuple[bool, ...]]:
        """For each value of the action its bit in the field `possible`, and whether it is always possible instead."""
        return tuple(self._possible_bits.tolist()), tuple(self._always.tolist())

    @cached_property
    def _possible_bits(self) -> NDArray[np.int64]:
        names = _set_values(self)
        return np.array([names.index(value) if value in names else 0 for value in _action_values(self)], dtype=np.int64)

    @cached_property
    def _always(self) -> NDArray[np.bool_]:
        names = _set_values(self)
        return np.array([value not in names for value in _action_values(self)], dtype=np.bool_)


def _set_values(spec: Spec) -> tuple[str, ...]:
    field = spec.state.field(spec.possible)
    return field.values if isinstance(field, Set) else ()


def _action_values(spec: Spec) -> tuple[str, ...]:
    field = spec.action.fields[0]
    return field.values if isinstance(field, Category) else ()


def _scalars(spec: Spec) -> list[Problem]:
    found: list[Problem] = []
    if not spec.name or len(spec.name) > 200:
        found.append(Problem("name", "give the world a name of 1 to 200 characters"))
    elif unseen := invisible(spec.name):
        found.append(Problem("name", f"{spec.name!a} has the invisible character {unseen}: remove it"))
    if not _VERSION.fullmatch(spec.version):
        found.append(Problem("version", f"`{spec.version}` is not a version like 1.0.0"))
    for path, space in (("state", spec.state), ("action", spec.action)):
        if not 1 <= len(space) <= MAX_FIELDS:
            found.append(Problem(path, f"{len(space)} fields: give 1 to {MAX_FIELDS}"))
    if len(spec.outputs) > MAX_FIELDS:
        found.append(Problem("outputs", f"{len(spec.outputs)} fields: give at most {MAX_FIELDS}"))
    if not 0 <= spec.history <= MAX_HISTORY:
        found.append(Problem("history", f"{spec.history} is not a number of past steps from 0 to {MAX_HISTORY}"))
    elif spec.width > MAX_COLUMNS:
        past = f"{spec.history} past steps make {spec.width:,} columns of a state"
        found.append(Problem("history", f"{past}: at most {MAX_COLUMNS:,} are allowed"))
    if not 1 <= spec.horizon <= MAX_HORIZON:
        found.append(Problem("horizon", f"{spec.horizon} is not a number of steps from 1 to {MAX_HORIZON}"))
    if spec.step_seconds is not None and not 0 < spec.step_seconds < math.inf:
        found.append(Problem("clock.step", f"{spec.step_seconds} s is not a positive duration"))
    return found + _returns(spec)


def _returns(spec: Spec) -> list[Problem]:
    low, high = spec.returns
    if not (math.isfinite(low) and math.isfinite(high)):
        return [Problem("returns", f"[{low}, {high}] must be two finite numbers")]
    if low > high:
        return [Problem("returns", f"[{low:g}, {high:g}] is reversed: did you mean [{high:g}, {low:g}]?")]
    width = high - low
    if width and not (_WIDTHS[0] <= width <= _WIDTHS[1] and max(abs(low), abs(high)) <= MAX_AWAY * width):
        message = f"[{low}, {high}] cannot be counted exactly: its ends may be at most {MAX_AWAY:,} times its width"
        return [Problem("returns", f"{message}, which is from {_WIDTHS[0]:g} to {_WIDTHS[1]:g}")]
    if spec.reward is not None and low == high:
        return [
            Problem("returns", "a reward needs the bounds of an episode's return: add `returns: [lowest, highest]`")
        ]
    return []


def _names(spec: Spec) -> list[Problem]:
    found: list[Problem] = []
    for i, item in enumerate(spec.objective):
        if item not in OBJECTIVES:
            found.append(Problem(f"objective[{i}]", f"`{item}` cannot be compared{hint(item, OBJECTIVES)}"))
        elif item in spec.objective[:i]:
            found.append(Problem(f"objective[{i}]", f"`{item}` appears twice"))
    found += [
        Problem("state", f"field `{name}` is per client but not in the state{hint(name, spec.state.names)}")
        for name in spec.per_client
        if name not in spec.state.names
    ]
    return found + _possible(spec)


def _possible(spec: Spec) -> list[Problem]:
    if not spec.possible:
        return []
    if spec.possible not in spec.state.names:
        return [Problem("possible", f"unknown field `{spec.possible}`{hint(spec.possible, spec.state.names)}")]
    field = spec.state.field(spec.possible)
    if not isinstance(field, Set):
        return [Problem("possible", f"field `{spec.possible}` must be a set of the possible actions")]
    if not spec.choices:
        return [Problem("possible", "needs an action of exactly one field, a category")]
    known = _action_values(spec)
    return [
        Problem("possible", f"`{value}` of `{spec.possible}` is no value of the action{hint(value, known)}")
        for value in field.values
        if value not in known
    ]


def _hidden(spec: Spec) -> list[Problem]:
    found: list[Problem] = []
    if isinstance(spec.latent, UnsetType):
        return found
    if isinstance(spec.latent, int) and not 1 <= spec.latent <= MAX_HIDDEN:
        found.append(Problem("latent", f"{spec.latent} is not a number of hidden states from 1 to {MAX_HIDDEN:,}"))
    if spec.history:
        found.append(Problem("latent", "hidden states remember the past themselves: leave `history` out"))
    if spec.stateless:
        found.append(Problem("latent", "a stateless world has no hidden states: leave `latent` or `stateless` out"))
    if LATENT in spec.state.names:
        found.append(Problem(f"state.{LATENT}", "the hidden state is called so: give the field another name"))
    return found


def _starts(spec: Spec) -> list[Problem]:
    found: list[Problem] = []
    for name, start in (spec.start or {}).items():
        if name not in spec.state.names:
            found.append(Problem(f"start.{name}", f"unknown field{hint(name, spec.state.names)}"))
            continue
        column = spec.state.index(name)
        low, high = int(spec.state.low[column]), int(spec.state.high[column])
        values = (start.low, start.high) if isinstance(start, StartRange) else start.values
        if not values or not all(low <= value <= high for value in values):
            found.append(Problem(f"start.{name}", "the start is outside of the field's range"))
        elif isinstance(start, StartRange) and start.low > start.high:
            found.append(Problem(f"start.{name}", "the range is reversed"))
    missing = [name for name in spec.state.names if spec.start is not None and name not in spec.start]
    if missing:
        found.append(Problem("start", f"say where {', '.join(missing)} starts too"))
    return found


def _ports(spec: Spec) -> list[Problem]:
    spaces = {"action": spec.action, "output": spec.outputs, "state": spec.state}
    return [
        Problem(
            f"ports.{port.name}", f"unknown {port.kind} field `{port.field}`{hint(port.field, spaces[port.kind].names)}"
        )
        for port in (*spec.inlets, *spec.outlets)
        if port.field not in spaces[port.kind].names
    ]
