"""The loop with reality: better there, or plainly not."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
import pytest
from msgspec.structs import replace

from worldtwin.environments import evaluate
from worldtwin.errors import InvalidScript, InvalidTask, InvalidValue
from worldtwin.exact import Key
from worldtwin.improving import Ending, Finding, Progress, iterate, search
from worldtwin.improving.iterating.trying import Trials
from worldtwin.judging import readiness
from worldtwin.learning import fit
from worldtwin.simulation import Simulator, rollout
from worldtwin.tasks import Task
from worldtwin.traces import Run, Traces, events_of
from worldtwin.world import Angle, Category, Done, HorizonError, Integer, Space, Spec, digest, real

CART_POLE = Spec(
    name="cart-pole",
    state=Space(("position", "velocity", "angle", "spin"), (real(-4.8, 4.8), real(-8, 8), Angle(), real(-8, 8))),
    action=Space(("push",), (Category(("left", "right")),)),
    reward="1",
    ends="abs(next.position) > 2.4 or abs(next.angle) > 0.2095",
    horizon=500,
    returns=(0.0, 500.0),
)


class Corridor(gymnasium.Env[int, int]):
    """The corridor in reality: eight cells, the exit at the right end, each step costs 1."""

    observation_space = gymnasium.spaces.Discrete(8)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self) -> None:
        self._cell = self._time = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self._cell, self._time = int(self.np_random.integers(7)), 0
        return self._cell, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self._cell, self._time = max(0, self._cell + 2 * int(action) - 1), self._time + 1
        return self._cell, -1.0, self._cell == 7, self._time >= 20, {}


def every_transition(cells: int = 7) -> dict[str, list[Any]]:
    """Each move from each of the `cells` before the exit, thirty times."""
    pairs = [(cell, move) for cell in range(cells) for move in (0, 1)] * 30
    return {
        "episode": list(range(len(pairs))),
        "state.cell": [cell for cell, _ in pairs],
        "action.move": [("left", "right")[move] for _, move in pairs],
        "next.cell": [max(0, cell + 2 * move - 1) for cell, move in pairs],
    }


def test_a_task_gets_better_in_reality(corridor: Simulator) -> None:
    told: list[Progress] = []

    found = iterate(
        Task.table(corridor.spec), corridor.spec, reality=Corridor(), real_steps=1_500, key=1, progress=told.append
    )

    assert found.better
    assert found.before is not None
    assert found.after is not None
    assert found.before < -15
    assert found.after > -8
    assert 1 <= len(found.rounds) <= 3
    assert found.real_steps <= 1_500
    assert found.comparison.bits >= 7
    assert found.comparison.pairs >= 11
    assert "better in reality: higher return" in found.text
    fractions = [one.fraction for one in told]
    assert fractions == sorted(fractions)
    assert {one.phase for one in told} >= {"living in reality", "comparing in reality"}


def test_nothing_better_is_plainly_said(corridor: Simulator) -> None:
    cells = np.arange(7)[:, None]
    best = Task.table(corridor.spec, cells, np.ones_like(cells))

    found = iterate(best, corridor.spec, reality=Corridor(), real_steps=300, key=1)

    assert found.comparison.finding is Finding.NOT_BETTER
    assert found.task is best
    assert "not better in reality: the simulator knew nothing better" in found.text


def test_reality_is_recorded_where_asked(corridor: Simulator, tmp_path: Any) -> None:
    traces = Traces(tmp_path / "real.traces", corridor.spec)

    found = iterate(
        Task.table(corridor.spec), corridor.spec, reality=Corridor(), real_steps=200, traces=traces, key=1, rounds=1
    )

    assert len(traces) == found.real_steps


def test_an_iteration_without_steps_is_refused(corridor: Simulator) -> None:
    with pytest.raises(InvalidValue, match="leave nothing to learn from"):
        iterate(Task.table(corridor.spec), corridor.spec, reality=Corridor(), real_steps=0, key=1)


@pytest.fixture(scope="module")
def cart_pole(tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    """CartPole learned from 3,000 real steps of a poor controller with random pushes."""
    traces = Traces(tmp_path_factory.mktemp("cart") / "cart.traces", CART_POLE)
    lean = Task.script("def act(state):\n    return 'right' if state.angle > 0 else 'left'\n", CART_POLE)
    env = gymnasium.make("CartPole-v1")
    steps = episode = 0
    while steps < 3_000:
        lived = evaluate(lean, env, episodes=1, key=100 + episode, spec=CART_POLE, traces=traces, noise=0.3)
        steps, episode = steps + int(lived.steps[0]), episode + 1
    return fit(CART_POLE, traces, key=1)


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [(), (8,)])
def test_cart_pole_is_solved_in_the_simulator_alone(cart_pole: Simulator, hidden: tuple[int, ...]) -> None:
    found = search(Task.network(cart_pole, hidden=hidden, key=2), cart_pole, key=3)

    real_returns = evaluate(found.task, gymnasium.make("CartPole-v1"), episodes=20, key=4, spec=CART_POLE).returns

    assert found.decision.bits >= 20
    assert real_returns.mean() >= 475


@pytest.mark.slow
def test_a_search_in_a_learned_world_repeats_exactly(cart_pole: Simulator) -> None:
    task = Task.network(cart_pole, hidden=(8,), key=2)

    first, again = (search(task, cart_pole, evaluations=400, key=9) for _ in range(2))

    assert digest(first.task) == digest(again.task)
    assert first.decision == again.decision


@pytest.mark.slow
def test_cart_pole_is_better_in_reality_after_few_real_steps() -> None:
    task = Task.network(CART_POLE, hidden=(), key=1)

    found = iterate(task, CART_POLE, reality=gymnasium.make("CartPole-v1"), real_steps=3_000, key=2)

    assert found.real_steps <= 3_000
    assert found.comparison.finding is Finding.CANNOT_TELL, "seven bits take at least eleven pairs of 500 steps"
    assert found.after is not None
    assert found.after > 200


class Interrupted(Corridor):
    """Someone presses Ctrl-C at a certain step."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.left = step

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return super().step(action)


