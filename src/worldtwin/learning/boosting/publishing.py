"""From LightGBM's trees to the integers that are published."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import lightgbm
import numpy as np
from msgspec import Struct

from worldtwin.errors import InvalidFile
from worldtwin.exact.chance import LOG_BITS
from worldtwin.exact.forest import MAX_DEPTH
from worldtwin.simulation import FINE_BITS, Forest

_Node = Mapping[str, Any]  # one of the nodes that LightGBM writes
_LEAST: Final = -(1 << 52)
_LOG_UNIT: Final = (1 << LOG_BITS) / math.log(2.0)


class _Sum(Struct, frozen=True):
    """One sum of trees: what it begins with, and the `roots` of the others."""

    base: int
    roots: tuple[int, ...]


class _Nodes(Struct, frozen=True):
    """Nodes that are being collected. Mutable: its lists fill up."""

    parts: list[int]
    thresholds: list[int]
    children: list[tuple[int, int]]
    values: list[int]

    def add(self, node: _Node, unit: float, depth: int = 0) -> int:
        """Where `node` is; leaves are worth so many `unit`s. Raises `InvalidFile` for what an exact forest has not."""
        place = len(self.parts)
        if "leaf_value" in node:
            self._put(0, 0, (place, place), round(node["leaf_value"] * unit))
            return place
        if node["decision_type"] != "<=" or depth >= MAX_DEPTH:
            raise InvalidFile(f"tree: a decision by {node['decision_type']!r} at depth {depth}: `<=` is expected")
        self._put(node["split_feature"], max(_LEAST, min(-_LEAST, math.floor(node["threshold"]))), (0, 0), 0)
        below = self.add(node["left_child"], unit, depth + 1)
        self.children[place] = (below, self.add(node["right_child"], unit, depth + 1))
        return place

    def _put(self, part: int, threshold: int, children: tuple[int, int], value: int) -> None:
        self.parts.append(part)
        self.thresholds.append(threshold)
        self.children.append(children)
        self.values.append(value)


def numbers_published(boosters: Sequence[Sequence[lightgbm.Booster | None]], scales: Sequence[float]) -> Forest:
    """The sums of `boosters[member][output]`, 0 where there is none, in 2^-8 of steps.

    `scales[output]` steps are 1 of what was wanted from the trees.
    """
    nodes = _Nodes([], [], [], [])
    units = [math.ldexp(scale, FINE_BITS) for scale in scales]
    sums = [
        [
            _Sum(0, ()) if booster is None else _sums(nodes, booster, unit)[0]
            for booster, unit in zip(row, units, strict=True)
        ]
        for row in boosters
    ]
    return _forest(nodes, sums)


def names_published(boosters: Sequence[lightgbm.Booster]) -> Forest:
    """The logarithms (base 2, in 2^-8) of each member's weights for two or more choices."""
    nodes = _Nodes([], [], [], [])
    sums = [_sums(nodes, booster, _LOG_UNIT) for booster in boosters]
    return _forest(nodes, [[_Sum(0, ()), *row] if len(row) == 1 else row for row in sums])


def trees_of(booster: lightgbm.Booster) -> int:
    """How often trees were added until it was best."""
    return booster.best_iteration if booster.best_iteration > 0 else booster.current_iteration()


def _sums(nodes: _Nodes, booster: lightgbm.Booster, unit: float) -> list[_Sum]:
    """The sums that `booster` is made of, with its trees added to `nodes`; a tree of one leaf is where a sum begins."""
    told = booster.dump_model(num_iteration=trees_of(booster))
    count = told["num_tree_per_iteration"]
    bases, roots = [0.0] * count, [[] for _ in range(count)]
    for number, tree in enumerate(told["tree_info"]):
        top = tree["tree_structure"]
        if "leaf_value" in top:
            bases[number % count] += top["leaf_value"]
        else:
            roots[number % count].append(nodes.add(top, unit))
    return [_Sum(round(base * unit), tuple(mine)) for base, mine in zip(bases, roots, strict=True)]


def _forest(nodes: _Nodes, sums: Sequence[Sequence[_Sum]]) -> Forest:
    """The forest of the `sums[member][output]`; of one leaf nobody asks when there are no trees."""
    every = [each for row in sums for each in row]
    if not nodes.parts:
        nodes.add({"leaf_value": 0.0}, 1.0)
    return Forest(
        parts=np.array(nodes.parts, dtype=np.int64),
        thresholds=np.array(nodes.thresholds, dtype=np.int64),
        children=np.array(nodes.children, dtype=np.int64),
        values=np.array(nodes.values, dtype=np.int64),
        roots=np.array([root for each in every for root in each.roots], dtype=np.int64),
        offsets=np.cumsum([0, *(len(each.roots) for each in every)]).astype(np.int64),
        base=np.array([[each.base for each in row] for row in sums], dtype=np.int64),
    )
