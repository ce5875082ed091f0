"""Regressors and classifiers in JAX (the definition is `worldtwin.simulation`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax.numpy as jnp
from jax import Array, lax
from msgspec import Struct

from worldtwin.accelerate import networks
from worldtwin.accelerate.chance import Chance, choose, normal, words
from worldtwin.accelerate.forests import Wood
from worldtwin.accelerate.networks import Curve
from worldtwin.accelerate.polynomials import Sums
from worldtwin.accelerate.seeing import parts_of, shifted
from worldtwin.exact import STREAM_NOISE, Feature, round_shift
from worldtwin.exact.features import COARSE_DROP
from worldtwin.simulation import FINE_BITS, Classifier, Ensemble, Forest, Function, Gear, Polynomial, Regressor
from worldtwin.world import Angle, Field, Spec, bounds, wrap_column

Arrays: TypeAlias = tuple[Any, ...]  # trees of arrays: JAX walks them, nobody else does


class Powers(Struct, frozen=True):
    """A polynomial function: its monomials, for so many members and outputs."""

    sums: Sums
    members: int

    def own(self, arrays: Arrays, parts: Array, chance: Chance) -> Array:
        """The outputs (outputs, n), each row by its own member."""
        weights, halves, scales = arrays
        sums = self.sums.evaluate(weights, parts).reshape(*halves.shape, -1)
        return _own(self.members, shifted(sums, halves[:, :, None], scales[:, :, None]), chance)


class Layers(Struct, frozen=True):
    """An ensemble function: the curves of its layers, for so many members."""

    curves: tuple[Curve, ...]
    members: int

    def own(self, arrays: Arrays, parts: Array, chance: Chance) -> Array:
        """The outputs (outputs, n), each row by its own member's network."""
        inputs = jnp.floor(parts.T * (1.0 / (1 << COARSE_DROP)) + 0.5)
        if self.members == 1:
            return networks.evaluate(self.curves, arrays, inputs[None])[0].T
        deal = chance.deals[self.members]

        def of_member(own: tuple[Arrays, Array]) -> Array:
            return networks.evaluate(self.curves, own[0], inputs[own[1]])

        dealt = lax.map(of_member, (arrays, deal.rows))  # one product after the other: XLA is slower with all in one
        return dealt.reshape(-1, dealt.shape[-1])[deal.place].T


class Woods(Struct, frozen=True):
    """A forest function, for so many members."""

    wood: Wood
    members: int

    def own(self, arrays: Arrays, parts: Array, chance: Chance) -> Array:
        """The outputs (outputs, n), each row by its own member's trees."""
        base = arrays[0]
        sums = self.wood.evaluate(arrays[1:], parts).reshape(*base.shape, -1) + base[:, :, None]
        return _own(self.members, sums, chance)


class Total(Struct, frozen=True):
    """The sum of functions of the `features`' parts; so many `outputs`."""

    features: tuple[Feature, ...]
    functions: tuple[Powers | Layers | Woods, ...]
    outputs: int

    @staticmethod
    def of(features: tuple[Feature, ...], functions: Sequence[Function], outputs: int) -> tuple[Total, Arrays]:
        """The sum, and its arrays."""
        pairs = [_function(function) for function in functions]
        return Total(features, tuple(shape for shape, _ in pairs), outputs), tuple(numbers for _, numbers in pairs)

    def own(self, arrays: Arrays, inputs: Sequence[Array], chance: Chance) -> Array:
        """The sums (outputs, n) for the columns `inputs` (n,) each."""
        parts = parts_of(self.features, inputs)
        total = jnp.zeros((self.outputs, parts.shape[1]), dtype=jnp.int64)
        for function, numbers in zip(self.functions, arrays, strict=True):
            own = function.own(numbers, parts, chance)
            total = total + own if len(own) == self.outputs else total.at[: len(own)].add(own)
        return total

    @property
    def dealt(self) -> set[int]:
        """The numbers of members for which a deal is needed."""
        return {each.members for each in self.functions if isinstance(each, Layers) and each.members > 1}


