"""The bundled worlds and the real programs behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

from worldtwin import examples
from worldtwin.environments import evaluate, opened
from worldtwin.errors import InvalidValue, TracesError
from worldtwin.exact import Key
from worldtwin.examples.lamp.box import answer
from worldtwin.examples.lamp.story import plugged_in, questions
from worldtwin.examples.maze import robot
from worldtwin.examples.maze.story import robot as driven
from worldtwin.files import load_spec, load_task

HERE = Path(examples.__file__).parent
WORLDS = sorted(HERE.glob("*/*.yaml"))


@pytest.mark.parametrize("path", WORLDS, ids=lambda path: path.stem)
def test_every_bundled_world_is_a_valid_spec(path: Path) -> None:
    assert load_spec(path).name == path.stem


def test_every_demo_has_a_world_and_a_line_about_it() -> None:
    assert sorted(examples.DEMOS) == [path.stem for path in WORLDS]
    assert all(examples.DEMOS.values())


def test_an_unknown_demo_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InvalidValue, match="no demo `mace`: did you mean `maze`"):
        examples.demo("mace", key=1, echo=str)


def test_a_demo_never_adds_to_traces_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "old.traces").touch()

    with pytest.raises(InvalidValue, match=r"old.traces is there already: give the demo an empty folder"):
        examples.demo("lamp", tmp_path, key=1, echo=str)


def test_the_poor_controller_is_poor_in_reality() -> None:
    spec = load_spec(HERE / "cart_pole" / "cart-pole.yaml")
    poor = load_task(f"{HERE / 'cart_pole' / 'poor.py'}:push", spec)

    with opened("gym:CartPole-v1") as env:
        assert 25 < evaluate(poor, env, episodes=10, key=1).returns.mean() < 60


def test_walls_of_the_maze_have_two_sides_and_the_border_is_closed() -> None:
    for column in range(8):
        for row in range(8):
            for heading, (across, down) in enumerate(robot.MOVES):
                beside = (column + across, row + down)
                inside = beside[0] in range(8) and beside[1] in range(8)
                is_open = robot.is_open(column, row, heading)
                assert is_open == (inside and robot.is_open(*beside, (heading + 2) % 4))


def test_the_shortest_way_is_known_to_the_robot_s_own_program_only() -> None:
    assert robot.shortest() == 24
    assert robot.exits(robot.BEGIN) == ["right"]
    with pytest.raises(RuntimeError, match="hit a wall"):
        robot.drive(robot.BEGIN, "ahead")


@pytest.mark.slow
def test_a_failing_robot_is_one_clear_sentence() -> None:
    with pytest.raises(TracesError, match="the robot's process failed: "):
        driven("--task", "/no/such/task.wtt")


def test_the_lamp_answers_from_a_process_of_its_own_and_remembers_nothing() -> None:
    asked = questions(Key.of(1), 5)

    with plugged_in() as lamp:
        first, again = [lamp.answer(each) for each in asked], [lamp.answer(each) for each in reversed(asked)]

    assert first == again[::-1]
    assert first[0].brightness == answer(asked[0].knob, asked[0].voltage)["brightness"]
