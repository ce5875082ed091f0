"""The lamp's answers as they were recorded and as they are predicted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from worldtwin.examples.lamp.asked import Asked, Lit
from worldtwin.examples.report import Figure, Frame, Panel, Range, figures, legend, page, table


def report_page(lit: Lit, seconds: Mapping[str, float]) -> str:
    """The report as one HTML page."""
    facts = [
        ("key", f"{(lit.key.high << 32) + lit.key.low}"),
        ("simulator", lit.simulator.digest[:16]),
        ("task", lit.task.digest[:16]),
        *((name, f"{taken:.1f} s") for name, taken in seconds.items()),
    ]
    words = (
        f"{len(lit.recorded)} answers of a lamp were recorded. Its answer depends on the question alone, so there is "
        "no state to keep and none to rewind: the simulator is asked one question at a time."
    )
    return page("A brightness that was never recorded", words, [_headline(lit), _answers(lit), _checks(lit)], facts)


def _headline(lit: Lit) -> Panel:
    shown = [
        Figure("500 lm", "were wanted"),
        Figure(f"{lit.real.brightness:.1f} lm", f"the real lamp gives: {_setting(lit.setting)}", after=True),
        Figure(f"{lit.real.power:.1f} W", "it draws"),
    ]  # fmt: skip
    return Panel(title="In reality", inside=figures(shown), wide=True)


def _answers(lit: Lit) -> Panel:
    frame = Frame(x=Range(178, 262, "voltage, V", (180, 200, 220, 240, 260)), y=Range(-40, 1150, "brightness, lm"),
                  height=300)  # fmt: skip
    marks: list[str] = []
    voltages = np.linspace(180.0, 260.0, 41).tolist()
    for knob in ("off", "low", "high"):
        guesses = [lit.simulator.predict({"lit": "no"}, {"knob": knob, "voltage": v}).outputs for v in voltages]
        heights = [float(str(guess["brightness"])) for guess in guesses]
        mine = [(asked, said) for asked, said in lit.recorded if asked.knob == knob]
        marks += [
            frame.dots(
                [a.voltage for a, _ in mine], [s.brightness for _, s in mine], "fill observed faint", radius=2.8
            ),
            frame.line(voltages, heights, "predicted"),
            frame.text(260, heights[-1], knob, anchor="end", shift=(0, -8)),
        ]
    marks += [frame.dots([lit.setting.voltage], [lit.real.brightness], "ink ring", radius=6)]
    entries = [
        ("fill observed faint", "observed answers"),
        ("stroke predicted", "predicted between them"),
        ("ink ring", "the setting that was found"),
    ]
    return Panel(
        title="What it answers",
        words="Brightness by voltage, for each setting of the knob.",
        inside=frame.svg(marks, "Brightness of the lamp by voltage, observed and predicted.") + legend(entries),
    )


def _checks(lit: Lit) -> Panel:
    rows = [
        (_setting(asked), f"{guess.brightness:.1f}", f"{real.brightness:.1f}", f"{100 * guess.confidence:.0f} %")
        for asked, real, guess in lit.checked[:8]
    ]  # fmt: skip
    return Panel(
        title="Questions that were never asked before",
        words="Brightness in lm: what the simulator said, then what the real lamp did.",
        inside=table(("question", "predicted", "real", "confidence"), rows, numbers=(1, 2, 3)),
    )


def _setting(asked: Asked) -> str:
    return f"{asked.knob}, {asked.voltage:.1f} V"
