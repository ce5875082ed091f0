"""Pictures on their way from an environment to components: nothing is lost, and nothing is taken for a picture."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pyarrow as pa
import pytest
from drawn_ball import DrawnBall
from gymnasium import spaces
from msgspec.structs import replace
from numpy.typing import NDArray

import worldtwin as wt
from worldtwin.errors import InvalidSpec, InvalidTask, InvalidValue, TracesError
from worldtwin.learning.seeing import Pictures, codec_of, sighted
from worldtwin.recording import import_file
from worldtwin.recording.drafting.guessing import guess_field
from worldtwin.recording.observing import axes_of
from worldtwin.simulation import Report
from worldtwin.world import Image, Space, Spec


@pytest.fixture(scope="module")
def spec() -> Spec:
    return wt.draft_spec(DrawnBall()).spec


def _record(traces: wt.Traces, env: gymnasium.Env[Any, Any], episodes: int = 3) -> list[NDArray[np.uint8]]:
    """The pictures that are shown, all of them."""
    seen, watched, chance = list[NDArray[np.uint8]](), wt.RecordEnv(env, traces), np.random.default_rng(1)
    for seed in range(episodes):
        shown, _ = watched.reset(seed=seed)
        seen.append(shown.copy())
        over = False
        while not over:
            shown, _, terminated, truncated, _ = watched.step(chance.integers(3))
            seen.append(shown.copy())
            over = bool(terminated or truncated)
    watched.close()
    return seen


def _stored(traces: wt.Traces) -> list[bytes]:
    return [row.tobytes() for _, pictures in traces.pictures("view") for row in pictures]


def test_a_camera_is_drafted_as_an_image_and_read_back(spec: Spec, tmp_path: Path) -> None:
    assert spec.state.pictures == (Image(name="view", height=16, width=16),)
    assert spec.history == 1
    wt.save(spec, tmp_path / "ball.yaml")
    assert wt.load_spec(tmp_path / "ball.yaml") == spec
    assert "view: {type: image, shape: [16, 16], encode: {pca: 16}}" in (tmp_path / "ball.yaml").read_text()


def test_every_picture_is_stored_and_once_in_a_batch(spec: Spec, tmp_path: Path) -> None:
    traces = wt.Traces(tmp_path / "ball.traces", spec)
    seen = _record(traces, DrawnBall())
    stored = _stored(traces)
    assert set(stored) == {picture.tobytes() for picture in seen}
    assert len(seen) <= len(stored) < len(seen) + len(list(traces.tables()))
    traces.verify()


def test_a_store_without_a_spec_takes_pictures_and_drafts_one(spec: Spec, tmp_path: Path) -> None:
    traces = wt.Traces(tmp_path / "ball.traces")
    seen = _record(traces, DrawnBall())
    drafted = wt.draft_spec(traces).spec
    assert drafted.state == spec.state
    known, _ = sighted(drafted, None, traces, wt.Key.of(1))
    assert len(traces.transitions(known).transitions) == len(seen) - 3
    traces.bind(spec)
    assert set(_stored(traces)) == {picture.tobytes() for picture in seen}


def test_transitions_are_the_components_of_the_pictures(spec: Spec, tmp_path: Path) -> None:
    traces = wt.Traces(tmp_path / "ball.traces", spec)
    seen = _record(traces, DrawnBall())
    with pytest.raises(InvalidSpec, match="how to see `view` is not learned yet"):
        traces.transitions()
    known, (report,) = sighted(spec, None, traces, wt.Key.of(1))
    recorded = traces.transitions(known)
    (image,) = known.state.pictures
    rows, told = image.encode(np.array(seen).reshape(len(seen), -1))
    assert told.all()
    assert not recorded.excluded
    per = len(seen) // 3
    for episode in range(3):
        part = slice(episode * (per - 1), (episode + 1) * (per - 1))
        assert (recorded.transitions.states[part] == rows[episode * per : (episode + 1) * per - 1]).all()
        assert (recorded.transitions.nexts[part] == rows[episode * per + 1 : (episode + 1) * per]).all()
    assert report.share > 0.98
    assert report.error < 4
    assert report.components == len(known.state) < 16


def test_a_codec_that_is_known_is_kept(spec: Spec, tmp_path: Path) -> None:
    traces = wt.Traces(tmp_path / "ball.traces", spec)
    _record(traces, DrawnBall())
    known, _ = sighted(spec, None, traces, wt.Key.of(1))
    _record(traces, DrawnBall(), episodes=4)
    assert sighted(known, None, traces, wt.Key.of(2))[0] == known
    assert sighted(spec, wt.Simulator(known), traces, wt.Key.of(2))[0] == known
    assert sighted(spec, None, traces, wt.Key.of(2))[0] != known


def test_pictures_kept_aside_do_not_scale_the_codec(spec: Spec) -> None:
    (image,) = spec.state.pictures
    pixels = np.random.default_rng(1).integers(0, 256, (40, 256)).astype(np.uint8)
    learned, one = pixels // 4 + 96, replace(image, components=1)
    alike = codec_of(one, Pictures(learned, learned), wt.Key.of(1))
    assert codec_of(one, Pictures(learned, pixels), wt.Key.of(1)) == alike
    assert codec_of(one, Pictures(pixels, learned), wt.Key.of(1)).shifts != alike.shifts


def test_a_codec_that_is_known_is_not_judged_by_what_it_learned_from(spec: Spec, tmp_path: Path) -> None:
    traces = wt.Traces(tmp_path / "ball.traces", spec)
    _record(traces, DrawnBall())
    known, images = sighted(spec, None, traces, wt.Key.of(1))
    base = wt.Simulator(known, report=Report(images=images))
    assert len(images) == 1
    assert sighted(known, None, traces, wt.Key.of(2)) == (known, ())
    assert sighted(spec, base, traces, wt.Key.of(2)) == (known, images)


def test_a_base_with_another_image_is_of_another_world(spec: Spec, tmp_path: Path) -> None:
    traces = wt.Traces(tmp_path / "ball.traces", spec)
    _record(traces, DrawnBall())
    base = wt.Simulator(sighted(spec, None, traces, wt.Key.of(1))[0])
    (image,) = spec.state.pictures
    for other in (replace(image, components=2), replace(image, height=8, width=32), replace(image, name="eye")):
        declared = replace(spec, state=Space.of({other.name: other}))
        with pytest.raises(InvalidSpec, match=r"`base` is a simulator of another world.*its state differs"):
            wt.fit(declared, traces, base=base, key=1)


def test_no_pictures_are_said_to_be_none(spec: Spec, tmp_path: Path) -> None:
    traces = wt.Traces(tmp_path / "ball.traces", spec)
    with pytest.raises(TracesError, match="no pictures of `view`"):
        wt.fit(spec, traces, key=1)


class _Dark(gymnasium.Wrapper[Any, Any, Any, Any]):
    """A lens that turns everything round: pictures like no other."""

    def reset(self, **given: Any) -> Any:
        shown, info = self.env.reset(**given)
        return np.ascontiguousarray(255 - shown), info

    def step(self, action: Any) -> Any:
        shown, *rest = self.env.step(action)
        return np.ascontiguousarray(255 - shown), *rest


def test_pictures_unlike_all_others_are_left_out_and_counted(spec: Spec, tmp_path: Path) -> None:
    traces = wt.Traces(tmp_path / "ball.traces", spec)
    _record(traces, DrawnBall())
    known, _ = sighted(spec, None, traces, wt.Key.of(1))
    before = len(traces.transitions(known).transitions)
    _record(traces, _Dark(DrawnBall()), episodes=1)
    after = traces.transitions(known)
    assert len(after.transitions) == before
    assert after.excluded == {"state.view is unlike all pictures that its codec learned from": 40}


def test_reality_shows_a_task_components_and_records_pictures(spec: Spec, tmp_path: Path) -> None:
    traces = wt.Traces(tmp_path / "ball.traces", spec)
    blind = wt.Task.network(spec, key=1)
    with pytest.raises(InvalidTask, match="how to see `view` is not learned yet"):
        wt.evaluate(blind, DrawnBall(), episodes=1, key=1)
    wt.evaluate(blind, DrawnBall(), episodes=3, key=1, spec=spec, traces=traces, noise=1.0)
    assert len(_stored(traces)) == 3 * 41
    known, _ = sighted(spec, None, traces, wt.Key.of(1))
    task = wt.Task.network(known, key=1)
    lived = wt.evaluate(task, DrawnBall(), episodes=2, key=2, spec=known, traces=traces)
    assert lived.outside == 0
    assert len(_stored(traces)) == 5 * 41
    assert len(traces.transitions(known).transitions) == 5 * 40
    with pytest.raises(InvalidTask, match="with no codec yet"):
        blind.require_fit(known)


def test_a_task_of_another_codec_is_refused(spec: Spec, tmp_path: Path) -> None:
    traces = wt.Traces(tmp_path / "ball.traces", spec)
    _record(traces, DrawnBall())
    one, _ = sighted(spec, None, traces, wt.Key.of(1))
    _record(traces, DrawnBall(), episodes=5)
    other, _ = sighted(spec, None, traces, wt.Key.of(1))
    with pytest.raises(InvalidTask, match=r"through codec [0-9a-f]{8}, this world as 16 x 16 through codec"):
        wt.Task.network(one, key=1).require_fit(other)


def test_a_simulator_that_knows_only_its_bounds_shows_pictures_when_it_can_see(spec: Spec, tmp_path: Path) -> None:
    traces = wt.Traces(tmp_path / "ball.traces", spec)
    _record(traces, DrawnBall())
    known, _ = sighted(spec, None, traces, wt.Key.of(1))
    simulator = wt.Simulator(known, starts=known.start_rows(traces.transitions(known).transitions.states[:5]))
    env = wt.make_env(simulator)
    shown, _ = env.reset(seed=1)
    assert env.observation_space == spaces.Box(0, 255, (16, 16), np.uint8)
    assert env.observation_space.contains(shown)
    many, _ = wt.make_vec(simulator, 3).reset(seed=1)
    assert many.shape == (3, 16, 16)
    assert (many[0] == shown).all()
    blind = wt.make_env(wt.Simulator(spec, starts=spec.start_rows(np.zeros((1, 16), dtype=np.int64))))
    with pytest.raises(InvalidSpec, match="not learned yet"):
        blind.reset(seed=1)


class _Equipped(gymnasium.Wrapper[Any, Any, Any, Any]):
    """The ball with a speedometer beside the camera, in colour."""

    def __init__(self) -> None:
        super().__init__(DrawnBall())
        view, speed = spaces.Box(0, 255, (16, 16, 3), np.uint8), spaces.Box(-9, 9, (1,), np.float64)
        self.observation_space = spaces.Dict({"car": spaces.Dict({"eye": view}), "speed": speed})

    def _shown(self, grey: NDArray[np.uint8]) -> dict[str, Any]:
        speed = np.array([self.env.unwrapped.speed])  # pyright: ignore[reportAttributeAccessIssue] - a DrawnBall
        return {"car": {"eye": np.stack([grey, grey, 255 - grey], axis=2)}, "speed": speed}

    def reset(self, **given: Any) -> Any:
        shown, info = self.env.reset(**given)
        return self._shown(shown), info

    def step(self, action: Any) -> Any:
        shown, *rest = self.env.step(action)
        return self._shown(shown), *rest


def test_pictures_stand_beside_numbers(tmp_path: Path) -> None:
    spec = wt.draft_spec(_Equipped()).spec
    assert tuple(spec.state.parts) == ("car_eye", "speed")
    traces = wt.Traces(tmp_path / "ball.traces", spec)
    wt.evaluate(wt.Task.network(spec, key=1), _Equipped(), episodes=3, key=1, spec=spec, traces=traces, noise=1.0)
    known, _ = sighted(spec, None, traces, wt.Key.of(1))
    recorded = traces.transitions(known)
    assert len(recorded.transitions) == 120
    assert np.ptp(recorded.transitions.states[:, -1]) > 0
    lived = wt.evaluate(wt.Task.network(known, key=1), _Equipped(), episodes=1, key=1, spec=known)
    assert lived.outside == 0
    env = wt.make_env(wt.Simulator(known, starts=known.start_rows(recorded.transitions.states[:5])))
    shown, _ = env.reset(seed=1)
    assert shown["car_eye"].shape == (16, 16, 3)
    assert env.observation_space.contains(shown)


def test_small_boards_and_declared_numbers_stay_numbers(tmp_path: Path) -> None:
    board = spaces.Box(0, 255, (7, 7, 3), np.uint8)
    env = gymnasium.wrappers.TransformObservation(DrawnBall(), lambda shown: shown[:7, :7, None].repeat(3, 2), board)
    assert len(wt.draft_spec(env).spec.state) == 147
    corner = spaces.Box(0, 255, (8, 8), np.uint8)
    env = gymnasium.wrappers.TransformObservation(DrawnBall(), lambda shown: shown[:8, :8].copy(), corner)
    flat = gymnasium.wrappers.FlattenObservation(env)
    spec = wt.draft_spec(flat).spec
    traces = wt.Traces(tmp_path / "corner.traces", spec)
    _record(traces, env, episodes=1)
    assert len(traces.transitions().transitions) == 40


def test_a_camera_of_another_size_is_refused(spec: Spec, tmp_path: Path) -> None:
    (image,) = spec.state.pictures
    wide = replace(spec, state=spec.state.seen_by((replace(image, width=20),)))
    with pytest.raises(InvalidSpec, match=r"state.view: pictures are of 16 x 16, not of 16 x 20"):
        wt.RecordEnv(DrawnBall(), wt.Traces(tmp_path / "wide.traces", wide))
    traces = wt.Traces(tmp_path / "ball.traces", spec)
    _record(traces, DrawnBall(), episodes=1)
    with pytest.raises(TracesError, match=r"state.view was recorded in 16 x 16, not in 16 x 20"):
        wt.Traces(tmp_path / "ball.traces", wide)


class _TwoEyes(gymnasium.Wrapper[Any, Any, Any, Any]):
    """The ball through two cameras of different sizes."""

    def __init__(self) -> None:
        super().__init__(DrawnBall())
        left, right = (spaces.Box(0, 255, shape, np.uint8) for shape in ((16, 16), (8, 16)))
        self.observation_space = spaces.Dict({"left": left, "right": right})

    def reset(self, **given: Any) -> Any:
        shown, info = self.env.reset(**given)
        return {"left": shown, "right": shown[:8].copy()}, info


def test_two_cameras_are_told_apart_by_name(tmp_path: Path) -> None:
    spec = wt.draft_spec(DrawnBall()).spec
    left, right = Image(name="left", height=16, width=16), Image(name="right", height=8, width=16)
    turned = replace(spec, state=Space.of({"right": right, "left": left}))
    wt.RecordEnv(_TwoEyes(), wt.Traces(tmp_path / "turned.traces", turned)).close()
    swapped = Space.of({"left": replace(right, name="left"), "right": replace(left, name="right")})
    for state in (swapped, Space.of(dict(reversed(swapped.parts.items())))):
        with pytest.raises(InvalidSpec, match=r"state.(left|right): pictures are of \d+ x 16, not of"):
            wt.RecordEnv(_TwoEyes(), wt.Traces(tmp_path / "swapped.traces", replace(spec, state=state)))


def test_numbers_are_not_taken_for_a_picture(spec: Spec, tmp_path: Path) -> None:
    one = spaces.Box(-9, 9, (1,), np.float64)
    env = gymnasium.wrappers.TransformObservation(DrawnBall(), lambda shown: shown[0, :1].astype(np.float64), one)
    with pytest.raises(InvalidSpec, match=r"state.view: the environment shows no picture there, of 16 x 16"):
        wt.RecordEnv(env, wt.Traces(tmp_path / "ball.traces", spec))


@pytest.mark.parametrize("shape", [(210, 160, 3), (257, 256)])
def test_a_camera_of_too_many_pixels_is_refused(shape: tuple[int, ...]) -> None:
    large = spaces.Box(0, 255, shape, np.uint8)
    for space in (large, spaces.Dict({"eye": large, "speed": spaces.Box(-9, 9, (1,), np.float64)})):
        with pytest.raises(InvalidSpec, match=r"state: pictures of .* values: make them smaller .*, at most 65,536"):
            axes_of(space, "state")
    (axis,) = axes_of(spaces.Box(0, 255, (256, 256), np.uint8), "state")
    assert axis.picture == (256, 256)


def test_a_draft_refuses_a_camera_of_too_many_pixels() -> None:
    large = spaces.Box(0, 255, (160, 160, 3), np.uint8)
    env = gymnasium.wrappers.TransformObservation(DrawnBall(), lambda _: np.zeros((160, 160, 3), np.uint8), large)
    with pytest.raises(InvalidSpec, match="pictures of 160 x 160 x 3 are 76,800 values"):
        wt.draft_spec(env)


def test_a_draft_copies_one_picture_of_a_column() -> None:
    column = pa.chunked_array([pa.array([None, *[bytes(65_536)] * 200], pa.binary())])
    tracemalloc.start()
    drafted = guess_field("view", [column], None).field
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert drafted == Image(name="view", height=256, width=256)
    assert most < 10 * 65_536


def test_rows_of_a_file_are_no_pictures(spec: Spec, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("view,action,reward\n1,a0,0\n2,a1,0\n")
    with pytest.raises(InvalidValue, match="are recorded from a Gymnasium environment only"):
        import_file(tmp_path / "log.csv", wt.Traces(tmp_path / "ball.traces", spec))


@pytest.mark.parametrize("sizes", [(256, 768), (48, 256, 112, 320), (256, 400)])
def test_pictures_of_other_sizes_are_not_learned_from(spec: Spec, tmp_path: Path, sizes: tuple[int, ...]) -> None:
    traces = wt.Traces(tmp_path / "ball.traces")
    shown = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    traces.append({"state.view": shown, "action.action": ["a0"] * len(shown)})
    fitting = {picture for picture in shown if len(picture) == 256}
    assert {row.tobytes() for _, pictures in traces.pictures("view", spec) for row in pictures} == fitting
