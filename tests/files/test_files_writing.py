"""A spec written as YAML is read as the same spec."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from worldtwin.files import document_text, load_document, load_spec, save
from worldtwin.world import (
    Angle,
    Category,
    Clients,
    Done,
    Field,
    HorizonError,
    Integer,
    Learn,
    Need,
    Plan,
    Port,
    Real,
    Set,
    Space,
    Spec,
    Start,
    StartRange,
    StartValues,
    Synthetic,
    bounds,
    invisible,
    real,
)

UNITS = st.sampled_from(["", "m", "km/h", "degC", "m/s**2", "%"])
NAMES = st.from_regex(r"[a-z][a-z_0-9]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda text: not invisible(text))
NUMBERS = st.floats(-1e6, 1e6)


@st.composite
def reals(draw: st.DrawFn) -> Real:
    low = draw(NUMBERS)
    high = low + draw(st.floats(1e-2, 1e6))
    resolution = draw(st.none() | st.sampled_from([0.5, 1e-3, 2.0**-12]))
    return real(low, high, resolution=resolution, unit=draw(UNITS))


VALUES = st.lists(TEXTS, min_size=1, max_size=5, unique=True).map(tuple)
FIELDS: st.SearchStrategy[Field] = st.one_of(
    reals(),
    st.builds(Angle, unit=st.sampled_from(["rad", "deg", "turn"]), sources=st.sampled_from([(), ("sin", "cos")])),
    st.builds(
        lambda low, more, unit: Integer(low=low, high=low + more, unit=unit),
        st.integers(-99, 99),
        st.integers(0, 99),
        UNITS,
    ),
    st.builds(Category, VALUES),
    st.builds(Set, VALUES),
)
SPACES = st.dictionaries(NAMES, FIELDS, min_size=1, max_size=4).map(
    lambda made: Space(tuple(made), tuple(made.values()))
)


@st.composite
def starts(draw: st.DrawFn, field: Field) -> Start:
    low, high = bounds(field)
    points = st.integers(low, high)
    if not isinstance(field, Category | Set) and draw(st.booleans()):
        first, second = sorted([draw(points), draw(points)])
        return StartRange(low=first, high=second)
    count = draw(st.sampled_from([1, 3, 4]))
    return StartValues(tuple(draw(st.lists(points, min_size=count, max_size=count))))


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    state = draw(SPACES)
    start = {name: draw(starts(field)) for name, field in zip(state.names, state.fields, strict=True)}
    low = draw(NUMBERS)
    return Spec(
        name=draw(TEXTS),
        version=draw(st.sampled_from(["0.1.0", "12.3.4"])),
        state=state,
        action=draw(SPACES),
        outputs=draw(st.just(Space()) | SPACES),
        step_seconds=draw(st.none() | st.floats(1e-6, 1e5) | st.sampled_from([0.02, 60.0, 1 / 3])),
        stateless=draw(st.booleans()),
        history=draw(st.integers(0, 3)),
        start=draw(st.none() | st.just(start)),
        reward=draw(st.none() | st.just("1 if 2 > 1 else -0.5")),
        ends=draw(st.sampled_from(["False", "1 > 2"])),
        horizon=draw(st.integers(1, 10_000)),
        returns=(low, low + draw(st.floats(0.5, 1e3))),
        objective=draw(st.permutations(["cases", "return", "fuel"]).map(tuple)),
        unknown=draw(st.sampled_from(["guess", "error"])),
        done=Done(
            known=draw(st.none() | st.just(0.5)),
            horizon_error=HorizonError(steps=5, below=draw(st.floats(0.1, 1))),
            width=draw(st.just(UNSET) | st.floats(0.01, 1)),
            plateau=draw(st.just(UNSET) | st.floats(1e-6, 10)),
        ),
        needs=draw(st.sampled_from([(), (Need("dock", ">=1,<2"), Need("a b"))])),
        outlets=draw(st.just(()) | st.just((Port(name="done", kind="state", field=state.names[0]),))),
        per_client=draw(st.sampled_from([(), state.names[:1]])),
        clients=draw(st.just(Clients()) | st.just(Clients(deadline_seconds=0.05))),
    )


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(spec=specs())
def test_what_is_written_is_read_as_the_same_spec(spec: Spec) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "world.yaml"
        save(spec, path)

        assert load_spec(path) == spec


SPEC = Spec(
    name="lamp",
    state=Space(("switch",), (Category(("on", "off")),)),
    action=Space(("push",), (Category(("press", "wait")),)),
    returns=(0.0, 1.0),
    reward="1",
)


def test_guesses_are_marked_on_their_lines() -> None:
    text = document_text(
        SPEC, heading="A lamp.\nFrom a log.", guesses={"state.switch": "two\nvalues seen", "returns": "0 to 1"}
    )

    lines = text.splitlines()
    assert lines[:2] == ["# A lamp.", "# From a log."]
    assert '  switch: {type: category, values: ["on", "off"]}  # guess: two values seen' in lines
    assert "returns: [0, 1]  # guess: 0 to 1" in lines


def test_a_plan_is_written_beside_its_spec_and_read_back(tmp_path: Path) -> None:
    plan = Plan(
        traces="lamp.traces",
        synthetic=(Synthetic(kind="rules", path="corner.py", share=0.2), Synthetic(kind="file", path="more: 1.csv")),
        cases="cases.yaml",
        learn=Learn(sources="synthetic", key=7),
    )
    path = tmp_path / "lamp.yaml"
    path.write_text(document_text(SPEC, plan), encoding="utf-8")

    document = load_document(path)

    assert (document.plan, document.spec) == (plan, SPEC)
    assert document.traces_path == tmp_path / "lamp.traces"
    assert document.cases_path == tmp_path / "cases.yaml"
    assert document.simulator_path == tmp_path / "lamp.wts"


@pytest.mark.parametrize("name", ["true", "null", "1.5", "- a", "a: b", "#x", "é 語", "'\"\\", "on"])
def test_any_name_survives(tmp_path: Path, name: str) -> None:
    spec = Spec(name=name, state=SPEC.state, action=Space(("push",), (Category((name, "other")),)))
    path = tmp_path / "w.yaml"
    save(spec, path)

    assert load_spec(path) == spec


@pytest.mark.parametrize("sign", ["\u2028", "\u202e", "\x07"])
def test_a_path_with_characters_that_nobody_sees_survives(tmp_path: Path, sign: str) -> None:
    plan = Plan(traces=f"a{sign}.traces")
    path = tmp_path / "w.yaml"
    path.write_text(document_text(SPEC, plan), encoding="utf-8")

    assert load_document(path).plan == plan


def test_a_wish_for_hidden_states_is_written_and_read(tmp_path: Path) -> None:
    spec = Spec(
        name="press",
        state=Space(("light",), (Category(("on", "off")),)),
        action=Space(("push",), (Category(("a", "b")),)),
        latent="auto",
    )
    save(spec, tmp_path / "press.yaml")
    found = Spec(**{**{name: getattr(spec, name) for name in spec.__struct_fields__}, "latent": 3})

    assert "latent: auto\n" in document_text(spec)
    assert load_spec(tmp_path / "press.yaml") == spec
    assert document_text(found) == document_text(spec)
