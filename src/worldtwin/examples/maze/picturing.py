"""The maze as the robot came to know it, and the way out."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby, pairwise
from typing import Final

from worldtwin.examples.maze.explored import Explored
from worldtwin.examples.report import Figure, Panel, figures, legend, page, table
from worldtwin.simulation import Report

CELL: Final = 48
SIDES: Final = (((0, 0), (1, 0)), ((1, 0), (1, 1)), ((0, 1), (1, 1)), ((0, 0), (0, 1)))
"""The ends of a cell's four sides, north first, clockwise."""
TURNS: Final = ("ahead", "right", "back", "left")
"""What the wheels do for a quarter turn, two, three."""


def report_page(explored: Explored, seconds: Mapping[str, float]) -> str:
    """The report as one HTML page."""
    facts = [
        ("key", f"{(explored.key.high << 32) + explored.key.low}"),
        ("simulator", explored.simulator.digest[:16]),
        ("task", explored.task.digest[:16]),
        *((name, f"{taken:.1f} s") for name, taken in seconds.items()),
    ]
    words = (
        f"A robot wandered {explored.runs} times through a maze, {len(explored.recorded):,} steps, in a process of its "
        "own. Nobody drew a map: the way out was found in the simulator that was learned from what the robot saw."
    )
    return page("The shortest way out", words, [_headline(explored), _map(explored), _known(explored)], facts)


def _headline(explored: Explored) -> Panel:
    mean = len(explored.recorded) / explored.runs
    shown = [
        Figure(f"{mean:.0f}", "steps a wandering robot took, or gave up after"),
        Figure(f"{explored.way.steps}", "steps the real robot takes now", after=True),
        Figure(f"{explored.way.shortest}", "steps the shortest way has, by the map it never saw"),
    ]
    return Panel(title="In reality", inside=figures(shown), wide=True)


def _map(explored: Explored) -> Panel:
    parts = [*_floor(explored), *_walls(explored), _way(explored)]
    for words, column, row in (("start", 0, 0), ("exit", 7, 7)):
        x, y = CELL * (column + 0.5), CELL * row + 14
        parts.append(f'<text class="strong" x="{x}" y="{y}" text-anchor="middle">{words}</text>')
    box = 8 * CELL
    summary = f"The maze with the way of {explored.way.steps} steps from start to exit."
    svg = f'<svg viewBox="-3 -3 {box + 6} {box + 6}" role="img" aria-label="{summary}">{"".join(parts)}</svg>'
    kinds = [
        ("fill observed faint", "seen by the robot, stronger where more often"),
        ("stroke ink", "the way it drives now"),
    ]
    return Panel(title="What the robot found", inside=svg + legend(kinds))


def _floor(explored: Explored) -> list[str]:
    visits = explored.visits
    most = max(1, int(visits.max()))
    return [
        f'<rect class="fill observed" x="{CELL * column}" y="{CELL * row}" width="{CELL}" height="{CELL}" '
        f'opacity="{0.06 + 0.38 * (visits[row, column] / most) ** 0.5:.2f}"/>'
        for row in range(8)
        for column in range(8)
        if visits[row, column]
    ]


def _walls(explored: Explored) -> list[str]:
    """The sides that were seen to be closed, of cells that were seen at all."""
    visits, is_open = explored.visits, explored.open_sides
    return [
        f'<line class="wall" stroke-width="3" stroke-linecap="round" x1="{CELL * (column + ax)}" '
        f'y1="{CELL * (row + ay)}" x2="{CELL * (column + bx)}" y2="{CELL * (row + by)}"/>'
        for row in range(8)
        for column in range(8)
        if visits[row, column]
        for side, ((ax, ay), (bx, by)) in enumerate(SIDES)
        if (column, row, side) not in is_open
    ]


def _way(explored: Explored) -> str:
    points = [(CELL * (column + 0.5), CELL * (row + 0.5)) for column, row, _ in explored.way.way]
    path = " ".join(f"{'L' if i else 'M'}{x:.0f} {y:.0f}" for i, (x, y) in enumerate(points))
    (first_x, first_y), (last_x, last_y) = points[0], points[-1]
    ends = (
        f'<circle class="ink ring" cx="{first_x}" cy="{first_y}" r="6"/>'
        f'<circle class="fill ink" cx="{last_x}" cy="{last_y}" r="6"/>'
    )
    return f'<path class="stroke ink heavy" d="{path}"/>{ends}'


def _known(explored: Explored) -> Panel:
    report = explored.simulator.report or Report()
    seen = explored.simulator.observed
    pairs = 0 if seen is None else len(seen.keys)
    known = "not measured" if report.known is None else f"{100 * report.known:.1f} %"
    rows = [
        ("cells seen", f"{int((explored.visits > 0).sum())} of 64"),
        ("states and actions tried", f"{pairs:,}"),
        ("the next step is a known one", f"{known}, 95 % sure"),
        ("the way in wheel commands", _commands(explored)),
        ("answers in the plan", "observed only: what nobody tried is not guessed"),
        ("cost of the task", f"{explored.task.fuel:,} comparisons a step at most"),
    ]
    return Panel(
        title="What the simulator knows",
        words="It counts what followed what, and says so when it does not know.",
        inside=table(("", ""), rows),
    )


def _commands(explored: Explored) -> str:
    """`ahead ×3, left, ahead`: what the wheels were told on the way."""
    headings = [heading for _, _, heading in explored.way.way]
    turns = [TURNS[(after - before) % 4] for before, after in pairwise(headings)]
    runs = [(turn, len(list(same))) for turn, same in groupby(turns)]
    return ", ".join(f"{turn} ×{count}" if count > 1 else turn for turn, count in runs)
