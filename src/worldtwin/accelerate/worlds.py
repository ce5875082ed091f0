"""One step of a simulator in JAX (the definition is `worldtwin.simulation.sources`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax.numpy as jnp
from jax import Array
from msgspec import Struct

from worldtwin.accelerate.chance import Chance
from worldtwin.accelerate.models import Chosen, Computed
from worldtwin.accelerate.tables import Counted
from worldtwin.exact import STREAM_SUCCESSOR
from worldtwin.simulation import STREAMS_APART, Classifier, Model, Regressor, Simulator, Source, Table
from worldtwin.world import Spec

Arrays: TypeAlias = tuple[Any, ...]  # trees of arrays: JAX walks them, nobody else does


class World(Struct, frozen=True):
    """A simulator's shape: what is compiled. Its numbers are arguments.

    `fields`, `acts`, `outputs` and `history` count columns; `lowest` are the lowest outputs.
    """

    fields: int
    acts: int
    lowest: tuple[int, ...]
    history: int
    tables: tuple[Counted, ...]
    predictors: tuple[Counted | Computed | Chosen, ...]

    @staticmethod
    def of(simulator: Simulator) -> tuple[World, Arrays]:
        """The shape and the numbers of `simulator`."""
        spec, sources = simulator.spec, simulator.sources
        tables = [Counted.of(table, source=int(source)) for table, source in sources.tables]
        predictors = [_predictor(model, spec, number) for number, model in enumerate(sources.predictors, start=1)]
        world = World(
            fields=len(spec.inner),
            acts=len(spec.action),
            lowest=tuple(int(low) for low in spec.outputs.low),
            history=spec.history,
            tables=tuple(shape for shape, _ in tables),
            predictors=tuple(shape for shape, _ in predictors),
        )
        return world, (tuple(numbers for _, numbers in tables), tuple(numbers for _, numbers in predictors))

    @property
    def dealt(self) -> set[int]:
        """The numbers of members of its ensembles."""
        computed = (model for model in self.predictors if not isinstance(model, Counted))
        return {members for model in computed for members in model.total.dealt}

    def advance(
        self, arrays: Arrays, states: Sequence[Array], actions: Sequence[Array], chance: Chance
    ) -> tuple[list[Array], list[Array], Array]:
        """The state columns after the step, its outputs, and its source, each (n,); by `chance`.

        A row without an answer stays where it is.
        """
        inputs = [*states, *actions]
        results = [*states[: self.fields], *(jnp.full_like(states[0], low) for low in self.lowest)]
        source = jnp.zeros(states[0].shape, dtype=jnp.int8)
        for table, numbers in zip(self.tables, arrays[0], strict=True):
            known, told = table.answer(numbers, inputs, chance.keys, chance.step)
            fresh = known & (source == Source.UNKNOWN)
            results = [jnp.where(fresh, new, old) for new, old in zip(told, results, strict=True)]
            source = jnp.where(fresh, jnp.int8(table.source), source)
        if self.predictors:
            known, told = self._guess(arrays[1], inputs, chance)
            fresh = known & (source == Source.UNKNOWN)
            results = [jnp.where(fresh, told[i], old) for i, old in enumerate(results)]
            source = jnp.where(fresh, jnp.int8(Source.PREDICTED), source)
        return self._shifted(states, actions, results[: self.fields]), results[self.fields :], source

    def _guess(self, arrays: Arrays, inputs: Sequence[Array], chance: Chance) -> tuple[Array, dict[int, Array]]:
        """Where every predictor has something to say (n,), and the columns (n,) of [next fields | outputs]."""
        known, told = jnp.ones(inputs[0].shape, dtype=bool), dict[int, Array]()
        for model, numbers in zip(self.predictors, arrays, strict=True):
            if isinstance(model, Counted):
                answered, columns = model.answer(numbers, inputs, chance.keys, chance.step)
                known &= answered
            else:
                columns = model.answer(numbers, inputs, chance)
            told.update(zip(model.targets, columns, strict=True))
        return known, told

    def _shifted(self, states: Sequence[Array], actions: Sequence[Array], fields: Sequence[Array]) -> list[Array]:
        if not self.history:
            return list(fields)
        kept = self.history * (self.fields + self.acts) - self.acts - self.fields
        return [*fields, *states[: self.fields], *actions, *states[self.fields : self.fields + kept]]


def _predictor(model: Model, spec: Spec, number: int) -> tuple[Counted | Computed | Chosen, Arrays]:
    match model:
        case Regressor():
            return Computed.of(model, spec)
        case Classifier():
            return Chosen.of(model)
        case Table():
            return Counted.of(model, source=int(Source.PREDICTED), stream=STREAM_SUCCESSOR + STREAMS_APART * number)
