"""What other libraries are shown of a world that is seen through a camera."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces
from numpy.typing import NDArray

from worldtwin.environments import make_env
from worldtwin.environments.guest import Guest
from worldtwin.environments.plain import plain_space, to_plain
from worldtwin.environments.reading import readings, sense
from worldtwin.environments.writing import show, space_of, to_gymnasium
from worldtwin.errors import InvalidSpec, InvalidValue
from worldtwin.simulation import Simulator
from worldtwin.world import Category, Codec, Image, Real, Space, Spec

CHANCE = np.random.default_rng(1)
WEIGHTS = CHANCE.integers(-32767, 32768, (3, 80)).astype("<i2").tobytes()
CODEC = Codec(mean=np.full(80, 6400, dtype="<i2").tobytes(), weights=WEIGHTS, shifts=(12, 12, 12))
VIEW = Image(name="view", height=8, width=10, codec=CODEC)
ALONE = Space.of({"view": VIEW})
BESIDE = Space.of({"speed": Real(low=-1, high=1, exponent=10), "view": VIEW})
PUSH = Space(("push",), (Category(("left", "right")),))
PICTURE = np.clip(100 + 9 * CHANCE.standard_normal((8, 10)), 0, 255).astype(np.uint8)


def test_a_picture_alone_is_an_array_of_bytes() -> None:
    row, outside = sense(ALONE, readings(ALONE, PICTURE))
    assert outside == 0
    assert space_of(ALONE) == spaces.Box(0, 255, (8, 10), np.uint8)
    drawn = show(ALONE, row, space_of(ALONE))
    assert drawn.shape == (1, 8, 10)
    assert (to_gymnasium(ALONE, row[0], spaces.Box(0, 255, (8, 10, 1), np.uint8))[..., 0] == drawn[0]).all()
    assert (sense(ALONE, readings(ALONE, PICTURE[..., None]))[0] == row).all()


def test_a_picture_beside_numbers_goes_by_name() -> None:
    shown = {"speed": np.array([0.5]), "view": PICTURE}
    row, outside = sense(BESIDE, readings(BESIDE, shown))
    assert outside == 0
    assert row[0, 0] == 512
    shape = space_of(BESIDE)
    assert isinstance(shape, spaces.Dict)
    back = {name: part[0] for name, part in show(BESIDE, row, shape).items()}
    assert shape.contains(back)
    assert back["speed"] == 0.5
    assert to_gymnasium(BESIDE, row[0], shape)["view"].tolist() == back["view"].tolist()


def test_a_picture_that_cannot_be_told_is_counted() -> None:
    wild = Codec(mean=bytes(160), weights=WEIGHTS, shifts=(0, 0, 0))
    fields = Space.of({"view": Image(name="view", height=8, width=10, codec=wild)})
    row, outside = sense(fields, readings(fields, PICTURE))
    assert outside == 1
    assert (np.abs(row) <= 2**20).all()


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(InvalidValue, match="a picture of 10 x 8 is given, not of 8 x 10"):
        readings(ALONE, PICTURE.T)
    with pytest.raises(InvalidValue, match="uint8"):
        readings(ALONE, PICTURE.astype(np.float64))
    with pytest.raises(InvalidValue, match="the environment shows no `view`: did you mean `views`"):
        readings(BESIDE, {"speed": 0.5, "views": PICTURE})
    with pytest.raises(InvalidValue, match="need a mapping by name"):
        readings(BESIDE, PICTURE)


def test_a_policy_of_another_library_sees_pictures() -> None:
    spec, seen = Spec(name="room", state=ALONE, action=PUSH), list[NDArray[np.uint8]]()

    def policy(shown: NDArray[np.uint8]) -> int:
        seen.append(shown)
        return int(shown.mean() > 50)

    rows, _ = sense(ALONE, readings(ALONE, PICTURE))
    actions, _ = Guest(policy, spec).act_rows(rows, np.zeros((1, 0)), None)
    assert actions.tolist() == [[1]]
    assert (seen[0] == show(ALONE, rows, space_of(ALONE))[0]).all()


def test_libraries_for_training_take_pictures_as_they_are_and_alone() -> None:
    shape = space_of(ALONE)
    assert plain_space(shape) == shape
    rows, _ = sense(ALONE, readings(ALONE, PICTURE))
    assert to_plain(show(ALONE, rows, shape), shape).dtype == np.uint8
    with pytest.raises(InvalidSpec, match="takes an image alone: leave the other fields out"):
        plain_space(space_of(BESIDE))


def test_a_session_beside_numbers_shows_what_its_space_says() -> None:
    spec = Spec(name="room", state=BESIDE, action=PUSH)
    env = make_env(Simulator(spec, starts=np.array([[512, 1, 2, 3]], dtype=np.int64)))
    shown, _ = env.reset(seed=1)
    assert env.observation_space.contains(shown)
