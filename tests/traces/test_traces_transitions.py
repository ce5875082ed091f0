"""From raw rows to transitions: nothing clipped, nothing across a gap, and increments add up."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worldtwin.errors import InvalidValue, TracesError
from worldtwin.traces import GENESIS, Recorded, Traces
from worldtwin.world import Angle, Category, Integer, Real, Space, Spec, encode, real


def test_the_state_after_a_step_is_the_state_of_the_next_row(store: Traces, rows: Callable) -> None:
    store.append(rows([0.0, 0.5, 1.0]))
    recorded = store.transitions()
    position = store.spec.state.fields[0]
    assert recorded.transitions.states[:, 0].tolist() == [encode(position, 0.0), encode(position, 0.5)]
    assert recorded.transitions.nexts[:, 0].tolist() == [encode(position, 0.5), encode(position, 1.0)]
    assert recorded.transitions.steps.tolist() == [0, 1]
    assert recorded.excluded == {}
    assert recorded.version == store.version


def test_every_kind_of_field_is_on_the_lattice(store: Traces, rows: Callable) -> None:
    store.append(rows([0.0, 0.5]))
    row = tuple(store.transitions().transitions.states[0].tolist())
    values = {"position": 0.0, "heading": 0.5, "floor": 3, "gear": "drive", "exits": {"n", "s"}}
    assert row == store.spec.state.encode(values)


def test_a_written_next_state_counts_more_than_the_next_row(store: Traces, rows: Callable) -> None:
    columns: list[list] = [[3.0], [0.5], [3], ["park"], [[]]]
    after = {f"next.{name}": column for name, column in zip(store.spec.state.names, columns, strict=True)}
    store.append({**rows([0.0]), **after})
    recorded = store.transitions()
    assert recorded.transitions.nexts[0].tolist() == list(
        store.spec.state.encode({"position": 3.0, "heading": 0.5, "floor": 3, "gear": "park", "exits": set()})
    )


@pytest.mark.parametrize(
    ("value", "reason", "mark"),
    [
        (math.nan, "state.position is not a number", "reading state.position is not a number"),
        (4.5, "state.position is outside of [-4, 4] m", "reading state.position is outside of [-4, 4] m"),
        (None, "state.position is missing", ""),
    ],
)
def test_a_reading_that_cannot_be_is_kept_marked_counted_and_not_used(
    store: Traces, rows: Callable, value: float | None, reason: str, mark: str
) -> None:
    store.append(rows([0.0, value, 1.0, 1.5]))
    raw = store.rows()
    assert raw.column("state.position").to_pylist()[1] == pytest.approx(value, nan_ok=True)
    assert raw.column("marked").to_pylist() == ["", mark, "", ""]
    recorded = store.transitions()
    assert recorded.transitions.steps.tolist() == [2]
    assert recorded.excluded == {reason: 1, reason.replace("state", "next", 1): 1}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("state.gear", "fly", "state.gear is outside of its values"),
        ("state.exits", ["up"], "state.exits is outside of its values"),
        ("state.floor", 3.5, "state.floor is outside of its values"),
        ("action.push", "up", "action.push is outside of its values"),
        ("outputs.noise", 11.0, "outputs.noise is outside of [0, 10]"),
    ],
)
def test_each_field_is_checked(store: Traces, rows: Callable, name: str, value: object, reason: str) -> None:
    store.append(rows([0.0, 1.0], **{name: [value, rows([0.0])[name][0]]}))
    assert store.transitions().excluded == {reason: 1}


def test_no_transition_crosses_a_gap_or_an_episode(store: Traces, rows: Callable) -> None:
    store.append({**rows([0.0, 0.1, 0.2, 0.3, 0.4]), "episode": [0, 0, 0, 1, 1], "step": [0, 1, 3, 0, 1]})
    recorded = store.transitions()
    assert list(zip(recorded.transitions.episodes.tolist(), recorded.transitions.steps.tolist(), strict=True)) == [
        (0, 0),
        (1, 0),
    ]
    assert recorded.excluded == {"the state after the step is missing: a gap": 1}


def test_a_mark_of_the_writer_excludes_and_is_counted(store: Traces, rows: Callable) -> None:
    store.append({**rows([0.0, 0.1, 0.2]), "marked": ["", "sensor was loose", ""]})
    recorded = store.transitions()
    assert recorded.transitions.steps.tolist() == [0]
    assert recorded.excluded == {"sensor was loose": 1}


def test_outputs_may_come_later_and_the_first_value_counts(store: Traces, rows: Callable) -> None:
    store.append({**rows([0.0, 0.1], **{"outputs.noise": [None, None]}), "episode": [7, 7]})
    assert store.transitions().excluded == {"outputs.noise is missing": 1}
    store.append({"episode": [7, 7], "step": [0, 0], "outputs.noise": [2.0, 3.0]})
    recorded = store.transitions()
    assert recorded.transitions.outputs.tolist() == [[encode(store.spec.outputs.fields[0], 2.0)]]
    assert recorded.excluded == {}


def test_interleaved_writers_give_whole_episodes(store: Traces, rows: Callable) -> None:
    for step in range(3):
        for episode in (5, 2):
            store.append({**rows([episode / 10 + step / 100]), "episode": [episode], "step": [step]})
    found = store.transitions().transitions
    assert found.episodes.tolist() == [2, 2, 5, 5]
    assert found.steps.tolist() == [0, 1, 0, 1]


def _numbers(recorded: Recorded) -> set[tuple[int, ...]]:
    t = recorded.transitions
    columns = np.column_stack([t.episodes, t.steps, t.states, t.actions, t.nexts, t.outputs])
    assert len(columns) == len(np.unique(columns[:, :2], axis=0))
    return set(map(tuple, columns.tolist()))


CELLS = st.tuples(
    st.integers(0, 2), st.integers(0, 4), st.sampled_from([0.0, 0.5, 9.0, None]), st.sampled_from([1.0, 2.0, None])
)


@pytest.mark.slow
@given(st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=2, max_size=4), st.data())
@settings(max_examples=20, deadline=None)
def test_reading_on_adds_exactly_what_was_not_there_yet(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple]], data: st.DataObject
) -> None:
    spec = Spec(
        name="line",
        state=Space(names=("x",), fields=(real(-1, 1),)),
        action=Space(names=("a",), fields=(Integer(low=0, high=1),)),
        outputs=Space(names=("y",), fields=(real(0, 3),)),
    )
    store = Traces(tmp_path_factory.mktemp("law") / "a.traces", spec)
    versions = [GENESIS]
    for batch in batches:
        episode, step, x, y = (list(column) for column in zip(*batch, strict=True))
        action = [None if value is None else 1 for value in x]
        versions.append(
            store.append({"episode": episode, "step": step, "state.x": x, "action.a": action, "outputs.y": y})
        )
    middle = data.draw(st.sampled_from(versions))
    before, after, whole = store.transitions(version=middle), store.transitions(since=middle), store.transitions()
    assert _numbers(before) | _numbers(after) == _numbers(whole)
    assert not _numbers(before) & _numbers(after)


def test_a_recording_without_names_is_bound_in_order(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    angles = np.array([0.1, 2.0, -3.0])
    store.append(
        {
            "state.x0": np.cos(angles),
            "state.x1": np.sin(angles),
            "state.x2": [1.0, 2.0, 3.0],
            "action.action": [0, 1, 1],
        }
    )
    spec = Spec(
        name="pendulum",
        state=Space(names=("angle", "spin"), fields=(Angle(unit="deg", sources=("cos", "sin")), real(-8, 8))),
        action=Space(names=("push",), fields=(Category(("left", "right")),)),
    )
    store.bind(spec)
    found = store.transitions().transitions
    assert found.states[:, 0].tolist() == [encode(Angle(), angle) for angle in angles[:2]]
    assert found.nexts[:, 1].tolist() == [encode(spec.state.fields[1], spin) for spin in (2.0, 3.0)]
    assert found.actions.tolist() == [[0], [1]]


@pytest.mark.parametrize(("cosine", "sine"), [("cos_angle", "sin_angle"), ("angle_cos", "angle_sin"), ("p", "q")])
def test_an_angle_is_found_in_its_two_columns(tmp_path: Path, cosine: str, sine: str) -> None:
    store = Traces(tmp_path / "a.traces")
    store.append({f"state.{sine}": [1.0, 0.0], f"state.{cosine}": [0.0, 1.0], "action.a": [0, 0]})
    name = "p_q" if cosine == "p" else "angle"
    spec = Spec(
        name="w",
        state=Space(names=(name,), fields=(Angle(sources=("cos", "sin")),)),
        action=Space(names=("a",), fields=(Integer(low=0, high=1),)),
    )
    assert store.transitions(spec).transitions.states.tolist() == [[1 << 22]]


def test_a_wider_range_or_a_new_value_disowns_nothing(
    store: Traces, rows: Callable, spec: Spec, tmp_path: Path
) -> None:
    store.append(rows([0.0, 4.5, 1.0]))
    assert len(store.transitions().transitions) == 0
    fields = (real(-10, 10, unit="m"), *spec.state.fields[1:])
    wider = _changed(spec, state=Space(names=spec.state.names, fields=fields))
    again = Traces(tmp_path / "robot.traces", wider)
    assert len(again.transitions().transitions) == 2


def _changed(spec: Spec, **parts: object) -> Spec:
    return Spec(**{**{name: getattr(spec, name) for name in spec.__struct_fields__}, **parts})


def _with_field(spec: Spec, name: str, field: object, new: str | None = None) -> Spec:
    names = tuple(new if new and known == name else known for known in spec.state.names)
    fields = tuple(
        field if known == name else old for known, old in zip(spec.state.names, spec.state.fields, strict=True)
    )
    return _changed(spec, name="other", state=Space(names=names, fields=fields))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("position", Real(low=0, high=1, exponent=8, unit="cm"), None), "state.position was recorded in m, not in cm"),
        (("floor", Angle(), None), "state.floor was recorded as a number, not as an angle"),
        (("floor", Category(("a", "b")), None), "state.floor was recorded as a number, not as a name"),
        (("floor", Integer(low=0, high=9), "level"), "state.level was never recorded"),
    ],
)
def test_the_spec_of_another_world_is_refused_in_one_sentence(
    store: Traces, rows: Callable, spec: Spec, change: tuple, message: str
) -> None:
    store.append(rows([0.0, 0.1]))
    other = _with_field(spec, *change)
    with pytest.raises(TracesError, match=rf"robot\.traces was recorded for another world \(robot\) .*{message}"):
        Traces(store.path, other)
    with pytest.raises(TracesError, match=message):
        store.transitions(other)
    assert len(store.transitions().transitions) == 1


def test_an_empty_store_can_become_any_world(store: Traces, spec: Spec) -> None:
    other = _with_field(spec, "floor", Angle())
    store.bind(other)
    assert len(store.transitions().transitions) == 0


def test_a_store_without_a_spec_says_so(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    store.append({"state.x": [1, 2], "action.a": [0, 1]})
    with pytest.raises(InvalidValue, match=r"a\.traces has no spec yet"):
        store.transitions()


def test_one_wrong_text_among_numbers_disowns_nothing(store: Traces, rows: Callable) -> None:
    store.append(rows([0.0, 0.1]))
    store.append(rows(["0.5", "broken", 0.2, 0.3]))
    recorded = Traces(store.path, store.spec).transitions()
    assert recorded.transitions.steps.tolist() == [0, 2]
    assert recorded.excluded == {"next.position is not a number": 1, "state.position is not a number": 1}


def test_text_that_is_no_number_is_of_another_world(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    store.append({"state.x": ["high", "low"], "action.a": [0, 1]})
    spec = Spec(
        name="w",
        state=Space(names=("x",), fields=(real(0, 1),)),
        action=Space(names=("a",), fields=(Integer(low=0, high=1),)),
    )
    with pytest.raises(TracesError, match=r"state\.x holds text values, no numbers"):
        store.bind(spec)
