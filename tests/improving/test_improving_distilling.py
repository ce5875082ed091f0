"""A policy becomes an exact task that acts like it, and it is said how much was lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays
from msgspec.structs import replace

from worldtwin.errors import InvalidTask, InvalidValue
from worldtwin.improving.distilling import Distilled, distil
from worldtwin.improving.distilling.lessons import agreement
from worldtwin.judging import Case, judge
from worldtwin.simulation import Simulator
from worldtwin.tasks import Network, TablePolicy, decode_task, encode_task
from worldtwin.world import Angle, Category, Integer, Lattice, Set, Space, Spec, StartRange, real

MANY = Spec(
    name="many",
    state=Space(("x", "mode"), (real(-1, 1), Category(("a", "b", "c")))),
    action=Space(
        ("gear", "lamps", "level", "power", "course"),
        (Category(("park", "drive", "back")), Set(("red", "green")), Integer(low=-2, high=5), real(0, 1), Angle()),
    ),
    start={"x": StartRange(-(1 << 20), 1 << 20), "mode": StartRange(0, 2)},
)


def balance(shown: Any) -> int:
    """Pushes the cart of the tests to the middle."""
    return int(3 * shown[0] + 4 * shown[1] > 0)


def told(policy: Any, simulator: Simulator, **how: Any) -> Distilled:
    """What distilling says about itself."""
    reports: list[Distilled] = []
    task = distil(policy, simulator, report=reports.append, **how)
    assert [report.task for report in reports] == [task]
    return reports[0]


def test_a_world_of_few_states_becomes_a_table_without_loss(corridor: Simulator) -> None:
    policy: Callable[[Any], str] = lambda cell: "right" if cell % 3 else "left"  # noqa: E731 - as users write it

    found = told(policy, corridor, key=1)

    assert isinstance(found.task.program, TablePolicy)
    assert [found.task.act({"cell": cell})[0]["move"] for cell in range(8)] == [policy(cell) for cell in range(8)]
    assert (found.loss, found.agreement, found.states) == (0.0, 1.0, 8)
    assert found.returns is not None
    assert found.returns[0] == found.returns[1]


def test_a_network_acts_as_the_policy_does(cart: Simulator) -> None:
    found = told(balance, cart, hidden=(16,), rounds=3, key=1)

    assert isinstance(found.task.program, Network)
    assert found.agreement > 0.98
    assert found.loss == pytest.approx(1 - found.agreement)
    assert found.returns is not None
    assert found.returns[1] == pytest.approx(found.returns[0], abs=1.0)
    assert f"loss {found.loss:.4f}: a network" in found.text
    assert "(64 episodes of each)" in str(found)


def test_what_was_distilled_is_a_task_like_any_other(cart: Simulator) -> None:
    task = distil(balance, cart, hidden=(4,), rounds=1, states=256, key=1)
    case = Case(name="acts", check="steps > 0")

    assert decode_task(encode_task(task)).digest == task.digest
    assert judge(task, cart, (case,), key=1).passed


@pytest.mark.slow
def test_it_is_a_function_of_its_arguments(cart: Simulator) -> None:
    brief: dict[str, Any] = {"hidden": (4,), "rounds": 1, "states": 256}

    digests = [distil(balance, cart, **brief, **key).digest for key in ({}, {}, {"key": 5}, {"key": 5}, {"key": 6})]

    assert digests[0] == digests[1]
    assert digests[2] == digests[3]
    assert len(set(digests)) == 3


@pytest.mark.slow
def test_more_rounds_teach_where_the_mistakes_of_the_first_lead_to(cart: Simulator) -> None:
    short, long = (told(balance, cart, hidden=(), rounds=n, states=64, key=3) for n in (1, 4))

    assert long.states > short.states
    assert long.loss <= short.loss


@pytest.mark.slow
def test_every_kind_of_action_is_learned() -> None:
    """Nothing is known of this world but where it starts: that is enough to act there."""

    def policy(shown: Any) -> dict[str, Any]:
        x, mode = float(shown[0]), int(shown[1])
        return {
            "gear": ("park", "drive", "back")[mode],
            "lamps": ["red"] if x > 0 else ["red", "green"],
            "level": round(2 * x) + mode,
            "power": 0.0 if mode == 1 else 0.5 + x / 2,
            "course": x,
        }

    found = told(policy, Simulator(MANY), hidden=(32,), rounds=4, key=1)

    assert found.agreement > 0.97
    assert found.returns is None
    assert "in the simulator" not in found.text


@pytest.mark.slow
def test_the_possible_actions_are_kept_to(corridor: Simulator) -> None:
    spec = Spec(
        name="rooms",
        state=Space(("x", "ways"), (real(0, 1), Set(("left", "right")))),
        action=Space(("way",), (Category(("left", "right")),)),
        possible="ways",
        start={"x": StartRange(0, 1000), "ways": StartRange(1, 3)},
    )

    found = told(lambda _: "left", Simulator(spec), hidden=(), rounds=2, key=1)

    assert found.agreement == 1.0
    assert found.task.act({"x": 0.0, "ways": ["right"]})[0]["way"] == "right"
    assert corridor.spec.possible == ""


@pytest.mark.slow
def test_a_world_with_a_past_becomes_a_network(corridor: Simulator) -> None:
    world = Simulator(replace(corridor.spec, history=1))

    found = told(lambda cell: int(cell < 4), world, rounds=2, key=1)

    assert isinstance(found.task.program, Network)
    assert found.agreement > 0.99


@pytest.mark.parametrize(
    ("how", "reason"),
    [({"rounds": 0}, "0 rounds of 4096 states teach nothing"), ({"states": 0}, "6 rounds of 0 states teach nothing")],
)
def test_a_lesson_without_examples_is_refused(how: dict[str, int], reason: str, cart: Simulator) -> None:
    with pytest.raises(InvalidValue, match=reason):
        distil(balance, cart, key=1, **how)


def test_a_policy_of_another_world_is_refused(cart: Simulator) -> None:
    with pytest.raises(InvalidTask, match="the policy does not fit cart: push"):
        distil(lambda _: 5, cart, key=1)


def rows_of(space: Space) -> some.SearchStrategy[Lattice]:
    columns = [
        arrays(np.int64, 5, elements=some.integers(int(low), int(high)))
        for low, high in zip(space.low, space.high, strict=True)
    ]
    return some.tuples(*columns).map(lambda parts: np.stack(parts, axis=1))


@given(one=rows_of(MANY.action), other=rows_of(MANY.action))
def test_agreement_is_whole_with_itself_and_symmetric(one: Lattice, other: Lattice) -> None:
    alike = agreement(MANY.action, one, other)

    assert agreement(MANY.action, one, one) == 1.0
    assert agreement(MANY.action, other, one) == alike
    assert -1e-12 <= alike <= 1.0
    assert (alike == 1.0) == bool((one == other).all())
