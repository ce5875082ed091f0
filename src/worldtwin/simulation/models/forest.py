"""`Forest`: boosted trees as a function of a model's parts, in whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
from msgspec import Struct

from worldtwin.exact.forest import MAX_DEPTH, Floats, Trees, depth_of, evaluate
from worldtwin.simulation.models.checks import require, require_array, seal
from worldtwin.simulation.models.polynomial import MAX_MEMBERS
from worldtwin.world import Lattice

MAX_NODES: Final = 1 << 20
MAX_TURNS: Final = 1 << 20
VALUE_LIMIT: Final = 1 << 52


class Forest(Struct, frozen=True, kw_only=True, eq=False, dict=True, tag="forest", forbid_unknown_fields=True):
    """Sums of decision trees, one for each member and output.

    Node i goes on to `children[i, 1]` where part `parts[i]`, in 2^-20, is above `thresholds[i]`, else to
    `children[i, 0]`; a leaf goes on to itself and is worth `values[i]`. `roots` (trees,) are where trees begin: those
    from `offsets[s]` up to `offsets[s + 1]` add up to output s % outputs of member s // outputs, from `base` (members,
    outputs) on. `parts`, `thresholds` and `values` (nodes,), `children` (nodes, 2).
    """

    parts: Lattice
    thresholds: Lattice
    children: Lattice
    values: Lattice
    roots: Lattice
    offsets: Lattice
    base: Lattice

    def __post_init__(self) -> None:
        """Refuse nodes that do not make trees. Raises `InvalidFile`."""
        nodes, trees = len(self.parts), len(self.roots)
        require_array("base", self.base, (-1, -1), low=-VALUE_LIMIT, high=VALUE_LIMIT)
        require(1 <= len(self.base) <= MAX_MEMBERS, f"{len(self.base)} members: 1 to {MAX_MEMBERS} are allowed")
        require(1 <= nodes <= MAX_NODES, f"{nodes} nodes: 1 to {MAX_NODES} are allowed")
        require_array("parts", self.parts, (nodes,), low=0)
        require_array("thresholds", self.thresholds, (nodes,), low=-VALUE_LIMIT, high=VALUE_LIMIT)
        require_array("values", self.values, (nodes,), low=-VALUE_LIMIT, high=VALUE_LIMIT)
        require_array("children", self.children, (nodes, 2), low=0, high=nodes - 1)
        require_array("roots", self.roots, (-1,), low=0, high=nodes - 1)
        require_array("offsets", self.offsets, (self.base.size + 1,), low=0, high=trees)
        ordered = self.offsets[0] == 0 and self.offsets[-1] == trees and (np.diff(self.offsets) >= 0).all()
        require(ordered, "offsets: they must rise from 0 to the number of trees")
        leaf = (self.children == np.arange(nodes)[:, None]).sum(axis=1)
        require((leaf != 1).all(), "children: a node that leads to itself must be a leaf")
        require(trees <= MAX_TURNS, f"{trees} trees are more than {MAX_TURNS}")
        require(self.depth <= MAX_DEPTH, f"a tree is deeper than {MAX_DEPTH}, or leads round in a circle")
        require(self.work <= MAX_TURNS, f"{self.work:,} turns a step are more than {MAX_TURNS:,}")
        seal(self)

    @property
    def members(self) -> int:
        """How many sums answer for each output."""
        return len(self.base)

    @property
    def outputs(self) -> int:
        """How many outputs it has."""
        return self.base.shape[1]

    @property
    def work(self) -> int:
        """Comparisons, and additions, that all members take for one row."""
        return len(self.roots) * (self.depth + 1) + self.base.size

    @cached_property
    def depth(self) -> int:
        """The longest way down."""
        return depth_of(self.children, self.roots)

    @cached_property
    def trees(self) -> Trees:
        """The trees as the engine takes them."""
        return Trees(self.parts, self.thresholds, self.children, self.values, self.roots, self.offsets, self.depth)

    def reach(self, largest: Sequence[int]) -> int:
        """What an output can reach. Raises `InvalidFile` when a sum might reach 2^53, or a part is not there."""
        require_array("parts", self.parts, (-1,), high=len(largest) - 1)
        size = int(np.abs(self.values).max())
        reach = int(np.abs(self.base).max()) + size * int(np.diff(self.offsets).max(initial=0))
        require(reach < VALUE_LIMIT << 1, "values: a sum could reach 2^53, where it would no longer be exact")
        return reach

    def every(self, parts: Floats) -> Lattice:
        """The outputs (members, outputs, n) of all members for `parts` (parts, n)."""
        return evaluate(self.trees, parts).reshape(*self.base.shape, -1) + self.base[:, :, None]

    def own(self, parts: Floats, member: Lattice) -> Lattice:
        """The outputs (n, outputs), row i by member `member[i]`."""
        if self.members == 1:
            return self.every(parts)[0].T
        answers = np.empty((parts.shape[1], self.outputs), dtype=np.int64)
        for one in np.unique(member).tolist():
            rows = np.flatnonzero(member == one)
            answers[rows] = (evaluate(self._of(one), parts[:, rows]) + self.base[one][:, None]).T
        return answers

    def _of(self, member: int) -> Trees:
        offsets = self.offsets[member * self.outputs : (member + 1) * self.outputs + 1]
        roots = self.roots[offsets[0] : offsets[-1]]
        return Trees(self.parts, self.thresholds, self.children, self.values, roots, offsets - offsets[0], self.depth)
