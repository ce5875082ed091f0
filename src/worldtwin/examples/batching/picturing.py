"""The commits as they were recorded, and what the simulator makes of other batch sizes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from worldtwin.examples.batching.written import Written
from worldtwin.examples.report import Figure, Frame, Panel, Range, figures, legend, page, table
from worldtwin.world import shown

SHOWN_COMMITS = 600
QUICKEST = 0.01
"""The share of the commits that would make the picture flat: now and then the disk does not let them wait."""


def report_page(written: Written, seconds: Mapping[str, float]) -> str:
    """The report as one HTML page."""
    facts = [
        ("key", f"{(written.key.high << 32) + written.key.low}"),
        ("simulator", written.simulator.digest[:16]),
        ("task", written.task.digest[:16]),
        *((name, f"{taken:.1f} s") for name, taken in seconds.items()),
    ]
    words = (
        f"{len(written.recorded):,} commits of an ordinary program were recorded while it wrote to a real database. "
        "Its settings were improved inside of the simulator learned from them; then the program ran with the new ones."
    )
    return page("How much to commit at once", words, [_headline(written), _sizes(written), _settings(written)], facts)


def _headline(written: Written) -> Panel:
    shown_figures = [
        Figure(f"{written.before:,.0f}", "rows/s before"),
        Figure(f"{written.after:,.0f}", "rows/s now", after=True),
        Figure(f"{len(written.paces)}", "real runs each, one after the other"),
    ]
    return Panel(title="On the real database", inside=figures(shown_figures), wide=True)


def _sizes(written: Written) -> Panel:
    spec, rows = written.simulator.spec, written.recorded
    queue, last_ms = (np.median(column.astype(np.float64)) for column in spec.state.columns(rows.states).values())
    some = slice(0, SHOWN_COMMITS)
    tried = spec.action.columns(rows.actions[some])["size"].astype(np.float64).tolist()
    paid = spec.outputs.columns(rows.outputs[some])["rows_per_s"].astype(np.float64).tolist()
    sizes = list(range(1, 1025, 31))
    state = {"queue": int(queue), "last_ms": float(last_ms)}
    guesses = [1000 * size / max(1.0, written.lasting(state, size)) for size in sizes]
    chosen = float(str(written.task.act(state)[0]["size"]))
    most = max(float(np.quantile(paid, 1 - QUICKEST)), *guesses)
    seen = [(size, pace) for size, pace in zip(tried, paid, strict=True) if pace <= most]
    frame = Frame(x=Range(0, 1040, "rows in a commit", (0, 200, 400, 600, 800, 1000)),
                  y=Range.around([0.0, most], "rows/s"), height=300, left=64)  # fmt: skip
    marks = [
        frame.line([chosen, chosen], [frame.y.low, frame.y.high], "ink"),
        frame.text(chosen, frame.y.high, f"now {chosen:,.0f}", shift=(6, 12)),
        frame.dots([size for size, _ in seen], [pace for _, pace in seen], "fill observed faint", radius=2.4),
        frame.line([float(size) for size in sizes], guesses, "predicted"),
    ]
    entries = [("fill observed faint", "observed commits"), ("stroke predicted", "predicted, for a usual queue")]
    return Panel(
        title="What a batch size brings",
        words="Small commits wait for the disk, large ones for the comparison of all their rows with each other. "
        f"Not shown: the quickest {100 * QUICKEST:.0f} % of the commits.",
        inside=frame.svg(marks, "Rows per second by batch size, observed and predicted.") + legend(entries),
    )


def _settings(written: Written) -> Panel:
    rows = [(name, shown(written.old[name]), shown(written.new[name])) for name in written.old]
    return Panel(
        title="The settings of choose_batch",
        words="size = base + share x queue + per_ms x last_ms, from 1 to 1,024.",
        inside=table(("setting", "before", "now"), rows, numbers=(1, 2)),
    )
