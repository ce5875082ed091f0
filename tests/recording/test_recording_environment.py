"""`RecordEnv`: what runs in the environment runs unchanged, and every step is recorded as it was."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

from worldtwin.environments import observe
from worldtwin.errors import InvalidSpec, InvalidValue, TracesError
from worldtwin.recording import RecordEnv
from worldtwin.traces import Traces
from worldtwin.world import Angle, Category, Integer, Set, Space, Spec, decode, real


def play(env: gymnasium.Env, steps: int, seed: int = 0) -> list[tuple]:
    """Random steps: (before, action, after, reward, terminated)."""
    env.action_space.seed(seed)
    rows, (before, _) = [], env.reset(seed=seed)
    for _ in range(steps):
        action = env.action_space.sample()
        after, reward, terminated, truncated, _ = env.step(action)
        rows.append((before, action, after, float(reward), terminated))
        before = env.reset()[0] if terminated or truncated else after
    return rows


def test_the_environment_behaves_as_before(tmp_path: Path) -> None:
    bare = play(gymnasium.make("CartPole-v1"), 100)
    watched = play(RecordEnv(gymnasium.make("CartPole-v1"), tmp_path / "a.traces"), 100)
    for row, other in zip(bare, watched, strict=True):
        assert all(np.array_equal(one, two) for one, two in zip(row, other, strict=True))


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_gymnasium_accepts_it_as_an_environment(tmp_path: Path) -> None:
    check_env(RecordEnv(gymnasium.make("CartPole-v1").unwrapped, tmp_path / "a.traces"), skip_render_check=True)


def test_every_step_is_recorded_and_the_last_one_with_where_it_ended(tmp_path: Path, cart_pole: Spec) -> None:
    traces = Traces(tmp_path / "a.traces", cart_pole)
    lived = play(RecordEnv(gymnasium.make("CartPole-v1"), traces), 200)
    recorded = traces.transitions()
    found = recorded.transitions
    assert recorded.excluded == {}
    assert len(found) == 200
    assert sum(row[4] for row in lived) > 3
    for index, (before, action, after, reward, terminated) in enumerate(lived):
        assert found.states[index].tolist() == list(
            cart_pole.state.encode(dict(zip(cart_pole.state.names, before.tolist(), strict=True)))
        )
        assert found.nexts[index].tolist() == list(
            cart_pole.state.encode(dict(zip(cart_pole.state.names, after.tolist(), strict=True)))
        )
        assert found.actions[index].tolist() == [action]
        assert found.outputs[index].tolist() == list(
            cart_pole.outputs.encode({"reward": reward, "terminated": int(terminated)})
        )
    ends = np.flatnonzero(np.diff(found.episodes))
    assert [lived[index][4] for index in ends] == [True] * len(ends)


def test_a_cosine_and_a_sine_become_one_angle(tmp_path: Path, pendulum: Spec) -> None:
    traces = Traces(tmp_path / "a.traces", pendulum)
    lived = play(RecordEnv(gymnasium.make("Pendulum-v1"), traces), 50)
    found = traces.transitions().transitions
    angles = [decode(Angle(), value) for value in found.states[:, 0].tolist()]
    assert angles == pytest.approx([float(np.arctan2(row[0][1], row[0][0])) for row in lived], abs=1e-6)


def test_steps_without_a_spec_are_bound_to_one_later(tmp_path: Path, pendulum: Spec, cart_pole: Spec) -> None:
    for name, spec in (("Pendulum-v1", pendulum), ("CartPole-v1", cart_pole)):
        raw, known = Traces(tmp_path / f"{name}-raw.traces"), Traces(tmp_path / f"{name}.traces", spec)
        for traces in (raw, known):
            play(RecordEnv(gymnasium.make(name), traces), 60)
        assert next(column for column in raw.names if column.startswith("state.")) == "state.x0"
        first, second = raw.transitions(spec).transitions, known.transitions().transitions
        for part in ("states", "actions", "nexts", "outputs", "episodes", "steps"):
            assert np.array_equal(getattr(first, part), getattr(second, part)), (name, part)


def test_an_environment_that_resets_itself_gives_no_false_transition(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "a.traces")
    env = gymnasium.wrappers.Autoreset(gymnasium.make("CartPole-v1"))
    recorded = RecordEnv(env, traces)
    recorded.reset(seed=0)
    ends = sum(recorded.step(1)[2] for _ in range(60))
    rows = traces.rows().to_pylist()
    assert ends >= 4
    assert len(rows) == 60 - ends
    for before, after in pairwise(rows):
        if before["episode"] == after["episode"]:
            assert before["next.x2"] == after["state.x2"]
        else:
            assert before["outputs.terminated"] == 1
            assert after["step"] == 0


def test_steps_after_the_last_reset_are_kept(tmp_path: Path) -> None:
    env = RecordEnv(gymnasium.make("CartPole-v1"), tmp_path / "a.traces")
    env.reset(seed=0)
    for _ in range(3):
        env.step(0)
    env.close()
    assert len(Traces(tmp_path / "a.traces")) == 3


def test_durable_steps_are_there_for_others_at_once(tmp_path: Path) -> None:
    env = RecordEnv(gymnasium.make("CartPole-v1"), tmp_path / "a.traces", durable=True)
    env.reset(seed=0)
    env.step(0)
    assert len(Traces(tmp_path / "a.traces")) == 1


class Rover(gymnasium.Env):
    """All kinds of spaces."""

    observation_space = spaces.Dict(
        {
            "place": spaces.Box(-1, 1, (2,), np.float64),
            "gear": spaces.Discrete(3),
            "doors": spaces.Discrete(4),
            "wheels": spaces.MultiBinary(2),
            "sides": spaces.MultiBinary(2),
            "level": spaces.Box(0, 9, (1,), np.int64),
            "battery low": spaces.Box(-np.inf, np.inf, (), np.float64),
        }
    )
    action_space = spaces.Tuple((spaces.Discrete(2), spaces.Box(-1, 1, (1,), np.float32)))

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[Any, dict]:  # noqa: ARG002
        super().reset(seed=seed)
        return self._seen(0.0), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict]:  # noqa: ARG002
        return self._seen(float("nan")), 0.0, False, False, {"noise": 3.0}

    def _seen(self, battery: float) -> dict:
        return {
            "place": np.array([0.0, 1.0]),
            "gear": 2,
            "doors": 3,
            "wheels": np.array([1, 0]),
            "sides": np.array([0, 1]),
            "level": np.array([4]),
            "battery low": np.array(battery),
        }


ROVER = Spec(
    name="rover",
    state=Space(
        names=("place", "gear", "doors", "sides", "wheels_0", "level", "battery_low"),
        fields=(
            Angle(unit="deg", sources=("cos", "sin")),
            Category(("park", "slow", "fast")),
            Set(("n", "s")),
            Set(("l", "r")),
            Integer(low=0, high=1),
            Integer(low=0, high=9),
            real(-1, 1),
        ),
    ),
    action=Space(names=("action0", "action1"), fields=(Category(("off", "on")), real(-1, 1))),
    outputs=Space(names=("noise",), fields=(real(0, 9),)),
)


def test_dictionaries_go_by_name_and_everything_has_a_column(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "a.traces", ROVER)
    env = RecordEnv(Rover(), traces)
    env.reset()
    for number in range(2):
        env.step((1, np.array([0.5 * number], dtype=np.float32)))
    first, second = traces.rows().to_pylist()
    wanted = [90.0, "fast", ["n", "s"], ["r"], 1, 4, 0.0]
    assert [first[f"state.{name}"] for name in ROVER.state.names] == wanted
    assert (first["action.action0"], first["action.action1"], first["outputs.noise"]) == ("on", 0.0, 3.0)
    assert first["marked"] == "reading next.battery_low is not a number"
    assert second["action.action1"] == 0.5
    assert traces.transitions().excluded == {
        "next.battery_low is not a number": 1,
        "state.battery_low is not a number": 1,
    }


def test_fields_that_do_not_fit_the_environment_are_one_sentence(tmp_path: Path, pendulum: Spec) -> None:
    with pytest.raises(
        InvalidSpec, match=r"state: the environment has 4 numbers \(x0, x1, x2, x3\), the spec's fields take 3"
    ):
        RecordEnv(gymnasium.make("CartPole-v1"), Traces(tmp_path / "a.traces", pendulum))


def test_a_space_of_any_length_is_refused(tmp_path: Path) -> None:
    env = Rover()
    env.observation_space = spaces.Sequence(spaces.Discrete(3))
    with pytest.raises(InvalidSpec, match="Sequence space has no fixed number of values"):
        RecordEnv(env, tmp_path / "a.traces")


def test_what_is_no_environment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="str is no Gymnasium environment"):
        RecordEnv("CartPole-v1", tmp_path / "a.traces")  # pyright: ignore[reportCallIssue, reportArgumentType]


def test_a_full_disk_is_said_when_the_environment_is_closed(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "a.traces")
    traces.limit_bytes(100_000)
    env = RecordEnv(gymnasium.make("Acrobot-v1"), traces)
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(3000):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
    with pytest.raises(TracesError, match="the disk is full"):
        env.close()


def test_raw_steps_of_every_kind_of_space_mean_the_same_when_they_are_bound_later(tmp_path: Path) -> None:
    raw, known = Traces(tmp_path / "raw.traces"), Traces(tmp_path / "known.traces", ROVER)
    for traces in (raw, known):
        env = RecordEnv(Battery(Rover()), traces)
        env.reset()
        env.step((1, np.array([0.5], dtype=np.float32)))
        env.step((0, np.array([0.0], dtype=np.float32)))
    spec = Spec(name="rover", state=ROVER.state, action=ROVER.action)
    first, second = raw.transitions(spec).transitions, known.transitions().transitions
    assert len(first) == 2
    assert np.array_equal(first.states, second.states)
    assert np.array_equal(first.actions, second.actions)


class Battery(gymnasium.ObservationWrapper):
    """A rover whose battery can be read."""

    def observation(self, observation: dict) -> dict:
        return {**observation, "battery low": np.array(0.5)}


@pytest.mark.parametrize("name", ["CartPole-v1", "Pendulum-v1"])
def test_what_is_recorded_is_what_a_task_sees(tmp_path: Path, name: str, cart_pole: Spec, pendulum: Spec) -> None:
    spec = cart_pole if name == "CartPole-v1" else pendulum
    traces = Traces(tmp_path / "a.traces", spec)
    lived = play(RecordEnv(gymnasium.make(name), traces), 30)
    seen = [observe(spec.state, row[0]) for row in lived]
    assert np.abs(traces.transitions().transitions.states - seen).max() <= 1
