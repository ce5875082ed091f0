"""Where a machine is, one step after the other, from what is seen; and how surprised it is."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldtwin.learning.memory.merging import Codes, Floats, Lattice, Table, slot

SURE: Final = 0.9
_NEGLIGIBLE: Final = 1e-6
_NEVER_SEEN: Final = 1e-3


class Seen(NamedTuple):
    """Steps in order (n,): looks, symbols, how likely each result is anyway, which follow the one before."""

    looks: Lattice
    symbols: Lattice
    chances: Floats
    follows: NDArray[np.bool_]


class Usual(NamedTuple):
    """For each state: its look, how often episodes began there, how often it was seen."""

    looks: Lattice
    began: Floats
    often: Floats


class _Beliefs(NamedTuple):
    """States that it may be in, how likely each is, and the state at the start that makes it most likely."""

    states: Lattice
    weights: Floats
    origins: Lattice


@njit(cache=True)
def indexed(wanted: Lattice) -> tuple[Lattice, Lattice]:
    """The keys of an open hash table that holds `wanted` (n,), and where each of them is (n,)."""
    size = 1024
    while size < 3 * len(wanted):
        size *= 2
    keys, places = np.full(size, -1, np.int64), np.empty(len(wanted), np.int64)
    for i in range(len(wanted)):
        places[i] = slot(keys, wanted[i])
        keys[places[i]] = wanted[i]
    return keys, places


class _Next(NamedTuple):
    """States that it may be in next: their place among them (-1: none) and the largest part of their weight."""

    beliefs: _Beliefs
    place: Lattice
    largest: Floats


class Followed(NamedTuple):
    """The state (n,) at each step where it is sure, else -1; the surprise (n,) in nats; starts (states,) by state."""

    states: Lattice
    surprise: Floats
    starts: Floats


def filtered(usual: Usual, table: Table, seen: Seen, codes: Codes, prior: float) -> Followed:
    """Where a machine is at each step that was seen, and how surprised it is by the result.

    All states that look right are weighed: after a start by how often episodes began there, after a loss by how often
    they were seen. When the state is sure for the first time after a start, the start that led there is counted.
    """
    count, states = len(seen.looks), len(usual.looks)
    found = Followed(np.full(count, -1, np.int64), np.zeros(count), np.zeros(states))
    beliefs = [_Beliefs(np.zeros(states, np.int64), np.zeros(states), np.zeros(states, np.int64)) for _ in range(2)]
    following = _Next(beliefs[1], np.full(states, -1, np.int64), np.zeros(states))
    _filter(found, (usual, table, seen), (codes.results, codes.span, prior), beliefs[0], following)
    return found


@njit(cache=True)
def _filter(
    found: Followed,
    known: tuple[Usual, Table, Seen],
    codes: tuple[int, int, float],
    here: _Beliefs,
    there: _Next,
) -> None:
    """Fill `found`, step by step."""
    usual, table, seen = known
    results, span, prior = codes
    active, undecided = 0, False
    for t in range(len(seen.looks)):
        if not seen.follows[t]:
            active, undecided = _anywhere(here, usual.looks, usual.began, seen.looks[t]), True
        elif active == 0:
            active, undecided = _anywhere(here, usual.looks, usual.often, seen.looks[t]), False
        likely, following, action = 0.0, 0, seen.symbols[t] // results
        for i in range(active):
            state, weight = here.states[i], here.weights[i]
            if weight > SURE:
                found.states[t] = state
                found.starts[here.origins[i]] += undecided
                undecided = False
            whole = table.passes[slot(table.keys, (state + 1) * span - 1 - action)]
            place = slot(table.keys, state * span + seen.symbols[t])
            weight *= (table.passes[place] + prior * seen.chances[t]) / (whole + prior)
            likely += weight
            if table.target[place] >= 0:
                following = _join(there, following, table.target[place], weight, here.origins[i])
        found.surprise[t] = -math.log(likely if active else seen.chances[t])
        active = _kept(here, there, following)


@njit(cache=True)
def _anywhere(here: _Beliefs, looks: Lattice, often: Floats, look: int) -> int:
    """Weigh all states that look right; how many there are."""
    active, total = 0, 0.0
    for state in range(len(looks)):
        if looks[state] == look:
            here.states[active], here.weights[active], here.origins[active] = state, often[state] + _NEVER_SEEN, state
            total += here.weights[active]
            active += 1
    for i in range(active):
        here.weights[i] /= total
    return active


@njit(cache=True)
def _join(there: _Next, following: int, state: int, weight: float, origin: int) -> int:
    """Add `weight` to a state that it may be in next; how many there are then."""
    if there.place[state] < 0:
        there.place[state], there.beliefs.states[following] = following, state
        there.beliefs.weights[following], there.largest[following] = 0.0, 0.0
        following += 1
    place = there.place[state]
    there.beliefs.weights[place] += weight
    if weight > there.largest[place]:
        there.largest[place], there.beliefs.origins[place] = weight, origin
    return following


@njit(cache=True)
def _kept(here: _Beliefs, there: _Next, following: int) -> int:
    """Go on with the states that are not negligible; how many there are."""
    active, total, beliefs = 0, 0.0, there.beliefs
    for i in range(following):
        total += beliefs.weights[i]
    for i in range(following):
        there.place[beliefs.states[i]] = -1
        if beliefs.weights[i] > _NEGLIGIBLE * total:
            here.states[active], here.origins[active] = beliefs.states[i], beliefs.origins[i]
            here.weights[active] = beliefs.weights[i] / total
            active += 1
    return active
