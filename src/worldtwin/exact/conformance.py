"""Whether engines are exact on this machine: a few cases against Python's whole numbers, run before they are used.

Every case reaches further than 24 bits of a float32, than 31 bits of an int32, and than the halves that
round-half-to-even gets wrong.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InexactBackend
from worldtwin.exact.engines import Engines
from worldtwin.exact.key import Key, threefry_word
from worldtwin.exact.network import INPUT_LIMIT, Layer
from worldtwin.exact.polynomial import ONE, ONE_BITS, Basis, Feature
from worldtwin.exact.rounding import round_shift
from worldtwin.exact.trigonometry import cosine, sine

Rows: TypeAlias = list[list[int]]

_NUMBERS: Final = Key(high=0x57544557, low=0x494E0001)
"""The key of the cases' numbers: the same ones on every machine."""
_ROWS: Final = 33


class _Case(Struct, frozen=True, eq=False):
    """What was computed, what it should be, and what it is called."""

    name: str
    found: NDArray[np.generic]
    expected: list[int] | Rows


def require_conformance(engines: Engines) -> None:
    """Refuse engines that compute other bits than whole numbers do. Raises `InexactBackend` naming the first case."""
    for case in _cases(engines):
        found = np.asarray(case.found).tolist()
        if found != case.expected:
            raise InexactBackend(
                f"this backend is not exact: {case.name} differs from whole-number arithmetic on this machine "
                f"(64-bit integers and float64 sums below 2^53 are needed): use the NumPy backend"
            )


def _cases(engines: Engines) -> Iterator[_Case]:
    yield _words(engines)
    yield _network(engines, "a network", shift=12, bias=1 << 24)
    yield _network(engines, "a network whose sums reach 2^50", shift=1, bias=1 << 50)
    yield _polynomial(engines, "a polynomial of small weights", size=1 << 12, shift=1)
    yield _polynomial(engines, "a polynomial of large weights", size=1 << 22, shift=3)
    yield _polynomial(engines, "a polynomial rounded at halves", size=1 << 3, shift=20)
    yield _found(engines)
    yield _edges(engines)


def _words(engines: Engines) -> _Case:
    keys = _NUMBERS.episodes(np.arange(_ROWS))
    steps = np.arange(_ROWS) * 0x0FFF_FFFF
    found = engines.words(keys, steps, 5)
    pairs = zip(keys.tolist(), steps.tolist(), strict=True)
    return _Case("threefry", found, [threefry_word(k0, k1, step & 0xFFFFFFFF, 5)[0] for (k0, k1), step in pairs])


def _polynomial(engines: Engines, name: str, *, size: int, shift: int) -> _Case:
    features = (
        Feature(column=0, kind="real", center=1 << 30, shift=12),
        Feature(column=1, kind="angle"),
        Feature(column=2, kind="category", count=3),
        Feature(column=3, kind="set", count=2),
        Feature(column=4, kind="real", shift=-3, low=-ONE, high=ONE),
    )
    terms = [[-1, -1, -1], [0, -1, -1], [0, 1, -1], [0, 0, 0], [1, 2, 3], [4, 5, 6], [0, 2, 7], [7, 7, -1]]
    inputs = np.stack(
        [_whole(1, 1 << 34), _whole(2, 1 << 25), _whole(3, 3) % 3, _whole(4, 4) % 4, _whole(5, 1 << 18)], axis=1
    )
    weights = _whole(6, size, 2 * len(terms)).reshape(2, -1)
    shifts = [shift, shift - 2]
    found = engines.changes(Basis(features, np.array(terms)), weights, np.array(shifts), inputs)
    monomials = [[_monomial(parts, term) for term in terms] for parts in (_parts(row) for row in inputs.tolist())]
    expected = [
        [round_shift(sum(w * m for w, m in zip(own, values, strict=True)), by) for values in monomials]
        for own, by in zip(weights.tolist(), shifts, strict=True)
    ]
    return _Case(name, found, expected)


