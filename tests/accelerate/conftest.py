"""Worlds small enough to be compiled in a second: a slippery ring with a past, a cart, rooms with doors, a gearbox."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from drawn_functions import truck
from hypothesis import strategies as some
from measured_rows import episodes_of
from msgspec import UNSET, structs
from numpy.typing import NDArray

from worldtwin.accelerate import JaxBackend
from worldtwin.exact.table import grouped
from worldtwin.simulation import RATIO_BITS, Confidence, Feature, Gear, Polynomial, Regressor, Simulator, Table, count
from worldtwin.world import (
    Angle,
    Category,
    Integer,
    Set,
    Space,
    Spec,
    StartRange,
    StartValues,
    Transitions,
    bounds,
    real,
)

CELLS = 12
RING = Spec(
    name="ring",
    state=Space(("cell",), (Integer(low=0, high=CELLS - 1),)),
    action=Space(("move",), (Category(("left", "stay", "right")),)),
    outputs=Space(("bump",), (Integer(low=0, high=1),)),
    start={"cell": StartRange(1, CELLS - 1)},
    reward="-1 - outputs.bump",
    ends="next.cell == 0",
    horizon=90,
    returns=(-180.0, 0.0),
)
CART = Spec(
    name="cart",
    state=Space(("x", "v", "a", "w"), (real(-4.8, 4.8), real(-10, 10), Angle(), real(-10, 10))),
    action=Space(("push",), (Category(("left", "right")),)),
    start={name: StartRange(-(1 << 16), 1 << 16) for name in ("x", "v", "a", "w")},
    reward="cos(next.a) - 0.1 * abs(next.x)",
    ends="abs(next.x) > 0.3 or abs(next.a) > 0.5",
    horizon=100,
    returns=(-100.0, 100.0),
)
ROOMS = Spec(
    name="rooms",
    state=Space(("room", "exits"), (Integer(low=0, high=3), Set(("back", "on")))),
    action=Space(("way",), (Category(("back", "on")),)),
    possible="exits",
    start={"room": StartValues((0,)), "exits": StartValues((2,))},
    horizon=10,
)
GEARBOX = Spec(
    name="gearbox",
    state=Space(("gear", "speed"), (Category(("park", "drive")), real(0, 8, resolution=2.0**-10))),
    action=Space(("shift",), (Category(("keep", "change")),)),
    start={"gear": StartValues((0, 1)), "speed": StartValues((0,))},
    horizon=20,
)

GEARS = (Gear(driven=0, driver=1, ratio=1 << 27), Gear(driven=2, driver=3, ratio=-(2 << RATIO_BITS)))


def transitions(
    states: NDArray[np.int64], actions: NDArray[np.int64], nexts: NDArray[np.int64], outputs: NDArray[np.int64]
) -> Transitions:
    return episodes_of(states, actions, nexts, outputs, length=10)


def ring() -> Simulator:
    chance = np.random.default_rng(1)
    cells, moves = chance.integers(0, CELLS, 500), chance.integers(0, 3, 500)
    steps = np.where(chance.random(500) < 0.2, 0, moves - 1)
    bumps = ((cells + steps) % 5 == 0).astype(np.int64)
    rows = transitions(cells[:, None], moves[:, None], ((cells + steps) % CELLS)[:, None], bumps[:, None])
    return Simulator(RING, observed=count(RING, rows))


def cart(members: int = 3, gears: tuple[Gear, ...] = ()) -> Simulator:
    features = (
        Feature(column=0, kind="real", shift=2),
        Feature(column=1, kind="real", shift=1),
        Feature(column=2, kind="angle"),
        Feature(column=3, kind="real", shift=1),
        Feature(column=4, kind="category", count=2),
    )
    terms = [term for size in range(4) for term in itertools.combinations_with_replacement(range(6), size)]
    model = Regressor(
        features=features,
        functions=(
            Polynomial(
                terms=np.array([[*term, *[-1] * (3 - len(term))] for term in terms]),
                weights=np.random.default_rng(1).integers(-(1 << 17), 1 << 17, size=(members, len(terms), 4)),
                shifts=np.full((members, 4), 15),
            ),
        ),
        targets=(0, 1, 2, 3),
        bases=(0, 1, 2, 3),
        lows=np.full(4, -(1 << 27)),
        highs=np.full(4, 1 << 27),
        tolerances=np.full(4, 1 << 24),
        confidence=Confidence(edges=np.array([0]), levels=np.array([50_000])),
        gears=gears or UNSET,
    )
    return Simulator(CART, predictors=(model,))


def rooms() -> Simulator:
    doors = np.array([2, 3, 3, 0])
    rows = np.array([(room, way) for room in range(3) for way in (0, 1) if doors[room] >> way & 1])
    after = rows[:, 0] + np.where(rows[:, 1] == 1, 1, -1)
    states, nexts = (np.stack([room, doors[room]], axis=1) for room in (rows[:, 0], after))
    seen = transitions(states, rows[:, 1:], nexts, np.zeros((len(rows), 0), dtype=np.int64))
    return Simulator(ROOMS, observed=count(ROOMS, seen))


def gearbox() -> Simulator:
    """Gears by a table that forgets the speed, and slips; speeds by a polynomial; two transitions observed."""
    gears = Table(
        inputs=(0, 2),
        targets=(0,),
        keys=np.array([[0, 0], [0, 1], [1, 0], [1, 1]]),
        offsets=np.array([0, 1, 3, 4, 6]),
        values=np.array([[0], [0], [1], [1], [0], [1]]),
        counts=np.array([1, 1, 1, 1, 1, 1]),
    )
    speeds = Regressor(
        features=(Feature(column=0, kind="category", count=2),),
        functions=(
            Polynomial(
                terms=np.array([[-1, -1, -1], [0, -1, -1]]),
                weights=np.array([[[0], [-(1 << 16)]], [[1 << 12], [-(1 << 16)]]]),
                shifts=np.full((2, 1), 18),
            ),
        ),
        targets=(1,),
        bases=(1,),
        lows=np.array([-(1 << 30)]),
        highs=np.array([1 << 30]),
        tolerances=np.array([256]),
        confidence=Confidence(edges=np.array([0]), levels=np.array([50_000])),
    )
    states, nexts = np.array([[0, 0], [1, 5]]), np.array([[0, 0], [0, 9]])
    seen = transitions(states, np.array([[0], [1]]), nexts, np.zeros((2, 0), dtype=np.int64))
    return Simulator(GEARBOX, observed=count(GEARBOX, seen), predictors=(gears, speeds))


@pytest.fixture(scope="session")
def worlds() -> dict[str, Simulator]:
    """The worlds by name."""
    return {
        "ring": ring(),
        "cart": cart(),
        "geared": cart(gears=GEARS),
        "rooms": rooms(),
        "gearbox": gearbox(),
        "truck": truck(),
    }


@pytest.fixture(scope="session")
def backend() -> JaxBackend:
    """A backend that has passed its check."""
    return JaxBackend()


FIELDS = some.sampled_from(
    [
        Integer(low=-2, high=3),
        Category(("a", "b", "c")),
        Set(("p", "q")),
        Angle(),
        real(-1.0, 1.0, resolution=2.0**-3),
        Integer(low=-(1 << 40), high=1 << 40),
    ]
)
ACTIONS = some.sampled_from(
    [
        (Category(("x", "y", "z")),),
        (Category(("x", "y")),),
        (real(-2.0, 3.0), Angle(), Set(("r", "g")), Integer(low=0, high=3), Category(("on",))),
    ]
)


@some.composite
def random_worlds(draw: some.DrawFn) -> Simulator:
    """Worlds of random fields and counted transitions, of which some rows are known to no table."""
    fields = tuple(draw(some.lists(FIELDS, min_size=1, max_size=4)))
    acts = draw(ACTIONS)
    history = draw(some.integers(0, 1))
    chance = np.random.default_rng(draw(some.integers(0, 1 << 20)))
    state = Space(tuple(f"s{i}" for i in range(len(fields))), fields)
    action = Space(tuple(f"a{i}" for i in range(len(acts))), acts)
    outputs = Space(("seen",), (Integer(low=0, high=2),)) if draw(some.booleans()) else Space()
    spec = Spec(
        name="random",
        state=state,
        action=action,
        outputs=outputs,
        history=history,
        reward="0.1 if next.s0 == state.s0 else 0.3" if not isinstance(fields[0], Set) else "0.7",
        horizon=draw(some.integers(1, 90)),
        returns=(0.0, 100.0),
    )
    points = [chance.integers(field_low, field_high + 1, 4) for field_low, field_high in map(bounds, fields)]
    n = draw(some.integers(20, 200))
    states = np.stack([chance.choice(values, n) for values in points], axis=1)
    actions = chance.integers(action.low, action.high + 1, (n, len(acts)))
    nexts = np.stack([chance.choice(values, n) for values in points], axis=1)
    seen = transitions(states, actions, nexts, chance.integers(0, 3, (n, len(outputs))))
    whole = count(structs.replace(spec, history=0), seen)
    inputs = (*range(len(fields)), *range(spec.width, spec.width + len(acts)))
    table = structs.replace(whole, inputs=inputs)
    kept = draw(some.sampled_from(["observed", "synthetic", "predicted", "both"]))
    blind = _blind(whole)
    return Simulator(
        spec,
        observed=table if kept in {"observed", "both"} else None,
        synthetic=table if kept == "synthetic" else None,
        predictors=(blind,) if kept in {"predicted", "both"} else (),
        starts=spec.start_rows(states[:10]),
    )


def _blind(whole: Table) -> Table:
    """The table that sees nothing but the first state field."""
    found = grouped([whole.keys[:, 0].repeat(np.diff(whole.offsets))], list(whole.values.T), whole.counts)
    return Table(
        inputs=(0,),
        targets=whole.targets,
        keys=found.keys,
        offsets=found.offsets,
        values=found.values,
        counts=found.counts,
    )


@pytest.fixture(scope="session")
def random_world() -> some.SearchStrategy[Simulator]:
    """A strategy."""
    return random_worlds()
