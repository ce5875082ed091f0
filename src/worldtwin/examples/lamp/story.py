"""A stateless world: a lamp's answers are recorded, learned, and asked for what was never recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, final

import numpy as np

from worldtwin.errors import TracesError
from worldtwin.exact import Key, below, draw
from worldtwin.examples.lamp.asked import Answer, Asked, Lit
from worldtwin.examples.lamp.picturing import report_page
from worldtwin.examples.report import write
from worldtwin.examples.stage import Stage, publishable
from worldtwin.files import load_spec, save
from worldtwin.improving import search
from worldtwin.learning import fit
from worldtwin.simulation import Simulator
from worldtwin.tasks import Task
from worldtwin.traces import Traces

HERE: Final = Path(__file__).parent
BOX: Final = HERE / "box.py"
KNOBS: Final = ("off", "low", "high")
QUESTIONS: Final = 120
CHECKS: Final = 24
WANTED: Final = 500.0


@final
class Lamp:
    """The real lamp: its process, asked one line at a time. Mutable: it is a conversation."""

    def __init__(self, questions: IO[str], answers: IO[str]) -> None:
        self._questions, self._answers = questions, answers

    def answer(self, asked: Asked) -> Answer:
        """What the lamp says. Raises `TracesError` when it says nothing."""
        self._questions.write(json.dumps({"knob": asked.knob, "voltage": asked.voltage}) + "\n")
        self._questions.flush()
        line = self._answers.readline()
        if not line:
            raise TracesError("the lamp's process ended without an answer")
        said = json.loads(line)
        return Answer(lit=said["lit"], brightness=said["brightness"], power=said["power"])


def play(stage: Stage) -> Mapping[str, object]:
    """The whole demo; what it came to."""
    spec = load_spec(HERE / "lamp.yaml")
    with plugged_in() as lamp:
        recorded = [(each, lamp.answer(each)) for each in questions(stage.key.child("ask"), QUESTIONS)]
        traces = Traces(stage.folder / "lamp.traces", spec)
        traces.append(columns(recorded))
        stage.tell("record", f"{len(recorded)} answers of a lamp, a process of its own")
        simulator = fit(spec, traces, key=stage.key.child("fit"))
        fresh = questions(stage.key.child("check"), CHECKS)
        checked = [(each, lamp.answer(each), predicted(simulator, each)) for each in fresh]
        worst = max(abs(real.brightness - guess.brightness) for _, real, guess in checked)
        stage.tell("fit", f"{CHECKS} questions that were never asked: brightness is off by {worst:.2g} lm at most")
        task, setting = best_setting(simulator, stage)
        real = lamp.answer(setting)
    stage.tell("evaluate", f"{setting.knob} at {setting.voltage:.1f} V: the real lamp gives {real.brightness:.1f} lm")
    lit = Lit(
        simulator=simulator, task=task, recorded=recorded, checked=checked, setting=setting, real=real, key=stage.key
    )
    write(stage.report, report_page(lit, stage.seconds))
    return {
        "brightness": real.brightness,
        "wanted": WANTED,
        "knob": setting.knob,
        "voltage": setting.voltage,
        "worst_error": worst,
        "recorded_answers": len(recorded),
        "simulator": simulator.digest,
        "task": task.digest,
    }


def best_setting(simulator: Simulator, stage: Stage) -> tuple[Task, Asked]:
    """The task that sets the lamp to what is wanted, found in the simulator; and its setting."""
    first = Task.network(simulator, hidden=(), key=stage.key.child("task"))
    found = search(first, simulator, key=stage.key.child("improve"))
    task = publishable(found.task)
    save(task, stage.folder / "500-lumen.wtt")
    stage.tell("improve", f"a setting for {WANTED:.0f} lm: {found.text}")
    action, _ = task.act({"lit": "no"})
    return task, Asked(knob=str(action["knob"]), voltage=float(str(action["voltage"])))


@contextmanager
def plugged_in() -> Iterator[Lamp]:
    """The lamp's process, for as long as it is asked."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(BOX)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        questions, answers = _pipe(process.stdin), _pipe(process.stdout)
        yield Lamp(questions, answers)
        questions.close()


def _pipe(end: IO[str] | None) -> IO[str]:
    if end is None:
        raise TracesError("the lamp's process cannot be spoken to")
    return end


def questions(key: Key, count: int) -> list[Asked]:
    """Settings drawn evenly: a knob, and a voltage from 180 to 260 V in tenths."""
    keys = key.episodes(np.arange(count))
    knobs, tenths = below(draw(keys, 0, 0), len(KNOBS)), below(draw(keys, 0, 1), 801)
    return [
        Asked(knob=KNOBS[knob], voltage=180.0 + tenth / 10)
        for knob, tenth in zip(knobs.tolist(), tenths.tolist(), strict=True)
    ]


def columns(recorded: Sequence[tuple[Asked, Answer]]) -> dict[str, list[object]]:
    """Recorded answers as raw columns: each is an episode of one step."""
    rows: Iterable[tuple[object, ...]] = (
        (i, 0, "no", asked.knob, asked.voltage, said.lit, said.brightness, said.power)
        for i, (asked, said) in enumerate(recorded)
    )
    names = (
        "episode",
        "step",
        "state.lit",
        "action.knob",
        "action.voltage",
        "next.lit",
        "outputs.brightness",
        "outputs.power",
    )
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def predicted(simulator: Simulator, asked: Asked) -> Answer:
    """What the simulator says: a single question, without any session."""
    said = simulator.predict({"lit": "no"}, {"knob": asked.knob, "voltage": asked.voltage})
    outputs = said.outputs
    return Answer(
        lit=str(said.next["lit"]),
        brightness=float(str(outputs["brightness"])),
        power=float(str(outputs["power"])),
        confidence=said.confidence,
    )
