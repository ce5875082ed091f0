"""Learning from a store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from worldtwin.errors import TracesError
from worldtwin.learning import fit
from worldtwin.traces import Traces
from worldtwin.world import Category, Space, Spec, real

SLIDE = Spec(
    name="slide",
    state=Space(names=("x",), fields=(real(-10, 10),)),
    action=Space(names=("push",), fields=(Category(("left", "right")),)),
    horizon=20,
)


def columns(episode: int, x: np.ndarray) -> dict[str, object]:
    moves = np.where(np.diff(np.nan_to_num(x)) > 0, "right", "left")
    return {
        "episode": np.full(len(x) - 1, episode),
        "step": np.arange(len(x) - 1),
        "state.x": x[:-1],
        "action.push": moves.tolist(),
        "next.x": x[1:],
    }


def recorded(path: Path, episodes: int, broken: int) -> Traces:
    chance, traces = np.random.default_rng(1), Traces(path / "slide.traces", SLIDE)
    for _ in range(episodes):
        x = np.cumsum(chance.choice([-0.25, 0.25], size=21))
        x[:broken] = np.nan
        traces.append(columns(traces.begin(), x))
    return traces


def test_marked_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    traces = recorded(tmp_path, episodes=12, broken=1)
    simulator = fit(SLIDE, traces, key=1)
    report = simulator.report
    assert report is not None
    assert report.transitions == 12 * 19
    assert sum(report.excluded.values()) == 12
    assert report.episodes == 12
    assert report.traces_version == traces.version
    assert report.fields[0].one_step_error == pytest.approx(0.0, abs=1e-3)


def test_a_store_of_marked_rows_only_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TracesError, match=r"no transitions of `slide` to learn from: all rows are marked \(20 "):
        fit(SLIDE, recorded(tmp_path, episodes=1, broken=21), key=1)


def test_an_empty_store_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TracesError, match="no transitions of `slide` to learn from; record some runs"):
        fit(SLIDE, Traces(tmp_path / "slide.traces", SLIDE), key=1)


def test_a_store_holds_the_past_itself_so_a_base_adds_nothing_twice(tmp_path: Path) -> None:
    traces = recorded(tmp_path, episodes=12, broken=0)
    once = fit(SLIDE, traces, key=1)
    assert fit(SLIDE, traces, base=once, key=1).digest == once.digest
