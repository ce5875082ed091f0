"""A world whose fields leave out a velocity, on the command line: `fit` and `improve` say so."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

SPRING = """\
worldtwin: 1
name: spring
version: 1.0.0
state:
  place: {type: real, range: [-4, 4]}
action:
  push: {type: category, values: [left, right]}
reward: "-abs(next.place)"
horizon: 50
returns: [-200, 0]
done: {known: null, horizon_error: {steps: 5, below: 100}}
traces: spring.csv
"""


@pytest.fixture
def spring(folder: Path) -> Path:
    """A weight on a spring, of which only the place was written down: 12 episodes of 50 steps."""
    lines = ["episode,step,place,push"]
    for episode in range(12):
        place, speed = math.sin(episode), math.cos(7 * episode)
        for step in range(50):
            push = (episode * 31 + step * step // 7) % 2
            lines.append(f"{episode},{step},{place:.6f},{('left', 'right')[push]}")
            speed += 0.3 * (0.2 * (2 * push - 1) - place)
            place += 0.3 * speed
    (folder / "spring.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "spring.yaml").write_text(SPRING, encoding="utf-8")
    return folder / "spring.yaml"


def test_fit_says_that_a_world_is_not_predictable_from_its_fields(run: Run, spring: Path) -> None:
    said = run("fit", spring.name).out

    assert "spring is not predictable from these fields alone: what `place` does next depends on the `place`" in said
    assert "add `history: 1`, or record what is missing, such as a speed" in said
    assert "ready: no   not predictable from these fields alone" in said
    plain = run("fit", spring.name, "--json").json
    assert plain["report"]["memory"]["rejected"] == 1
    assert not plain["ready"]


def test_improve_says_not_to_believe_it(run: Run, spring: Path) -> None:
    run("fit", spring.name)

    said = run("improve", "network:", spring.name, "--evaluations", "40", "--key", "1").out

    assert "do not believe it: spring is not predictable from these fields alone" in said


def test_with_the_history_that_was_advised_there_is_nothing_to_say(run: Run, spring: Path) -> None:
    spring.write_text(SPRING + "history: 1\n", encoding="utf-8")

    said = run("fit", spring.name).out

    assert "not predictable" not in said
    assert "ready: yes" in said
