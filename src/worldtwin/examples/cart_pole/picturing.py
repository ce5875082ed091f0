"""The demo's report: what was better in reality, how it was found, and how far the simulator can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from worldtwin.examples.cart_pole.played import Attempt, Climb, Flight, Played
from worldtwin.examples.report import Figure, Frame, Panel, Range, figures, legend, page, table
from worldtwin.simulation import Report

STROKES: Final = ("stroke ink", "stroke teal")
DEGREES: Final = 180 / np.pi
CLOSE: Final = 0.5


def report_page(played: Played, seconds: Mapping[str, float]) -> str:
    """The report as one HTML page."""
    facts = [
        ("key", f"{(played.key.high << 32) + played.key.low}"),
        ("simulator", played.simulator.digest[:16]),
        ("task", played.attempts[-1].task.digest[:16]),
        *((name, f"{taken:.1f} s") for name, taken in seconds.items()),
    ]
    words = (
        f"{played.runs} episodes of a poor controller were recorded, {_recorded(played):,} steps. A simulator was "
        "learned from them, and the task improved inside of it: reality was asked again only to check."
    )
    panels = [_headline(played), _returns(played), _search(played), _flight(played.flight), _quality(played)]
    return page("The pole that no longer falls", words, panels, facts)


def _recorded(played: Played) -> int:
    return (played.simulator.report or Report()).transitions


def _headline(played: Played) -> Panel:
    old, new = played.attempts[0], played.attempts[-1]
    report = played.simulator.report or Report()
    shown = [
        Figure(f"{old.mean:.0f}", "steps the pole stood before"),
        Figure(f"{new.mean:.0f}", "steps it stands now (500 is the most)", after=True),
        Figure(f"{len(new.real.returns)}", "real episodes each, the same seeds"),
    ]
    if report.horizon_error is not None:
        shown.append(Figure(f"{100 * report.horizon_error:.2g} %", f"off after {report.horizon_steps} simulated steps"))
    return Panel(title="In reality", inside=figures(shown), wide=True)


def _returns(played: Played) -> Panel:
    rows = list(reversed(played.attempts))
    frame = Frame(x=Range(0, 520, "steps until the pole fell", (0, 100, 200, 300, 400, 500)),
                  y=Range(-0.6, len(rows) - 0.4, ticks=()), left=14, height=254)  # fmt: skip
    marks = [mark for row, attempt in enumerate(rows) for mark in _strip(frame, row, attempt)]
    summary = ", ".join(f"{attempt.name}: mean {attempt.mean:.0f}" for attempt in played.attempts)
    return Panel(
        title="Every real episode",
        words="A dot is an episode; the bar is the mean.",
        inside=frame.svg(marks, f"Real returns. {summary}."),
    )


def _strip(frame: Frame, row: int, attempt: Attempt) -> list[str]:
    returns = attempt.real.returns
    spread = [row - 0.22 + 0.36 * ((i * 0.618034) % 1.0) for i in range(len(returns))]
    mean = attempt.mean
    return [
        frame.dots(returns.tolist(), spread, "fill observed faint", radius=2.6),
        frame.line([mean, mean], [row - 0.3, row + 0.22], "ink heavy"),
        frame.text(4, row + 0.3, f"{attempt.name} · {mean:.1f}"),
    ]


def _search(played: Played) -> Panel:
    most = max(point.evaluations for climb in played.climbs for point in climb.progress)
    frame = Frame(x=Range(0, most * 1.02, "candidates tried"), y=Range(0, 520, "return", (0, 100, 200, 300, 400, 500)))
    marks = [
        mark for climb, stroke in zip(played.climbs, STROKES, strict=True) for mark in _climb(frame, climb, stroke)
    ]
    shares = ", ".join(f"{100 * share:.0f} % {name}" for name, share in played.sources.items() if share >= 0.005)
    tried = sum(climb.found.evaluations for climb in played.climbs)
    return Panel(
        title="Improving inside the simulator",
        words=f"{tried:,} candidates, none of them in reality. Their transitions: {shares}.",
        inside=frame.svg(marks, "Simulated return by candidates tried, for both tasks.")
        + legend(
            [
                *((stroke, climb.name) for climb, stroke in zip(played.climbs, STROKES, strict=True)),
                ("stroke ink faint", "the best of a generation"),
            ]
        ),
    )


def _climb(frame: Frame, climb: Climb, stroke: str) -> list[str]:
    tried = [float(point.evaluations) for point in climb.progress]
    return [
        frame.line(tried, [point.best for point in climb.progress], f"{stroke} faint"),
        frame.line(tried, [point.middle for point in climb.progress], stroke),
    ]


def _flight(flight: Flight) -> Panel:
    steps = list(range(len(flight.real)))
    tilt, guess = DEGREES * flight.real[:, 2], DEGREES * flight.simulated[:, 2]
    frame = Frame(x=Range(0, len(steps) - 1, "step"), y=Range.around([*tilt, *guess], "lean of the pole, degrees"),
                  width=1000, height=260)  # fmt: skip
    marks = [frame.line(steps, tilt.tolist(), "observed"), frame.line(steps, guess.tolist(), "predicted")]
    away = np.flatnonzero(np.abs(tilt - guess) > CLOSE)
    close = int(away[0]) if len(away) else len(steps) - 1
    return Panel(
        title="The simulator on its own, beside an episode that it never saw",
        words=(
            f"The same start and the same pushes, nothing corrected: within half a degree for {close} steps. "
            "A balanced pole doubles every error some six times a second, the smallest ones too."
        ),
        inside=frame.svg(marks, f"Lean of the pole in reality and simulated: within half a degree for {close} steps.")
        + legend([("stroke observed", "observed: the real pole"), ("stroke predicted", "predicted: the simulator")]),
        wide=True,
    )


def _quality(played: Played) -> Panel:
    report = played.simulator.report or Report()
    rows = [
        (field.name, field.model, _percent(field.one_step_error), _percent(field.open_loop_error))
        for field in report.fields
    ]
    head = ("field", "predicted by", "error of one step", f"error after {report.horizon_steps} steps")
    return Panel(
        title="How good the simulator is",
        words=(
            f"On {report.held_out:,} steps of episodes that were kept aside; one step against the size of a change, "
            "many against the spread of the field."
        ),
        inside=table(head, rows, numbers=(2, 3)),
        wide=True,
    )


def _percent(share: float | None) -> str:
    return "not measured" if share is None else f"{100 * share:.2g} %"
