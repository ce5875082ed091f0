"""Make the golden files beside this script: `python tests/vectors/files/make.py`.

They define the formats: later versions open them for ever. A change here is a new format number and new files.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from msgspec import structs

from worldtwin.exact import Feature, StackedLayer
from worldtwin.files.stored.store import simulator_bytes, task_bytes
from worldtwin.simulation import (
    Classifier,
    Confidence,
    Ensemble,
    FieldReport,
    Forest,
    Polynomial,
    Regressor,
    Report,
    Simulator,
    count,
)
from worldtwin.tasks import Task
from worldtwin.world import (
    Angle,
    Category,
    Done,
    HorizonError,
    Integer,
    Lattice,
    Need,
    Port,
    Set,
    Space,
    Spec,
    StartRange,
    StartValues,
    Transitions,
    real,
)

LAMP = Spec(
    name="lamp",
    version="1.2.3",
    state=Space(
        ("switch", "floor", "exits"), (Category(("off", "on")), Integer(low=0, high=3), Set(("press", "wait")))
    ),
    action=Space(("push",), (Category(("press", "wait", "look")),)),
    outputs=Space(("light",), (Integer(low=0, high=9, unit="W"),)),
    possible="exits",
    history=1,
    start={"switch": StartValues((0,)), "floor": StartRange(low=0, high=2), "exits": StartValues((3,))},
    reward="1 if outputs.light > 3 else 0",
    ends='next.switch == "on" and next.floor == 3',
    horizon=12,
    returns=(0.0, 12.0),
    done=Done(known=0.9, coverage=0.5, horizon_error=HorizonError(steps=5, below=0.25), calibration=0.125),
    needs=(Need("house", ">=1,<2"),),
    inlets=(Port(name="push", kind="action", field="push"),),
    outlets=(Port(name="light", kind="output", field="light"),),
)
CART = Spec(
    name="cart",
    version="1.0.0",
    step_seconds=0.02,
    state=Space(("position", "angle"), (real(-4.0, 4.0, unit="m"), Angle(sources=("cos", "sin")))),
    action=Space(("push",), (Category(("left", "right")),)),
    ends="abs(next.position) > 2.5",
)
THERMOSTAT = """\
gain = param([0.5, -2.0], low=-10, high=10)
memory = remember(integral=0.0)
observes = "position"


def act(state, memory):
    memory.integral = memory.integral + state.position
    return "right" if gain[0] * state.position + gain[1] * memory.integral > 0 else "left"
