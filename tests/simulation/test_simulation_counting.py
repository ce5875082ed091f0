"""Counting and merging tables, and the tables that are refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec import structs

from worldtwin.errors import InvalidFile, InvalidValue
from worldtwin.simulation import Simulator, Table, count, merge
from worldtwin.world import Category, Integer, Space, Spec, Transitions, canonical, digest, real

Rows = Callable[..., Transitions]


@given(some.integers(0, 60), some.integers(0, 60), some.integers(0, 1000))
def test_counting_all_is_merging_the_counts_of_the_parts(
    slippery: Rows, ring: Simulator, a: int, b: int, seed: int
) -> None:
    rows = slippery(a + b, seed)
    first, second = (rows.select(np.arange(a + b) < a), rows.select(np.arange(a + b) >= a))
    whole, merged = count(ring.spec, rows), merge(count(ring.spec, first), count(ring.spec, second))

    assert canonical(whole) == canonical(merged)


def test_merging_does_not_depend_on_the_order(slippery: Rows, ring: Simulator) -> None:
    parts = [count(ring.spec, slippery(40, seed)) for seed in range(3)]

    assert digest(merge(merge(*parts[:2]), parts[2])) == digest(merge(parts[2], merge(parts[1], parts[0])))


def test_a_table_counts_what_followed(rows_of: Rows, ring: Simulator) -> None:
    table = count(ring.spec, rows_of([[3], [3], [3], [1]], [2, 2, 2, 0], [[4], [3], [4], [0]], [[0], [0], [0], [1]]))

    assert table.keys.tolist() == [[1, 0], [3, 2]]
    assert table.offsets.tolist() == [0, 1, 3]
    assert table.values.tolist() == [[0, 1], [3, 0], [4, 0]]
    assert table.counts.tolist() == [1, 1, 2]
    assert table.total(1) == 3


def test_large_numbers_are_counted_too(rows_of: Rows) -> None:
    wide = Integer(low=-(1 << 51), high=1 << 51)
    spec = Spec(name="wide", state=Space(("a", "b"), (wide, wide)), action=Space(("c",), (wide,)))
    rows = rows_of([[1 << 50, -5], [-(1 << 50), 5], [1 << 50, -5]], [1 << 49] * 3, [[0, 1], [2, 3], [0, 1]])
    table = count(spec, rows)

    assert table.keys.tolist() == [[-(1 << 50), 5, 1 << 49], [1 << 50, -5, 1 << 49]]
    assert table.counts.tolist() == [1, 2]
    assert table.lookup(table.keys).tolist() == [0, 1]


def test_a_world_with_a_history_is_counted_by_it(rows_of: Rows) -> None:
    spec = Spec(
        name="echo",
        history=1,
        state=Space(("a",), (Integer(low=0, high=3),)),
        action=Space(("b",), (Category(("x", "y")),)),
    )
    table = count(spec, rows_of([[0], [1], [2]], [1, 0, 1], [[1], [2], [3]]))

    assert table.keys.tolist() == [[0, 0, 0, 1], [1, 0, 1, 0], [2, 1, 0, 1]]


def test_a_stateless_world_is_counted_by_its_input(lamp: Simulator) -> None:
    assert lamp.observed is not None
    assert lamp.observed.inputs == (1,)
    assert len(lamp.observed) == 2


def test_no_rows_make_an_empty_table(slippery: Rows, ring: Simulator) -> None:
    empty = count(ring.spec, slippery(0, 1))

    assert len(empty) == 0
    assert empty.lookup(np.array([[1, 1]])).tolist() == [-1]
    assert canonical(merge(empty, empty)) == canonical(empty)


def test_tables_of_different_columns_are_not_merged(ring_table: Table, lamp: Simulator) -> None:
    assert lamp.observed is not None
    with pytest.raises(InvalidValue, match="cannot be merged"):
        merge(ring_table, lamp.observed)


def changed(table: Table, name: str, at: int | tuple[int, int], value: int) -> np.ndarray:
    array = getattr(table, name).copy()
    array[at] = value
    return array


FORGERIES: dict[str, Callable[[Table], dict[str, object]]] = {
    "must be rising columns": lambda _: {"inputs": (1, 0)},
    "expected 64-bit whole numbers": lambda t: {"counts": t.counts.astype(np.int32)},
    "expected shape": lambda t: {"keys": t.keys[:, :1]},
    "rows must be different and in order": lambda t: {"keys": t.keys[::-1].copy()},
    "must rise from 0": lambda t: {"offsets": changed(t, "offsets", 1, 0)},
    "is above": lambda t: {"counts": changed(t, "counts", 0, 1 << 31)},
    "is below 1": lambda t: {"counts": changed(t, "counts", 0, 0)},
    "seen 2\\^31 times": lambda t: {"counts": t.counts + (1 << 30)},
    "outcomes of a row must be different": lambda t: {"values": np.zeros_like(t.values)},
}


@pytest.mark.parametrize("reason", FORGERIES)
def test_a_table_that_is_not_canonical_is_refused(reason: str, ring_table: Table) -> None:
    with pytest.raises(InvalidFile, match=reason):
        structs.replace(ring_table, **FORGERIES[reason](ring_table))


@pytest.mark.parametrize(
    ("reason", "parts"),
    [
        ("input 9 of", {"inputs": (0, 9)}),
        ("target 9 of", {"targets": (0, 9)}),
        ("keys: .* is above", {"keys": "keys"}),
        ("values: .* is above", {"values": "values"}),
    ],
)
def test_a_table_of_another_world_is_refused(
    reason: str, parts: dict[str, object], ring: Simulator, ring_table: Table
) -> None:
    replaced = {name: changed(ring_table, name, -1, 99) if value == name else value for name, value in parts.items()}
    table = structs.replace(ring_table, **replaced)
    with pytest.raises(InvalidFile, match=reason):
        Simulator(ring.spec, observed=table)


def test_a_table_that_leaves_results_open_is_no_observation(ring: Simulator, ring_table: Table) -> None:
    spec = Spec(
        name="more", state=ring.spec.state, action=ring.spec.action, outputs=Space(("a", "b"), (real(0, 1), real(0, 1)))
    )
    with pytest.raises(InvalidFile, match="2 of 3 next fields and outputs"):
        Simulator(spec, observed=ring_table)
