"""`is_better`: the spec's ordered objective, by enumeration where that is possible and by evidence where not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from worldtwin.errors import InvalidValue
from worldtwin.exact import Key
from worldtwin.judging.case import Case
from worldtwin.judging.decision import (
    BITS,
    MARGIN,
    Decision,
    Look,
    Order,
    Rule,
    decide_at_look,
    decide_exactly,
    first_that_differs,
)
from worldtwin.judging.evidence import looks
from worldtwin.judging.judge import judge
from worldtwin.judging.pairs import Pair, Pairing, return_bounds
from worldtwin.judging.verdict import Verdict
from worldtwin.simulation import Backend, Simulator
from worldtwin.tasks import Actor, LocalTask, Task
from worldtwin.world import Spec

BUDGET: Final = 4_000_000
"""How many simulation steps a comparison may take."""


def is_better(
    candidate: Task | LocalTask,
    incumbent: Task | LocalTask,
    simulator: Simulator,
    cases: Sequence[Case] = (),
    *,
    key: Key | int,
    margin: float | None = None,
    bits: int = BITS,
    budget: int = BUDGET,
    backend: Backend | None = None,
) -> Decision:
    """Whether `candidate` is better than `incumbent` by the spec's ordered objective. Refusing is the safe side.

    1. Items are compared in order; the first that differs decides, and those before it must not be worse.
    2. Two returns differ when their means are further apart than `margin` (a share of the return range; 0.01 unless
       given, and 0 where all runs are enumerated).
    3. Where finitely many starts leave nothing to chance, all runs are enumerated. Else both run on the same fresh
       keys, and it takes `bits` of evidence, looked at after 256, 512 ... 16,384 episodes; earlier, for the last time,
       where the `budget` of steps does not hold more.

    The same on every backend. Raises `InvalidValue` when the margin is not a share.
    """
    if margin is not None and not 0 <= margin <= 1:
        raise InvalidValue(f"margin {margin} is not a share of the return range, from 0 to 1")
    root, spec = Key.of(key), simulator.spec
    paid = [item for item in spec.objective if item != "return" or spec.reward is not None]
    at = paid.index("return") if "return" in paid else len(paid)
    pairing = Pairing(candidate, incumbent, simulator, backend)
    orders = [(item, _order(item, pairing, cases, root)) for item in paid]
    item, order = first_that_differs(orders[:at])
    if order is not Order.EQUAL or at == len(paid):
        return _counted(item, order)
    later = first_that_differs(orders[at + 1 :])
    local = isinstance(candidate, LocalTask) or isinstance(incumbent, LocalTask)  # nobody knows what Python draws
    everything = None if local else pairing.everything(key=root.child("enumerate"), budget=budget)
    if everything is not None:
        look = decide_exactly(everything.differences, _rule(spec, margin or 0.0, bits, later[1]))
        return _decision(look, later[0], everything, spec, exact=True)
    rule = _rule(spec, MARGIN if margin is None else margin, bits, later[1])
    look, sample = _sampled(pairing, rule, key=root.child("evidence"), budget=budget)
    return _decision(look, later[0], sample, spec, exact=False)


def _order(item: str, pairing: Pairing, cases: Sequence[Case], key: Key) -> Order:
    """How the two compare on an item that is counted; returns are not."""
    sides = (pairing.candidate, pairing.incumbent)
    if item == "cases":
        asked = [case for case in cases if case.driver == "task"]
        return order_of_verdicts(
            *(judge(side, pairing.simulator, asked, key=key, backend=pairing.backend) for side in sides)
        )
    return order_of_fuel(*sides) if item == "fuel" else Order.EQUAL


def order_of_verdicts(after: Verdict, before: Verdict) -> Order:
    """How `after` compares: losing a required case is worse whatever is won, then more passed cases are better."""
    pairs = list(zip(after.answers, before.answers, strict=True))
    if any(old.passed and not new.passed and new.kind == "required" for new, old in pairs):
        return Order.WORSE
    return Order(int(np.sign(sum(new.passed - old.passed for new, old in pairs))))


def order_of_fuel(candidate: Actor, incumbent: Actor) -> Order:
    """How the fuel of a step compares, less being better; programs of two kinds are equal."""
    if not isinstance(candidate, Task) or not isinstance(incumbent, Task):
        return Order.EQUAL
    if type(candidate.program) is not type(incumbent.program):
        return Order.EQUAL
    return Order(int(np.sign(incumbent.fuel - candidate.fuel)))


def _sampled(pairing: Pairing, rule: Rule, *, key: Key, budget: int) -> tuple[Look, Pair]:
    """The first look that decides, or the last that the budget allows: each costs as much as all before it."""
    pair, look = pairing.episodes(0, 0, key=key), Look(order=None, by="return", bits=0)
    for episodes in looks():
        pair = _grown(pairing, pair, episodes, key=key, budget=budget)
        look = decide_at_look(pair.differences, rule) if len(pair.after) else look
        if look.order is not None or len(pair.after) < episodes or 2 * pair.steps > budget:
            break
    return look, pair


def _grown(pairing: Pairing, pair: Pair, episodes: int, *, key: Key, budget: int) -> Pair:
    """`pair` with the numbers up to `episodes`; with fewer where another two full runs might not fit the budget."""
    full = 2 * pairing.simulator.spec.horizon
    while len(pair.after) < episodes and pair.steps + full <= budget:
        last = min(episodes, len(pair.after) + (budget - pair.steps) // full)
        pair = pair.join(pairing.episodes(len(pair.after), last, key=key))
    return pair


def _rule(spec: Spec, margin: float, bits: int, later: Order) -> Rule:
    low, high = return_bounds(spec)
    return Rule(width=high - low, margin=round(margin * (high - low)), bits=bits, later=later)


def _counted(item: str, order: Order) -> Decision:
    """A decision that needed no returns."""
    return Decision(better=order is Order.BETTER, by=item, reason=_WORDS.get((item, order), _SAME), exact=True)


def _decision(look: Look, later: str, pair: Pair, spec: Spec, *, exact: bool) -> Decision:
    """What a look means, with the mean returns beside it."""
    if not len(pair.after):
        return Decision(better=False, by="", reason="not one episode of each fits the budget of steps")
    item = later if look.by == "later" else "return"
    return Decision(
        better=look.order is Order.BETTER,
        by=item if look.order in (Order.BETTER, Order.WORSE) else "",
        reason=_reason(look, item),
        bits=look.bits,
        exact=exact,
        episodes=len(pair.after),
        before=float(pair.before.mean()) * spec.reward_unit,
        after=float(pair.after.mean()) * spec.reward_unit,
    )


def _reason(look: Look, item: str) -> str:
    """Why, in a few words."""
    if look.order is None:
        return "not enough evidence that it is"
    return _WORDS.get((item, look.order), _SAME)


_SAME: Final = "nothing differs by more than the margin"
_WORDS: Final = {
    ("cases", Order.BETTER): "passes more cases",
    ("cases", Order.WORSE): "passes fewer cases",
    ("return", Order.BETTER): "higher return",
    ("return", Order.WORSE): "lower return",
    ("fuel", Order.BETTER): "less fuel",
    ("fuel", Order.WORSE): "more fuel",
}
