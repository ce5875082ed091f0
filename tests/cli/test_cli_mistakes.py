"""Mistakes: each is one clear sentence with the right exit code, and never a traceback."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

STORY = """\
worldtwin: 1
name: cart
version: 1.0.0
clock: {step: 20 ms}
state:
  speed: {type: real, range: [-20, 20], unit: m/s}
  position: {type: real, range: [4.8, -4.8], unit: m}
  angle: {type: angle, unit: m}
action:
  push: {type: category, values: [left, right, left]}
reward: "nxt.position"
horizn: 500
returns: [0, 500]
objective: [cases, retrun]
"""


def test_six_mistakes_are_six_lines_with_their_places(run: Run, folder: Path) -> None:
    (folder / "cart.yaml").write_text(STORY)
    printed = run("check", "cart.yaml")
    lines = printed.err.splitlines()
    assert printed.code == 2
    assert lines[-1] == "6 problems"
    assert lines[0] == "cart.yaml:7: state.position.range: [4.8, -4.8] is reversed: did you mean [-4.8, 4.8]?"
    assert [int(line.split(":")[1]) for line in lines[:-1]] == [7, 8, 10, 11, 12, 14]
    assert "did you mean `next`?" in lines[3]
    assert "did you mean `horizon`?" in lines[4]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["fitt", "corridor.yaml"], 2, "Did you mean 'fit'"),
        (["fit"], 2, "Missing argument 'SPEC'"),
        (["fit", "nowhere.yaml"], 2, "nowhere.yaml: no such file"),
        (["fit", "coridor.yaml"], 2, "no such file: did you mean `corridor.yaml`?"),
        (["fit", "away/corridor.yaml"], 2, "there is no folder away"),
        (["new", "--from", "log.csv"], 3, "log.csv: no such file"),
        (["improve", "table", "corridor.yaml", "--seconds", "0", "--key", "1"], 2, "0 seconds leave no time"),
        (["new", "--from", "gym:CartPole-v1", "--action", "x0"], 2, "only asked of FILE.csv"),
        (["fit", "corridor.yaml"], 3, "no transitions of `corridor`"),
        (["run", "nothing.wtt", "corridor.yaml", "--key", "1"], 2, "nothing.wtt: no such file"),
        (["run", "go.py", "corridor.yaml", "--key", "-1"], 2, "key -1 is not a whole number"),
        (["session", "corridor.yaml", "up", "--key", "1"], 2, "did you mean|not one of its values"),
        (
            ["evaluate", "go.py", "gym:Nowhere-v9", "--spec", "corridor.yaml", "--key", "1"],
            2,
            "no environment `Nowhere-v9`",
        ),
        (["demo", "moon"], 2, "moon"),
        (["check", "corridor.txt"], 2, "expected the .yaml of a world"),
        (["run", "go.py", "corridor.yaml", "--episodes", "0"], 2, "Invalid value for '--episodes'"),
        (["run", "go.py", "corridor.yaml", "--horizon", "0"], 2, "Invalid value for '--horizon'"),
        (["evaluate", "go.py", "gym:X", "--spec", "x.yaml", "--episodes", "0"], 2, "Invalid value for '--episodes'"),
        (["record", "corridor.yaml", "gym:X", "--steps", "-5"], 2, "Invalid value for '--steps'"),
        (["record", "corridor.yaml", "gym:X", "--random", "7"], 2, "Invalid value for '--random'"),
        (["improve", "network", "corridor.yaml", "--evaluations", "0"], 2, "Invalid value for '--evaluations'"),
        (["traces", "gaps", "corridor.yaml", "--rows", "0"], 2, "Invalid value for '--rows'"),
    ],
)
def test_a_mistake_is_one_line(run: Run, arguments: list[str], code: int, message: str) -> None:
    printed = run(*arguments)
    assert printed.code == code, printed.err
    assert len(printed.err.strip().splitlines()) == 1, printed.err
    assert any(part in printed.err for part in message.split("|")), printed.err


def test_a_broken_simulator_is_refused_in_one_line(run: Run, folder: Path) -> None:
    run("record", "corridor.yaml")
    run("fit", "corridor.yaml")
    whole = (folder / "corridor.wts").read_bytes()
    for broken in (whole[: len(whole) // 2], whole[:100] + bytes([whole[100] ^ 1]) + whole[101:], b""):
        (folder / "corridor.wts").write_bytes(broken)
        printed = run("run", "go.py", "corridor.yaml", "--key", "1")
        assert (printed.code, len(printed.err.splitlines())) == (2, 1)
        assert "corridor.wts" in printed.err


def test_problems_are_listed_for_machines_too(run: Run, folder: Path) -> None:
    (folder / "cart.yaml").write_text(STORY)
    printed = run("check", "cart.yaml", "--json")
    assert printed.code == 2
    assert [problem["line"] for problem in printed.json["problems"]] == [7, 8, 10, 11, 12, 14]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("log.csv", "`worldtwin new --from log.csv > NAME.yaml` writes a first one"),
        ("corridor.wts", "a simulator, not the YAML of a world: give the YAML that lies beside it"),
        ("go.py", "a program, not the YAML of a world"),
    ],
)
def test_a_file_of_another_kind_is_named_with_what_to_give_instead(
    run: Run, folder: Path, name: str, advice: str
) -> None:
    (folder / name).write_bytes(b"\x84 any")

    printed = run("fit", name)

    assert (printed.code, len(printed.err.splitlines())) == (2, 1)
    assert printed.err.startswith(f"{name}: ")
    assert advice in printed.err


def test_a_program_with_more_than_the_task_asks_which_function_is_meant(run: Run, folder: Path) -> None:
    (folder / "mine.py").write_text('import json\n\ndef choose(place):\n    return "left"\n\nchoose(1)\n')

    printed = run("check", "mine.py")

    assert printed.code == 2
    assert "name the function, such as FILE.py:choose" in printed.err


def test_an_environment_of_another_world_is_refused_by_the_world_s_name(run: Run) -> None:
    printed = run("record", "corridor.yaml", "gym:CartPole-v1", "--key", "1")
    assert printed.code == 2
    assert "corridor does not fit this environment" in printed.err


def test_rows_that_are_recorded_and_not_learned_from_are_told_at_once(run: Run, folder: Path) -> None:
    (folder / "log.csv").write_text("episode,place,move\n0,1,right\n0,2,rihgt\n0,3,left\n0,2,left\n")

    printed = run("record", "corridor.yaml", "log.csv")

    assert "corridor.traces: 4 transitions added, 4 in all" in printed.out
    assert "1 rows left out: action.move is outside of its values" in printed.out


def test_what_is_better_in_a_network_is_tried_in_an_environment(run: Run) -> None:
    run("record", "corridor.yaml")
    run("fit", "corridor.yaml")
    printed = run("improve", "table", "corridor.yaml", "--key", "1")
    assert "worldtwin evaluate better.wtt gym:... --spec corridor.yaml" in printed.out


def test_too_few_rows_are_called_too_few(run: Run, folder: Path) -> None:
    (folder / "log.csv").write_text("episode,place,move\n0,1,right\n0,2,left\n0,1,left\n")
    run("record", "corridor.yaml", "log.csv")
    printed = run("fit", "corridor.yaml")
    assert "not judged: 2 recorded transitions are too few to keep any aside: record more episodes" in printed.out


def test_a_world_without_a_reward_says_so(run: Run, folder: Path) -> None:
    lines = (folder / "corridor.yaml").read_text().splitlines()
    (folder / "aimless.yaml").write_text("\n".join(line for line in lines if not line.startswith("re")))
    assert "no reward: it can be learned" in run("check", "aimless.yaml").out
