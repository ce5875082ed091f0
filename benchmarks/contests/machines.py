"""Hidden state: a table, our machine, IOAlergia and process mining on the same steps, judged on the same fresh ones."""

from __future__ import annotations

import itertools
import time
from typing import NamedTuple

import numpy as np
from contests.asking import Asked
from contests.hidden import Floats, HiddenWorld, Lattice, Walk, walk
from msgspec import Struct
from rivals.environment import NotMeasured

from worldtwin.learning.memory.hidden import learn_machine
from worldtwin.learning.memory.machine import Machine, Sightings, likelihood

FRESH = 20_000
PIECE = 20
REPLAYED = 300
PRIORS = (0.03, 1.0)
ALERGIA = {"IOAlergia, mdp": ("mdp", 0.05), "IOAlergia, smm": ("smm", 0.05)}


class Result(Struct, frozen=True, kw_only=True):
    """What one contender made of a record: nats a step above who knows the world, states (0: it has none), seconds.

    `exact`: each state that it found is one of the world's, and each of those was found. `missing`: why there is none.
    """

    excess: float = float("nan")
    states: int = 0
    exact: bool = False
    seconds: float = float("nan")
    missing: str = ""


class Learned(Struct, frozen=True):
    """The machine that IOAlergia learned, as `aalpy_machines` tells it."""

    seconds: float
    states: int
    edges: list[tuple[int, int, int, int]]


class Graph(Struct, frozen=True):
    """The directly-follows graph, as `pm4py_processes` tells it."""

    seconds: float
    pairs: list[tuple[str, str, int]]
    starts: dict[str, int]


class Net(Struct, frozen=True):
    """How well a Petri net replays, as `pm4py_processes` tells it."""

    seconds: float
    fitness: float
    precision: float


class Record(NamedTuple):
    """A world, steps to learn from, fresh steps, and the length of an episode (None: one stream)."""

    world: HiddenWorld
    train: Walk
    fresh: Walk
    length: int | None

    @property
    def name(self) -> str:
        """The world, and how it was recorded."""
        kind = f"episodes of {self.length}" if self.length else "one stream"
        return f"{self.world.name}, {kind}, {len(self.train.looks):,} steps"


def recorded(world: HiddenWorld, count: int, length: int | None) -> Record:
    """The first walk of `count` steps that shows every look, to learn from, and 20,000 fresh steps."""
    looks = len(np.unique(world.looks))
    train = next(
        steps
        for steps in (walk(world, count, length, seed) for seed in itertools.count(1))
        if len(np.unique(steps.nexts)) == looks
    )
    return Record(world, train, walk(world, FRESH, length, 0), length)


def counted(record: Record) -> Result:
    """A table of what followed each look and action."""
    began = time.perf_counter()
    counts = _counts(record.train)
    seconds = time.perf_counter() - began
    surprise = -np.log(_chances(counts)[record.fresh.looks, record.fresh.actions, record.fresh.nexts])
    return Result(excess=_excess(surprise, record), seconds=seconds)


def ours(record: Record) -> Result:
    """`learn_machine`, with the counts of all steps as a fit publishes them."""
    seen = _sightings(record.train)
    began = time.perf_counter()
    machine = learn_machine(seen).machine.counted(seen)
    return _judged(machine, record, time.perf_counter() - began, len(machine))


def alergia(record: Record, rival: Asked, kind: str, eps: float, limit_s: float) -> Result:
    """IOAlergia's machine; it keeps our counts, our smoothing (the better of two) and our filter, all to its favour."""
    pieces = _pieces(record)
    try:
        learned = rival.ask({"pieces": pieces, "kind": kind, "eps": eps}, Learned, limit_s=limit_s)
    except NotMeasured as missing:
        return Result(missing=str(missing))
    machines = [_machine(learned, pieces, record, prior) for prior in PRIORS]
    judged = [_judged(machine, record, learned.seconds, learned.states) for machine in machines]
    return min(judged, key=lambda result: result.excess)


def graph(record: Record, rival: Asked, limit_s: float) -> tuple[Result, float]:
    """pm4py's directly-follows graph: its excess once the action is known; and its surprise by the next activity."""
    cases = _cases(record.train, len(record.train.looks), record.length)
    try:
        found = rival.ask({"kind": "graph", "cases": cases}, Graph, limit_s=limit_s)
    except NotMeasured as missing:
        return Result(missing=str(missing)), float("nan")
    surprise, activity = _graph_surprise(found, record)
    return Result(excess=_excess(surprise, record), seconds=found.seconds), float(activity.mean())


def net(record: Record, rival: Asked, limit_s: float) -> Net | str:
    """pm4py's inductive miner, replayed on fresh cases; or why not."""
    cases = _cases(record.train, len(record.train.looks), record.length)
    fresh = _cases(record.fresh, REPLAYED, record.length)
    try:
        return rival.ask({"kind": "net", "cases": cases, "fresh": fresh}, Net, limit_s=limit_s)
    except NotMeasured as missing:
        return str(missing)


def best_activity(record: Record) -> float:
    """The surprise by the next activity of whoever knows the world, its state and how actions are chosen."""
    return float((record.fresh.best + np.log(record.fresh.choices)).mean())