class Computed(Struct, frozen=True):
    """A regressor: columns `targets` of [next fields | outputs], each counted from its base."""

    total: Total
    targets: tuple[int, ...]
    bases: tuple[int, ...]
    fields: tuple[Field, ...]
    noisy: bool
    order: tuple[tuple[int, Gear | None], ...]

    @staticmethod
    def of(model: Regressor, spec: Spec) -> tuple[Computed, Arrays]:
        """How `model` answers in the world of `spec`, and its arrays."""
        columns = spec.inner.fields + spec.outputs.fields
        fields = tuple(columns[target] for target in model.targets)
        total, numbers = Total.of(model.features, model.functions, model.outputs)
        computed = Computed(total, model.targets, model.bases, fields, model.noisy, model.order)
        return computed, (numbers, model.lows, model.highs, model.quiet, model.loud)

    def answer(self, arrays: Arrays, inputs: Sequence[Array], chance: Chance) -> list[Array]:
        """The targets' columns (n,)."""
        numbers, lows, highs, quiet, loud = arrays
        sums = self.total.own(numbers, inputs, chance)
        count = len(self.targets)
        changes = jnp.clip(sums[:count], lows[:, None], highs[:, None])
        if self.noisy:
            logs = jnp.clip(sums[count:], quiet[:, None], loud[:, None])
            drawn = (words(chance.keys, chance.step, STREAM_NOISE + target) for target in self.targets)
            changes += jnp.stack([normal(uniform, log) for uniform, log in zip(drawn, logs, strict=True)])
        landed = dict[int, Array]()
        for i, gear in self.order:
            change = changes[i]
            if gear is not None:
                moved = landed[self.targets.index(gear.driver)] - inputs[gear.driver]
                change = change + gear.turned(moved, FINE_BITS)  # pyright: ignore[reportArgumentType] - multiplies and shifts
            landed[i] = self._landed(i, change, inputs)
        return [landed[i] for i in range(count)]

    def _landed(self, i: int, change: Array, inputs: Sequence[Array]) -> Array:
        steps = round_shift(change, FINE_BITS)  # pyright: ignore[reportArgumentType] - adds and shifts
        base, field = self.bases[i], self.fields[i]
        column = steps + inputs[base] if base >= 0 else steps
        return wrap_column(column) if isinstance(field, Angle) else jnp.clip(column, *bounds(field))  # pyright: ignore[reportArgumentType, reportReturnType] - the same


class Chosen(Struct, frozen=True):
    """A classifier of one column of [next fields | outputs]."""

    total: Total
    targets: tuple[int, ...]

    @staticmethod
    def of(model: Classifier) -> tuple[Chosen, Arrays]:
        """How `model` answers, and its arrays."""
        total, numbers = Total.of(model.features, model.functions, len(model.values))
        return Chosen(total, model.targets), (numbers, model.values)

    def answer(self, arrays: Arrays, inputs: Sequence[Array], chance: Chance) -> list[Array]:
        """The target's column (n,)."""
        numbers, values = arrays
        uniform = words(chance.keys, chance.step, STREAM_NOISE + self.targets[0])
        return [values[choose(uniform, self.total.own(numbers, inputs, chance))]]


def _function(function: Function) -> tuple[Powers | Layers | Woods, Arrays]:
    """The shape and the numbers of one function."""
    match function:
        case Polynomial():
            sums, weights = Sums.of(function.terms, function.carried)
            return Powers(sums, function.members), (weights, *function.rounding)
        case Ensemble():
            return Layers(networks.curves(function.layers), function.members), networks.carried_stack(function.layers)
        case Forest():
            wood, numbers = Wood.of(function.trees)
            return Woods(wood, function.members), (function.base, *numbers)


def _own(members: int, answers: Array, chance: Chance) -> Array:
    """The answers (outputs, n) of each row's own member, of `answers` (members, outputs, n)."""
    if members == 1:
        return answers[0]
    member = (chance.members.astype(jnp.int64) * members) >> 32
    return jnp.take_along_axis(answers, member[None, None], axis=0)[0]