def test_ctrl_c_in_reality_keeps_the_best_so_far(corridor: Simulator) -> None:
    task = Task.table(corridor.spec)
    whole = iterate(task, corridor.spec, reality=Corridor(), real_steps=1_500, key=1)
    used = whole.real_steps - 2

    found = iterate(task, corridor.spec, reality=Interrupted(used), real_steps=1_500, key=1)

    assert found.stop is Ending.INTERRUPTED
    assert found.rounds == whole.rounds
    assert digest(found.task) == digest(whole.task) != digest(task)
    assert found.real_steps == used


def test_ctrl_c_before_the_comparison_leaves_it_open(corridor: Simulator) -> None:
    task = Task.table(corridor.spec)
    whole = iterate(task, corridor.spec, reality=Corridor(), real_steps=1_500, key=1)
    before, after = whole.comparison.before, whole.comparison.after
    assert before is not None
    assert after is not None
    learning = whole.real_steps + round(whole.comparison.pairs * (before + after))

    found = iterate(task, corridor.spec, reality=Interrupted(learning + 1), real_steps=1_500, key=1)

    assert found.comparison.finding is Finding.CANNOT_TELL
    assert "interrupted before the given and the best task were compared" in found.text
    assert found.rounds == whole.rounds != ()


@pytest.mark.parametrize("real_steps", [1, 7, 20, 45, 199, 400])
def test_the_budget_is_never_exceeded_and_every_step_is_recorded(
    real_steps: int, corridor: Simulator, tmp_path: Any
) -> None:
    traces = Traces(tmp_path / "real.traces", corridor.spec)
    env = Interrupted(step=-1)

    found = iterate(Task.table(corridor.spec), corridor.spec, reality=env, real_steps=real_steps, key=1, traces=traces)

    taken = -1 - env.left
    assert taken == found.real_steps == len(traces) <= real_steps


def test_an_episode_that_the_budget_cuts_has_no_return(corridor: Simulator, tmp_path: Any) -> None:
    trials = Trials(Corridor(), corridor.spec, Traces(tmp_path / "real.traces", corridor.spec), Key.of(1))
    left = Task.table(corridor.spec)

    assert trials.episode(left, most=7) is None
    assert trials.episode(left, most=500) == -20.0
    assert trials.steps == 27


