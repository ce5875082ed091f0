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
        (["fit", "nowhere.yaml"], 2, "nowhere.yaml"),
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
