"""Cases in YAML: read, converted, and checked against the world they are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from worldtwin.errors import InvalidSpec
from worldtwin.files import check, load_cases
from worldtwin.judging import Case
from worldtwin.world import Angle, Category, Space, Spec, real

SPEC = Spec(
    name="cart",
    state=Space(("position", "angle", "gear"), (real(-4.8, 4.8, unit="m"), Angle(), Category(("park", "drive")))),
    action=Space(("push",), (Category(("left", "right")),)),
)
GOOD = """\
- {name: upright, kind: goal, start: {angle: 0.1}, driver: task, episodes: 64, pass: 60, check: "ret > 150"}
- name: wall
  start: {position: 200 cm, gear: [park, drive]}
  driver: [right, {push: left}]
  check: final.position > 2.0
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "cases.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_cases_are_read_in_order_with_their_starts_in_the_units_of_the_world(tmp_path: Path) -> None:
    first, second = load_cases(written(tmp_path, GOOD), SPEC)

    assert first == Case(name="upright", kind="goal", start={"angle": 0.1}, episodes=64, needed=60, check="ret > 150")
    assert second.start == {"position": 2.0, "gear": ("park", "drive")}
    assert second.driver == ("right", {"push": "left"})


def test_all_mistakes_of_all_cases_are_listed_with_lines_and_columns(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """\
- {name: upright, start: {anle: 0.1}, check: "ret > 150 and high.angel < 0.2"}
- {name: wall, kind: requird, start: {position: [3, -3]}, driver: [rihgt], check: ret > 1}
- name: wall
  pass: 7
  start: {position: [1, 2, 3], gear: fly}
  check: |
    ret > 1 and
    final.possition > 1
- {name: x, chek: ret > 1, start: {position: 9}}
- 5
""",
    )

    with pytest.raises(InvalidSpec) as caught:
        load_cases(path, SPEC)

    assert [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems] == [
        "cases.yaml:1: upright.check: unknown field `angel` of high: did you mean `angle`? (column 15)",
        "cases.yaml:1: upright.start.anle: unknown field: did you mean `angle`?",
        "cases.yaml:2: wall.kind: `requird` is not known here: did you mean `required`?",
        "cases.yaml:2: wall.start.position: [3, -3] is reversed: did you mean [-3, 3]?",
        "cases.yaml:2: wall.driver[0]: push: `rihgt` is not one of its values: did you mean `right`?",
        "cases.yaml:3: wall.name: `wall` is the name of another case",
        "cases.yaml:4: wall.pass: 7 is not between 1 and the 1 episodes of the case",
        "cases.yaml:5: wall.start.position: [1, 2, 3] has 3 values: give one value, or the lowest and the highest",
        "cases.yaml:5: wall.start.gear: `fly` is not one of its values: known are park, drive",
        "cases.yaml:8: wall.check: unknown field `possition` of final: did you mean `position`? (column 1)",
        "cases.yaml:9: x.chek: unknown key: did you mean `check`?",
        "cases.yaml:9: x.start.position: 9 is outside of [-4.8, 4.8] m",
        "cases.yaml:10: [4]: `5` is not a mapping like {key: value}",
    ]


def test_a_file_that_is_no_list_of_cases_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidSpec, match=r"a list of cases is expected: begin each with `- \{name: ..., check: ...\}`"
    ):
        load_cases(written(tmp_path, "name: a\ncheck: b\n"))


def test_a_world_and_the_cases_it_names_are_checked_together(tmp_path: Path) -> None:
    written(tmp_path, GOOD.replace("final.position", "final.positon"))
    world = tmp_path / "cart.yaml"
    world.write_text(
        "worldtwin: 1\nname: cart\nversion: 1.0.0\ncases: cases.yaml\n"
        "state:\n  position: {type: real, range: [-4, 4], unit: m}\n  angle: {type: angle}\n"
        "  gear: {type: category, values: [park, drive]}\n"
        "action: {push: {type: category, values: [left, right]}}\n",
        encoding="utf-8",
    )

    assert [problem.line for problem in check(world)] == [5]
    assert check(tmp_path / "cases.yaml") == ()
    assert [problem.message for problem in check(tmp_path / "none.yaml")] == ["no such file"]
