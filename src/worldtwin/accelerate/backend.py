"""`JaxBackend`: 64 steps of many episodes in one compiled loop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, TypeAlias, final

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from worldtwin.accelerate.actors import Follower, Thinker, compiled
from worldtwin.accelerate.chance import Chance, Deal, places
from worldtwin.accelerate.engines import JaxEngines
from worldtwin.accelerate.worlds import World
from worldtwin.exact import Engines, require_conformance
from worldtwin.exact.dealing import dealt
from worldtwin.simulation import Flock, Play, Simulator, Walk, require_allowed
from worldtwin.tasks import Population

STEPS: Final = 64
"""Steps of a walk; episodes that end on the way are cut out after it."""
FEW_STEPS: Final = 8
FEW_ROWS: Final = 2048
WASTE: Final = 8
"""Candidates with unequally many episodes are filled up to the longest, to at most so many times the rows."""
TOGETHER: Final = 1 << 14

Parts: TypeAlias = tuple[Any, Any, Any, dict[int, Deal]]  # states (n, width), keys (n, 2), words (n,), deals
Arrays: TypeAlias = Any  # a tree of arrays: JAX walks it, nobody else does


@final
class JaxBackend:
    """Walks in JAX with the bits of NumPy: networks, also stacked, and tables in one compiled loop, others by steps.

    It keeps what it compiled for the latest simulator and task. Numbers of 64 bits are enabled only while it works.
    Raises `InexactBackend` where JAX does not compute exactly on this machine.
    """

    def __init__(self, *, together: int = TOGETHER) -> None:
        self._together = together
        self._world: tuple[Simulator, World, Arrays] | None = None
        self._actor: tuple[object, Thinker | Follower | None, Arrays] | None = None
        with jax.enable_x64(True):
            require_conformance(self.engines)

    @property
    def engines(self) -> Engines:
        """Its arithmetic, exact where 64-bit numbers are enabled."""
        return JaxEngines()

    @property
    def together(self) -> int:
        """How many episodes step together at most."""
        return self._together

    def walk(self, play: Play, flock: Flock, t: int, most: int) -> Walk:
        """Up to 64 steps of network and table tasks; one step of any other actor."""
        with jax.enable_x64(True):
            world, numbers = self._compiled_world(play.simulator)
            actor, own = self._compiled_actor(play)
            rows = None if actor is None else _Rows.for_actor(flock, actor, world)
            if actor is None or rows is None:
                return _one_step(play, flock, world, numbers, t)
            length = _length(most, world)
            columns = _steps(actor, world, length, own, numbers, rows.parts(world), t)
            after, actions, outputs, source = (rows.cut(np.asarray(column))[:most] for column in columns)
        walk = Walk(
            states=np.concatenate([flock.states[None], after[:-1]]),
            actions=actions,
            after=after,
            outputs=outputs,
            source=source,
            silent=np.zeros(source.shape, dtype=np.bool_),
            memory=flock.memory,
        )
        require_allowed(play.simulator.spec, actions[0], play.simulator.spec.possible_actions(flock.states))
        return walk

    def _compiled_world(self, simulator: Simulator) -> tuple[World, Arrays]:
        if self._world is None or self._world[0] is not simulator:
            shape, numbers = World.of(simulator)
            self._world = (simulator, shape, jax.device_put(numbers))
        return self._world[1], self._world[2]

    def _compiled_actor(self, play: Play) -> tuple[Thinker | Follower | None, Arrays]:
        if isinstance(play.actor, Population) and play.candidate is None:
            return None, ()
        if self._actor is None or self._actor[0] is not play.actor:
            shape, numbers = compiled(play.actor, play.simulator.spec) or (None, ())
            self._actor = (play.actor, shape, jax.device_put(numbers))
        return self._actor[1], self._actor[2]


@final
class _Rows:
    """A flock as it is handed to a compiled function: in places of which there are as many as another time.

    `own` (m,) are the places of its rows; places that stay empty hold its first row.
    """

    def __init__(self, flock: Flock, own: slice | np.ndarray, size: int) -> None:
        self._own, self._full = own, size == len(flock.rows) and isinstance(own, slice)
        self._source = np.zeros(size, dtype=np.int64)
        self._source[own] = np.arange(len(flock.rows))
        self._flock = flock

    def parts(self, world: World) -> Parts:
        """What a step of `world` needs to know of each row."""
        flock, n = self._flock, len(self._source)
        own = np.arange(n)[self._own]
        deals = {count: Deal.of(flock.members, count, own, n) for count in sorted(world.dealt)}
        return self.fill(flock.states), self.fill(flock.keys), self.fill(flock.members), deals

    @staticmethod
    def of(flock: Flock, world: World) -> _Rows:
        """The rows in their order; fewer places stay empty where a row costs a network."""
        n = len(flock.rows)
        return _Rows(flock, slice(0, n), places(n) if world.dealt else _size(n, 64, 4))

    @staticmethod
    def for_actor(flock: Flock, actor: Thinker | Follower, world: World) -> _Rows | None:
        """The rows as `actor` takes them: those of each candidate together; None where that would waste too much."""
        if isinstance(actor, Follower) or actor.count == 1:
            return _Rows.of(flock, world)
        place, lengths = dealt(flock.candidate, actor.count)
        length = _size(int(lengths.max()), 16, 2)
        if length * actor.count > WASTE * max(len(place), FEW_ROWS):
            return None
        return _Rows(flock, place + flock.candidate * length, actor.count * length)

    def fill(self, rows: np.ndarray) -> np.ndarray:
        """The `rows` (m, ...) in their places."""
        return rows if self._full else rows[self._source]

    def cut(self, columns: np.ndarray) -> np.ndarray:
        """The own ones of `columns` (k, size, ...)."""
        return columns[:, self._own]


def _length(most: int, world: World) -> int:
    """How many steps to compute of `most`: lengths are few, and where a step costs networks not many are in vain."""
    if most <= FEW_STEPS or not world.dealt:
        return FEW_STEPS if most <= FEW_STEPS else STEPS
    return min(STEPS, 1 << (most.bit_length() - 1))


def _size(count: int, least: int, factor: int) -> int:
    """The first of `least`, `least * factor` ... that has room for `count`: few sizes are compiled."""
    size = least
    while size < count:
        size *= factor
    return size


def _one_step(play: Play, flock: Flock, world: World, numbers: Arrays, t: int) -> Walk:
    """One step of an actor that only the host can ask, for all rows at once."""
    rows = _Rows.of(flock, world)
    actions, memory, silent = play.act(flock)
    columns = _step(world, numbers, rows.parts(world), rows.fill(actions), t)
    after, outputs, source = (rows.cut(np.asarray(column)[None]) for column in columns)
    return Walk(
        states=flock.states[None],
        actions=actions[None],
        after=after,
        outputs=outputs,
        source=source,
        silent=silent[None],
        memory=memory,
    )


@partial(jax.jit, static_argnums=(0, 1, 2))
def _steps(  # noqa: PLR0917 - the first three are what is compiled
    actor: Thinker | Follower, world: World, length: int, own: Arrays, numbers: Arrays, rows: Parts, t: int
) -> tuple[Array, Array, Array, Array]:
    """States after, actions, outputs (length, n, ...) and sources (length, n) of the steps from `t` on."""
    states, keys, members, deals = rows

    def step(now: tuple[Array, ...], at: Array) -> tuple[tuple[Array, ...], tuple[Array, Array, Array, Array]]:
        actions = actor.act(own, now)
        after, outputs, source = world.advance(numbers, now, actions, Chance(keys, members, at, deals))
        return tuple(after), (_rows(after, keys), _rows(actions, keys), _rows(outputs, keys), source)

    columns = tuple(states[:, i] for i in range(states.shape[1]))
    return lax.scan(step, columns, t + jnp.arange(length))[1]


@partial(jax.jit, static_argnums=0)
def _step(world: World, numbers: Arrays, rows: Parts, actions: Array, t: int) -> tuple[Array, Array, Array]:
    """States after and outputs (n, ...) and source (n,) of step `t`."""
    states, keys, members, deals = rows
    columns = [[part[:, i] for i in range(part.shape[1])] for part in (states, actions)]
    after, outputs, source = world.advance(
        numbers, columns[0], columns[1], Chance(keys, members, jnp.asarray(t), deals)
    )
    return _rows(after, keys), _rows(outputs, keys), source


def _rows(columns: Sequence[Array], keys: Array) -> Array:
    return jnp.stack(columns, axis=-1) if columns else jnp.zeros((len(keys), 0), dtype=jnp.int64)
