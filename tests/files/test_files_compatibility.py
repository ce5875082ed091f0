"""Which worlds can be connected, and why the others cannot."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from worldtwin.errors import InvalidValue
from worldtwin.files import compatible
from worldtwin.files.reading.versions import is_within
from worldtwin.world import Angle, Category, Field, Integer, Need, Port, Set, Space, Spec, real

TURN = Space(("go",), (Category(("yes", "no")),))
ARM = Spec(
    name="arm",
    version="2.1.0",
    state=Space(("pose",), (Angle(),)),
    action=TURN,
    outputs=Space(("done",), (Category(("yes", "no")),)),
    outlets=(Port(name="done", kind="output", field="done"), Port(name="pose", kind="state", field="pose")),
)
BELT = Spec(
    name="belt",
    state=Space(("speed",), (real(0, 1),)),
    action=Space(("start", "angle"), (Category(("yes", "no")), Angle(unit="deg"))),
    inlets=(Port(name="start", kind="action", field="start"), Port(name="angle", kind="action", field="angle")),
)


def test_every_pair_that_can_be_wired_is_listed() -> None:
    answer = compatible(ARM, BELT)

    assert answer.ok
    assert answer.lines == ("arm.done → belt.start: ok", "arm.pose [rad] → belt.angle [deg]: converted")


@pytest.mark.parametrize(
    ("need", "line"),
    [
        (Need("arm", ">=1,<2"), "belt needs arm >=1,<2: arm is 2.1.0: not compatible"),
        (Need("dock", ">=1,<2"), "belt needs dock >=1,<2: this is arm 2.1.0: not compatible"),
    ],
)
def test_a_need_that_is_not_met_makes_worlds_incompatible(need: Need, line: str) -> None:
    answer = compatible(ARM, replace(BELT, needs=(need,)))

    assert not answer.ok
    assert answer.unmet == (line,)


def test_a_need_that_is_met_is_said() -> None:
    answer = compatible(ARM, replace(BELT, needs=(Need("arm", ">=2.1,<3"),)))

    assert answer.ok
    assert answer.met == ("belt needs arm >=2.1,<3: arm is 2.1.0: ok",)


def one_wire(source: Field, target: Field, steps: tuple[float | None, float | None] = (None, None)) -> tuple[bool, str]:
    giver = Spec(
        name="a", state=ARM.state, action=TURN, outputs=Space(("x",), (source,)), step_seconds=steps[0],
        outlets=(Port(name="x", kind="output", field="x"),),
    )  # fmt: skip
    taker = Spec(
        name="b", state=ARM.state, action=Space(("y",), (target,)), step_seconds=steps[1],
        inlets=(Port(name="y", kind="action", field="y"),),
    )  # fmt: skip
    answer = compatible(giver, taker)
    wire = (*answer.wires, *answer.refused)[0]
    return answer.ok, str(wire)


@pytest.mark.parametrize(
    ("source", "target", "line"),
    [
        (real(0, 5, unit="m"), real(0, 500, unit="cm"), "a.x [m] → b.y [cm]: converted"),
        (Integer(low=0, high=4), real(0, 5), "a.x → b.y: ok"),
        (Set(("n",)), Set(("n", "s")), "a.x → b.y: ok"),
        (Angle(unit="deg"), real(-4, 4, unit="rad"), "a.x [deg] → b.y [rad]: converted"),
        (real(0, 5, unit="m"), real(0, 4, unit="m"), "a.x → b.y: no: [0, 5] goes beyond [0, 4] m"),
        (real(0, 5, unit="m"), real(0, 4, unit="s"), "a.x [m] → b.y [s]: no: m cannot be converted to s"),
        (real(0, 5, unit="m"), real(0, 9), "a.x [m] → b.y: no: m cannot be converted to a plain number"),
        (real(0, 5), Integer(low=0, high=5), "a.x → b.y: no: a number does not go into a whole number"),
        (Category(("a", "b")), Category(("a",)), "a.x → b.y: no: `b` is none of [a]"),
        (Category(("a",)), Set(("a",)), "a.x → b.y: no: a name does not go into a set of names"),
    ],
)
def test_a_wire_is_checked_by_kind_unit_and_range(source: Field, target: Field, line: str) -> None:
    assert one_wire(source, target) == (": no: " not in line, line)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ((0.02, 0.05), "ok"),
        ((0.02, None), "no: one has a clock and the other is driven by events"),
        ((0.02, 0.02 * 2**0.5), "no: steps of 0.02 s and 0.0282843 s have no common divisor"),
    ],
)
def test_a_wire_needs_clocks_that_run_together(steps: tuple[float | None, float | None], said: str) -> None:
    assert one_wire(real(0, 1), real(0, 1), steps) == (said == "ok", f"a.x → b.y: {said}")


def test_worlds_that_declare_nothing_are_not_compatible() -> None:
    answer = compatible(replace(ARM, outlets=()), BELT)

    assert not answer.ok
    assert answer.lines == ("neither declares `ports` or `compatible`: nothing says how to connect them",)


@pytest.mark.parametrize(
    ("version", "wanted", "within"),
    [
        ("1.2.3", "", True),
        ("1.2.3", ">=1,<2", True),
        ("2.0.0", ">=1,<2", False),
        ("1.0", "1", True),
        ("1.1", "!=1.1.0", False),
    ],
)
def test_a_version_is_within_all_bounds(version: str, wanted: str, within: bool) -> None:  # noqa: FBT001
    assert is_within(version, wanted) is within


@pytest.mark.parametrize("text", [">=", "1.2.3.4", "latest", ">=1;<2", ",", "~=1"])
def test_a_range_of_versions_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="is no range of versions: write one such as `>=1,<2`"):
        is_within("1.0.0", text)
