"""What a walk paid and where its episodes stopped: the one place where rewards and endings are evaluated."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from worldtwin.simulation.answers import Source
from worldtwin.simulation.running.backend import Walk
from worldtwin.simulation.running.flock import Flock, Stride
from worldtwin.simulation.simulator import Simulator

Watch: TypeAlias = Callable[[Stride, int], None]


def settled(simulator: Simulator, flock: Flock, walk: Walk, t: int, watch: Watch) -> Flock:
    """The episodes of `flock` that go on after `walk`, which began at step `t`; `watch` sees each of its strides."""
    strides = _paid(simulator, flock, walk)
    here: slice | NDArray[np.int64] = slice(None)
    for i, stride in enumerate(strides):
        seen = stride if isinstance(here, slice) else stride.at(here)
        watch(seen, t + i)
        stopped = seen.ended | seen.unknown
        if stopped.any():
            going = np.flatnonzero(~stopped)
            here = going if isinstance(here, slice) else here[going]
            if not len(going):
                break
    return flock.at(here, walk.after[-1], walk.memory)


def _paid(simulator: Simulator, flock: Flock, walk: Walk) -> list[Stride]:
    """The strides of all rows of `walk`, with what each pays, also of those that have stopped before."""
    shape, fields = walk.source.shape, len(simulator.spec.state)
    columns = [_flat(column) for column in (walk.states, walk.actions, walk.after[..., :fields], walk.outputs)]
    rewards, ended, trapped = (column.reshape(shape) for column in simulator.pay.of_rows(*columns))
    unknown = walk.silent | trapped | (walk.source == Source.UNKNOWN)
    ended = ended & ~unknown
    return [
        Stride(
            rows=flock.rows,
            states=walk.states[i],
            actions=walk.actions[i],
            after=walk.after[i],
            outputs=walk.outputs[i],
            rewards=rewards[i],
            source=walk.source[i],
            ended=ended[i],
            unknown=unknown[i],
        )
        for i in range(shape[0])
    ]


def _flat(columns: NDArray[np.int64]) -> NDArray[np.int64]:
    return (
        columns.reshape(-1, columns.shape[-1])
        if columns.shape[-1]
        else np.zeros((columns.shape[0] * columns.shape[1], 0), dtype=np.int64)
    )
