"""A first spec from a look at the data, with its guesses marked."""

import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import worldtwin as wt
from worldtwin.errors import InvalidValue, TracesError
from worldtwin.files import load_document
from worldtwin.files.reading.quantity import require_unit
from worldtwin.recording import RecordEnv, draft_spec
from worldtwin.recording.drafting.guessing import UNITS, spread
from worldtwin.traces import Traces
from worldtwin.world import Angle, Category, Integer, Real, Set


@pytest.mark.parametrize("name", ["CartPole-v1", "Acrobot-v1", "FrozenLake-v1"])
def test_a_draft_reads_back_as_the_spec_it_is(tmp_path: Path, name: str) -> None:
    draft = draft_spec(f"gym:{name}")
    (tmp_path / "draft.yaml").write_text(draft.text)
    document = load_document(tmp_path / "draft.yaml")
    assert document.spec == draft.spec
    assert document.plan == draft.plan
    assert draft.text.count("# guess: ") == len(draft.guesses)


@pytest.mark.parametrize("name", ["CartPole-v1", "Pendulum-v1", "Acrobot-v1", "MountainCarContinuous-v0", "Taxi-v4"])
def test_what_happens_next_in_an_environment_fits_its_draft(tmp_path: Path, name: str) -> None:
    spec = draft_spec(gymnasium.make(name)).spec
    traces = Traces(tmp_path / "a.traces", spec)
    env = RecordEnv(gymnasium.make(name), traces)
    env.action_space.seed(5)
    env.reset(seed=5)
    for _ in range(500):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
    recorded = traces.transitions()
    assert recorded.excluded == {}
    assert len(recorded.transitions) == 500


def test_bounds_come_from_the_environment_and_are_guessed_where_it_has_none() -> None:
    draft = draft_spec("gym:CartPole-v1")
    position, velocity = draft.spec.state.fields[:2]
    assert isinstance(position, Real)
    assert position.high == pytest.approx(4.8, rel=0.01)
    assert isinstance(velocity, Real)
    assert velocity.high > 8
    assert "state.x0" not in draft.guesses
    assert "8 times that is allowed" in draft.guesses["state.x1"]
    assert draft.spec.horizon == 500
    assert draft.spec.returns == (0.0, 500.0)
    assert draft.spec.reward == "outputs.reward"
    assert draft.spec.ends == "outputs.terminated > 0"


def test_pairs_on_the_unit_circle_are_one_angle() -> None:
    state = draft_spec("gym:Acrobot-v1").spec.state
    assert state.names == ("x0_x1", "x2_x3", "x4", "x5")
    assert state.fields[:2] == (Angle(sources=("cos", "sin")),) * 2


def test_the_same_environment_gives_the_same_draft() -> None:
    assert draft_spec("gym:Pendulum-v1").text == draft_spec("gym:Pendulum-v1").text


def test_a_log_gives_each_kind_of_field(tmp_path: Path) -> None:
    turns = np.linspace(0, 3, 20)
    lines = ["heat,mode,floor,turn_cos,turn_sin,action,reward"]
    lines += [f"{i / 7},{'ab'[i % 2]},{i % 5},{np.cos(t)},{np.sin(t)},{'xyz'[i % 3]},{i}" for i, t in enumerate(turns)]
    (tmp_path / "Log_1.csv").write_text("\n".join(lines))
    draft = draft_spec(tmp_path / "Log_1.csv")
    assert draft.spec.name == "log-1"
    assert draft.spec.state.names == ("heat", "mode", "floor", "turn")
    kinds = (Real, Category, Integer, Angle)
    assert tuple(type(field) for field in draft.spec.state.fields) == kinds
    assert draft.spec.action.fields == (Category(("x", "y", "z")),)
    assert draft.plan.traces.endswith("Log_1.csv")
    traces = Traces(tmp_path / "a.traces", draft.spec)
    wt.recording.import_file(tmp_path / "Log_1.csv", traces)
    assert len(traces.transitions().transitions) == 19


def test_a_store_is_bound_to_its_own_draft(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "a.traces")
    env = RecordEnv(gymnasium.make("Acrobot-v1"), traces)
    env.reset(seed=0)
    for number in range(40):
        env.step(number % 3)
    spec = draft_spec(traces).spec
    assert len(traces.transitions(spec).transitions) == 40
    assert draft_spec(str(tmp_path / "a.traces")).spec == spec