class LongCorridor(Corridor):
    """Fifteen cells; episodes begin at the far end."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self._cell = 0
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        cell, paid, _, late, more = super().step(action)
        return cell, paid, cell == 14, late, more


def test_what_was_found_is_tried_even_where_few_steps_for_learning_are_left(corridor: Simulator, tmp_path: Any) -> None:
    spec = replace(corridor.spec, state=Space(("cell",), (Integer(low=0, high=14),)), ends="next.cell == 14")
    known = Traces(tmp_path / "long.traces", spec)
    known.append(every_transition(14))

    found = iterate(Task.table(spec), spec, reality=LongCorridor(), real_steps=40, traces=known, rounds=1, key=1)

    assert [(one.episodes, one.real) for one in found.rounds] == [(1, -14.0)]
    assert found.real_steps == 34
    assert evaluate(found.task, LongCorridor(), episodes=1, key=1, spec=spec).returns.tolist() == [-14.0]


def test_both_tasks_of_a_pair_live_on_the_same_seed(corridor: Simulator, tmp_path: Any) -> None:
    trials = Trials(Corridor(), corridor.spec, Traces(tmp_path / "real.traces", corridor.spec), Key.of(1))
    right = Task.table(corridor.spec, np.arange(7)[:, None], np.ones((7, 1), dtype=np.int64))

    pairs = [trials.pair(right, right) for _ in range(8)]

    assert all(first == second for first, second in pairs)
    assert len(set(pairs)) > 1


def test_few_real_steps_cannot_tell(corridor: Simulator) -> None:
    found = iterate(Task.table(corridor.spec), corridor.spec, reality=Corridor(), real_steps=450, key=1)

    assert found.comparison.finding is Finding.CANNOT_TELL
    assert not found.better
    assert 0 < found.comparison.pairs < 11
    assert f"not enough real episodes to tell ({found.comparison.pairs})" in found.text
    assert found.comparison.enough is not None
    assert found.comparison.enough > found.comparison.pairs


class AtTheExit(Corridor):
    """The corridor in reality, where every episode happens to begin beside the exit."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self._cell = 6
        return 6, {}


def test_where_few_episodes_are_even_the_simulator_decides(corridor: Simulator) -> None:
    late = "last = param(5, low=-1, high=6)\n\ndef act(state):\n    return 'right' if state.cell > last else 'left'\n"
    given = Task.script(late, corridor.spec)

    found = iterate(given, corridor.spec, reality=AtTheExit(), real_steps=140, key=1)

    assert found.comparison.finding is Finding.CANNOT_TELL
    assert found.comparison.pairs > 0
    assert found.comparison.before == found.comparison.after == -1.0
    assert (
        rollout(found.task, corridor, episodes=64, key=1).returns.mean()
        > rollout(given, corridor, episodes=64, key=1).returns.mean()
    )


@pytest.mark.parametrize(("known", "rounds"), [(0.9, 1), (1.0, 3)])
def test_a_done_simulator_needs_no_second_round(known: float, rounds: int, corridor: Simulator, tmp_path: Any) -> None:
    spec = replace(corridor.spec, done=Done(known=known))
    traces = Traces(tmp_path / "real.traces", spec)
    traces.append(every_transition())

    found = iterate(Task.table(spec), spec, reality=Corridor(), real_steps=1_500, key=1, traces=traces)

    assert len(found.rounds) == rounds
    assert (found.stop is Ending.DONE) == (known < 1)
    assert found.better


class Reef(gymnasium.Env[np.ndarray, np.ndarray]):
    """A boat on calm water that is paid for how far right it is; beyond 1.5 waves throw it about."""

    observation_space = gymnasium.spaces.Box(-8.0, 8.0, shape=(1,))
    action_space = gymnasium.spaces.Box(-1.0, 1.0, shape=(1,))

    def __init__(self) -> None:
        self._place, self._time = 0.0, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self._place, self._time = float(self.np_random.uniform(-0.2, 0.2)), 0
        return np.array([self._place], dtype=np.float32), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        wave = self.np_random.normal(0.0, 0.5) if self._place > 1.5 else 0.0
        self._place, self._time = float(np.clip(self._place + 0.2 * action[0] + wave, -8, 8)), self._time + 1
        return np.array([self._place], dtype=np.float32), self._place, False, self._time >= 30, {}


@pytest.mark.slow
def test_a_simulator_is_done_only_if_it_still_is_where_the_better_task_goes(tmp_path: Any) -> None:
    spec = Spec(
        name="reef",
        state=Space(("place",), (real(-8, 8),)),
        action=Space(("push",), (real(-1, 1),)),
        reward="next.place",
        horizon=30,
        returns=(-240.0, 240.0),
        done=Done(known=None, horizon_error=HorizonError(steps=10, below=0.05)),
    )
    drifting = Task.script("push = param(0.0, low=-1, high=1)\n\ndef act(state):\n    return push\n", spec)

    calm = Traces(tmp_path / "calm.traces", spec)
    evaluate(drifting, Reef(), episodes=30, key=4, spec=spec, traces=calm, noise=0.3)
    found = iterate(drifting, spec, reality=Reef(), real_steps=3_000, key=4)

    assert readiness(fit(spec, calm, key=4)).ready
    assert found.rounds[0].ahead
    assert not found.rounds[0].alarm
    assert found.simulator.report is not None
    assert found.simulator.report.horizon_error > 0.05
    assert found.stop is not Ending.DONE
    assert len(found.rounds) > 1


