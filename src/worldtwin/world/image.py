"""`Image`: pictures as a field of the state. The lattice holds a few components of each, from which it is drawn again.

Both ways are whole numbers: the same pixels have the same components on every machine, and the other way round.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace
from numpy.typing import NDArray

from worldtwin.errors import InvalidSpec, InvalidValue
from worldtwin.exact.matrix import multiply
from worldtwin.exact.rounding import round_shift
from worldtwin.world.field import Real

COMPONENT: Final = Real(low=-1.0, high=1.0, exponent=20)
"""The field of each component: what was recorded lies within half of its range."""
MAX_COMPONENTS: Final = 32
MAX_VALUES: Final = 1 << 16
"""The most pixels times channels: then a sum of weights times levels is below 2^45, and exact in 53 bits."""
MEAN_BITS: Final = 6
"""The mean picture is kept in 64ths of a grey level."""

_MOST_MEAN: Final = 255 << MEAN_BITS
_SHARE_BITS: Final = 16
_MOST_SHIFT: Final = 26
_LIMIT: Final = 1 << COMPONENT.exponent

Lattice = NDArray[np.int64]
Pixels = NDArray[np.uint8]


class Codec(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """The mean picture and the components of pictures of p values, learned from recorded ones.

    `mean` (p,) in 64ths of a grey level and `weights` (components, p) are the little-endian bytes of 16-bit numbers; a
    component is the weighted sum of what differs from the mean, without its lowest `shifts` bits. Weights may be zero.
    """

    mean: bytes
    weights: bytes
    shifts: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse parts that do not fit each other: a codec may come from a stranger's file."""
        values = len(self.mean) // 2
        if not 1 <= values <= MAX_VALUES or len(self.mean) % 2:
            raise InvalidSpec(f"a codec of {len(self.mean)} bytes for the mean is none: give 2 for each value")
        if not 1 <= len(self.shifts) <= MAX_COMPONENTS or not all(0 <= each <= _MOST_SHIFT for each in self.shifts):
            raise InvalidSpec(f"a codec has 1 to {MAX_COMPONENTS} components, with shifts from 0 to {_MOST_SHIFT}")
        if len(self.weights) != len(self.mean) * len(self.shifts):
            raise InvalidSpec(f"{len(self.shifts)} components need as many times {len(self.mean)} bytes of weights")
        numbers = np.frombuffer(self.mean, dtype="<i2")
        if int(numbers.min()) < 0 or int(numbers.max()) > _MOST_MEAN:
            raise InvalidSpec("a codec's mean picture is brighter than white, or darker than black")
        pairs = zip(self._lengths, self.shifts, strict=True)
        if any(length and length << 24 < 1 << 2 * shift for length, shift in pairs):
            raise InvalidSpec("a codec's weights are too small for its shifts: pictures could not be drawn exactly")

    def __repr__(self) -> str:
        """Its size, not its bytes."""
        return f"Codec({len(self.shifts)} components of {len(self.mean) // 2} values)"

    def encode(self, pixels: Pixels) -> Lattice:
        """The components (n, k) of pictures (n, p), not clipped to their range."""
        away = (pixels.astype(np.float64) * (1 << MEAN_BITS)) - self._mean
        sums = multiply(away, np.ascontiguousarray(self._weights.T)).astype(np.int64)
        return np.stack([round_shift(sums[:, i], shift) for i, shift in enumerate(self.shifts)], axis=1)

    def decode(self, rows: Lattice) -> Pixels:
        """The pictures (n, p) of components (n, k) in their range."""
        shares = [self._shares(rows[:, i], i) for i in range(len(self.shifts))]
        drawn = multiply(np.stack(shares, axis=1).astype(np.float64), self._weights).astype(np.int64)
        levels = round_shift(drawn + (self._mean.astype(np.int64) << _SHARE_BITS), _SHARE_BITS + MEAN_BITS)
        return np.clip(levels, 0, 255).astype(np.uint8)

    def _shares(self, column: Lattice, position: int) -> Lattice:
        """How often the weights are added for one component (n,), in 65,536ths: the component over their length."""
        length = self._lengths[position]
        if not length:
            return np.zeros(len(column), dtype=np.int64)
        return ((column << (self.shifts[position] + _SHARE_BITS)) + length // 2) // length

    @cached_property
    def _mean(self) -> NDArray[np.float64]:
        return np.frombuffer(self.mean, dtype="<i2").astype(np.float64)

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        return np.frombuffer(self.weights, dtype="<i2").reshape(len(self.shifts), -1).astype(np.float64)

    @cached_property
    def _lengths(self) -> list[int]:
        """The squared length of each component's weights."""
        return [int(each) for each in np.square(self._weights).sum(axis=1)]


class Image(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pictures of `height` x `width` pixels of 8 bits in 1, 3 or 4 `channels`, as at most so many `components`.

    They are the fields NAME_1, NAME_2, ... of the state: as many as the `codec` has. Until it is learned it is absent,
    also from the bytes.
    """

    name: str
    height: int
    width: int
    channels: int = 1
    components: int = 16
    codec: Codec | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse pictures that are too large, and a codec for other ones."""
        if not (self.height >= 1 and self.width >= 1 and self.channels in {1, 3, 4}):
            raise InvalidSpec(f"an image has a height, a width and 1, 3 or 4 channels, not {self.size}")
        if self.values > MAX_VALUES:
            raise InvalidSpec(f"{self.size} are {self.values:,} values: make them smaller, at most {MAX_VALUES:,}")
        if not 1 <= self.components <= MAX_COMPONENTS:
            raise InvalidSpec(f"{self.components} is not a number of components from 1 to {MAX_COMPONENTS}")
        if isinstance(self.codec, Codec) and (
            len(self.codec.mean) != 2 * self.values or len(self.codec.shifts) > self.components
        ):
            raise InvalidSpec(
                f"{self.codec!r} is not for `{self.name}` with at most {self.components} of {self.values}"
            )

    @property
    def values(self) -> int:
        """Pixels times channels."""
        return self.height * self.width * self.channels

    @property
    def size(self) -> str:
        """`48 x 64` or `48 x 64 x 3`."""
        return f"{self.height} x {self.width}" + (f" x {self.channels}" if self.channels != 1 else "")

    @property
    def shape(self) -> tuple[int, ...]:
        """(height, width), with the channels last where there are several."""
        return (self.height, self.width) if self.channels == 1 else (self.height, self.width, self.channels)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its components."""
        count = len(self.codec.shifts) if isinstance(self.codec, Codec) else self.components
        return tuple(f"{self.name}_{number}" for number in range(1, count + 1))

    @property
    def known(self) -> Codec:
        """Its codec. Raises `InvalidSpec` while there is none."""
        if isinstance(self.codec, UnsetType):
            raise InvalidSpec(
                f"how to see `{self.name}` is not learned yet: record pictures and fit them, then use the simulator's "
                "spec (`simulator.spec`)"
            )
        return self.codec

    @property
    def blank(self) -> Image:
        """The image without a codec."""
        return replace(self, codec=UNSET)

    @property
    def blind(self) -> Image:
        """The image with its codec, or with one to which all pictures look alike."""
        if isinstance(self.codec, Codec):
            return self
        none = bytes(2 * self.values)
        return replace(self, codec=Codec(mean=none, weights=none * self.components, shifts=(0,) * self.components))

    def pixels(self, picture: object) -> bytes:
        """The bytes of one picture, an array of 8-bit numbers or bytes already. Raises `InvalidValue`."""
        if isinstance(picture, bytes):
            if len(picture) != self.values:
                raise InvalidValue(f"{len(picture)} bytes are no picture of {self.size}")
            return picture
        shown: NDArray[np.generic] = np.asarray(picture)
        if shown.dtype != np.uint8:
            raise InvalidValue(f"{picture!r:.40} is no picture: give an array of {self.size} 8-bit numbers (uint8)")
        if shown.shape not in {self.shape, (*self.shape, 1)[:3]}:
            raise InvalidValue(f"a picture of {' x '.join(map(str, shown.shape))} is given, not of {self.size}")
        return shown.tobytes()

    def encode(self, pictures: Pixels) -> tuple[Lattice, NDArray[np.bool_]]:
        """The components (n, k) of pictures (n, values), and which pictures (n,) the codec can tell.

        Others are unlike all that it learned from; their components are the nearest in range.
        """
        found = self.known.encode(pictures)
        rows = np.clip(found, -_LIMIT, _LIMIT)
        return rows, np.all(found == rows, axis=1)

    def decode(self, rows: Lattice) -> Pixels:
        """The pictures (n, *shape) of components (n, k)."""
        return self.known.decode(rows).reshape(len(rows), *self.shape)
