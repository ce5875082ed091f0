"""Rows that say something else comes next than the row after them: counted, told, and never called ready."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given
from hypothesis import strategies as st
from measured_rows import episodes_of
from msgspec.structs import replace

import worldtwin as wt
from worldtwin.learning.contradicting import contradictions
from worldtwin.recording import import_file, synthetic_file
from worldtwin.simulation import ContradictionReport
from worldtwin.world import Angle, Category, Done, Integer, Space, Spec, Transitions, real

WORLD = Spec(
    name="belt",
    state=Space(("x", "way", "level"), (real(-10, 10), Angle(), Integer(low=0, high=50))),
    action=Space(("push",), (Category(("back", "on")),)),
    horizon=20,
)
LEVEL = Spec(
    name="level",
    state=Space(("level",), (Integer(low=0, high=50),)),
    action=Space(("push",), (Category(("back", "on")),)),
    horizon=20,
    done=Done(known=None, coverage=0.1),
)
LENGTH = 20


def belt(episodes: int, seed: int = 1) -> Transitions:
    """Episodes of 20 steps in which all three fields move."""
    chance = np.random.default_rng(seed)
    moves = chance.integers(2, size=(episodes, LENGTH))
    x = np.cumsum(np.c_[chance.integers(-(2**16), 2**16, size=episodes), (2 * moves - 1) * 2**12], axis=1)
    way = np.cumsum(np.c_[chance.integers(2**24, size=episodes), np.full_like(moves, 2**20)], axis=1)
    level = np.cumsum(np.c_[chance.integers(20, size=episodes), moves], axis=1)
    states = np.stack([x, (way + 2**23) % 2**24 - 2**23, level], axis=2)
    count = episodes * LENGTH
    return episodes_of(
        states[:, :-1].reshape(count, 3), moves.reshape(count, 1), states[:, 1:].reshape(count, 3), length=LENGTH
    )


def levels(rows: Transitions) -> Transitions:
    """The level alone."""
    return replace(rows, states=rows.states[:, 2:], nexts=rows.nexts[:, 2:])


def late(rows: Transitions) -> Transitions:
    """What follows each row is what followed the next one."""
    first = np.flatnonzero(rows.follows) - 1
    return replace(rows.select(first), nexts=rows.nexts[first + 1])


def early(rows: Transitions) -> Transitions:
    """What follows each row is what followed the one before: its own state."""
    later = np.flatnonzero(rows.follows)
    return replace(rows.select(later), nexts=rows.nexts[later - 1])


def changed(rows: Transitions, places: np.ndarray) -> Transitions:
    """`rows`, with another level after those at `places`."""
    nexts = rows.nexts.copy()
    nexts[places, 2] = 50 - nexts[places, 2] // 2
    return replace(rows, nexts=nexts)


def said_of(traces: wt.Traces, spec: Spec) -> ContradictionReport:
    return contradictions(spec, traces.transitions(spec).transitions)


@pytest.mark.parametrize(
    ("shifted", "what"), [(late, "tell what comes a row later"), (early, "repeat their own state")]
)
def test_a_record_shifted_by_a_step_is_told_either_way(shifted: Callable, what: str) -> None:
    wrong = contradictions(WORLD, shifted(belt(30)))

    assert (wrong.compared, wrong.found, wrong.many) == (540, 540, True)
    assert wrong.advice.startswith(f"{540 - 30 * (shifted is late):,} of these {what}: is what follows shifted")


@pytest.mark.parametrize("shifted", [late, early])
def test_a_simulator_of_a_shifted_record_is_refused(shifted: Callable) -> None:
    told = wt.readiness(wt.fit(LEVEL, shifted(levels(belt(30))), key=1))

    assert not told.ready
    assert told.because == "rows contradict each other"
    assert "rows in which something changes say something else comes next than the row after them" in told.refused
    assert "is what follows shifted by a step?" in told.refused


def test_a_world_that_seems_to_stand_still_has_no_error_and_is_refused_all_the_same() -> None:
    simulator = wt.fit(LEVEL, early(levels(belt(30))), key=1)

    assert [field.one_step_error for field in simulator.report.fields] == [0.0]
    assert wt.readiness(simulator).refused


def test_rows_as_they_were_lived_are_ready() -> None:
    simulator = wt.fit(LEVEL, levels(belt(30)), key=1)

    assert simulator.report.contradictions.found == 0
    assert wt.readiness(simulator).ready


@pytest.mark.parametrize(("slips", "many"), [(5, False), (6, True)])
def test_a_few_slips_are_told_and_more_than_one_in_a_hundred_are_refused(slips: int, *, many: bool) -> None:
    rows = belt(30)
    places = np.flatnonzero(rows.follows)[::7][:slips] - 1

    wrong = contradictions(WORLD, changed(rows, places))

    assert (wrong.found, wrong.many) == (slips, many)
    assert wrong.example.startswith("after step 0 of episode 0 `level` is said to be ")
    assert "different `episode` numbers" in wrong.advice


def test_rows_in_which_nothing_changes_do_not_hide_the_others() -> None:
    """A lamp that is switched once in 400 steps, recorded a step early."""
    rows = belt(20)
    still = replace(rows, states=np.zeros_like(rows.states), nexts=np.zeros_like(rows.nexts))
    still.states[210:, 2] = 1

    wrong = contradictions(WORLD, replace(still, nexts=still.states.copy(), episodes=np.zeros_like(rows.episodes),
                                          steps=np.arange(len(rows))))  # fmt: skip

    assert (wrong.compared, wrong.found, wrong.many) == (1, 1, True)


def test_rounding_is_no_contradiction() -> None:
    rows = belt(20)
    nexts = rows.nexts.copy()
    nexts[:, 0] += np.random.default_rng(1).integers(-20, 21, size=len(rows))

    assert contradictions(WORLD, replace(rows, nexts=nexts)).found == 0


@given(st.lists(st.booleans(), min_size=60, max_size=60), st.permutations(range(3)))
def test_rows_of_one_life_never_contradict_each_other(kept: list[bool], order: list[int]) -> None:
    """Whatever is left out, and in whatever order the episodes are."""
    rows = belt(3).select(np.array(kept))

    joined = Transitions.join([rows.select(rows.episodes == episode) for episode in order])

    assert contradictions(WORLD, joined).found == 0


def test_made_up_rows_are_looked_at_when_there_are_no_others() -> None:
    rows, shifted = belt(3), early(belt(3))
    made_up = replace(shifted, synthetic=np.ones(len(shifted), dtype=np.bool_))

    assert contradictions(WORLD, Transitions.join([rows, made_up])).found == 0
    assert contradictions(WORLD, made_up).found == len(made_up) - 3


def test_a_function_in_a_world_where_others_act_too_is_not_accused(tmp_path: Path) -> None:
    spec = Spec(
        name="queue",
        state=Space(("waiting",), (Integer(low=0, high=99),)),
        action=Space(("size",), (Integer(low=1, high=8),)),
        horizon=100,
    )
    traces, chance = wt.Traces(tmp_path / "q.traces", spec), np.random.default_rng(1)

    @wt.recorded(traces, state=["waiting"], action="size")
    def batch(waiting: int) -> int:
        if waiting == 50:
            raise ValueError("no more")
        return 1 + waiting % 8

    for _ in range(200):
        waiting = int(chance.integers(100))
        if waiting == 50:
            with pytest.raises(ValueError, match="no more"):
                batch(waiting)
        else:
            batch(waiting)
    batch.flush()

    wrong = said_of(traces, spec)
    assert wrong.compared > 150
    assert wrong.found == 0


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_environments_that_reset_themselves_are_not_accused(tmp_path: Path, mode: AutoresetMode) -> None:
    traces = wt.Traces(tmp_path / "c.traces")
    env = wt.RecordEnv(SyncVectorEnv([lambda: gymnasium.make("CartPole-v1")] * 2, autoreset_mode=mode), traces)
    env.reset(seed=1)
    env.action_space.seed(1)
    for _ in range(120):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        over = terminated | truncated
        if mode is AutoresetMode.DISABLED and over.any():
            env.reset(options={"reset_mask": over})
    env.close()

    wrong = said_of(traces, wt.draft_spec(gymnasium.make("CartPole-v1")).spec)
    assert wrong.compared > 200
    assert wrong.found == 0


def lines(rows: range, next_of: Callable[[int], int]) -> str:
    return "\n".join(["level,push,next.level", *(f"{row % 50},on,{next_of(row) % 50}" for row in rows)]) + "\n"


@pytest.mark.parametrize(("ahead", "found"), [(1, 0), (2, 99), (0, 99)])
def test_an_imported_file_is_looked_at_too(tmp_path: Path, ahead: int, found: int) -> None:
    (tmp_path / "log.csv").write_text(lines(range(100), lambda row: row + ahead), encoding="utf-8")
    traces = wt.Traces(tmp_path / "log.traces", LEVEL)
    import_file(tmp_path / "log.csv", traces)

    wrong = wt.fit(LEVEL, traces, key=1).report.contradictions

    assert (wrong.compared, wrong.found) == (99, found)


def test_made_up_rows_that_were_thinned_do_not_seem_to_follow_each_other(tmp_path: Path) -> None:
    text = lines(range(40), lambda row: row + 1).splitlines()
    (tmp_path / "extra.csv").write_text("\n".join(["episode," + text[0], *("7," + row for row in text[1:])]) + "\n")
    traces = wt.Traces(tmp_path / "log.traces", LEVEL)
    for level in range(20):
        traces.append({"state.level": [level], "action.push": ["on"], "next.level": [level + 1]})
    assert synthetic_file(tmp_path / "extra.csv", traces, share=0.5) == 20

    rows = traces.transitions().transitions

    assert contradictions(LEVEL, rows.select(rows.synthetic)).found == 0
