"""Laws of images: whole numbers both ways, the same bits however they are computed, and no faith in strangers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from numpy.typing import NDArray

from worldtwin.errors import InvalidSpec, InvalidValue
from worldtwin.world import (
    COMPONENT,
    MAX_VALUES,
    Category,
    Codec,
    Image,
    Real,
    Space,
    Spec,
    canonical,
    decode_canonical,
    digest,
    typed,
)

SHAPE = (3, 4)
VALUES = 12
PUSH = Space(("push",), (Category(("left", "right")),))


@st.composite
def codecs(draw: st.DrawFn) -> Codec:
    count = draw(st.integers(1, 4))
    weights = draw(st.lists(st.integers(-32767, 32767), min_size=count * VALUES, max_size=count * VALUES))
    mean = draw(st.lists(st.integers(0, 255 * 64), min_size=VALUES, max_size=VALUES))
    shifts = draw(st.lists(st.integers(0, 12), min_size=count, max_size=count))
    return Codec(mean=_bytes(mean), weights=_bytes(weights), shifts=tuple(shifts))


def _bytes(numbers: list[int] | list[list[int]] | NDArray[np.int64]) -> bytes:
    return np.array(numbers, dtype="<i2").tobytes()


def _image(codec: Codec) -> Image:
    return Image(name="view", height=3, width=4, codec=codec)


PIXELS = st.lists(st.integers(0, 255), min_size=VALUES, max_size=VALUES).map(
    lambda row: np.array([row], dtype=np.uint8)
)


@given(codecs(), PIXELS)
def test_components_are_what_whole_numbers_say(codec: Codec, pixels: NDArray[np.uint8]) -> None:
    mean = np.frombuffer(codec.mean, dtype="<i2").tolist()
    weights = np.frombuffer(codec.weights, dtype="<i2").reshape(-1, VALUES).tolist()
    away = [64 * int(value) - level for value, level in zip(pixels[0], mean, strict=True)]
    sums = [sum(w * a for w, a in zip(row, away, strict=True)) for row in weights]
    half = [(1 << shift) // 2 for shift in codec.shifts]
    expected = [(each + add) >> shift for each, add, shift in zip(sums, half, codec.shifts, strict=True)]
    assert codec.encode(pixels)[0].tolist() == expected


@given(codecs(), PIXELS)
def test_pictures_are_what_whole_numbers_say(codec: Codec, pixels: NDArray[np.uint8]) -> None:
    rows, _ = _image(codec).encode(pixels)
    weights = np.frombuffer(codec.weights, dtype="<i2").reshape(-1, VALUES).tolist()
    levels = [level << 16 for level in np.frombuffer(codec.mean, dtype="<i2").tolist()]
    for component, shift, row in zip(rows[0].tolist(), codec.shifts, weights, strict=True):
        length = sum(w * w for w in row)
        share = ((component << (shift + 16)) + length // 2) // length if length else 0
        levels = [level + share * w for level, w in zip(levels, row, strict=True)]
    expected = [min(255, max(0, (level + (1 << 21)) >> 22)) for level in levels]
    assert _image(codec).decode(rows).reshape(-1).tolist() == expected


@given(codecs(), st.lists(PIXELS, min_size=2, max_size=9))
def test_one_by_one_or_all_at_once_is_the_same(codec: Codec, pictures: list[NDArray[np.uint8]]) -> None:
    image, together = _image(codec), np.concatenate(pictures)
    rows, told = image.encode(together)
    alone = [image.encode(picture) for picture in pictures]
    assert (rows == np.concatenate([row for row, _ in alone])).all()
    assert (told == np.concatenate([one for _, one in alone])).all()
    assert (image.decode(rows) == np.concatenate([image.decode(row) for row, _ in alone])).all()


@given(codecs(), PIXELS)
def test_what_is_out_of_range_is_told(codec: Codec, pixels: NDArray[np.uint8]) -> None:
    rows, told = _image(codec).encode(pixels)
    assert (np.abs(rows) <= 2**COMPONENT.exponent).all()
    assert told[0] == (np.abs(codec.encode(pixels)) <= 2**COMPONENT.exponent).all()


@given(codecs())
def test_a_spec_with_a_codec_survives_its_bytes(codec: Codec) -> None:
    state = Space.of({"speed": Real(low=-1, high=1, exponent=10), "view": _image(codec)})
    spec = Spec(name="seen", state=state, action=PUSH)
    back = typed(decode_canonical(canonical(spec)), Spec)
    assert back == spec
    assert digest(back) == digest(spec)
    assert back.state.names == ("speed", *(f"view_{number + 1}" for number in range(len(codec.shifts))))
    assert back.declared.state.names[-1] == "view_16"


def test_a_picture_at_full_size_is_still_exact() -> None:
    weights = np.full(MAX_VALUES, 32767)
    codec = Codec(mean=_bytes(np.zeros(MAX_VALUES, dtype=np.int64)), weights=_bytes(weights), shifts=(26,))
    image = Image(name="view", height=256, width=256, codec=codec)
    white = np.full((1, MAX_VALUES), 255, dtype=np.uint8)
    total = 32767 * 64 * 255 * MAX_VALUES
    rows, told = image.encode(white)
    assert rows[0, 0] == (total + (1 << 25)) >> 26
    assert told[0]
    assert (image.decode(rows) == 255).all()


def test_a_world_without_images_has_the_bytes_that_it_had() -> None:
    assert b"images" not in canonical(Spec(name="plain", state=PUSH, action=PUSH))


GOOD = {"mean": bytes(24), "weights": _bytes([1] * VALUES), "shifts": (0,)}
FORGERIES = {
    "for the mean is none": {"mean": bytes(23)},
    "as many times": {"weights": bytes(22)},
    "1 to 32 components": {"shifts": ()},
    "shifts from 0": {"shifts": (27,)},
    "brighter than white": {"mean": _bytes([16321] * VALUES)},
    "darker than black": {"mean": _bytes([-1] * VALUES)},
    "too small for its shifts": {"shifts": (20,)},
}


@pytest.mark.parametrize("reason", FORGERIES)
def test_every_forged_codec_is_refused_by_name(reason: str) -> None:
    with pytest.raises(InvalidSpec, match=reason):
        Codec(**{**GOOD, **FORGERIES[reason]})  # type: ignore[arg-type] - wrong on purpose


def test_a_strangers_codec_for_another_image_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="is not for `view`"):
        Image(name="view", height=4, width=4, codec=Codec(**GOOD))  # type: ignore[arg-type]
    plain = decode_canonical(canonical(Space.of({"view": _image(Codec(**GOOD))})))  # type: ignore[arg-type]
    assert isinstance(plain, dict)
    with pytest.raises(InvalidSpec, match="needs 1 fields in order"):
        typed({**plain, "names": ["other"]}, Space)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"height": 0}, "a height, a width"),
        ({"channels": 2}, "1, 3 or 4 channels"),
        ({"height": 300, "width": 300}, "at most 65,536"),
        ({"components": 33}, "from 1 to 32"),
    ],
)
def test_an_image_that_cannot_be_is_refused(change: dict[str, int], reason: str) -> None:
    with pytest.raises(InvalidSpec, match=reason):
        replace(Image(name="view", height=3, width=4), **change)


def test_a_state_takes_no_picture_that_its_codec_cannot_tell() -> None:
    state = Space.of({"view": _image(Codec(mean=bytes(24), weights=_bytes([32767] * VALUES), shifts=(4,)))})
    dark, white = np.zeros(SHAPE, dtype=np.uint8), np.full(SHAPE, 255, dtype=np.uint8)
    assert state.encode({"view": dark}) == (0,)
    with pytest.raises(InvalidValue, match="view is unlike all pictures that its codec learned from"):
        state.encode({"view": white})


def test_a_state_takes_and_gives_pictures_by_name() -> None:
    codec = Codec(
        mean=bytes(24),
        weights=_bytes([[1 if i == j else 0 for j in range(VALUES)] for i in range(VALUES)]),
        shifts=(0,) * 12,
    )  # type: ignore[arg-type]
    state = Space.of({"view": _image(codec)})
    picture = np.arange(VALUES, dtype=np.uint8).reshape(SHAPE)
    point = state.decode(state.encode({"view": picture}))
    assert (point.picture("view") == picture).all()
    assert state.encode(dict(point)) == point.lattice
    with pytest.raises(InvalidValue, match="a picture of 4 x 3 is given, not of 3 x 4"):
        state.encode({"view": picture.T})
    with pytest.raises(InvalidValue, match="uint8"):
        state.encode({"view": picture / 255})
    with pytest.raises(InvalidSpec, match="not learned yet"):
        state.blank.encode({"view": picture})
