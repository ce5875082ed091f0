"""Which pasts lead to the same future: a forest of what followed each of them, folded into a machine of few states.

Red nodes are states of the machine; a blue node is where an edge leads that has no state yet. The blue node with the
most evidence is compared with every red node that looks the same, by how much better the results after both are told
together than apart (Dirichlet-multinomial), over all that followed both. The best is where the edge leads, if together
is better than apart; else the node becomes red. After the red-blue scheme of Lang, Pearlmutter and Price (1998) with a
score over whole subtrees; the figures are in `research/discrete.md`.

A symbol is action x results + result. One open hash table counts by state x span + symbol, and from the end of each
span back by state and action. All of it is compiled by numba: plain Python took sixty times as long.
"""

from __future__ import annotations

import heapq
import math
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numba import njit

Lattice: TypeAlias = Any  # an array (n,) int64, of which compiled code reads single numbers
Floats: TypeAlias = Any  # the same of float64
Waiting: TypeAlias = list[tuple[int, int]]

LEAST: Final = 10
HOPELESS: Final = -30.0


class Tape(NamedTuple):
    """What happened, in order (n,): symbols, next looks, how likely each result is anyway, how many steps follow."""

    symbols: Lattice
    next_looks: Lattice
    chances: Floats
    lengths: Lattice


class Forest(NamedTuple):
    """For each node: its look, how often it was passed, the symbol of the edge to it and how likely that is anyway.

    And its first child and its next sibling, -1 for none; siblings are in the order of their symbols.
    """

    look: Lattice
    times: Lattice
    chance: Floats
    symbol: Lattice
    child: Lattice
    sibling: Lattice


class Table(NamedTuple):
    """An open hash table: keys (-1: empty), where each leads (-1: unknown), how often it was passed."""

    keys: Lattice
    target: Lattice
    passes: Lattice


class Codes(NamedTuple):
    """How many results there are, and how many keys each state has."""

    results: int
    span: int


class _Board(NamedTuple):
    """A forest that is being folded: the state of each red node, -1 for others; edges of red nodes; pairs to visit."""

    forest: Forest
    red_of: Lattice
    table: Table
    codes: Codes
    stack: Lattice


@njit(cache=True)
def slot(keys: Lattice, key: int) -> int:
    """Where `key` is in a table, or the empty place where it belongs.

    `filtering.py` compiles it in too; numba's cache sees changes of one file only, so a change here is one there.
    """
    mask = len(keys) - 1
    place = ((key * 0x9E3779B97F4A7C1) >> 20) & mask
    while keys[place] != -1 and keys[place] != key:
        place = (place + 1) & mask
    return place


def planted(tape: Tape, labels: Lattice, label_looks: Lattice, first: int, every: int, depth: int) -> Forest:
    """The forest: under the node of each label what followed, at most `depth` steps of each `every`-th from `first`."""
    hung = np.arange(first, len(labels), every)
    hung = hung[labels[hung] >= 0]
    room = len(label_looks) + int(np.minimum(tape.lengths[hung], depth).sum())
    look, times, symbol = np.zeros(room, np.int64), np.zeros(room, np.int64), np.zeros(room, np.int64)
    look[: len(label_looks)] = label_looks
    forest = Forest(look, times, np.zeros(room), symbol, np.full(room, -1, np.int64), np.full(room, -1, np.int64))
    used = _plant(forest, tape, labels, hung, len(label_looks), depth)
    return Forest(*(column[:used] for column in forest))


@njit(cache=True)
def _plant(forest: Forest, tape: Tape, labels: Lattice, hung: Lattice, used: int, depth: int) -> int:
    """Hang what follows the steps `hung` into the forest, of which nodes are `used`; how many are used then."""
    for t in hung:
        node = labels[t]
        forest.times[node] += 1
        for i in range(t, t + min(depth, tape.lengths[t])):
            before, here = _before(forest, node, tape.symbols[i])
            if here < 0 or forest.symbol[here] != tape.symbols[i]:
                forest.symbol[used], forest.look[used] = tape.symbols[i], tape.next_looks[i]
                forest.chance[used] = tape.chances[i]
                _insert(forest, node, before, used, here)
                here = used
                used += 1
            forest.times[here] += 1
            node = here
    return used


@njit(cache=True)
def _before(forest: Forest, node: int, wanted: int) -> tuple[int, int]:
    """The last child of `node` before the symbol `wanted`, and the one after that."""
    before, here = -1, forest.child[node]
    while here >= 0 and forest.symbol[here] < wanted:
        before, here = here, forest.sibling[here]
    return before, here


