"""What a network or table task does in JAX (the definition is `worldtwin.tasks`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array
from msgspec import Struct

from worldtwin.accelerate import networks
from worldtwin.accelerate.tables import Finder
from worldtwin.exact.network import stack
from worldtwin.simulation import Candidates
from worldtwin.tasks import Actor, Input, Network, Population, TablePolicy, Task
from worldtwin.world import Field, Spec

Arrays: TypeAlias = tuple[Any, ...]  # trees of arrays: JAX walks them, nobody else does


class Choices(Struct, frozen=True):
    """Which values of the action are possible: bit `bits[i]` of the state `column`, or always."""

    column: int
    bits: tuple[int, ...]
    always: tuple[bool, ...]

    @staticmethod
    def of(spec: Spec) -> Choices | None:
        """The choices in the world of `spec`; None where all are possible everywhere."""
        if not spec.possible:
            return None
        bits, always = spec.exits
        return Choices(spec.state.index(spec.possible), bits, always)

    def possible(self, states: Sequence[Array]) -> Array:
        """Which are possible (n, choices)."""
        column = states[self.column][:, None]
        return ((column >> np.array(self.bits)) & 1).astype(bool) | np.array(self.always)


class Thinker(Struct, frozen=True):
    """The shape of a network task, or of `count` stacked ones: what is compiled. The weights are arguments.

    Stacked ones act in as many equal runs of rows, one after the other.
    """

    inputs: tuple[Input, ...]
    curves: tuple[networks.Curve, ...]
    fields: tuple[Field, ...]
    choices: Choices | None
    count: int = 1

    def act(self, arrays: Arrays, states: Sequence[Array]) -> list[Array]:
        """The action's columns (n,) in the `states`' columns (n,)."""
        possible = None if self.choices is None else self.choices.possible(states)
        seen = networks.see(self.inputs, states)
        if self.count > 1:
            seen = seen.reshape(self.count, -1, seen.shape[-1])
        outputs = networks.evaluate(self.curves, arrays, seen)
        return networks.act(self.fields, outputs.reshape(-1, outputs.shape[-1]), possible)


class Follower(Struct, frozen=True):
    """The shape of a table task; its rules are arguments."""

    columns: tuple[int, ...]
    finder: Finder
    otherwise: tuple[int, ...]
    choices: Choices | None

    def act(self, arrays: Arrays, states: Sequence[Array]) -> list[Array]:
        """The action's columns (n,) in the `states`' columns (n,)."""
        finder, rules = arrays
        found = self.finder.find(finder, [states[column] for column in self.columns])
        place = jnp.maximum(found, 0)
        actions = [jnp.where(found >= 0, rules[place, i], other) for i, other in enumerate(self.otherwise)]
        if self.choices is None:
            return actions
        possible = self.choices.possible(states)
        allowed = jnp.take_along_axis(possible, actions[0][:, None], axis=1)[:, 0]
        return [jnp.where(allowed, actions[0], jnp.argmax(possible, axis=1).astype(jnp.int64))]


def compiled(actor: Actor | Candidates, spec: Spec) -> tuple[Thinker | Follower, Arrays] | None:
    """The shape and the numbers of a network or table task, or of stacked networks; None where the host has to act."""
    choices = Choices.of(spec)
    match actor:
        case Population():
            shape = Thinker(actor.inputs, networks.curves(actor.layers), spec.action.fields, choices, len(actor))
            return shape, _of_first(networks.carried_stack(actor.layers), len(actor))
        case Task(program=Network() as network):
            layers = stack([network.exact])
            shape = Thinker(network.inputs, networks.curves(layers), spec.action.fields, choices)
            return shape, _of_first(networks.carried_stack(layers), 1)
        case Task(program=TablePolicy() as table):
            finder, keys = Finder.of(table.keys)
            rules = table.actions if len(table.keys) else np.zeros((1, len(table.otherwise)), dtype=np.int64)
            return Follower(table.columns, finder, table.otherwise, choices), (keys, rules)
        case _:
            return None


def _of_first(layers: Arrays, count: int) -> Arrays:
    """The `layers` of a stack; of a stack of one, without the axis that numbers networks."""
    return layers if count > 1 else tuple(tuple(part[0] for part in layer) for layer in layers)
