"""Vector environments: what is recorded is what each environment lives through alone, however it is reset."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv

import worldtwin as wt
from worldtwin.errors import InvalidSpec, InvalidValue
from worldtwin.recording import RecordEnv, RecordVectorEnv
from worldtwin.traces import Traces
from worldtwin.world import Category, Integer, Space, Spec, real

SEEDS = [11, 12, 13]
STEPS = 25


class Walk(gymnasium.Env):
    """A drunken walk from a drawn place: over at 6 (terminated) or after 7 steps (truncated)."""

    observation_space = spaces.Dict(
        {"place": spaces.Box(-20, 20, (1,), np.float64), "side": spaces.Discrete(2), "run": spaces.Discrete(1000)}
    )
    action_space = spaces.Discrete(2)

    def __init__(self) -> None:
        self.place, self.steps, self.run = 0.0, 0, -1

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:  # noqa: ARG002
        super().reset(seed=seed)
        self.place, self.steps, self.run = float(self.np_random.integers(0, 5)), 0, self.run + 1
        return self._seen(), {"effort": -1.0}

    def step(self, action: int) -> tuple[dict, float, bool, bool, dict]:
        self.place += float(2 * action - 1) + float(self.np_random.random() < 0.3)
        self.steps += 1
        info = {"effort": self.place / 2, "late": self.steps} if self.steps > 2 else {"effort": self.place / 2}
        return self._seen(), -abs(self.place), self.place >= 6, self.steps >= 7, info

    def _seen(self) -> dict:
        return {"place": np.array([self.place]), "side": int(self.place > 2), "run": self.run}


WALK = Spec(
    name="walk",
    state=Space(
        names=("place", "side", "run"), fields=(real(-20, 20), Category(("left", "right")), Integer(low=0, high=999))
    ),
    action=Space(names=("move",), fields=(Category(("back", "on")),)),
    outputs=Space(
        names=("reward", "terminated", "truncated", "effort", "late"),
        fields=(real(-20, 0), Integer(low=0, high=1), Integer(low=0, high=1), real(-20, 20), Integer(low=0, high=9)),
    ),
)


def actions_of(step: int) -> np.ndarray:
    """What each environment is told at `step`."""
    return np.random.default_rng(step).integers(0, 2, len(SEEDS))


def drive(env: VectorEnv) -> list[set[int]]:
    """Live `STEPS` steps as the way of resetting wants it; the steps that each environment did not take."""
    env.reset(seed=SEEDS)
    skipped: list[set[int]] = [set() for _ in SEEDS]
    over = np.zeros(len(SEEDS), dtype=np.bool_)
    for step in range(STEPS):
        if env.metadata["autoreset_mode"] is AutoresetMode.DISABLED and over.any():
            env.reset(options={"reset_mask": over.copy()})
        if env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP:
            for lane in np.flatnonzero(over).tolist():
                skipped[lane].add(step)
        _, _, terminated, truncated, _ = env.step(actions_of(step))
        over = terminated | truncated
    return skipped


def lived_alone(make: Callable[[], gymnasium.Env], lane: int, skipped: set[int], traces: Traces) -> None:
    """The same environment alone, told the same, and reset where it is over."""
    env = RecordEnv(make(), traces)
    env.reset(seed=SEEDS[lane])
    over = False
    for step in range(STEPS):
        if over:
            env.reset()
        over = False
        if step not in skipped:
            _, _, terminated, truncated, _ = env.step(actions_of(step)[lane])
            over = terminated or truncated
    env.close()


def episodes_of(traces: Traces) -> list[list[tuple]]:
    """Each recorded episode as rows of all columns, in an order that does not depend on its number."""
    table = traces.rows().drop_columns(["writer"])
    found: dict[int, list[tuple]] = {}
    names = sorted(set(table.column_names) - {"episode"})
    for row in table.to_pylist():
        found.setdefault(row["episode"], []).append(tuple(row[name] for name in names))
    place = names.index("step")
    return sorted((sorted(rows, key=lambda row: row[place]) for rows in found.values()), key=str)


MAKERS = {"walk": Walk, "cart-pole": partial(gymnasium.make, "CartPole-v1", max_episode_steps=12)}


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("world", MAKERS)
@pytest.mark.parametrize("spec", [None, WALK])
def test_what_is_recorded_is_what_each_environment_lives_through_alone(
    tmp_path: Path, mode: AutoresetMode, world: str, spec: Spec | None
) -> None:
    own = spec if world == "walk" else None
    traces, alone = Traces(tmp_path / "vector.traces", own), Traces(tmp_path / "alone.traces", own)
    env = wt.RecordEnv(SyncVectorEnv([MAKERS[world]] * len(SEEDS), autoreset_mode=mode), traces)
    skipped = drive(env)
    env.close()
    for lane in range(len(SEEDS)):
        lived_alone(MAKERS[world], lane, skipped[lane], alone)
    assert episodes_of(traces) == episodes_of(alone)
    assert len(episodes_of(traces)) > 2 * len(SEEDS)
    assert len(traces) == STEPS * len(SEEDS) - sum(map(len, skipped))


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_no_transition_crosses_a_reset(tmp_path: Path, mode: AutoresetMode) -> None:
    traces = Traces(tmp_path / "a.traces", WALK)
    env = RecordEnv(SyncVectorEnv([Walk] * len(SEEDS), autoreset_mode=mode), traces)
    drive(env)
    found = traces.transitions()
    run = found.transitions.states[:, 2]
    assert (run == found.transitions.nexts[:, 2]).all()
    outputs = found.transitions.outputs
    assert outputs[:, 1].any()
    assert outputs[:, 2].any()
    assert set(found.excluded) <= {"outputs.late is missing"}
    env.close()


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_environments_in_other_processes_are_recorded_alike(tmp_path: Path, mode: AutoresetMode) -> None:
    found = []
    for kind in (SyncVectorEnv, AsyncVectorEnv):
        traces = Traces(tmp_path / f"{kind.__name__}.traces", WALK)
        env = RecordEnv(kind([Walk] * len(SEEDS), autoreset_mode=mode), traces)
        drive(env)
        env.close()
        found.append(episodes_of(traces))
    assert found[0] == found[1]


def test_it_stays_a_vector_environment_and_behaves_as_before(tmp_path: Path) -> None:
    bare = gymnasium.make_vec("CartPole-v1", 3, vectorization_mode="sync")
    watched = RecordEnv(gymnasium.make_vec("CartPole-v1", 3, vectorization_mode="sync"), tmp_path / "a.traces")
    assert isinstance(watched, VectorEnv)
    assert isinstance(watched, RecordVectorEnv)
    assert watched.num_envs == 3
    assert watched.single_action_space == bare.single_action_space
    rows = [[env.reset(seed=3)[0], *(env.step(actions_of(step))[:4] for step in range(30))] for env in (bare, watched)]
    for one, other in zip(*rows, strict=True):
        assert all(np.array_equal(*pair) for pair in zip(one, other, strict=True))
    bare.close()
    watched.close()
    assert watched.closed


def test_durable_steps_are_there_for_others_at_once(tmp_path: Path) -> None:
    env = RecordEnv(SyncVectorEnv([Walk] * 3), tmp_path / "a.traces", durable=True)
    env.reset(seed=SEEDS)
    env.step(actions_of(0))
    assert len(Traces(tmp_path / "a.traces")) == 3
    env.close()


class Faster(VectorEnv):
    """Environments that were written as one: they reset at once and, unless they are honest, do not show the end."""

    def __init__(self, metadata: dict[str, Any], *, honest: bool = False) -> None:
        self.num_envs, self.metadata, self.honest = 2, metadata, honest
        self.single_observation_space = spaces.Box(0, 9, (1,), np.float64)
        self.observation_space = spaces.Box(0, 9, (2, 1), np.float64)
        self.single_action_space, self.action_space = spaces.Discrete(2), spaces.MultiDiscrete([2, 2])

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:  # noqa: ARG002
        self.places = np.zeros((2, 1))
        return self.places, {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict]:  # noqa: ARG002
        self.places += 1
        ended = self.places[:, 0] >= 3
        infos = {"final_obs": self.places.copy()} if self.honest else {}
        self.places[ended] = 0
        return self.places, np.ones(2), ended, np.zeros(2, dtype=np.bool_), infos


FASTER = Spec(
    name="faster",
    state=Space(names=("place",), fields=(Integer(low=0, high=9),)),
    action=Space(names=("move",), fields=(Category(("back", "on")),)),
)


@pytest.mark.parametrize("honest", [True, False])
def test_an_end_that_is_not_shown_is_counted_and_not_made_up(tmp_path: Path, honest: bool) -> None:  # noqa: FBT001
    traces = Traces(tmp_path / "a.traces", FASTER)
    env = RecordEnv(Faster({"autoreset_mode": AutoresetMode.SAME_STEP}, honest=honest), traces)
    env.reset()
    for step in range(6):
        env.step(actions_of(step)[:2])
    found = traces.transitions()
    steps = list(zip(found.transitions.states[:, 0].tolist(), found.transitions.nexts[:, 0].tolist(), strict=True))
    assert sorted(set(steps)) == ([(0, 1), (1, 2), (2, 3)] if honest else [(0, 1), (1, 2)])
    assert found.excluded == ({} if honest else {"the environment does not show where the episode ended": 4})
    env.close()


@pytest.mark.parametrize("metadata", [{}, {"autoreset_mode": "SameStep"}])
def test_environments_that_do_not_say_how_they_reset_are_refused(tmp_path: Path, metadata: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match="Faster does not say how it resets itself: set its metadata"):
        RecordEnv(Faster(metadata), tmp_path / "a.traces")


def test_fields_that_do_not_fit_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match="nothing is there for place, side, run"):
        RecordEnv(Faster({"autoreset_mode": AutoresetMode.SAME_STEP}), Traces(tmp_path / "a.traces", WALK))


def test_what_is_no_action_is_said_by_the_environment(tmp_path: Path) -> None:
    env = RecordEnv(SyncVectorEnv([Walk] * 3), tmp_path / "a.traces")
    env.reset(seed=SEEDS)
    with pytest.raises((TypeError, ValueError)):
        env.step(None)
    env.close()
    assert len(Traces(tmp_path / "a.traces")) == 0
