"""From a camera to a better task: recorded, learned, rehearsed in, and tried in reality."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_ball import DrawnBall
from numpy.typing import NDArray

import worldtwin as wt
from worldtwin.simulation import Simulator
from worldtwin.world import Spec

EPISODES = 30


@pytest.fixture(scope="module")
def spec() -> Spec:
    return wt.draft_spec(DrawnBall()).spec


@pytest.fixture(scope="module")
def traces(spec: Spec, tmp_path_factory: pytest.TempPathFactory) -> wt.Traces:
    store = wt.Traces(tmp_path_factory.mktemp("ball") / "ball.traces", spec)
    chance = wt.Task.network(spec, key=1)
    wt.evaluate(chance, DrawnBall(), episodes=EPISODES, key=5, spec=spec, traces=store, noise=1.0)
    return store


@pytest.fixture(scope="module")
def simulator(spec: Spec, traces: wt.Traces) -> Simulator:
    return wt.fit(spec, traces, key=1)


def _off(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The root mean square of the difference, in grey levels."""
    return float(np.sqrt(np.mean(np.square(one.astype(np.float64) - other))))


@pytest.mark.slow
def test_the_simulator_says_how_well_it_sees(simulator: Simulator) -> None:
    assert simulator.report is not None
    (image,) = simulator.report.images  # type: ignore[misc] - it was measured
    assert image.share > 0.99
    assert image.error < 3
    assert image.components == len(simulator.spec.state)
    ahead = [field for field in simulator.report.fields if field.name.startswith("view_")]
    assert all(field.one_step_error < 0.2 * field.naive_error for field in ahead)  # type: ignore[operator] - measured


@pytest.mark.slow
def test_predicted_pictures_are_like_the_real_ones(simulator: Simulator) -> None:
    spec, real, chance = simulator.spec, DrawnBall(), np.random.default_rng(7)
    far, still = list[float](), list[float]()
    for seed in range(100, 110):
        first, _ = real.reset(seed=seed)
        rows = spec.start_rows(np.array([spec.state.encode({"view": first})], dtype=np.int64))
        for step in range(8):
            action = np.array([[chance.integers(3)]], dtype=np.int64)
            ahead = simulator.advance(rows, action, wt.Key.of(1).episodes(np.arange(1)), step)
            rows = spec.shift(rows, action, ahead.next_fields)
            shown, *_ = real.step(action[0, 0])
        point = spec.state.decode(tuple(int(each) for each in rows[0, : len(spec.state)]))
        far.append(_off(point.picture("view"), shown))
        still.append(_off(first, shown))
    assert np.median(far) < 5
    assert np.median(far) < 0.5 * np.median(still)


@pytest.mark.slow
def test_a_file_holds_how_to_see(simulator: Simulator, tmp_path: Path) -> None:
    wt.save(simulator, tmp_path / "ball.wts")
    back = wt.load_simulator(tmp_path / "ball.wts")
    assert back.digest == simulator.digest
    assert back.spec == simulator.spec


@pytest.mark.slow
def test_arithmetic_does_not_matter(simulator: Simulator) -> None:
    task = wt.Task.network(simulator, key=3)
    ours = wt.rollout(task, simulator, episodes=16, horizon=40, key=4)
    theirs = wt.rollout(task, simulator, episodes=16, horizon=40, key=4, backend=wt.JaxBackend())
    assert ours.digest == theirs.digest


@pytest.mark.slow
def test_a_task_gets_better_in_reality_and_the_next_fit_still_fits_it(
    spec: Spec, traces: wt.Traces, simulator: Simulator
) -> None:
    task = wt.Task.network(simulator, hidden=(), key=1)
    better = wt.improve(task, simulator, evaluations=1000, key=2)
    before = wt.evaluate(task, DrawnBall(), episodes=10, key=3, spec=simulator.spec)
    after = wt.evaluate(better, DrawnBall(), episodes=10, key=3, spec=simulator.spec, traces=traces)
    assert after.returns.mean() > before.returns.mean() + 5
    again = wt.fit(spec, traces, base=simulator, key=1)
    assert again.spec.state == simulator.spec.state
    better.require_fit(again.spec)