def _counts(steps: Walk) -> Lattice:
    """How often each look (looks, actions, looks) followed."""
    looks = int(max(steps.looks.max(), steps.nexts.max())) + 1
    counts = np.zeros((looks, int(steps.actions.max()) + 1, looks), dtype=np.int64)
    np.add.at(counts, (steps.looks, steps.actions, steps.nexts), 1)
    return counts


def _chances(counts: Lattice) -> Floats:
    return likelihood(counts, counts.sum(axis=-1, keepdims=True), counts.shape[-1])


def _excess(surprise: Floats, record: Record) -> float:
    return float((surprise - record.fresh.best).mean())


def _sightings(steps: Walk) -> Sightings:
    return Sightings(
        looks=steps.looks, actions=steps.actions, results=steps.nexts, next_looks=steps.nexts, follows=steps.follows
    )


def _judged(machine: Machine, record: Record, seconds: float, states: int) -> Result:
    followed = machine.follow(_sightings(record.fresh))
    sure = followed.states >= 0
    pairs = np.unique(np.stack([followed.states[sure], record.fresh.states[sure]], axis=1), axis=0)
    true = len(np.unique(record.fresh.states))
    exact = len(pairs) == len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1])) == true
    excess = _excess(followed.surprise, record)
    return Result(excess=excess, states=states, exact=bool(exact and sure.any()), seconds=seconds)


def _pieces(record: Record) -> list[list[int]]:
    """[look, action, look, ...] for each episode; of a stream, parts of 20 steps that begin with its commonest look."""
    steps, length = record.train, record.length
    starts = np.flatnonzero(~steps.follows)
    if length is None:
        starts, after = [], 0
        for place in np.flatnonzero(steps.looks == np.bincount(steps.looks).argmax()).tolist():
            if place >= after:
                starts.append(place)
                after = place + PIECE
    pieces = []
    for start in starts:
        part = slice(start, start + (length or PIECE))
        both = np.stack([steps.actions[part], steps.nexts[part]], axis=1)
        pieces.append([int(steps.looks[start]), *both.ravel().tolist()])
    return pieces


def _machine(learned: Learned, pieces: list[list[int]], record: Record, prior: float) -> Machine:
    """IOAlergia's machine with the counts of its own pieces; a state that shows several looks becomes one for each."""
    leads = {(state, action, look): after for state, action, look, after in learned.edges}
    number: dict[tuple[int, int], int] = {}
    target: dict[tuple[int, int, int], int] = {}
    counts: dict[tuple[int, int, int], int] = {}
    for piece in pieces:
        here = (0, piece[0])
        for action, look in zip(piece[1::2], piece[2::2], strict=True):
            there = (leads[here[0], action, look], look)
            edge = (number.setdefault(here, len(number)), action, look)
            counts[edge] = counts.get(edge, 0) + 1
            target[edge] = number.setdefault(there, len(number))
            here = there
    edges = sorted(counts)
    began = np.zeros(len(number))
    began[0] = len(pieces) if record.length else 0
    return Machine(
        looks=np.array([look for _, look in number]),
        edges=np.array(edges),
        leads=np.array([target[edge] for edge in edges]),
        counts=np.array([counts[edge] for edge in edges]),
        began=began,
        prior=prior,
        actions=int(record.train.actions.max()) + 1,
        results=int(record.train.nexts.max()) + 1,
    )


def _cases(steps: Walk, count: int, length: int | None) -> list[list[str]]:
    """The first `count` steps as cases of activities, each an action and what it led to; a stream is cut."""
    activities = [f"{action}>{look}" for action, look in zip(steps.actions.tolist(), steps.nexts.tolist(), strict=True)]
    size = length or PIECE
    return [activities[start : min(start + size, count)] for start in range(0, count, size)]


def _graph_surprise(found: Graph, record: Record) -> tuple[Floats, Floats]:
    """The surprise (n,) by the look once the action is known, and by the activity: counts after the last activity.

    Where the graph has seen little it leans on the table (an activity: on that and an even choice of the action), by
    one occurrence. After a start the counts are those of first activities.
    """
    fresh, likely = record.fresh, _chances(_counts(record.train))
    looks, actions = likely.shape[0], likely.shape[1]
    activities = [f"{action}>{look}" for action in range(actions) for look in range(looks)]
    place = {activity: number for number, activity in enumerate(activities)}
    table = np.zeros((len(activities) + 1, len(activities)))
    for one, other, times in found.pairs:
        table[place[one], place[other]] = times
    for activity, times in found.starts.items():
        table[-1, place[activity]] = times
    now = fresh.actions * looks + fresh.nexts
    before = np.where(fresh.follows, np.roll(now, 1), len(activities))
    times, rows = table[before, now], table[before]
    of_action = rows.reshape(len(rows), actions, looks)[np.arange(len(rows)), fresh.actions].sum(axis=1)
    anyway = likely[fresh.looks, fresh.actions, fresh.nexts]
    by_look = (times + anyway) / (of_action + 1)
    by_activity = (times + anyway / actions) / (rows.sum(axis=1) + 1)
    return -np.log(by_look), -np.log(by_activity)