@njit(cache=True)
def _insert(forest: Forest, node: int, before: int, new: int, after: int) -> None:
    """Make `new` a child of `node`, between two others."""
    forest.sibling[new] = after
    if before < 0:
        forest.child[node] = new
    else:
        forest.sibling[before] = new


class _States(NamedTuple):
    """The red node of each state, the state before it that looks the same, and the newest state of each look."""

    nodes: Lattice
    older: Lattice
    newest: Lattice


def folded(forest: Forest, codes: Codes, roots: int, looks: int, prior: float, most: int) -> tuple[Lattice, Table]:
    """The machine of a forest whose first nodes are its `roots`: how each state looks, and its table.

    All arrays are made here, outside of compiled code, which lost some that it had put into tuples itself.
    """
    nodes, size = len(forest.look), 1024
    while size < 3 * nodes:
        size *= 2
    table = Table(np.full(size, -1, np.int64), np.full(size, -1, np.int64), np.zeros(size, np.int64))
    board = _Board(forest, np.full(nodes, -1, np.int64), table, codes, np.zeros((nodes + 1, 2), np.int64))
    states = _States(np.zeros(most, np.int64), np.full(most, -1, np.int64), np.full(looks, -1, np.int64))
    found = _fold_all(board, states, roots, prior)
    leads = np.where(table.target >= 0, board.red_of[table.target], -1)
    return forest.look[states.nodes[:found]], Table(table.keys, leads, table.passes)


@njit(cache=True)
def _fold_all(board: _Board, states: _States, roots: int, prior: float) -> int:
    """Fold until no blue node with enough evidence is left; how many states there are."""
    forest, table, found = board.forest, board.table, 0
    waiting = [(-forest.times[root], -1 - root) for root in range(roots)]
    heapq.heapify(waiting)
    while len(waiting) > 0:
        negative, place = heapq.heappop(waiting)
        blue = table.target[place] if place >= 0 else -1 - place
        if place >= 0 and (board.red_of[blue] >= 0 or table.passes[place] != -negative):
            continue
        look = forest.look[blue]
        best = _best(board, states, blue, prior)
        if best >= 0:
            if place >= 0:
                table.target[place] = best
            _fold(board, blue, best, waiting)
        elif -negative >= LEAST and forest.child[blue] >= 0 and found < len(states.nodes):
            board.red_of[blue] = found
            states.nodes[found], states.older[found] = blue, states.newest[look]
            states.newest[look] = found
            found += 1
            _hang_all(board, blue, blue, 0, waiting)
    return found


@njit(cache=True)
def _best(board: _Board, states: _States, blue: int, prior: float) -> int:
    """The red node that `blue` is better told together with, -1 when there is none.

    The only one that looks the same will do when nothing followed both.
    """
    newest = states.newest[board.forest.look[blue]]
    best, score, shared, state = -1, 0.0, False, newest
    while state >= 0:
        better, some = _score(board, blue, states.nodes[state], prior)
        shared = shared or some
        if some and (better > score or (better == score and best < 0)):
            best, score = states.nodes[state], better
        state = states.older[state]
    if not shared and newest >= 0 and states.older[newest] < 0:
        return states.nodes[newest]
    return best


@njit(cache=True)
def _gain(one: int, other: int, mass: float) -> float:
    """How much better `one` and `other` occurrences, with a prior mass, are told together than apart."""
    together = math.lgamma(mass + one + other) + math.lgamma(mass)
    return together - math.lgamma(mass + one) - math.lgamma(mass + other)


@njit(cache=True)
def _score(board: _Board, blue: int, red: int, prior: float) -> tuple[float, bool]:
    """How much better all that followed `blue` and `red` is told together; and whether anything followed both."""
    board.stack[0, 0], board.stack[0, 1] = blue, red
    height, score, shared = 1, 0.0, False
    while height and score >= HOPELESS:
        height -= 1
        one, other = board.stack[height]
        if other == blue:
            other = red
        if board.red_of[other] >= 0:
            gained, some, height = _score_red(board, one, board.red_of[other], prior, height)
        else:
            gained, some, height = _score_tree(board, one, other, prior, height)
        score += gained
        shared = shared or some
    return score, shared


