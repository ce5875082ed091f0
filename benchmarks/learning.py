"""Learning a world from a record: ours and rivals, from the same steps, judged on the same fresh ones, in one run.

Hidden state. Mazes of look-alike cells, a random world of 50 states that shows 10 looks, a coffee machine, a lock; in
episodes, and as one stream where the world has no reset. Contenders: a table of counts; `learn_machine`; IOAlergia by
AALpy (as a Markov decision process and as a stochastic Mealy machine, eps .05), and the directly-follows graph of
pm4py. Judged by the mean surprise on 20,000 fresh steps above whoever knows the world and its state (nats a step), by
states found, by the seconds of the learner's own call. IOAlergia needs pieces that begin in one state: of a stream
it gets those of 20 steps that begin with the commonest look, in whatever state, for nobody knows it. Its machine is
followed by our filter with the better of two of our smoothings, chosen on the fresh steps: to its favour. Its Java
version needs a file that AALpy does not ship: not measured.

pm4py models which activities follow each other, not what an action leads to. What can be compared: an activity is an
action and the look that it led to, the action is taken as known, and its graph then is a table that knows one action
more. What cannot: fitness and precision, by token replay of a net from its inductive miner, say whether a process is
allowed, not how likely a next look is; they have no counterpart here and are printed for what they are.

Numbers that move. Pendulum-v1 and CartPole-v1, 3,000 recorded random steps. Contenders: `wt.fit`, PySINDy in discrete
time (polynomials of degree 3, its own threshold and the best of five on the last rows) on raw values, on cosine and
sine of declared angles, and on these for the change of each field; and 5 networks of 2 x 200 with swish. Judged on
3,000 fresh steps by the worst field's error one step ahead, over the spread of its change, and after 50 steps on its
own, over the spread of its values (`worldtwin.learning.scoring`). A random CartPole falls within 50 steps: its fresh
steps are of a hand that mostly balances, so there everybody is asked about somewhat else than was recorded.

Every row stays where ours is worse, and says so. A rival that needs more than 120 seconds is stopped. `--quick`: fewer
steps and passes. Seconds are of one run, on a machine that may be busy: a factor of two says nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
from collections.abc import Callable

from contests import machines, motion
from contests.asking import Asked
from contests.hidden import HiddenWorld, chances, coffee, lock, maze
from timing import table

LIMIT_S = 120.0
TIE_NATS = 2e-4
TIE_SHARE = 0.05
SIZES, FEW_SIZES = (1_000, 10_000, 100_000), (1_000, 10_000)
NET_STEPS = 1_000
"""The precision of a net takes minutes from more."""
STEPS, FEW_STEPS = 3000, 1000
PASSES, FEW_PASSES = 60, 20
OURS = "ours"
SINDY = ("raw, default", "raw, tuned", "features, tuned", "changes, default", "changes, tuned")


def worlds() -> list[tuple[HiddenWorld, int | None]]:
    """Each world with the length of its episodes; None is one stream."""
    cells, dice = maze(6, seed=1), chances(50, 10, seed=1)
    return [(coffee(), 20), (lock(), 20), (cells, 50), (cells, None), (dice, 50), (dice, None)]


def hidden_state(sizes: tuple[int, ...], stack: contextlib.ExitStack) -> None:
    """Print a table for each world and size; then what a net replays."""
    aalpy, pm4py = Asked("aalpy_machines", stack), Asked("pm4py_processes", stack)
    machines.ours(machines.recorded(lock(), sizes[0], 20))  # compiled once
    processes: list[tuple[str, ...]] = [
        ("", "next activity, nats", "who knows the world", "fitness", "precision", "seconds")
    ]
    for world, length in worlds():
        for size in sizes:
            record = machines.recorded(world, size, length)
            results = {OURS: machines.ours(record), "table": machines.counted(record)}
            for name, (kind, eps) in machines.ALERGIA.items():
                results[name] = machines.alergia(record, aalpy, kind, eps, LIMIT_S)
            results["pm4py, directly-follows"], activity = machines.graph(record, pm4py, LIMIT_S)
            true = len(set(world.looks[record.fresh.states].tolist())), len(set(record.fresh.states.tolist()))
            table(f"{record.name}: {true[1]} states, {true[0]} looks", _told(results))
            net = machines.net(record, pm4py, LIMIT_S) if size <= NET_STEPS else ""
            processes.append((record.name, f"{activity:.3f}", f"{machines.best_activity(record):.3f}", *_replay(net)))
    table(f"pm4py: the next activity by its graph; a mined net of at most {NET_STEPS:,} steps, replayed", processes)


def motions(steps: int, passes: int, stack: contextlib.ExitStack) -> None:
    """Print a table for each environment."""
    sindy = Asked("pysindy_equations", stack)
    torch = Asked("torch_ensemble", stack, environment="torch_rollouts")
    for record in (motion.pendulum(steps), motion.cart_pole(steps)):
        motion.ours(record)  # what is imported or compiled at first use
        results = {OURS: motion.ours(record)}
        turning = any(motion.is_angle(field) for field in record.spec.state.fields)
        for variant in SINDY:
            if turning or not variant.startswith("features"):
                results[f"PySINDy, {variant}"] = motion.theirs(record, sindy, variant, 0, LIMIT_S)
        results["plain ensemble"] = motion.theirs(record, torch, "", passes, LIMIT_S)
        table(f"{record.spec.name}, {steps:,} steps, {len(record.starts)} courses of {motion.STEPS}", _moved(results))


def _told(results: dict[str, machines.Result]) -> list[tuple[str, ...]]:
    own = results[OURS]
    rows: list[tuple[str, ...]] = [("", "excess, nats", "by ours", "states", "seconds", "by ours", "ours is")]
    for name, result in results.items():
        if result.missing:
            rows.append((name, *[""] * 5, f"not measured: {result.missing}"))
            continue
        states = f"{result.states}{' exact' if result.exact else ''}" if result.states else ""
        ratios = _times(result.excess, own.excess), _times(result.seconds, own.seconds)
        verdict = _verdict(own.excess, result.excess, tie=TIE_NATS), _pace(own.seconds, result.seconds)
        said = "" if name == OURS else ", ".join(verdict)
        rows.append((name, f"{result.excess:.5f}", ratios[0], states, f"{result.seconds:.3f}", ratios[1], said))
    return rows


def _moved(results: dict[str, motion.Result]) -> list[tuple[str, ...]]:
    own = results[OURS]
    heading = ("", "one step", "by ours", f"{motion.STEPS} steps", "by ours", "seconds", "by ours", "", "ours is")
    rows: list[tuple[str, ...]] = [heading]
    for name, result in results.items():
        if result.missing:
            rows.append((name, *[""] * 7, f"not measured: {result.missing}"))
            continue
        pairs = ((result.one_step, own.one_step), (result.open_loop, own.open_loop), (result.seconds, own.seconds))
        cells = [cell for mine, other in pairs for cell in (f"{mine:.3g}", _times(mine, other))]
        near, far = (_verdict(other, mine, tie=TIE_SHARE * other) for mine, other in pairs[:2])
        said = f"{near} one step, {far} at {motion.STEPS}, {_pace(own.seconds, result.seconds)}"
        rows.append((name, *cells, result.note, "" if name == OURS else said))
    return rows


def _replay(net: machines.Net | str) -> tuple[str, str, str]:
    if isinstance(net, str):
        return net, "", ""
    return f"{net.fitness:.3f}", f"{net.precision:.3f}", f"{net.seconds:.2f}"


def _times(theirs: float, own: float) -> str:
    return f"{theirs / own:.3g}x" if own > 0 and math.isfinite(theirs) else ""


def _verdict(own: float, theirs: float, *, tie: float) -> str:
    """What our error is beside another."""
    if abs(own - theirs) <= tie:
        return "even"
    return "better" if own < theirs else "WORSE"


def _pace(own: float, theirs: float) -> str:
    return "faster" if own <= theirs else "SLOWER"


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description="Learning a world: ours and rivals.")
    options.add_argument("--quick", action="store_true", help="fewer steps and passes")
    quick: bool = options.parse_args().quick
    print(f"load {os.getloadavg()[0]:.1f} before the start; limit {LIMIT_S:g} s")
    parts: list[Callable[[contextlib.ExitStack], None]] = [
        lambda stack: hidden_state(FEW_SIZES if quick else SIZES, stack),
        lambda stack: motions(FEW_STEPS if quick else STEPS, FEW_PASSES if quick else PASSES, stack),
    ]
    for part in parts:
        with contextlib.ExitStack() as stack:
            part(stack)


if __name__ == "__main__":
    main()