"""


def column(*rows: tuple[int, ...]) -> Lattice:
    """Lattice rows (n, columns)."""
    return np.array(rows, dtype=np.int64)


def lamp() -> Simulator:
    """A simulator that has counted a few transitions."""
    transitions = Transitions(
        states=column((0, 0, 3), (1, 0, 3), (1, 1, 2), (0, 0, 3)),
        actions=column((0,), (1,), (2,), (0,)),
        nexts=column((1, 0, 3), (1, 1, 2), (0, 1, 2), (1, 0, 1)),
        outputs=column((5,), (5,), (0,), (6,)),
        episodes=np.array([0, 0, 0, 1]),
        steps=np.array([0, 1, 2, 0]),
        synthetic=np.zeros(4, dtype=np.bool_),
    )
    report = Report(
        transitions=4, episodes=2, known=0.5, fields=(FieldReport(name="switch", model="table"),), notes=("é",)
    )
    starts = LAMP.start_rows(column((0, 0, 3)))
    return Simulator(spec=LAMP, observed=count(LAMP, transitions), recorded=starts, starts=starts, report=report)


def cart() -> Simulator:
    """A simulator that predicts with two polynomials."""
    polynomial = Regressor(
        features=(
            Feature(column=0, kind="real", center=0, shift=3),
            Feature(column=1, kind="angle"),
            Feature(column=2, kind="category", count=2),
        ),
        functions=(
            Polynomial(
                terms=column((-1, -1, -1), (0, -1, -1), (3, -1, -1), (1, 3, -1)),
                weights=np.array(
                    [[[1, 0], [2, -3], [40, 7], [0, 5]], [[0, 1], [2, -2], [41, 7], [1, 5]]], dtype=np.int64
                ),
                shifts=column((4, 4), (4, 4)),
            ),
        ),
        targets=(0, 1),
        bases=(0, 1),
        lows=np.array([-(2**30), -(2**30)]),
        highs=np.array([2**30, 2**30]),
        tolerances=np.array([256, 256]),
        confidence=Confidence(edges=np.array([0, 512]), levels=np.array([60_000, 30_000])),
    )
    return Simulator(spec=CART, predictors=(polynomial,), recorded=column((5, -7)), starts=column((0, 0), (1, 2)))


def residual() -> Ensemble:
    """Two networks of three swishes, with outputs for two changes and the logarithms of their noise."""
    hidden = StackedLayer(
        weights=(np.arange(24) * 1_801 % 4_001 - 2_000).reshape(2, 4, 3),
        bias=np.array([[1 << 20, 0, -(1 << 20)], [3, -5, 7]]),
        shifts=np.full((2, 3), 12),
        swish=True,
    )
    last = StackedLayer(
        weights=(np.arange(24) * 2_003 % 5_001 - 2_500).reshape(2, 3, 4),
        bias=np.array([[9, 8, 7, 6], [5, 4, 3, 2]]),
        shifts=np.array([[6, -2, 14, 14], [7, -1, 14, 14]]),
    )
    return Ensemble(layers=(hidden, last))


def gears() -> Forest:
    """Two sums of trees: one of three leaves, none."""
    return Forest(
        parts=np.array([0, 2, 0, 0, 0]),
        thresholds=np.array([100, -7, 0, 0, 0]),
        children=column((1, 4), (2, 3), (2, 2), (3, 3), (4, 4)),
        values=np.array([0, 0, 300, -200, 50]),
        roots=np.array([0]),
        offsets=np.array([0, 1, 1]),
        base=column((0, 20)),
    )


def truck() -> Simulator:
    """A simulator of a prior with a noisy residual, and of a name by trees."""
    spec = structs.replace(CART, name="truck", outputs=Space(("gear",), (Category(("low", "high")),)))
    prior = cart().predictors[0]
    assert isinstance(prior, Regressor)
    noisy = structs.replace(
        prior, functions=(*prior.functions, residual()), quiet=np.array([0, 256]), loud=np.array([2048, 256])
    )
    names = Classifier(
        features=prior.features,
        functions=(gears(),),
        target=2,
        values=np.array([0, 1]),
        confidence=Confidence(edges=np.array([0]), levels=np.array([9_000])),
    )
    return Simulator(spec=spec, predictors=(noisy, names), starts=column((0, 0), (1, 2)))


def vectors() -> dict[str, bytes]:
    """The bytes of every golden file, and the digests of what is in them."""
    simulators = {"lamp.wts": lamp(), "cart.wts": cart(), "truck.wts": truck(), "nothing.wts": Simulator(spec=CART)}
    table = Task.table(LAMP, LAMP.start_rows(column((0, 0, 3), (1, 0, 3))), column((0,), (1,)))
    tasks = {
        "network.wtt": Task.network(CART, hidden=(3,), key=1),
        "table.wtt": table,
        "script.wtt": Task.script(THERMOSTAT, CART),
    }
    files = {name: simulator_bytes(simulator) for name, simulator in simulators.items()}
    files |= {name: task_bytes(task) for name, task in tasks.items()}
    digests = {name: value.digest for name, value in {**simulators, **tasks}.items()}
    return files | {"digests.json": (json.dumps(digests, indent=2) + "\n").encode()}


if __name__ == "__main__":
    for name, content in vectors().items():
        Path(__file__).with_name(name).write_bytes(content)