def test_a_recorded_function_says_what_its_knob_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "batching_program.py").write_text(
        "import worldtwin as wt\n"
        "@wt.recorded('batching.traces', state=['queue', 'exits'], action='size', outputs=['rows_per_s'])\n"
        "def choose_batch(queue: int, exits, size=wt.param(64, low=1, high=1024)):\n"
        "    return size\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import batching_program  # noqa: PLC0415 # pyright: ignore[reportMissingImports]

    for queue in range(5):
        batching_program.choose_batch(10 * queue, {"n"})
        batching_program.choose_batch.outputs(rows_per_s=100.0 * queue)
    draft = draft_spec("batching_program:choose_batch")
    assert draft.spec.name == "choose-batch"
    assert draft.spec.state.fields == (Integer(low=0, high=180), Set(("n",)))
    assert draft.spec.action.fields == (Integer(low=1, high=1024),)
    assert draft.spec.reward == "outputs.rows_per_s"
    assert draft.spec.returns == (0.0, 2000.0)
    assert draft.plan.traces == "batching.traces"
    assert "traces: batching.traces" in draft.text
    del sys.modules["batching_program"]


def test_outputs_that_come_late_are_no_steps_of_their_own(tmp_path: Path) -> None:
    @wt.recorded(tmp_path / "a.traces", state=["queue"], action="size", outputs=["rows"])
    def choose(queue: int) -> int:
        return queue + 1

    for queue in range(5):
        choose(queue)
        choose.flush()
        choose.outputs(rows=10.0)
    choose.flush()

    assert choose.traces.rows().num_rows == 10
    assert draft_spec(choose.traces).heading.startswith("A first look at a: 5 steps.")


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_a_guessed_range_holds_what_was_seen_with_room(low: float, width: float) -> None:
    wide_low, wide_high = spread(low, low + width)
    assert wide_low <= low <= low + width <= wide_high
    assert wide_low < wide_high
    assert wide_high - wide_low >= 4 * width
    assert wide_low >= 0 or low < 0


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("gym:NoSuch-v0", InvalidValue, "gym:NoSuch-v0: "),
        ("nothing", InvalidValue, "`nothing` cannot be looked at: give gym:ID"),
        ("no_such_module:f", InvalidValue, "no_such_module cannot be imported"),
        ("json:dumps", InvalidValue, "`dumps` is not recorded"),
        ("missing.traces", TracesError, r"missing\.traces: no such trace store"),
        ("missing.csv", TracesError, r"missing\.csv: no such file"),
    ],
)
def test_what_cannot_be_looked_at_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, error: type[Exception], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        draft_spec(source)


def test_an_empty_store_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TracesError, match="is empty: record some steps first"):
        draft_spec(Traces(tmp_path / "a.traces"))


LOG = "time,display,button,last_ms\n" + "".join(f"{i},{'ab'[i % 2]},{'xyz'[i % 3]},{i / 7}\n" for i in range(12))


def test_a_log_need_not_be_changed_to_say_what_was_done(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG)
    with pytest.raises(
        TracesError, match=r"no column is the action: draft it with `worldtwin new .* --action last_ms`"
    ):
        draft_spec(tmp_path / "log.csv")

    draft = draft_spec(tmp_path / "log.csv", action=["button"], outputs=["last_ms"])

    assert draft.spec.state.names == ("display",)
    assert draft.spec.action.fields == (Category(("x", "y", "z")),)
    assert draft.spec.outputs.names == ("last_ms",)
    traces = Traces(tmp_path / "a.traces", draft.spec)
    wt.recording.import_file(tmp_path / "log.csv", traces)
    assert len(traces.transitions().transitions) == 11


def test_a_column_that_a_log_has_not_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG)
    with pytest.raises(TracesError, match=r"no column is called `buton`: did you mean `button`\?"):
        draft_spec(tmp_path / "log.csv", action=["buton"])


def test_the_end_of_a_name_is_its_unit_and_marked_as_a_guess(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG)
    draft = draft_spec(tmp_path / "log.csv", action=["button"])
    (tmp_path / "log.yaml").write_text(draft.text)
    field = load_document(tmp_path / "log.yaml").spec.state.field("last_ms")
    assert isinstance(field, Real)
    assert field.unit == "ms"
    assert "the unit is from its name" in draft.guesses["state.last_ms"]


@pytest.mark.parametrize("unit", sorted(set(UNITS.values())))
def test_every_unit_that_a_name_can_say_is_one(unit: str) -> None:
    require_unit(unit)


def test_one_text_among_numbers_is_doubted(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("level,action.pump\n1.5,on\n2.5,off\nhgh,on\n4.5,off\n")
    assert "numbers but for `hgh`: is that a mistake?" in draft_spec(tmp_path / "log.csv").text


@pytest.mark.parametrize(("sign", "called"), [(";", "`;`"), ("\t", "a tab")])
def test_columns_that_are_not_separated_by_commas_are_named(tmp_path: Path, sign: str, called: str) -> None:
    (tmp_path / "log.csv").write_text(f"level{sign}action\n1{sign}2\n")
    with pytest.raises(TracesError, match=f"separated by commas, not by {called}"):
        draft_spec(tmp_path / "log.csv")
