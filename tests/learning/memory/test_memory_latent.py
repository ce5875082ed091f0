"""`latent: auto`: a fit of a world that hides something has hidden states, and nobody outside is shown them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from aliased_maze import Maze
from msgspec import structs

import worldtwin as wt
from worldtwin.errors import InvalidFile, InvalidSpec
from worldtwin.exact import Key
from worldtwin.simulation import Simulator, Source, Table
from worldtwin.world import StartValues, Transitions, canonical

MAZE = Maze(6, 1)


@pytest.fixture(scope="module")
def recorded() -> tuple[Transitions, np.ndarray]:
    return MAZE.wandered(30_000, 1)


@pytest.fixture(scope="module")
def simulator(recorded: tuple[Transitions, np.ndarray]) -> Simulator:
    return wt.fit(MAZE.spec(), recorded[0], key=1)


def moves_of(simulator: Simulator, rows: Transitions) -> list[str]:
    field = simulator.spec.action.fields[0]
    return [field.values[move] for move in rows.actions[:, 0].tolist()]


def test_a_maze_of_36_cells_that_look_alike_is_learned_exactly(
    simulator: Simulator, recorded: tuple[Transitions, np.ndarray]
) -> None:
    rows, path = recorded
    cells = {tuple(pair) for pair in np.c_[path[:, 0], rows.actions].tolist()}

    assert len({MAZE.look(cell) for cell in range(36)}) == 13
    assert simulator.spec.hidden == 36
    assert len(simulator.observed) == len(cells)
    assert simulator.observed.edges.deterministic


def test_what_was_found_is_said_in_the_report(simulator: Simulator) -> None:
    memory = simulator.report.memory

    assert memory.text == (
        "a machine of 36 hidden states explains maze (held-out loss 1.03 → 0.0014 nats): "
        "the machine's memory explains all"
    )
    assert memory.rejected == 0
    assert [field.name for field in simulator.report.fields] == ["exits", "there"]
    assert simulator.report.held_out == 4_500


def test_a_simulation_does_what_was_recorded(simulator: Simulator, recorded: tuple[Transitions, np.ndarray]) -> None:
    rows = recorded[0].select(slice(300))
    session = wt.Session(simulator, key=1, start={"exits": simulator.spec.state.decode((MAZE.look(0),)).exits})

    shown = [session.step(move).next.lattice for move in moves_of(simulator, rows)]

    at_the_goal = np.flatnonzero(rows.outputs[:, 0])
    assert not len(at_the_goal)
    assert shown == [tuple(row) for row in rows.nexts.tolist()]


def test_nobody_is_shown_the_hidden_state(simulator: Simulator) -> None:
    session = wt.Session(simulator, key=2)
    environment = wt.make_env(simulator)
    observation, _ = environment.reset(seed=1)
    episodes = wt.rollout(wt.Task.table(simulator.spec), simulator, episodes=3, key=1)

    assert session.state.space == MAZE.spec().state
    assert session.step(session.possible[0]).next.space == MAZE.spec().state
    assert environment.observation_space == wt.make_env(Simulator(MAZE.spec())).observation_space
    assert environment.observation_space.contains(observation)
    assert wt.Task.network(simulator, key=1).state == MAZE.spec().state
    assert episodes.transitions().states.shape[1] == episodes.transitions().nexts.shape[1] == 1
    assert wt.Task.table(simulator.spec).digest == wt.Task.table(MAZE.spec()).digest


def test_a_session_lives_through_the_episodes_of_a_rollout(simulator: Simulator) -> None:
    task = wt.Task.table(simulator.spec)
    episodes = wt.rollout(task, simulator, episodes=2, key=7)
    session = wt.Session(simulator, key=7)

    for number in range(2):
        steps = session.forward(60, task)
        mine = episodes.episode == number
        assert [step.next.lattice for step in steps] == [tuple(row) for row in episodes.nexts[mine].tolist()]
        session.reset()


def test_rows_of_a_vector_environment_have_hidden_states_of_their_own(simulator: Simulator) -> None:
    vector = wt.make_vec(simulator, 3)
    shown, infos = vector.reset(seed=5)
    alone = wt.make_env(simulator)
    first, _ = alone.reset(seed=6)
    assert np.array_equal(shown[1], first)

    for _ in range(10):
        moves = infos["action_mask"].argmax(axis=1)
        shown, *_, infos = vector.step(moves)
        assert np.array_equal(shown[1], alone.step(moves[1])[0])


def test_a_file_gives_the_simulator_back(simulator: Simulator, tmp_path: Path) -> None:
    wt.save(simulator, tmp_path / "maze.wts")

    again = wt.load_simulator(tmp_path / "maze.wts")

    assert again.digest == simulator.digest
    assert canonical(again) == canonical(simulator)
    assert np.array_equal(again.start_states(3, n=9), simulator.start_states(3, n=9))


def test_a_world_that_hides_nothing_stays_what_it_is(chances: Callable) -> None:
    spec, rows, _ = chances(10, 10, 5_000, 1)

    plain, auto = (wt.fit(structs.replace(spec, latent=latent), rows, key=1) for latent in ("none", "auto"))

    assert auto.spec.hidden == 0
    assert auto.report.memory.text == "no past step still matters"
    assert structs.replace(auto, spec=plain.spec).digest == plain.digest


def test_too_few_rows_for_a_machine_leave_the_plain_table(lock: Callable) -> None:
    spec, rows, _ = lock(3_000, 1)
    rows = rows.select(slice(90))
    spec = structs.replace(spec, latent="auto")

    fitted = wt.fit(spec, rows, key=1)

    assert fitted.spec.hidden == 0
    assert fitted.observed is not None


def test_a_lock_opens_after_its_code_only(lock: Callable) -> None:
    spec, rows, _ = lock(30_000, 1)
    fitted = wt.fit(structs.replace(spec, latent="auto"), rows, key=1)

    session = wt.Session(fitted, key=1)
    doors = [str(session.step(move).next.door) for move in "abcab" + "abcb"]

    assert doors == ["shut"] * 8 + ["open"]
    assert fitted.report.memory.text.startswith("a machine of 5 hidden states explains lock (held-out loss 0.058 → ")


def test_where_it_is_not_sure_what_is_usual_answers_and_then_it_is_sure(simulator: Simulator) -> None:
    spec = simulator.spec
    exits = spec.state.encode({"exits": ["s"]})
    states = spec.start_rows(np.array([exits] * 400))
    assert (states[:, 1] == spec.hidden).all()

    ahead = simulator.advance(states, np.full((400, 1), 2), Key.of(1).episodes(np.arange(400)), 0)

    looks = {tuple(row) for row in simulator.observed.keys[:, :2].tolist()}
    assert set(ahead.source.tolist()) == {Source.PREDICTED}
    assert {tuple(row) for row in ahead.next_fields.tolist()} <= looks
    assert len(np.unique(ahead.next_fields[:, 1])) > 1


def test_a_start_draws_its_hidden_state(recorded: tuple[Transitions, np.ndarray]) -> None:
    look = Counter(MAZE.look(cell) for cell in range(36)).most_common(1)[0][0]
    alike = [cell for cell in range(36) if MAZE.look(cell) == look]
    fitted = wt.fit(MAZE.spec({"exits": StartValues((look,))}), recorded[0], key=1)

    rows = fitted.start_states(1, n=500)

    assert len(alike) > 1
    assert len(np.unique(rows[:, 1])) == len(alike)
    assert (rows[:, 1] < fitted.spec.hidden).all()
    assert len({wt.Session(fitted, key=key)._row for key in range(60)}) == len(alike)


def test_given_starts_draw_what_they_leave_open(simulator: Simulator) -> None:
    spec, task = simulator.spec, wt.Task.table(simulator.spec)
    starts = spec.start_rows(np.full((50, 1), MAZE.look(0)))

    episodes = wt.rollout(task, simulator, episodes=50, horizon=1, key=1, starts=starts)

    assert (episodes.states[:, 1] < spec.hidden).all()


def test_a_case_begins_in_a_hidden_state_and_checks_what_is_shown(simulator: Simulator) -> None:
    look = simulator.spec.state.decode((MAZE.look(0),)).exits
    case = wt.Case(
        name="corner", start={"exits": tuple(look)}, driver="task", horizon=1, check="steps == 1", episodes=8
    )

    verdict = wt.judge(wt.Task.table(simulator.spec), simulator, [case], key=1)

    assert verdict.answers[0].satisfied == 8
    assert verdict.answers[0].unknown == 0


def test_the_spec_of_a_simulator_can_be_fitted_again(
    simulator: Simulator, recorded: tuple[Transitions, np.ndarray]
) -> None:
    assert simulator.spec.declared == MAZE.spec()
    assert wt.fit(simulator.spec, recorded[0], key=1).digest == simulator.digest


def test_nothing_is_added_to_a_base_with_hidden_states(
    simulator: Simulator, recorded: tuple[Transitions, np.ndarray]
) -> None:
    with pytest.raises(InvalidSpec, match="each fit numbers the hidden states anew"):
        wt.fit(MAZE.spec(), recorded[0], base=simulator, key=1)


def test_made_up_rows_are_counted_where_they_are_sure(recorded: tuple[Transitions, np.ndarray]) -> None:
    rows = recorded[0]
    made_up = structs.replace(
        rows.select(slice(5_000)), episodes=np.full(5_000, 1), synthetic=np.ones(5_000, dtype=np.bool_)
    )

    fitted = wt.fit(MAZE.spec(), Transitions.join([rows, made_up]), key=1)

    assert fitted.spec.hidden == 36
    assert fitted.synthetic.counts.sum() > 4_900
    assert fitted.report.synthetic == fitted.synthetic.counts.sum()


def test_the_bytes_of_a_spec_without_hidden_states_do_not_know_the_word() -> None:
    spec = structs.replace(MAZE.spec(), latent="none")

    assert b"latent" not in canonical(spec)
    assert b"begins" not in canonical(Simulator(spec))
    assert b"latent" in canonical(MAZE.spec())


FORGERIES: dict[str, Callable[[Simulator], Simulator]] = {
    "there are no hidden states to begin in": lambda s: Simulator(MAZE.spec(), begins=s.begins),
    "it must say for all fields which hidden state it is": lambda s: Simulator(
        s.spec,
        begins=Table(
            inputs=(0,),
            targets=(1,),
            keys=np.zeros((1, 1), dtype=np.int64),
            offsets=np.array([0, 1]),
            values=np.array([[s.spec.hidden]]),
            counts=np.array([1]),
        ),
    ),
    "table: 2 of 3 next fields and outputs": lambda s: Simulator(
        s.spec, observed=wt.fit(structs.replace(MAZE.spec(), latent="none"), MAZE.wandered(50, 1)[0], key=1).observed
    ),
}


@pytest.mark.parametrize("reason", FORGERIES)
def test_parts_that_do_not_fit_hidden_states_are_refused(reason: str, simulator: Simulator) -> None:
    with pytest.raises(InvalidFile, match=reason):
        FORGERIES[reason](simulator)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"latent": 0}, "0 is not a number of hidden states from 1 to 4,096"),
        ({"latent": 5_000}, "5000 is not a number of hidden states"),
        ({"latent": 4, "history": 1}, "leave `history` out"),
        ({"latent": "auto", "stateless": True}, "leave `latent` or `stateless` out"),
    ],
)
def test_a_spec_that_cannot_have_hidden_states_is_refused(parts: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidSpec, match=reason):
        structs.replace(MAZE.spec(), **parts)


def test_a_field_called_as_the_hidden_state_is_refused() -> None:
    spec = MAZE.spec()
    state = structs.replace(spec.state, names=("latent",))

    with pytest.raises(InvalidSpec, match="give the field another name"):
        structs.replace(spec, state=state, possible="")
