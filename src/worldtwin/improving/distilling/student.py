"""`Student`: a network that learns in floating point to act as it is shown; it is published in integers."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any, Final, TypeAlias, cast, final

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.improving.distilling.lessons import wanted_outputs
from worldtwin.tasks import Network, Task
from worldtwin.world import Category, Field, Lattice, Set

BATCH: Final = 256
STEPS: Final = 2_000
RATE: Final = 3e-3
_ONE: Final = 4096.0
_LIMIT: Final = 8.0
"""Where activations end: the exact engine clips them there too."""

Layers: TypeAlias = list[tuple[Array, Array]]  # weights (inputs, outputs) and bias (outputs,) of each layer


@final
class Student:
    """The network task `task` while it learns from at most `most` examples. Mutable: it sees more, and learns."""

    def __init__(self, task: Task, *, most: int, key: Key) -> None:
        network = cast("Network", task.program)  # nobody else is a student
        self._task, self._network = task, network
        self._layers = _layers(task.parameters().values, network)
        self._chance = np.random.Generator(np.random.Philox(key=[key.high, key.low]))
        self._inputs = np.zeros((most, network.eye.size), dtype=np.float32)
        self._wanted = np.zeros((most, len(task.action)), dtype=np.float32)
        self.seen = 0

    @property
    def task(self) -> Task:
        """What it has learned so far, exact."""
        parts = [np.asarray(part, dtype=np.float64).ravel() for layer in self._layers for part in layer]
        return self._task.with_parameters(np.concatenate(parts))

    def see(self, states: Lattice, actions: Lattice) -> None:
        """Remember that `actions` (n, a) are taken in `states` (n, width)."""
        now = slice(self.seen, self.seen + len(states))
        self._inputs[now] = np.clip(self._network.eye.see(states) / _ONE, -_LIMIT, _LIMIT)
        self._wanted[now] = wanted_outputs(self._task.action, actions)
        self.seen += len(states)

    def learn(self) -> None:
        """Learn from everything seen so far."""
        batches = self._chance.integers(self.seen, size=(STEPS, BATCH))
        self._layers = _learned(self._task.action.fields, self._layers, self._inputs, self._wanted, batches)


def _layers(values: NDArray[np.float64], network: Network) -> Layers:
    """The weights and biases in `values` (parameters,), by layer."""
    sizes = [network.eye.size, *(layer.weights.shape[1] for layer in network.layers)]
    layers: Layers = []
    rest = jnp.asarray(values, dtype=jnp.float32)
    for before, after in pairwise(sizes):
        weights, bias, rest = jnp.split(rest, [before * after, before * after + after])
        layers.append((weights.reshape(before, after), bias))
    return layers


@partial(jax.jit, static_argnums=0)
def _learned(fields: tuple[Field, ...], layers: Layers, inputs: Array, wanted: Array, batches: Array) -> Layers:
    """`layers` after one step of Adam for each of `batches` (steps, batch) of rows (Kingma and Ba, 2015)."""
    optimizer = optax.adam(optax.cosine_decay_schedule(RATE, len(batches)))

    def step(held: tuple[Layers, Any], rows: Array) -> tuple[tuple[Layers, Any], None]:
        now, state = held
        slope = jax.grad(_loss)(now, fields, inputs[rows], wanted[rows])
        updates, state = optimizer.update(slope, state)
        return (optax.apply_updates(now, updates), state), None  # pyright: ignore[reportReturnType] - a tree like `now`

    (learned, _), _ = lax.scan(step, (layers, optimizer.init(layers)), batches)  # pyright: ignore[reportArgumentType] - the same
    return learned


def _loss(layers: Layers, fields: tuple[Field, ...], inputs: Array, wanted: Array) -> Array:
    """The mean over the examples of what their action fields lose in all."""
    values = inputs
    for weights, bias in layers[:-1]:
        values = jnp.clip(values @ weights + bias, 0.0, _LIMIT)
    weights, bias = layers[-1]
    outputs, total = values @ weights + bias, jnp.zeros(())
    for position, field in enumerate(fields):
        lost, outputs = _lost(field, outputs, wanted[:, position])
        total += lost.mean()
    return total


def _lost(field: Field, outputs: Array, wanted: Array) -> tuple[Array, Array]:
    """What one field loses in each example (n,), and the outputs that are left for the fields after it.

    Nats for a category and the values of a set; squares for a number, where nothing is lost beyond its range's ends.
    """
    match field:
        case Category(values):
            count = max(1, len(values) - 1)
            worth = jnp.concatenate([jnp.zeros((len(outputs), 1)), outputs[:, : len(values) - 1]], axis=1)
            lost = optax.softmax_cross_entropy_with_integer_labels(worth, wanted.astype(jnp.int32))
        case Set(values):
            count = len(values)
            bits = wanted.astype(jnp.int32)[:, None] >> jnp.arange(count) & 1
            lost = optax.sigmoid_binary_cross_entropy(outputs[:, :count], bits).sum(axis=1)
        case _:
            count = 1
            beyond = jnp.where(jnp.abs(wanted) < 1.0, outputs[:, 0], jnp.clip(outputs[:, 0], -1.0, 1.0))
            lost = jnp.square(beyond - wanted)
    return lost, outputs[:, count:]
