"""Numbers that move: `wt.fit`, PySINDy and a plain ensemble learn the same steps, judged on the same fresh ones."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

import gymnasium
import numpy as np
from contests.asking import Asked
from msgspec import Struct
from numpy.typing import NDArray
from rivals.environment import NotMeasured

import worldtwin as wt
from worldtwin.exact import Key
from worldtwin.learning.holdout import chance, runs
from worldtwin.learning.scoring import SEGMENTS, drift, in_spreads, misses
from worldtwin.simulation import Simulator
from worldtwin.world import (
    Angle,
    Category,
    Field,
    Lattice,
    Space,
    Spec,
    Transitions,
    decode_column,
    encode_column,
    real,
    wrap_column,
)

Floats = NDArray[np.float64]
Policy = Callable[[np.ndarray, np.random.Generator], object]
STEPS = 50
AGREE = 1e-6
"""How far our measure may be from that of `worldtwin.learning.scoring`, as a share: it adds in another order."""

PENDULUM = Spec(
    name="Pendulum-v1",
    state=Space(names=("angle", "spin"), fields=(Angle(sources=("cos", "sin")), real(-8, 8))),
    action=Space(names=("torque",), fields=(real(-2, 2),)),
    horizon=200,
)
CART_POLE = Spec(
    name="CartPole-v1",
    state=Space(
        names=("position", "velocity", "angle", "spin"),
        fields=(real(-4.8, 4.8), real(-16, 16), real(-0.42, 0.42), real(-16, 16)),
    ),
    action=Space(names=("push",), fields=(Category(("left", "right")),)),
    horizon=500,
)


class Told(Struct, frozen=True):
    """What a rival says: its seconds to learn, the fields one step ahead, and those at the end of each course."""

    seconds: float
    note: str
    ahead: list[list[float]]
    reached: list[list[float]]


class Result(Struct, frozen=True, kw_only=True):
    """The errors of the worst field, one step ahead and after 50 on its own; seconds; why there are none."""

    one_step: float = float("nan")
    open_loop: float = float("nan")
    seconds: float = float("nan")
    note: str = ""
    missing: str = ""


class Recording(NamedTuple):
    """A world, rows to learn from, fresh rows, and the fresh rows where courses of 50 steps start."""

    spec: Spec
    train: Transitions
    fresh: Transitions
    starts: Lattice
    key: Key


def pendulum(steps: int) -> Recording:
    """`steps` steps of random actions, and as many fresh ones."""
    return _recording(PENDULUM, steps, lambda _, chances: chances.uniform(-2, 2, size=1).astype(np.float32), None)


def cart_pole(steps: int) -> Recording:
    """`steps` steps of random actions; fresh ones by pushes that mostly keep the pole up, else none lasts 50 steps."""
    return _recording(
        CART_POLE,
        steps,
        lambda _, chances: int(chances.integers(2)),
        lambda seen, chances: int(chances.integers(2)) if chances.random() < 0.3 else int(seen[2] > 0),
    )


def is_angle(field: Field) -> bool:
    """Whether a field turns round."""
    return isinstance(field, Angle)


def ours(recording: Recording) -> Result:
    """`wt.fit`, as it comes."""
    began = time.perf_counter()
    simulator = wt.fit(recording.spec, recording.train, key=1)
    seconds = time.perf_counter() - began
    ahead, reached = _played(simulator, recording)
    one_step, open_loop = _errors(recording, ahead, reached)
    _require_agreement(simulator, recording, one_step, open_loop)
    return Result(one_step=float(one_step.max()), open_loop=float(open_loop.max()), seconds=seconds)


def theirs(recording: Recording, rival: Asked, variant: str, epochs: int, limit_s: float) -> Result:
    """A rival of the rivals folder, asked with the same rows in physical units, angles in radians."""
    try:
        told = rival.ask(_question(recording, variant, epochs), Told, limit_s=limit_s)
    except NotMeasured as missing:
        return Result(missing=str(missing))
    ahead, reached = (_encoded(recording.spec, np.array(values)) for values in (told.ahead, told.reached))
    one_step, open_loop = _errors(recording, ahead, reached)
    return Result(
        one_step=float(one_step.max()), open_loop=float(open_loop.max()), seconds=told.seconds, note=told.note
    )


def _recording(spec: Spec, steps: int, policy: Policy, other: Policy | None) -> Recording:
    train, fresh = _played_for(spec, steps, policy, 1), _played_for(spec, steps, other or policy, 2)
    key = Key.of(1)
    starts = np.flatnonzero(runs(fresh, np.ones(len(fresh), dtype=np.bool_)) >= STEPS)
    chosen = chance(key.child("segments")).choice(starts, size=min(SEGMENTS, len(starts)), replace=False)
    return Recording(spec, train, fresh, np.sort(chosen), key)


def _played_for(spec: Spec, steps: int, policy: Policy, seed: int) -> Transitions:
    chances, left, episode = np.random.default_rng(seed), steps, 0
    with tempfile.TemporaryDirectory() as folder:
        traces = wt.Traces(f"{folder}/world.traces", spec)
        with closing(wt.RecordEnv(gymnasium.make(spec.name), traces)) as env:
            while left:
                seen, over = env.reset(seed=1000 * seed + episode)[0], False
                while left and not over:
                    seen, _, ended, cut, _ = env.step(policy(seen, chances))
                    left, over = left - 1, ended or cut
                episode += 1
            rows = traces.transitions(spec).transitions
        assert len(rows) == steps
        return rows


def _played(simulator: Simulator, recording: Recording) -> tuple[Lattice, Lattice]:
    """The fields (n, fields) one step after every fresh row, and (m, fields) after each course."""
    fresh, key = recording.fresh, recording.key
    ahead = simulator.advance(fresh.states, fresh.actions, key.child("one step").episodes(np.arange(len(fresh))), 0)
    keys, states = key.child("drift").episodes(np.arange(len(recording.starts))), fresh.states[recording.starts]
    for step in range(STEPS):
        states = simulator.advance(states, fresh.actions[recording.starts + step], keys, step).next_fields
    return ahead.next_fields, states


def _errors(recording: Recording, ahead: Lattice, reached: Lattice) -> tuple[Floats, Floats]:
    """The errors (fields,) one step ahead and after each course, as `worldtwin.learning.scoring` defines them."""
    fresh, fields = recording.fresh, recording.spec.state.fields
    truth = fresh.nexts[recording.starts + STEPS - 1]
    one_step = [
        _error(field, ahead[:, i] - fresh.nexts[:, i], fresh.nexts[:, i] - fresh.states[:, i])
        for i, field in enumerate(fields)
    ]
    open_loop = [_error(field, reached[:, i] - truth[:, i], fresh.states[:, i]) for i, field in enumerate(fields)]
    return np.array(one_step), np.array(open_loop)


def _error(field: Field, missed: Lattice, values: Lattice) -> float:
    if is_angle(field):
        turns = values * (2 * np.pi / 2**24)
        center = round(float(np.angle(np.exp(1j * turns).mean())) / (2 * np.pi) * 2**24)
        missed, values = wrap_column(missed), wrap_column(values - center)
    return float(np.sqrt(np.square(missed.astype(np.float64)).mean()) / max(1.0, values.std()))


def _require_agreement(simulator: Simulator, recording: Recording, one_step: Floats, open_loop: Floats) -> None:
    """Stop unless our own scores are what the report of a fit would say of the same rows."""
    fresh, key = recording.fresh, recording.key
    far = drift(simulator, fresh, np.ones(len(fresh), dtype=np.bool_), STEPS, key)
    assert far is not None
    assert far.steps == STEPS
    np.testing.assert_allclose(open_loop, far.errors, rtol=AGREE)
    said = in_spreads(recording.spec, misses(simulator, fresh, fresh.states, key), fresh)
    np.testing.assert_allclose(one_step, said, rtol=AGREE)


def _question(recording: Recording, variant: str, epochs: int) -> dict[str, object]:
    spec, train, fresh, starts = recording.spec, recording.train, recording.fresh, recording.starts
    course = np.stack([_decoded(spec.action, fresh.actions[starts + step]) for step in range(STEPS)], axis=1)
    limits = [(-np.pi, np.pi) if is_angle(field) else (field.low, field.high) for field in spec.state.fields]
    return {
        "variant": variant,
        "epochs": epochs,
        "angles": [is_angle(field) for field in spec.state.fields],
        "lows": [low for low, _ in limits],
        "highs": [high for _, high in limits],
        "before": _decoded(spec.state, train.states).tolist(),
        "actions": _decoded(spec.action, train.actions).tolist(),
        "after": _decoded(spec.state, train.nexts).tolist(),
        "from": _decoded(spec.state, fresh.states).tolist(),
        "by": _decoded(spec.action, fresh.actions).tolist(),
        "starts": _decoded(spec.state, fresh.states[starts]).tolist(),
        "course": course.tolist(),
    }


def _decoded(space: Space, rows: Lattice) -> Floats:
    """Physical values (n, fields); of two names, 0 and 1."""
    columns = [
        rows[:, i] if isinstance(field, Category) else decode_column(field, rows[:, i])
        for i, field in enumerate(space.fields)
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def _encoded(spec: Spec, values: Floats) -> Lattice:
    """The state fields (n, fields) on the lattice that errors are measured on."""
    pairs = [encode_column(field, values[:, i]) for i, field in enumerate(spec.state.fields)]
    assert all(valid.all() for _, valid in pairs)
    return np.stack([lattice for lattice, _ in pairs], axis=1)