def test_what_was_recorded_before_is_used_and_not_lived_again(corridor: Simulator, tmp_path: Any) -> None:
    traces = Traces(tmp_path / "real.traces", corridor.spec)
    steps = 300
    task = Task.table(corridor.spec)

    first, second = (
        iterate(task, corridor.spec, reality=Corridor(), real_steps=steps, key=1, traces=traces, rounds=1)
        for _ in range(2)
    )

    known = traces.transitions().transitions
    seeds = known.states[known.steps == 0, 0]
    assert len(known) == first.real_steps + second.real_steps
    assert list(seeds[:10]) != list(seeds[len(seeds) // 2 :][:10])
    assert second.simulator.observed is not None
    assert second.rounds[0].real_steps > first.rounds[0].real_steps, "nothing more is recorded by chance before it"


OTHER_PROCESS = """
import sys
from pathlib import Path
from worldtwin import Traces
with Traces(Path(sys.argv[1])) as traces:
    traces.append({"state.cell": [6], "action.move": ["right"], "next.cell": [3]})
"""


def test_rows_that_another_process_adds_meanwhile_are_learned(corridor: Simulator, tmp_path: Any) -> None:
    path = tmp_path / "real.traces"
    traces = Traces(path, corridor.spec)
    added: list[str] = []

    def add(now: Progress) -> None:
        if now.phase == "round 1 of 3" and not added:
            added.append(now.phase)
            subprocess.run([sys.executable, "-c", OTHER_PROCESS, str(path)], check=True)

    task = Task.network(corridor.spec, hidden=(), key=1)
    found = iterate(task, corridor.spec, reality=Corridor(), real_steps=400, key=1, traces=traces, progress=add)

    assert added
    assert len(traces) == found.real_steps + 1
    outcomes = {point.next["cell"] for point in found.simulator.predict({"cell": 6}, "right").alternatives}
    assert 3 in outcomes


RIGHT = "def act(state):\n    return 'right'\n"
LEFT = "def act(state):\n    return 'left'\n"


def test_a_proposal_is_tried_beside_the_task(corridor: Simulator, tmp_path: Any) -> None:
    file = tmp_path / "task.py"
    file.write_text(RIGHT)
    start = Task.script(LEFT, corridor.spec)

    found = iterate(start, corridor.spec, reality=Corridor(), real_steps=1_500, key=1, propose=[file])

    assert found.better
    assert digest(found.task) == digest(Task.script(RIGHT, corridor.spec))
    assert found.rounds[0].proposed == str(file)
    assert f"from {file}" in found.text


def test_a_proposal_is_read_again_each_round(corridor: Simulator, tmp_path: Any) -> None:
    """It begins as a task that is no better; a human corrects it, with a slip on the way, between the rounds."""
    file, told = tmp_path / "task.py", list[str]()
    file.write_text(LEFT)

    class Edited(Corridor):
        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
            told.append("reset")
            if len(told) == 15:
                file.write_text("def act(state):\n    return 'rihgt'\n")
            if len(told) == 16:
                file.write_text(RIGHT)
            return super().reset(seed=seed, options=options)

    spec = replace(corridor.spec, done=Done(known=1.0))
    start = Task.script(LEFT, spec)
    found = iterate(start, spec, reality=Edited(), real_steps=2_400, key=1, propose=[file], rounds=6)

    assert not found.rounds[0].found
    assert any("rihgt" in reason for one in found.rounds for reason in one.refused)
    assert found.better


def test_a_proposal_that_cannot_be_used_is_refused_before_reality(corridor: Simulator, tmp_path: Any) -> None:
    file = tmp_path / "task.py"
    file.write_text("def act(state):\n    return state.sell\n")
    env = Interrupted(step=1)

    with pytest.raises(InvalidScript, match=r"task.py:2"):
        iterate(Task.table(corridor.spec), corridor.spec, reality=env, real_steps=100, key=1, propose=[file])


def test_a_task_without_parameters_and_proposals_is_refused_before_reality(corridor: Simulator) -> None:
    with pytest.raises(InvalidTask, match="propose others"):
        iterate(Task.script(LEFT, corridor.spec), corridor.spec, reality=Interrupted(1), real_steps=100, key=1)


def test_a_run_tells_of_every_round_and_keeps_what_was_recorded(corridor: Simulator, tmp_path: Any) -> None:
    with Run(tmp_path / "run", corridor.spec, kind="improvement") as run:
        found = iterate(Task.table(corridor.spec), corridor.spec, reality=Corridor(), real_steps=1_500, key=1, run=run)
        assert len(run.traces) == found.real_steps

    events = events_of(tmp_path / "run")
    assert [event["event"] for event in events] == [*["round"] * len(found.rounds), "iteration"]
    assert events[0]["gap"] == found.rounds[0].gap
    assert events[-1]["finding"] == "better"
    assert events[-1]["real_steps"] == found.real_steps
