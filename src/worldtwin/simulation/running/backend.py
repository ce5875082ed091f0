"""Who computes the whole numbers of many episodes: the `Backend` Protocol and its NumPy implementation."""

from __future__ import annotations

from typing import Protocol, final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Engines, NumpyEngines
from worldtwin.simulation.running.flock import Flock, Mask, Numbers, Play
from worldtwin.world import Lattice

CACHED: int = 4096
"""Episodes that step together in NumPy: what fits into a processor's cache."""


class Walk(Struct, frozen=True, kw_only=True, eq=False):
    """What k steps of m episodes came to on the lattice, before anyone asks what they pay and whether they end.

    `states` and `after` (k, m, width), `actions` (k, m, a), `outputs` (k, m, o), `source` (k, m); in `silent` (k, m)
    the task gave no answer. `memory` (m, memory) is that after the last step. An episode that ends on the way walks on
    within its fields' ranges; whoever reads the walk cuts it there.
    """

    states: Lattice
    actions: Lattice
    after: Lattice
    outputs: Lattice
    source: NDArray[np.int8]
    silent: Mask
    memory: Numbers


class Backend(Protocol):
    """Walks through time in whole numbers. Every implementation gives the bits of `NumpyBackend`.

    Rewards, endings and all else that is computed in floating point stays outside: one evaluator reads the columns of a
    walk, so that no compiler can round differently.
    """

    @property
    def engines(self) -> Engines:
        """The exact arithmetic that it walks with: what `require_conformance` checks."""
        ...

    @property
    def together(self) -> int:
        """How many episodes step together at most."""
        ...

    def walk(self, play: Play, flock: Flock, t: int, most: int) -> Walk:
        """The steps `t`, `t + 1` ... of `flock`: at least one, at `most` so many."""
        ...


@final
class NumpyBackend:
    """The definition: NumPy arrays, one step a walk."""

    def __init__(self, *, together: int = CACHED) -> None:
        self._together = together

    @property
    def engines(self) -> Engines:
        """The engines of `worldtwin.exact`."""
        return NumpyEngines()

    @property
    def together(self) -> int:
        """What fits into a processor's cache, unless told otherwise."""
        return self._together

    def walk(self, play: Play, flock: Flock, t: int, most: int) -> Walk:  # noqa: ARG002 - it takes one step
        """One step."""
        spec = play.simulator.spec
        actions, memory, silent = play.act(flock)
        ahead = play.simulator.advance(flock.states, actions, flock.keys, t, flock.members)
        return Walk(
            states=flock.states[None],
            actions=actions[None],
            after=spec.shift(flock.states, actions, ahead.next_fields)[None],
            outputs=ahead.outputs[None],
            source=ahead.source[None],
            silent=silent[None],
            memory=memory,
        )
