"""The commits as they were recorded, and what the simulator makes of other batch sizes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from worldtwin.examples.batching.written import Written
from worldtwin.examples.report import Figure, Frame, Panel, Range, figures, legend, page, table
from worldtwin.examples.report.picture import number

QUICKEST = 0.05
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
        "What is good was said in one line: few milliseconds a row, which is how long a commit lasts, divided by its "
        "rows. The settings were improved inside of the simulator learned from these commits, twice: the second time "
        "it had also seen how the program does with the settings of the first."
    )
    panels = [_headline(written), _sizes(written), _measured(written), _settings(written)]
    return page("How much to commit at once", words, panels, facts)


def _headline(written: Written) -> Panel:
    shown_figures = [
        Figure(f"{written.before:,.0f}", "rows/s before"),
        Figure(f"{written.after:,.0f}", "rows/s now", after=True),
        Figure(
            f"{100 * written.share:.0f} %", f"of the pace of always {written.best_fixed:,} rows, the best of a scan"
        ),
    ]
    return Panel(title="On the real database", inside=figures(shown_figures), wide=True)


def _sizes(written: Written) -> Panel:
    spec, rows = written.simulator.spec, written.recorded
    queue, last_ms = (np.median(column.astype(np.float64)) for column in spec.state.columns(rows.states).values())
    tried = spec.action.columns(rows.actions)["size"].astype(np.float64).tolist()
    paid = spec.outputs.columns(rows.outputs)["rows_per_s"].astype(np.float64).tolist()
    sizes = list(range(1, 1025, 31))
    state = {"queue": int(queue), "last_ms": float(last_ms)}
    guesses = [1000 * size / max(1.0, written.lasting(state, size)) for size in sizes]
    chosen = float(str(written.task.act(state)[0]["size"]))
    most = max(float(np.quantile(paid, 1 - QUICKEST)), *guesses)
    seen = [(size, pace) for size, pace in zip(tried, paid, strict=True) if pace <= most]
    frame = Frame(x=Range(0, 1040, "rows in a commit", (0, 200, 400, 600, 800, 1000)),
                  y=Range.around([0.0, most], "rows/s"), width=1000, height=340, left=64)  # fmt: skip
    marks = [
        frame.line([chosen, chosen], [frame.y.low, frame.y.high], "ink"),
        frame.text(chosen, frame.y.high, f"now {chosen:,.0f} rows", shift=(6, 12)),
        frame.dots([size for size, _ in seen], [pace for _, pace in seen], "fill observed faint", radius=2.4),
        frame.line([float(size) for size in sizes], guesses, "predicted"),
        frame.dots(list(written.fixed), list(written.fixed.values()), "ring ink", radius=5.0),
    ]
    entries = [
        ("fill observed faint", "observed commits"),
        ("stroke predicted", "predicted, for a usual queue"),
        ("ring ink", "the scan by hand: always this size"),
    ]
    return Panel(
        title="What a batch size brings",
        words="Small commits wait for the disk, large ones for the comparison of all their rows with each other: the "
        f"best size is in between. Not shown: the quickest {100 * QUICKEST:.0f} % of the commits.",
        inside=frame.svg(marks, "Rows per second by batch size, observed, predicted and measured.") + legend(entries),
        wide=True,
    )


def _measured(written: Written) -> Panel:
    rows = [
        ("the old settings", f"{written.before:,.0f}"),
        (f"always {written.best_fixed:,} rows, the best of a scan by hand", f"{written.best:,.0f}"),
        *((f"the settings of round {place}", f"{pace:,.0f}") for place, pace in enumerate(written.afters, 1)),
    ]
    return Panel(
        title="Measured in turn",
        words=f"The middle one of {len(written.paces)} runs on the real database, in turn. Which round is kept, "
        f"{len(written.trials)} other runs decided before.",
        inside=table(("written with", "rows/s"), rows, numbers=(1,)),
    )


def _settings(written: Written) -> Panel:
    settings = [written.old, *(each.knobs for each in written.rounds)]
    rows = [(name, *(_rounded(knobs[name]) for knobs in settings)) for name in written.old]
    return Panel(
        title="The settings of choose_batch",
        words="size = base + share × queue + per_ms × last_ms, from 1 to 1,024 rows.",
        inside=table(("setting", "before", "round 1", "round 2"), rows, numbers=(1, 2, 3)),
    )


def _rounded(setting: float) -> str:
    """A setting to four places: what follows them moves no row."""
    return number(round(setting, 4))
