"""Functions with numbers drawn by chance, and a world of all kinds of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from worldtwin.exact import StackedLayer
from worldtwin.exact.network import INPUT_LIMIT
from worldtwin.simulation import (
    Classifier,
    Confidence,
    Ensemble,
    Feature,
    Forest,
    Polynomial,
    Regressor,
    Simulator,
)
from worldtwin.world import Category, Lattice, Space, Spec, StartRange, StartValues, real


def polynomial(seed: int, *, parts: int, outputs: int, members: int = 3, shift: int = 15) -> Polynomial:
    """Polynomials of degree two."""
    terms = [term for size in range(3) for term in itertools.combinations_with_replacement(range(parts), size)]
    return Polynomial(
        terms=np.array([[*term, *[-1] * (3 - len(term))] for term in terms]),
        weights=np.random.default_rng(seed).integers(-(1 << 17), 1 << 17, size=(members, len(terms), outputs)),
        shifts=np.full((members, outputs), shift),
    )


def ensemble(
    seed: int, *, parts: int, outputs: int, members: int = 3, hidden: Sequence[int] = (16, 16), swish: bool = False
) -> Ensemble:
    """Networks whose weights are about as large as their layers are wide; outputs reach some 2^20."""
    chance = np.random.default_rng(seed)
    layers: list[StackedLayer] = []
    widths = (parts, *hidden, outputs)
    for number, (before, after) in enumerate(itertools.pairwise(widths)):
        last = number == len(widths) - 2
        layers.append(
            StackedLayer(
                weights=chance.integers(-(1 << 15), 1 << 15, size=(members, before, after)),
                bias=chance.integers(-(1 << 26), 1 << 26, size=(members, after)),
                shifts=np.full((members, after), 8) if last else 14 + chance.integers(0, 2, size=(members, after)),
                clip=0 if swish or last else INPUT_LIMIT,
                swish=swish and not last,
            )
        )
    return Ensemble(layers=tuple(layers))


def forest(
    seed: int, *, parts: int, outputs: int, members: int = 1, trees: int = 5, depth: int = 3, size: int = 1 << 18
) -> Forest:
    """Full trees of the same depth with leaves up to `size`."""
    chance = np.random.default_rng(seed)
    nodes, count = (1 << (depth + 1)) - 1, members * outputs * trees
    inner = (1 << depth) - 1
    own = np.arange(nodes)
    down = np.where(own[:, None] < inner, 2 * own[:, None] + [1, 2], own[:, None])
    first = nodes * np.arange(count)
    return Forest(
        parts=chance.integers(0, parts, size=count * nodes),
        thresholds=chance.integers(-(1 << 20), 1 << 20, size=count * nodes),
        children=(down[None] + first[:, None, None]).reshape(-1, 2),
        values=chance.integers(-size, size, size=count * nodes),
        roots=first,
        offsets=trees * np.arange(members * outputs + 1),
        base=chance.integers(-size, size, size=(members, outputs)),
    )


TRUCK = Spec(
    name="truck",
    state=Space(("speed", "gear"), (real(-8, 8, resolution=2.0**-10), Category(("low", "high", "none")))),
    action=Space(("pedal",), (real(-1, 1, resolution=2.0**-10),)),
    start={"speed": StartRange(-99, 99), "gear": StartValues((0, 1))},
    horizon=30,
)


def truck(*, noisy: bool = True, members: int = 3, swish: bool = False) -> Simulator:
    """A speed by a prior, networks and trees, with noise; a gear by a network and trees."""
    seen = (
        Feature(column=0, kind="real", shift=-7),
        Feature(column=1, kind="category", count=3),
        Feature(column=2, kind="real", shift=-9),
    )
    noise: dict[str, Lattice] = {"quiet": np.array([10 << 8]), "loud": np.array([15 << 8])} if noisy else {}
    speed = Regressor(
        features=seen,
        functions=(
            polynomial(1, parts=4, outputs=1, members=1),
            ensemble(2, parts=4, outputs=2 if noisy else 1, members=members, swish=swish),
            forest(3, parts=4, outputs=1, members=members, size=1 << 15),
        ),
        targets=(0,),
        bases=(0,),
        lows=np.array([-(1 << 18)]),
        highs=np.array([1 << 18]),
        tolerances=np.array([1 << 14]),
        confidence=_sure(),
        **noise,
    )
    gear = Classifier(
        features=seen,
        functions=(ensemble(4, parts=4, outputs=3, members=1, hidden=(8,)), forest(5, parts=4, outputs=3, size=300)),
        target=1,
        values=np.array([0, 1, 2]),
        confidence=_sure(),
    )
    return Simulator(TRUCK, predictors=(speed, gear))


def _sure(level: int = 40_000) -> Confidence:
    return Confidence(edges=np.array([0, 1 << 12, 1 << 15]), levels=np.array([level, level // 2, level // 4]))