def _parts(row: list[int]) -> list[int]:
    """The parts of one row of the polynomials' inputs."""
    real, angle, category, bits, fine = row
    turns = np.array(angle)
    return [
        min(max(round_shift(real - (1 << 30), 12), -8 * ONE), 8 * ONE),
        int(round_shift(sine(turns), 4)),
        int(round_shift(cosine(turns), 4)),
        *(ONE if category == value else -ONE if category == 2 else 0 for value in (0, 1)),
        *(ONE if bits >> bit & 1 else -ONE for bit in (0, 1)),
        min(max(fine << 3, -ONE), ONE),
    ]


def _monomial(parts: list[int], term: list[int]) -> int:
    value = ONE
    for part in term:
        if part >= 0:
            value = (value * parts[part] + (ONE >> 1)) >> ONE_BITS
    return value


def _network(engines: Engines, name: str, *, shift: int, bias: int) -> _Case:
    widths = (9, 16, 4)
    layers = [
        Layer(
            weights=_whole(20 + number, (1 << 15) - 1, before * after).reshape(before, after),
            bias=_whole(30 + number, bias, after),
            shift=shift,
            clip=0 if number else INPUT_LIMIT,
        )
        for number, (before, after) in enumerate(pairwise(widths))
    ]
    inputs = _whole(40, 2 * INPUT_LIMIT, _ROWS * widths[0]).reshape(_ROWS, -1)
    expected = [_through(layers, row) for row in inputs.tolist()]
    return _Case(name, engines.outputs(layers, inputs), expected)


def _through(layers: list[Layer], row: list[int]) -> list[int]:
    values = [min(max(value, -INPUT_LIMIT), INPUT_LIMIT) for value in row]
    for layer in layers:
        columns = zip(layer.weights.T.tolist(), layer.bias.tolist(), strict=True)
        sums = [sum(w * x for w, x in zip(column, values, strict=True)) + bias for column, bias in columns]
        values = [round_shift(total, layer.shift) for total in sums]
        values = [min(max(value, 0), layer.clip) for value in values] if layer.clip else values
    return values


def _found(engines: Engines) -> _Case:
    keys = sorted({(int(a) % 7, int(b)) for a, b in zip(_whole(50, 1 << 20), _whole(51, 1 << 40), strict=True)})
    rows = [*keys[::2], (3, 0), (1 << 50, 1), (-1, -(1 << 50))]
    place = {key: position for position, key in enumerate(keys)}
    found = engines.found(np.array(keys), np.array(rows))
    return _Case("finding a row", found, [place.get(row, -1) for row in rows])


def _edges(engines: Engines) -> _Case:
    counts = np.abs(_whole(60, 1 << 28, 12)) + 1
    offsets = np.array([0, 1, 5, 12])
    rows = np.arange(_ROWS) % 3
    words = engines.words(_NUMBERS.episodes(np.arange(_ROWS)), np.zeros(_ROWS, dtype=np.int64), 0)
    found = engines.edges(offsets, counts, rows, np.asarray(words))
    bounds: list[int] = [0, *np.cumsum(counts).tolist()]
    expected: list[int] = []
    for row, word in zip(rows.tolist(), np.asarray(words).tolist(), strict=True):
        low, high = bounds[int(offsets[row])], bounds[int(offsets[row + 1])]
        expected.append(bisect_right(bounds[1:], low + (word * (high - low) >> 32)))
    return _Case("drawing an edge", found, expected)


def _whole(stream: int, size: int, n: int = _ROWS) -> NDArray[np.int64]:
    """Whole numbers (n,) in [-size, size], the same on every machine."""
    keys = Key(high=_NUMBERS.high, low=_NUMBERS.low + stream).episodes(np.arange(n)).tolist()
    return np.array([((high << 32) + low) % (2 * size + 1) - size for high, low in keys], dtype=np.int64)
