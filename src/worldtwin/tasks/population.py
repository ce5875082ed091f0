"""`stack`: many parameter vectors of one network or script task act at once."""

from __future__ import annotations

from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from worldtwin.errors import InvalidTask
from worldtwin.exact import network as engine
from worldtwin.script import Program
from worldtwin.tasks.actor import Mask, Numbers
from worldtwin.tasks.programs.heads import Heads
from worldtwin.tasks.programs.inputs import Eye, Input
from worldtwin.tasks.programs.network import Network
from worldtwin.tasks.task import Task
from worldtwin.world import Lattice

NO_ANSWER: Final = -(2**62)
"""The action of a candidate whose script trapped, or chose what is not possible: its episode stops there."""


@final
class Population:
    """Candidates of one network task side by side: row i is acted on by `candidate[i]`."""

    memory_width = 0

    def __init__(self, eye: Eye, heads: Heads, layers: tuple[engine.StackedLayer, ...]) -> None:
        self._eye, self._heads, self.layers = eye, heads, layers
        self._carried = tuple(engine.Carried.of(layer) for layer in layers)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What each of them sees."""
        return self._eye.inputs

    def __len__(self) -> int:
        """How many they are."""
        return len(self.layers[0].weights)

    def start_memory(self, n: int) -> Numbers:
        """Nothing is remembered (n, 0)."""
        return np.zeros((n, 0))

    def act_rows(
        self, states: Lattice, memory: Numbers, possible: Mask | None, candidate: NDArray[np.int64] | None = None
    ) -> tuple[Lattice, Numbers]:
        """The action of each row's own candidate (the first one unless told), and its memory after."""
        rows = np.zeros(len(states), dtype=np.int64) if candidate is None else candidate
        outputs = engine.evaluate_stacked(self._carried, self._eye.see(states), rows)
        return self._heads.act(outputs, possible), memory


@final
class Scripts:
    """Candidates of one script task side by side: row i is acted on by `candidate[i]`."""

    def __init__(self, task: Task, program: Program, values: Numbers) -> None:
        self._task, self._program, self._values = task, program, values
        self.memory_width = task.memory_width

    def start_memory(self, n: int) -> Numbers:
        """What `n` episodes remember at their start (n, memory)."""
        return self._task.start_memory(n)

    def act_rows(
        self, states: Lattice, memory: Numbers, possible: Mask | None, candidate: NDArray[np.int64] | None = None
    ) -> tuple[Lattice, Numbers]:
        """The action of each row's own candidate (the first one unless told), and its memory after."""
        rows = np.zeros(len(states), dtype=np.int64) if candidate is None else candidate
        steps = self._program.act_rows(states, memory, parameters=self._values[rows])
        answered = steps.possible & ~steps.trapped
        if possible is not None:
            answered &= possible[np.arange(len(rows)), np.where(answered, steps.actions[:, 0], 0)]
        return np.where(answered[:, None], steps.actions, NO_ANSWER), steps.memory


Candidates: TypeAlias = Population | Scripts


def stack(task: Task, values: Numbers) -> Candidates:
    """The candidates of a network or script task with the parameters `values` (p, parameters). Raises `InvalidTask`."""
    match task.program:
        case Network() as network:
            return _networks(task, network, values)
        case Program() as program:
            parameters = task.parameters()
            given = np.where(parameters.integer, np.rint(values), values)
            named = parameters.choices > 0
            if ((given < parameters.low) | (given > parameters.high))[:, named].any():
                raise InvalidTask("a parameter that is a name takes the position of one of its choices")
            return Scripts(task, program, given)
        case _:
            raise InvalidTask("only network and script tasks can be stacked: run the others one by one")


def _networks(task: Task, network: Network, values: Numbers) -> Population:
    if values.ndim != 2 or values.shape[1] != network.size or not len(values):
        raise InvalidTask(f"parameters of shape {values.shape} are given: the network takes (p, {network.size})")
    layers = tuple(
        engine.StackedLayer(
            weights=layer.weights,
            bias=layer.biases,
            shifts=np.repeat(layer.shifts[:, None], layer.biases.shape[1], axis=1),
            clip=clip,
        )
        for layer, clip in zip(network.quantised(values), network.clips, strict=True)
    )
    return Population(network.eye, task.heads, layers)
