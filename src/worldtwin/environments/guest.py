"""`Guest`: a policy of another library as an actor, through the observations and actions that it knows."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, cast, final, runtime_checkable

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldtwin.environments.plain import from_plain, plain_space, to_plain
from worldtwin.environments.reading import readings, sense
from worldtwin.environments.writing import show, space_of, to_gymnasium
from worldtwin.errors import InvalidTask, InvalidValue
from worldtwin.world import Lattice, Spec

Mask: TypeAlias = NDArray[np.bool_]
Numbers: TypeAlias = NDArray[np.float64]
Ask: TypeAlias = Callable[[Lattice, Mask | None], Lattice]
"""From state rows (n, fields) and the possible actions (n, choices) to actions (n, a)."""


@runtime_checkable
class Predictor(Protocol):
    """Anything with `predict(observation)`, which returns an action."""

    def predict(self, observation: Any, /) -> Any:  # noqa: ANN401 - of any library
        """The action for one observation."""
        ...


@runtime_checkable
class Model(Protocol):
    """A model of Stable-Baselines3, or of a library that follows it: it takes many observations at once."""

    observation_space: gymnasium.Space[Any]
    action_space: gymnasium.Space[Any]

    def predict(self, observation: Any, *, deterministic: bool = False) -> tuple[Any, Any]:  # noqa: ANN401 - the same
        """The actions for a batch of observations, and what it remembers."""
        ...


Policy: TypeAlias = Model | Predictor | Callable[[Any], Any]
"""A model of Stable-Baselines3, or a function from an observation of `make_env` to an action, or its `predict`."""


@final
class Guest:
    """`policy` acting in the world `spec`, on this machine only; it remembers nothing.

    A number out of range counts as the nearest value in it. Where the policy chooses what is not possible, the first
    possible value is taken, as in a table task.
    """

    memory_width = 0

    def __init__(self, policy: Policy, spec: Spec) -> None:
        self._spec = spec
        self._ask = _asking(policy, spec)

    def start_memory(self, n: int) -> Numbers:
        """Nothing is remembered (n, 0)."""
        return np.zeros((n, 0))

    def act_rows(self, states: Lattice, memory: Numbers, possible: Mask | None) -> tuple[Lattice, Numbers]:
        """The actions (n, a) in `states` (n, width). Raises `InvalidTask` where the policy does not fit the world."""
        try:
            actions = self._ask(states[:, : len(self._spec.state)], possible)
        except InvalidValue as error:
            raise InvalidTask(f"the policy does not fit {self._spec.name}: {error}") from error
        if possible is not None:
            allowed = possible[np.arange(len(actions)), actions[:, 0]]
            actions = np.where(allowed[:, None], actions, possible.argmax(axis=1)[:, None])
        return actions, memory


def _asking(policy: Policy, spec: Spec) -> Ask:
    match policy:
        case Model():
            return _asking_model(policy, spec)
        case Predictor():
            return _asking_one_by_one(policy.predict, spec)
        case _ if callable(policy):
            return _asking_one_by_one(policy, spec)
        case _:
            raise InvalidTask(
                f"{policy!r:.60} is no policy: give a Stable-Baselines3 model, a function from an observation to an "
                "action, or an object with `predict(observation)`"
            )


def _asking_one_by_one(decide: Callable[[Any], Any], spec: Spec) -> Ask:
    """Ask a function for one action after the other, each for what `make_env` would show."""
    seen = space_of(spec.state)

    def ask(states: Lattice, possible: Mask | None) -> Lattice:  # noqa: ARG001 - a function is not told
        return _lattice(spec, [decide(shown) for shown in show(spec.state, states, seen)], None)

    return ask


def _asking_model(model: Model, spec: Spec) -> Ask:
    """Ask a model for all actions at once, in the spaces that it was trained in."""
    seen, taken = space_of(spec.state), space_of(spec.action)
    takes = inspect.signature(model.predict).parameters
    normalised = getattr(model, "get_vec_normalize_env", lambda: None)()  # others' models may have no such thing

    def ask(states: Lattice, possible: Mask | None) -> Lattice:
        observations = _observations(spec, states, seen, model.observation_space)
        if normalised is not None:
            observations = normalised.normalize_obs(observations)
        masks = {"action_masks": possible} if possible is not None and "action_masks" in takes else {}
        actions, memory = model.predict(observations, deterministic=True, **masks)
        if memory is not None:
            raise InvalidTask("the policy remembers what it saw: only policies without memory can act here")
        if model.action_space != plain_space(taken):
            return _lattice(spec, actions, model.action_space)
        own = from_plain(actions, taken)
        return _lattice(spec, own, taken) if isinstance(taken, spaces.Box) else own.reshape(len(own), -1)

    return ask


def _observations(spec: Spec, states: Lattice, seen: gymnasium.Space[Any], wanted: gymnasium.Space[Any]) -> Any:  # noqa: ANN401 - whatever it holds
    """Lattice rows (n, fields) as a batch of elements of `wanted`: of `make_sb3`, or of a real environment."""
    if wanted == plain_space(seen):
        return to_plain(show(spec.state, states, seen), seen)
    each = [to_gymnasium(spec.state, row, wanted) for row in states]
    if isinstance(wanted, spaces.Dict):
        return {name: np.stack([element[name] for element in each]) for name in wanted.spaces}
    return np.stack(each)


def _lattice(spec: Spec, actions: Any, taken: gymnasium.Space[Any] | None) -> Lattice:  # noqa: ANN401 - of any library
    """Lattice rows (n, a) of `actions`, elements of the space `taken`; of none, choices may be names too."""
    rows = [sense(spec.action, readings(spec.action, action, taken))[0] for action in actions]
    return np.concatenate(cast("list[Lattice]", [*rows, np.zeros((0, len(spec.action)), dtype=np.int64)]))
