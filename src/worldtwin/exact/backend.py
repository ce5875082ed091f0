"""Where arrays live and who walks through time: the `Backend` Protocol and its NumPy implementation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, final

import numpy as np

Carry = TypeVar("Carry")
Output = TypeVar("Output")


class Backend(Protocol):
    """An array namespace and the loop over time. Every implementation gives the bits of `NumpyBackend`."""

    @property
    def arrays(self) -> Any:  # noqa: ANN401 - an array namespace is a module
        """The array namespace (`numpy`, `jax.numpy`)."""
        ...

    def scan(
        self,
        step: Callable[[Carry, int], tuple[Carry, Output]],
        carry: Carry,
        length: int,
        done: Callable[[Carry], bool],
    ) -> tuple[Carry, list[Output]]:
        """What is left, and what came out, of `step(carry, t)` for t in 0, 1 ... until `length`, or `done(carry)`."""
        ...


@final
class NumpyBackend:
    """The definition: NumPy arrays and a loop."""

    @property
    def arrays(self) -> Any:  # noqa: ANN401 - an array namespace is a module
        """NumPy."""
        return np

    def scan(
        self,
        step: Callable[[Carry, int], tuple[Carry, Output]],
        carry: Carry,
        length: int,
        done: Callable[[Carry], bool],
    ) -> tuple[Carry, list[Output]]:
        """`step` after `step`, in order."""
        outputs: list[Output] = []
        for t in range(length):
            if done(carry):
                break
            carry, output = step(carry, t)
            outputs.append(output)
        return carry, outputs
