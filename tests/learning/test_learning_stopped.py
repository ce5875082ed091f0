"""What is stopped at the end of its range does not blur what holds everywhere else."""

from __future__ import annotations

import numpy as np
import pytest
from measured_rows import episodes_of

from worldtwin.exact import Key
from worldtwin.learning import fit
from worldtwin.learning.regression.fitting import Lesson, Recorded, choices_of
from worldtwin.learning.regression.target import numeric_targets
from worldtwin.world import Lattice, Space, Spec, Transitions, real

ONE = 2**16
TURNS = Spec(
    name="turns",
    state=Space(("place", "speed"), (real(-64, 64, resolution=1 / ONE), real(-2, 2, resolution=1 / ONE))),
    action=Space(("push",), (real(-1, 1, resolution=1 / ONE),)),
    horizon=50,
)


def pushed(key: int, bend: float = 0.0, rows: int = 2_000) -> Transitions:
    """Places that move by the speed after it was stopped at 2: a straight line of the fields, but where it was."""
    chance = np.random.default_rng(key)
    place, speed, push = (chance.uniform(-a, a, rows) for a in (10, 1.9, 1))
    after = np.clip(speed + 0.3 * push, -2, 2)
    further = place + 0.1 * after + bend * np.sin(3 * speed)
    return episodes_of(lattice(place, speed), lattice(push), lattice(further, after), length=10)


def lattice(*columns: np.ndarray) -> Lattice:
    return np.rint(np.stack(columns, axis=1) * ONE).astype(np.int64)


def degrees(key: int, bend: float) -> list[tuple[int, str]]:
    """The degree of the polynomial of each field, and from which rows it was learned."""
    train, aside = (
        Recorded(inputs=np.concatenate([rows.states, rows.actions], axis=1), results=rows.nexts)
        for rows in (pushed(key, bend), pushed(key + 1, bend))
    )
    lesson = Lesson.of(TURNS, numeric_targets(TURNS), train)
    return [(each.degree, each.part) for each in choices_of(lesson, lesson.equations(Key.of(key)), aside)]


@pytest.mark.parametrize("key", [1, 5, 9])
def test_a_line_that_is_exact_but_where_a_speed_is_stopped_is_preferred(key: int) -> None:
    assert degrees(key, bend=0.0) == [(1, "usual"), (1, "usual")]


@pytest.mark.parametrize("key", [1, 5])
def test_what_is_exact_nowhere_is_learned_from_all_rows(key: int) -> None:
    place, _ = degrees(key, bend=0.05)

    assert place == (3, "all")


def test_the_simulator_is_exact_inside_and_needs_no_networks() -> None:
    simulator = fit(TURNS, pushed(1), key=1)
    report = simulator.report
    assert report is not None

    assert [field.model for field in report.fields] == [
        "polynomial of degree 1, driven by speed",
        "polynomial of degree 1",
    ]
    answer = simulator.predict({"place": 1.0, "speed": 1.0}, 0.5)
    assert answer.next["place"] == pytest.approx(1.115, abs=1e-4)
