"""Counting, finding and drawing rows, against Python's own dictionaries."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from worldtwin.exact.table import Edges, RowIndex, grouped, is_sorted, tally

SMALL = some.lists(some.tuples(some.integers(-3, 3), some.integers(0, 2), some.integers(5, 7)), max_size=40)
LARGE = some.lists(some.tuples(*[some.integers(-(1 << 52), 1 << 52)] * 3), max_size=20)


def columns(rows: list[tuple[int, ...]]) -> list[np.ndarray]:
    return list(np.array(rows, dtype=np.int64).reshape(-1, 3).T)


@given(SMALL | LARGE)
def test_a_tally_counts_in_lexicographic_order(rows: list[tuple[int, ...]]) -> None:
    different, counts = tally(columns(rows))

    assert list(map(tuple, different.tolist())) == sorted(set(rows))
    assert dict(zip(map(tuple, different.tolist()), counts.tolist(), strict=True)) == Counter(rows)


@given(SMALL | LARGE, some.data())
def test_counts_that_are_given_weigh(rows: list[tuple[int, ...]], data: some.DataObject) -> None:
    weights = [data.draw(some.integers(1, 5)) for _ in rows]
    repeated = [row for row, weight in zip(rows, weights, strict=True) for _ in range(weight)]
    found, counts = tally(columns(rows), np.array(weights, dtype=np.int64))

    assert dict(zip(map(tuple, found.tolist()), counts.tolist(), strict=True)) == Counter(repeated)


@given(SMALL | LARGE)
def test_groups_are_the_tally_split_by_key(rows: list[tuple[int, ...]]) -> None:
    first, second, third = columns(rows)
    groups = grouped([first, second], [third])
    found = [
        (*key, value)
        for key, start, end in zip(groups.keys.tolist(), groups.offsets, groups.offsets[1:], strict=False)
        for (value,) in groups.values[start:end].tolist()
    ]

    assert found == sorted(set(rows))
    assert int(groups.counts.sum()) == len(rows)


def test_a_dense_tally_is_that_of_sorting() -> None:
    rows = np.random.default_rng(1).integers(0, 4, size=(20_000, 3))
    dense = tally(list(rows.T))
    sparse = tally(list(rows.T), np.ones(len(rows), dtype=np.int64))

    assert all((a == b).all() for a, b in zip(dense, sparse, strict=True))


@given(SMALL | LARGE, SMALL | LARGE)
def test_a_row_is_found_where_it_is(keys: list[tuple[int, ...]], others: list[tuple[int, ...]]) -> None:
    ordered = sorted({*keys, (0, 0, 0)})
    index = RowIndex(np.array(ordered))
    asked = [*ordered, *others]
    expected = [ordered.index(row) if row in ordered else -1 for row in asked]

    assert index.find(np.array(asked)).tolist() == expected
    assert [index.find_one(row) for row in asked] == expected


@pytest.mark.parametrize("spread", [1, 1 << 12, 1 << 40])
def test_direct_and_searched_indices_find_the_same(spread: int) -> None:
    chance = np.random.default_rng(2)
    keys = np.unique(chance.integers(0, 30, size=(300, 2)), axis=0) * spread
    index = RowIndex(keys)
    asked = chance.integers(-1, 31, size=(500, 2)) * spread
    places = {tuple(key): place for place, key in enumerate(keys.tolist())}

    assert index.find(asked).tolist() == [places.get(tuple(row), -1) for row in asked.tolist()]
    assert index.find(keys + (spread > 1)).max() == -1 or spread == 1


@given(SMALL)
def test_order_is_recognised(rows: list[tuple[int, ...]]) -> None:
    array = np.array(rows, dtype=np.int64).reshape(-1, 3)
    in_order = all(a < b for a, b in pairwise(rows))

    assert is_sorted(array) == in_order


@given(some.lists(some.lists(some.integers(1, 9), min_size=1, max_size=4), min_size=1, max_size=5), some.data())
def test_an_edge_is_drawn_in_proportion_to_its_count(rows: list[list[int]], data: some.DataObject) -> None:
    offsets = np.array([0, *accumulate(map(len, rows))])
    edges = Edges(offsets, np.array([count for row in rows for count in row]))
    row = data.draw(some.integers(0, len(rows) - 1))
    word = data.draw(some.integers(0, (1 << 32) - 1))
    place = word * sum(rows[row]) >> 32
    expected = offsets[row] + bisect_right(list(accumulate(rows[row])), place)

    assert edges.draw(np.array([row]), np.array([word], dtype=np.uint32))[0] == expected
    assert edges.draw_one(row, word) == expected
    assert edges.only_one(row) == (offsets[row] if len(rows[row]) == 1 else -1)


def test_many_occurrences_are_searched_with_the_same_result() -> None:
    counts = np.array([3, 5, 1, 7])
    few, many = Edges(np.array([0, 2, 4]), counts), Edges(np.array([0, 2, 4]), counts << 24)
    words = np.random.default_rng(3).integers(0, 1 << 32, 500, dtype=np.uint32)
    rows = np.arange(500) % 2

    assert (few.draw(rows, words) == many.draw(rows, words)).all()
