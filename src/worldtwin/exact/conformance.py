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
from worldtwin.exact.curves import normal_table, power_table, swish_table
from worldtwin.exact.engines import Engines
from worldtwin.exact.features import ONE, ONE_BITS, Feature
from worldtwin.exact.forest import Trees
from worldtwin.exact.key import Key, threefry_word
from worldtwin.exact.network import INPUT_LIMIT, Layer, StackedLayer
from worldtwin.exact.polynomial import Basis
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
    yield _stacked(engines, "stacked networks with clipped ReLU", clip=INPUT_LIMIT)
    yield _stacked(engines, "stacked networks with swish", clip=0)
    yield _sums(engines)
    yield _normal(engines)
    yield _chosen(engines)
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
        sums = _sums_of(values, layer.weights, layer.bias)
        values = [round_shift(total, layer.shift) for total in sums]
        values = [min(max(value, 0), layer.clip) for value in values] if layer.clip else values
    return values


def _sums_of(values: list[int], weights: NDArray[np.int64], bias: NDArray[np.int64]) -> list[int]:
    columns = zip(weights.T.tolist(), bias.tolist(), strict=True)
    return [sum(w * x for w, x in zip(column, values, strict=True)) + own for column, own in columns]


def _stacked(engines: Engines, name: str, *, clip: int) -> _Case:
    """Three networks, the last layer of each shifted by other numbers of bits, one of them to the left."""
    widths, count = (5, 12, 12, 3), 3
    layers = [
        StackedLayer(
            weights=_whole(70 + number, (1 << 15) - 1, count * before * after).reshape(count, before, after),
            bias=_whole(80 + number, 1 << 40, count * after).reshape(count, after),
            shifts=np.tile([28, 29, 27], (1, after)).reshape(after, 3).T if number < 2 else np.array([[0, 11, -5]] * 3),
            clip=clip if number < 2 else 0,
            swish=number < 2 and not clip,
        )
        for number, (before, after) in enumerate(pairwise(widths))
    ]
    inputs = _whole(90, 2 * INPUT_LIMIT, _ROWS * widths[0]).reshape(_ROWS, -1)
    network = np.arange(_ROWS) * 7 % count
    expected = [_through_own(layers, row, own) for row, own in zip(inputs.tolist(), network.tolist(), strict=True)]
    return _Case(name, engines.stacked(layers, inputs, network), expected)


def _through_own(layers: list[StackedLayer], row: list[int], own: int) -> list[int]:
    curve: list[int] = swish_table().astype(np.int64).tolist()
    values = [min(max(value, -INPUT_LIMIT), INPUT_LIMIT) for value in row]
    for layer in layers:
        sums = _sums_of(values, layer.weights[own], layer.bias[own])
        values = [round_shift(total, by) for total, by in zip(sums, layer.shifts[own].tolist(), strict=True)]
        if layer.swish:
            values = [curve[min(max(round_shift(value, 3), -4096), 4095) + 4096] for value in values]
        elif layer.clip:
            values = [min(max(value, 0), layer.clip) for value in values]
    return values


def _sums(engines: Engines) -> _Case:
    """Seven trees of three nodes above four leaves each, in two sums."""
    trees, nodes = 7, 7
    first = nodes * np.arange(trees)
    down = np.array([[1, 2], [3, 4], [5, 6], [3, 3], [4, 4], [5, 5], [6, 6]])
    split = Trees(
        parts=np.abs(_whole(100, 3, trees * nodes)),
        thresholds=_whole(101, 1 << 40, trees * nodes),
        children=(down[None] + first[:, None, None]).reshape(-1, 2),
        values=_whole(102, 1 << 45, trees * nodes),
        roots=first,
        offsets=np.array([0, 3, trees]),
        depth=2,
    )
    parts = _whole(103, 1 << 40, 4 * _ROWS).reshape(4, -1)
    leaves = [[_leaf(split, int(root), row) for row in parts.T.tolist()] for root in first]
    expected = [[sum(column) for column in zip(*leaves[low:high], strict=True)] for low, high in ((0, 3), (3, trees))]
    return _Case("a sum of trees", engines.sums(split, parts), expected)


def _leaf(trees: Trees, at: int, row: list[int]) -> int:
    while int(trees.children[at, 0]) != at:
        at = int(trees.children[at, int(row[int(trees.parts[at])] > int(trees.thresholds[at]))])
    return int(trees.values[at])


def _normal(engines: Engines) -> _Case:
    words = engines.words(_NUMBERS.episodes(np.arange(_ROWS)), np.zeros(_ROWS, dtype=np.int64), 7)
    logs = np.linspace(-(16 << 8), 44 << 8, _ROWS).astype(np.int64)
    quantiles: list[int] = normal_table().tolist()
    powers: list[int] = power_table().tolist()
    expected = [
        round_shift(quantiles[int(word) >> 16] * powers[int(log) & 255], 46 - (int(log) >> 8))
        for word, log in zip(np.asarray(words).tolist(), logs.tolist(), strict=True)
    ]
    return _Case("normal noise", engines.normal(words, logs), expected)


def _chosen(engines: Engines) -> _Case:
    words = engines.words(_NUMBERS.episodes(np.arange(_ROWS)), np.zeros(_ROWS, dtype=np.int64), 8)
    scores = _whole(110, 1 << 10, 5 * _ROWS).reshape(_ROWS, 5)
    powers: list[int] = power_table().tolist()
    expected: list[int] = []
    for word, row in zip(np.asarray(words).tolist(), scores.tolist(), strict=True):
        below = [max(score - max(row), -21 << 8) for score in row]
        sums: list[int] = np.cumsum([powers[log & 255] >> (10 - (log >> 8)) for log in below]).tolist()
        expected.append(bisect_right(sums, word * sums[-1] >> 32))
    return _Case("choosing by weights", engines.choose(words, scores), expected)


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