@njit(cache=True)
def _score_red(board: _Board, one: int, state: int, prior: float, height: int) -> tuple[float, bool, int]:
    """What the results right after node `one` and in `state` gain; pairs to visit are put on the stack."""
    forest, table, codes = board.forest, board.table, board.codes
    score, shared, here = 0.0, False, forest.child[one]
    while here >= 0:
        end, mine = _group(forest, here, codes.results)
        place = slot(table.keys, (state + 1) * codes.span - 1 - forest.symbol[here] // codes.results)
        if table.keys[place] == -1:
            here = end
            continue
        shared = True
        score -= _gain(table.passes[place], mine, prior)
        while here != end:
            place = slot(table.keys, state * codes.span + forest.symbol[here])
            if table.keys[place] != -1:
                score += _gain(table.passes[place], forest.times[here], prior * forest.chance[here])
                board.stack[height, 0], board.stack[height, 1] = here, table.target[place]
                height += 1
            here = forest.sibling[here]
    return score, shared, height


@njit(cache=True)
def _score_tree(board: _Board, one: int, other: int, prior: float, height: int) -> tuple[float, bool, int]:
    """What the results right after two nodes that are not red gain; pairs to visit are put on the stack."""
    forest, results = board.forest, board.codes.results
    score, shared, here, there = 0.0, False, forest.child[one], forest.child[other]
    while here >= 0 and there >= 0:
        action, its = forest.symbol[here] // results, forest.symbol[there] // results
        end, mine = _group(forest, here, results)
        its_end, seen = _group(forest, there, results)
        if action != its:
            here, there = (end, there) if action < its else (here, its_end)
            continue
        shared = True
        score -= _gain(seen, mine, prior)
        while here != end:
            while there != its_end and forest.symbol[there] < forest.symbol[here]:
                there = forest.sibling[there]
            if there != its_end and forest.symbol[there] == forest.symbol[here]:
                score += _gain(forest.times[there], forest.times[here], prior * forest.chance[here])
                board.stack[height, 0], board.stack[height, 1] = here, there
                height += 1
            here = forest.sibling[here]
        there = its_end
    return score, shared, height


@njit(cache=True)
def _group(forest: Forest, node: int, results: int) -> tuple[int, int]:
    """The next sibling of `node` by another action, and how often the siblings up to there were passed."""
    action, times, here = forest.symbol[node] // results, 0, node
    while here >= 0 and forest.symbol[here] // results == action:
        times += forest.times[here]
        here = forest.sibling[here]
    return here, times


@njit(cache=True)
def _hang_all(board: _Board, one: int, red: int, height: int, waiting: Waiting) -> int:
    """Move the children of node `one` to a red node; pairs to fold are put on the stack, which grows to this height."""
    forest, table, codes, state = board.forest, board.table, board.codes, board.red_of[red]
    here = forest.child[one]
    while here >= 0:
        following, times = forest.sibling[here], forest.times[here]
        forest.sibling[here] = -1
        key = (state + 1) * codes.span - 1 - forest.symbol[here] // codes.results
        place = slot(table.keys, key)
        table.keys[place] = key
        table.passes[place] += times
        key = state * codes.span + forest.symbol[here]
        place = slot(table.keys, key)
        table.passes[place] += times
        if table.keys[place] == -1:
            table.keys[place], table.target[place] = key, here
        else:
            board.stack[height, 0], board.stack[height, 1] = here, table.target[place]
            height += 1
        if board.red_of[table.target[place]] < 0:
            heapq.heappush(waiting, (-table.passes[place], place))
        here = following
    return height


@njit(cache=True)
def _fold(board: _Board, blue: int, red: int, waiting: Waiting) -> None:
    """Add all that followed `blue`, a tree of its own, to what followed `red`."""
    board.stack[0, 0], board.stack[0, 1] = blue, red
    height = 1
    while height:
        height -= 1
        one, other = board.stack[height]
        if board.red_of[other] >= 0:
            height = _hang_all(board, one, other, height, waiting)
        else:
            height = _merge_children(board, one, other, height)


@njit(cache=True)
def _merge_children(board: _Board, one: int, other: int, height: int) -> int:
    """Move the children of node `one` to node `other`, neither of them red; pairs to fold are put on the stack."""
    forest = board.forest
    here, before, there = forest.child[one], -1, forest.child[other]
    while here >= 0:
        following = forest.sibling[here]
        while there >= 0 and forest.symbol[there] < forest.symbol[here]:
            before, there = there, forest.sibling[there]
        if there >= 0 and forest.symbol[there] == forest.symbol[here]:
            forest.times[there] += forest.times[here]
            board.stack[height, 0], board.stack[height, 1] = here, there
            height += 1
        else:
            _insert(forest, other, before, here, there)
            before = here
        here = following
    return height
