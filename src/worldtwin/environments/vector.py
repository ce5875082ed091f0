"""`make_vec` and `make_sb3`: a simulator as a vector environment, all rows in one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from worldtwin.environments.twin import Twin
from worldtwin.errors import InvalidValue, MissingExtra
from worldtwin.exact import Key
from worldtwin.simulation import Simulator

if TYPE_CHECKING:
    from worldtwin.environments.baselines import SimulatedVecEnv

_NAMES = np.array(["unknown", "observed", "synthetic", "predicted"])


@final
class SimulatedVectorEnv(VectorEnv[Any, Any, Any]):
    """n episodes of a simulator side by side; row i with seed s lives through what `make_env` with seed s + i does.

    The step after an episode's end begins the next one, whatever its action is (autoreset mode NEXT_STEP).
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012 - Gymnasium's own way

    def __init__(self, simulator: Simulator, n: int) -> None:
        if n < 1:
            raise InvalidValue(f"{n} rows: give at least 1")
        self.num_envs = n
        self._twin = Twin(simulator, n)
        self.single_observation_space = self._twin.observation_space
        self.single_action_space = self._twin.action_space
        self.observation_space = batch_space(self.single_observation_space, n)
        self.action_space = batch_space(self.single_action_space, n)
        self._over = np.zeros(n, dtype=np.bool_)
        self._seeded = np.zeros(n, dtype=np.bool_)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin the next episode in every row, or in those that `options["reset_mask"]` names."""
        mask = (options or {}).get("reset_mask")
        rows = np.arange(self.num_envs) if mask is None else np.flatnonzero(mask)
        super().reset(seed=seed if isinstance(seed, int) else None)
        self._seed(rows, seed)
        self._twin.start(rows)
        self._over[rows] = False
        return self._twin.shown(), self._infos(rows, {})

    def step(
        self,
        actions: Any,  # noqa: ANN401 - whatever the space holds
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Take one step in every row; rows whose episode is over begin the next one, for no reward."""
        chosen = self._twin.chosen(actions)
        if len(chosen) != self.num_envs:
            raise InvalidValue(f"{len(chosen)} actions are given for {self.num_envs} rows")
        begun, living = np.flatnonzero(self._over), np.flatnonzero(~self._over)
        self._twin.start(begun)
        done = self._twin.step(living, chosen[living])
        rewards = np.zeros(self.num_envs)
        terminated, truncated = np.zeros((2, self.num_envs), dtype=np.bool_)
        rewards[living], terminated[living], truncated[living] = done.rewards, done.terminated, done.truncated
        self._over = terminated | truncated
        sources = np.full(self.num_envs, "", dtype=_NAMES.dtype)
        sources[living] = _NAMES[done.sources]
        return self._twin.shown(), rewards, terminated, truncated, self._infos(living, {"source": sources})

    def _seed(self, rows: NDArray[np.int64], seed: int | list[int | None] | None) -> None:
        seeds = [None] * self.num_envs if seed is None else seed
        given = [seeds + i for i in range(self.num_envs)] if isinstance(seeds, int) else list(seeds)
        if len(given) != self.num_envs:
            raise InvalidValue(f"{len(given)} seeds are given for {self.num_envs} rows")
        for row in rows.tolist():
            own = given[row]
            if own is not None or not self._seeded[row]:
                self._twin.seed(row, Key.of(int(self.np_random.integers(2**63)) if own is None else own))
                self._seeded[row] = True

    def _infos(self, rows: NDArray[np.int64], named: dict[str, NDArray[Any]]) -> dict[str, Any]:
        """The infos as arrays (n, ...), each with the mask `_NAME` of the rows that have it."""
        present = np.zeros(self.num_envs, dtype=np.bool_)
        present[rows] = True
        infos: dict[str, Any] = {}
        for name, values in named.items():
            infos |= {name: values, f"_{name}": present}
        possible = self._twin.possible()
        if possible is not None:
            infos |= {"action_mask": possible, "_action_mask": np.ones(self.num_envs, dtype=np.bool_)}
        return infos


def make_vec(simulator: Simulator, n: int) -> SimulatedVectorEnv:
    """`n` rows of `simulator` as a Gymnasium vector environment."""
    return SimulatedVectorEnv(simulator, n)


def make_sb3(simulator: Simulator, n: int) -> SimulatedVecEnv:
    """`n` rows of `simulator` as a vector environment of Stable-Baselines3, whose interface is not Gymnasium's.

    Raises `MissingExtra` where that library is not installed.
    """
    try:
        from worldtwin.environments.baselines import SimulatedVecEnv  # noqa: PLC0415 - brings PyTorch with it
    except ModuleNotFoundError as error:
        if error.name not in {"stable_baselines3", "torch"}:
            raise
        raise MissingExtra(
            f"worldtwin.make_sb3 needs the library {error.name}: pip install 'worldtwin[sb3]'"
        ) from error
    return SimulatedVecEnv(simulator, n)
