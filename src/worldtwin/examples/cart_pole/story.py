"""The main job on real input: record, fit, improve in the simulator only, check in reality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import gymnasium
import numpy as np

from worldtwin.environments import Reality, evaluate
from worldtwin.exact import Key
from worldtwin.examples.cart_pole.picturing import report_page
from worldtwin.examples.cart_pole.played import Attempt, Climb, Flight, Played
from worldtwin.examples.report import write
from worldtwin.examples.stage import Stage, publishable
from worldtwin.files import load_spec, load_task, save
from worldtwin.improving import Progress, search
from worldtwin.judging import readiness
from worldtwin.learning import fit
from worldtwin.recording import RecordEnv
from worldtwin.simulation import Report, Session, Simulator
from worldtwin.tasks import Task
from worldtwin.traces import Traces
from worldtwin.world import Spec

HERE: Final = Path(__file__).parent
STEPS: Final = 3_000
NOISE: Final = 0.3
EPISODES: Final = 100
FLIGHT_STEPS: Final = 250


def play(stage: Stage) -> Mapping[str, object]:
    """The whole demo; what it came to."""
    spec = load_spec(HERE / "cart-pole.yaml")
    poor = load_task(f"{HERE / 'poor.py'}:push", spec)
    traces = Traces(stage.folder / "cart-pole.traces", spec)
    runs = record(poor, spec, traces, key=stage.key.child("record"))
    stage.tell("record", f"{len(traces):,} real steps in {runs} episodes: a poor controller with 30 % random pushes")
    simulator = fit(spec, traces, key=stage.key.child("fit"))
    save(simulator, stage.folder / "cart-pole.wts")
    stage.tell("fit", quality(simulator))
    climbs = [
        improved("four gains", leaning(simulator, stage.key), simulator, stage),
        improved("network of 8", Task.network(simulator, hidden=(8,), key=stage.key.child("task")), simulator, stage),
    ]
    with closing(gymnasium.make("CartPole-v1")) as env:
        attempts = [tried("poor controller", poor, env, stage.key)]
        attempts += [tried(climb.name, climb.task, env, stage.key) for climb in climbs]
        flight = flown(attempts[-1].task, simulator, env, key=stage.key.child("flight"))
    stage.tell("evaluate", compared(attempts))
    played = Played(
        spec=spec, simulator=simulator, runs=runs, attempts=attempts, climbs=climbs, flight=flight, key=stage.key
    )
    write(stage.report, report_page(played, stage.seconds))
    return result_of(played, len(traces))


def record(poor: Task, spec: Spec, traces: Traces, *, key: Key) -> int:
    """Let the poor controller run in reality for `STEPS` steps, recorded; how many episodes that took."""
    left, runs = STEPS, 0
    with RecordEnv(gymnasium.make("CartPole-v1"), traces) as env:
        while left:
            most = min(spec.horizon, left)
            lived = evaluate(poor, env, episodes=1, spec=spec, horizon=most, noise=NOISE, key=key.child("run", runs))
            left -= int(lived.steps.sum())
            runs += 1
    return runs


def leaning(simulator: Simulator, key: Key) -> Task:
    """A linear task that begins as the poor controller: all of its gains are 0 but that of the angle."""
    task = Task.network(simulator, hidden=(), key=key)
    return task.with_parameters([float(name == "angle") for name in (*task.state.names, "offset")])


def improved(name: str, task: Task, simulator: Simulator, stage: Stage) -> Climb:
    """`task`, improved in the simulator and nowhere else."""
    progress: list[Progress] = []
    found = search(task, simulator, key=stage.key.child("improve").child(name), progress=progress.append)
    better = publishable(found.task)
    save(better, stage.folder / f"{name.replace(' ', '-')}.wtt")
    stage.tell("improve", f"{name}: {found.text}")
    return Climb(name=name, task=better, found=found, progress=progress)


def tried(name: str, task: Task, env: Reality, key: Key) -> Attempt:
    """A task in reality, in the same episodes as any other with the same key."""
    return Attempt(name=name, task=task, real=evaluate(task, env, episodes=EPISODES, key=key.child("evaluate")))


def flown(task: Task, simulator: Simulator, env: Reality, *, key: Key) -> Flight:
    """A real episode, and what the simulator makes of its start and its actions alone."""
    shown, _ = env.reset(seed=key.low >> 1)
    names = task.state.names
    state: dict[str, object] = dict(zip(names, map(float, shown), strict=True))
    session = Session(simulator, key=key, start=state)
    real, simulated = [shown], [shown]
    for _ in range(FLIGHT_STEPS):
        action, _ = task.act(state)
        shown, _, ended, _, _ = env.step(int(action.lattice[0]))
        state = dict(zip(names, map(float, shown), strict=True))
        step = session.step(action)
        real.append(shown)
        simulated.append(np.array([step.next[name] for name in names], dtype=np.float64))
        if ended or step.ended:
            break
    return Flight(real=np.array(real, dtype=np.float64), simulated=np.array(simulated, dtype=np.float64))


def quality(simulator: Simulator) -> str:
    """How good the simulator is on episodes that it had not seen."""
    report = simulator.report or Report()
    off = "not measured" if report.horizon_error is None else f"off by {100 * report.horizon_error:.2g} % of a spread"
    degrees = ", ".join(f"{field.name}: {field.model}" for field in report.fields)
    held_out = f"held out {report.held_out:,} steps: after {report.horizon_steps} steps on its own {off}"
    return f"{degrees}\n{held_out} · {readiness(simulator).text}"


def compared(attempts: Sequence[Attempt]) -> str:
    """The real returns of all attempts in one line."""
    each = (f"{attempt.name} {attempt.mean:.1f} (worst {attempt.worst:.0f})" for attempt in attempts)
    return f"{EPISODES} real episodes each, the same seeds: {' → '.join(each)}"


def result_of(played: Played, steps: int) -> dict[str, object]:
    """The figures by name, for machines."""
    report = played.simulator.report or Report()
    return {
        "before": played.attempts[0].mean,
        "after": {attempt.name: attempt.mean for attempt in played.attempts[1:]},
        "worst": {attempt.name: attempt.worst for attempt in played.attempts},
        "recorded_steps": steps,
        "horizon_error": report.horizon_error,
        "sources": played.sources,
        "simulator": played.simulator.digest,
        "task": played.attempts[-1].task.digest,
    }
