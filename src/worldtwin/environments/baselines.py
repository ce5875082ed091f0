"""The rows of a simulator as the vector environment of Stable-Baselines3, which must be installed to import this."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv  # pyright: ignore[reportMissingImports] - an optional library

from worldtwin.environments.plain import from_plain, plain_space, to_plain
from worldtwin.environments.vector import SimulatedVectorEnv
from worldtwin.simulation import Simulator

Infos: TypeAlias = list[dict[str, Any]]
Indices: TypeAlias = int | Iterable[int] | None


@final
class SimulatedVecEnv(VecEnv):
    """n episodes of a simulator side by side; row i with seed s lives through what `make_env` with seed s + i does.

    Choices are numbered from 0. The step that ends an episode begins the next one: its last observation is the info's
    `terminal_observation`, and `TimeLimit.truncated` says that the horizon ended it. A row's attributes by name are
    `simulator`, `render_mode` and, where not all actions are always possible, the method `action_masks`.
    """

    def __init__(self, simulator: Simulator, n: int) -> None:
        self._rows = SimulatedVectorEnv(simulator, n)
        self._shown, self._taken = self._rows.single_observation_space, self._rows.single_action_space
        self._actions: NDArray[Any] = np.zeros(0)
        self._masks: NDArray[np.bool_] | None = None
        self._named = [SimpleNamespace(simulator=simulator, render_mode=None) for _ in range(n)]
        if simulator.spec.possible:
            for row, names in enumerate(self._named):
                names.action_masks = partial(self._possible, row)
        super().__init__(n, plain_space(self._shown), plain_space(self._taken))

    def reset(self) -> NDArray[Any]:
        """Begin the next episode in every row, anew where `seed` was called before."""
        shown, infos = self._rows.reset(seed=self._seeds)
        self._reset_seeds()
        self._reset_options()
        self._remember(infos)
        self.reset_infos = [{} for _ in self._named]
        return to_plain(shown, self._shown)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep `actions` (n, ...) for `step_wait`."""
        self._actions = from_plain(np.asarray(actions), self._taken)

    def step_wait(self) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.bool_], Infos]:
        """Take one step in every row; where the episode ends, the next one begins."""
        shown, rewards, terminated, truncated, infos = self._rows.step(self._actions)
        observations, over = to_plain(shown, self._shown), terminated | truncated
        pairs = zip(infos["source"].tolist(), truncated.tolist(), strict=True)
        told: Infos = [{"source": source, "TimeLimit.truncated": cut} for source, cut in pairs]
        if over.any():
            for row in np.flatnonzero(over).tolist():
                told[row]["terminal_observation"] = observations[row]
            shown, infos = self._rows.reset(options={"reset_mask": over})
            observations = to_plain(shown, self._shown)
        self._remember(infos)
        return observations, rewards.astype(np.float32), over, told

    def close(self) -> None:
        """Nothing is held open."""

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """The attribute `attr_name` of each row."""
        return [getattr(names, attr_name) for names in self._chosen(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:  # noqa: ANN401 - the interface's
        """Give each row an attribute; nothing here reads it."""
        for names in self._chosen(indices):
            setattr(names, attr_name, value)

    def env_method(self, method_name: str, *arguments: Any, indices: Indices = None, **named: Any) -> list[Any]:  # noqa: ANN401 - the same
        """What the method `method_name` of each row returns."""
        return [getattr(names, method_name)(*arguments, **named) for names in self._chosen(indices)]

    def env_is_wrapped(self, wrapper_class: type, indices: Indices = None) -> list[bool]:  # noqa: ARG002 - the same
        """No row is wrapped in anything."""
        return [False for _ in self._chosen(indices)]

    def _chosen(self, indices: Indices) -> list[SimpleNamespace]:
        return [self._named[row] for row in self._get_indices(indices)]

    def _remember(self, infos: dict[str, Any]) -> None:
        self._masks = infos["action_mask"].astype(np.bool_) if "action_mask" in infos else None

    def _possible(self, row: int) -> NDArray[np.bool_] | None:
        return None if self._masks is None else self._masks[row]
