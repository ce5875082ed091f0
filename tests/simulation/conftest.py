"""Small worlds: a slippery ring, a cart, a gearbox with names and numbers, rooms with doors, a lamp without a state."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from measured_rows import episodes_of
from numpy.typing import NDArray

from worldtwin.simulation import Confidence, Feature, Polynomial, Regressor, Simulator, Table, count
from worldtwin.tasks import Task
from worldtwin.world import Angle, Category, Integer, Set, Space, Spec, StartRange, StartValues, Transitions, real

MOVES = Category(("left", "stay", "right"))
CELLS = 12

RING = Spec(
    name="ring",
    state=Space(("cell",), (Integer(low=0, high=CELLS - 1),)),
    action=Space(("move",), (MOVES,)),
    outputs=Space(("bump",), (Integer(low=0, high=1),)),
    start={"cell": StartRange(1, CELLS - 1)},
    reward="-1 - outputs.bump",
    ends="next.cell == 0",
    horizon=30,
    returns=(-60.0, 0.0),
    step_seconds=0.5,
)
CART = Spec(
    name="cart",
    state=Space(("x", "v", "a", "w"), (real(-4.8, 4.8), real(-10, 10), Angle(), real(-10, 10))),
    action=Space(("push",), (Category(("left", "right")),)),
    start={name: StartRange(-(1 << 16), 1 << 16) for name in ("x", "v", "a", "w")},
    reward="1",
    ends="abs(next.x) > 0.3 or abs(next.a) > 0.5",
    horizon=40,
    returns=(0.0, 40.0),
)
GEARBOX = Spec(
    name="gearbox",
    state=Space(("gear", "speed"), (Category(("park", "drive")), real(0, 8, resolution=2.0**-10))),
    action=Space(("shift",), (Category(("keep", "change")),)),
    start={"gear": StartValues((0, 1)), "speed": StartValues((0,))},
    horizon=20,
)
ROOMS = Spec(
    name="rooms",
    state=Space(("room", "exits"), (Integer(low=0, high=3), Set(("back", "on")))),
    action=Space(("way",), (Category(("back", "on")),)),
    possible="exits",
    start={"room": StartValues((0,)), "exits": StartValues((2,))},
    horizon=10,
)
LAMP = Spec(
    name="lamp",
    stateless=True,
    state=Space(("lit",), (Category(("no", "yes")),)),
    action=Space(("switch",), (Category(("off", "on")),)),
    outputs=Space(("lux",), (Integer(low=0, high=100),)),
)


def transitions(
    states: Sequence[Sequence[int]],
    actions: Sequence[int],
    nexts: Sequence[Sequence[int]],
    outputs: Sequence[Sequence[int]] | None = None,
    *,
    length: int = 10,
) -> Transitions:
    """Transitions of worlds with one action field, in episodes of `length` steps."""
    n = len(actions)
    return episodes_of(
        np.array(states, dtype=np.int64).reshape(n, -1),
        np.array(actions, dtype=np.int64).reshape(n, 1),
        np.array(nexts, dtype=np.int64).reshape(n, -1),
        np.array(outputs or [[]] * n, dtype=np.int64).reshape(n, -1),
        length=length,
    )


def ring_rows(n: int, seed: int, *, slip: float = 0.2) -> Transitions:
    chance, drawn = np.random.default_rng(seed), max(1, n)
    cells, moves = chance.integers(0, CELLS, drawn), chance.integers(0, 3, drawn)
    steps = np.where(chance.random(drawn) < slip, 0, moves - 1)
    bumps = (cells + steps) % 5 == 0
    nexts = ((cells + steps) % CELLS)[:, None]
    rows = transitions(cells[:, None].tolist(), moves.tolist(), nexts.tolist(), bumps[:, None].tolist())
    return rows.select(np.arange(n))


def cart_polynomial(members: int = 5) -> Regressor:
    features = (
        Feature(column=0, kind="real", shift=2),
        Feature(column=1, kind="real", shift=1),
        Feature(column=2, kind="angle"),
        Feature(column=3, kind="real", shift=1),
        Feature(column=4, kind="category", count=2),
    )
    terms = [term for size in range(4) for term in itertools.combinations_with_replacement(range(6), size)]
    padded = np.array([[*term, *[-1] * (3 - len(term))] for term in terms])
    weights = np.random.default_rng(1).integers(-(1 << 17), 1 << 17, size=(members, len(terms), 4))
    return Regressor(
        features=features,
        functions=(Polynomial(terms=padded, weights=weights, shifts=np.full((members, 4), 15)),),
        targets=(0, 1, 2, 3),
        bases=(0, 1, 2, 3),
        lows=np.full(4, -(1 << 27)),
        highs=np.full(4, 1 << 27),
        tolerances=np.full(4, 1 << 24),
        confidence=Confidence(edges=np.array([0, 100, 300]), levels=np.array([60_000, 30_000, 3_000])),
    )


class Wanderer:
    """Takes an action that looks random but depends on the state and the step alone."""

    memory_width = 1

    def __init__(self, choices: int) -> None:
        self._choices = choices

    def start_memory(self, n: int) -> NDArray[np.float64]:
        return np.zeros((n, 1))

    def act_rows(
        self, states: NDArray[np.int64], memory: NDArray[np.float64], possible: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        wish = (states.sum(axis=1) * 7 + memory[:, 0].astype(np.int64) * 3) % self._choices
        if possible is not None:
            wish = np.where(possible[np.arange(len(wish)), wish], wish, possible.argmax(axis=1))
        return wish[:, None], memory + 1.0


@pytest.fixture(scope="session")
def rows_of() -> Callable[..., Transitions]:
    """Builds transitions."""
    return transitions


@pytest.fixture(scope="session")
def wander() -> Callable[[int], Wanderer]:
    """Builds an actor with a memory."""
    return Wanderer


@pytest.fixture(scope="session")
def slippery() -> Callable[..., Transitions]:
    """Builds transitions of the ring."""
    return ring_rows


@pytest.fixture(scope="session")
def ring_table() -> Table:
    return count(RING, ring_rows(600, 1))


@pytest.fixture(scope="session")
def ring(ring_table: Table) -> Simulator:
    return Simulator(RING, observed=ring_table)


@pytest.fixture(scope="session")
def cart() -> Simulator:
    return Simulator(CART, predictors=(cart_polynomial(),))


@pytest.fixture(scope="session")
def gearbox() -> Simulator:
    """Gears by a table that forgets the speed, and slips; speeds by a polynomial; three transitions observed."""
    gears = count(
        Spec(name="gears", state=Space(("gear",), GEARBOX.state.fields[:1]), action=GEARBOX.action),
        transitions([[0], [0], [0], [1], [1], [1]], [0, 1, 1, 0, 1, 1], [[0], [1], [0], [1], [0], [1]]),
    )
    table = Table(
        inputs=(0, 2), targets=(0,), keys=gears.keys, offsets=gears.offsets, values=gears.values, counts=gears.counts
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
    seen = count(GEARBOX, transitions([[0, 0], [0, 0], [1, 5]], [0, 0, 1], [[0, 0], [0, 0], [0, 9]]))
    return Simulator(GEARBOX, observed=seen, predictors=(table, speeds))


@pytest.fixture(scope="session")
def rooms() -> Simulator:
    doors = [2, 3, 3, 0]
    rows = [(room, way) for room in range(3) for way in (0, 1) if doors[room] >> way & 1]
    after = [room + (1 if way else -1) for room, way in rows]
    seen = transitions(
        [[room, doors[room]] for room, _ in rows], [way for _, way in rows], [[r, doors[r]] for r in after]
    )
    return Simulator(ROOMS, observed=count(ROOMS, seen))


@pytest.fixture(scope="session")
def lamp() -> Simulator:
    rows = transitions([[0], [1], [0], [1]], [0, 0, 1, 1], [[0], [0], [1], [1]], [[0], [0], [80], [80]])
    return Simulator(LAMP, observed=count(LAMP, rows))


Worlds = Callable[[str], tuple[Simulator, Wanderer | Task]]


@pytest.fixture(scope="session")
def world(ring: Simulator, cart: Simulator, gearbox: Simulator, rooms: Simulator) -> Worlds:
    """A world by its name, and someone who acts in it."""
    known = {
        "ring": (ring, Wanderer(3)),
        "cart": (cart, Task.network(CART, hidden=(8,), key=1)),
        "gearbox": (gearbox, Wanderer(2)),
        "rooms": (rooms, Wanderer(2)),
    }
    return known.__getitem__
