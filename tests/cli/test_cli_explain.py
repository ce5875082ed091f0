"""`fit` in words: what was learned, what it means, and what to do next."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress

from worldtwin.cli.output import Bar
from worldtwin.recording import import_file
from worldtwin.traces import Traces

DOOR = """\
worldtwin: 1
name: door
version: 1.0.0
state:
  place: {type: integer, range: [0, 5]}
action:
  move: {type: category, values: [left, right]}
horizon: 20
done: {known: 0.999, calibration: 0.2}
traces: door.csv
"""
SECTIONS = [
    "fields, judged on 180 held-out transitions",
    "least known",
    "rows left out",
    "rows that contradict the row after them",
    "confidence, and the share that was right",
    "memory",
    "change over time",
    "what `done` asks",
    "what to do next",
]


@pytest.fixture
def door(folder: Path) -> Path:
    """Sixty episodes; `right` does nothing at 4 in the first 36, and moves on in the others. Nobody went left at 3."""
    chance, text = np.random.default_rng(1), io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["episode", "step", "state.place", "action.move", "next.place"])
    for episode in range(60):
        place = int(chance.integers(6))
        for step in range(20):
            move = "right" if place == 3 or chance.random() < 0.5 else "left"
            there = place + (1 if move == "right" else -1)
            if place == 4 and move == "right" and episode < 36:
                there = 4
            there = min(5, max(0, there))
            lines.writerow([episode, step, place, move, there])
            place = there
    (folder / "door.csv").write_text(text.getvalue())
    (folder / "door.yaml").write_text(DOOR)
    return folder


def test_the_usual_output_says_what_is_least_known_and_since_when_the_world_differs(run: Callable, door: Path) -> None:
    out = run("fit", "door.yaml").out
    assert out.startswith("fit  1,200 transitions, 60 episodes, ")
    assert "     since episode 36 the data of door contradict the older ones: `fit --since 36`\n" in out
    assert "least known: place = 3 with move = left (`worldtwin traces gaps`)" in out
    assert door.joinpath("door.wts").exists()


def test_an_explanation_has_a_section_for_each_question_and_ends_with_what_to_do(run: Callable, door: Path) -> None:
    assert door.exists()
    out = run("fit", "door.yaml", "--explain").out
    lines = out.splitlines()
    assert [line for line in lines if line in SECTIONS] == SECTIONS
    assert "times better than staying as it is" in out
    assert "  learn from the newer ones only: `fit --since 36`" in lines
    assert any(line.startswith("  record place = 3 with move = left: `worldtwin traces gaps`") for line in lines)
    assert any(line.startswith("  not met: known 0.") for line in lines)


def test_goals_of_counts_are_shown_in_their_units(run: Callable, door: Path) -> None:
    goals = "known: 0.999, width: 0.01, plateau: 0.001"
    (door / "door.yaml").write_text(DOOR.replace("known: 0.999, calibration: 0.2", goals))

    lines = run("fit", "door.yaml", "--explain").out.splitlines()

    ready = next(line for line in lines if line.startswith("     ready: no"))
    assert re.search(r", width 0\.\d+ of 0\.01 in probability, plateau 0\.\d+ of 0\.001 nats a step", ready)
    assert any(re.fullmatch(r"  not met: width 0\.\d+ of 0\.01 in probability", line) for line in lines)
    assert any(re.fullmatch(r"  not met: plateau 0\.\d+ of 0\.001 nats a step", line) for line in lines)


def test_the_page_about_it_shows_the_same_sections() -> None:
    page = Path(__file__).parents[2] / "docs/how-to/what-a-fit-says.md"
    shown = page.read_text().splitlines()
    assert [line for line in shown if line in SECTIONS] == SECTIONS


def test_programs_get_the_same_as_values(run: Callable, door: Path) -> None:
    assert door.exists()
    told = run("fit", "door.yaml", "--json").json
    assert told["report"]["regime"]["episode"] == 36
    assert told["report"]["gaps"][0]["text"] == "place = 3 with move = left"
    assert told["advice"][0] == "learn from the newer ones only: `fit --since 36`"
    assert sum(level["rows"] for level in told["report"]["levels"]) > 100


def test_only_newer_rows_are_learned_from_when_that_is_asked(run: Callable, door: Path) -> None:
    assert door.exists()
    out = run("fit", "door.yaml", "--since", "36").out
    assert out.startswith("fit  480 transitions, 24 episodes, ")
    assert ", since episode 36\n" in out
    assert "contradict" not in out
    assert run("fit", "door.yaml", "--since", "never").code == 2


def test_a_base_of_another_world_is_refused(run: Callable, door: Path) -> None:
    assert run("fit", "door.yaml").code == 0
    assert run("fit", "door.yaml", "--base", "door.wts").code == 0
    (door / "door.yaml").write_text(DOOR.replace("[0, 5]", "[0, 6]"))
    refused = run("fit", "door.yaml", "--base", "door.wts")
    assert refused.code == 2
    assert "`base` is a simulator of another world than `door`: its state differs" in refused.err


def test_rows_are_told_while_a_file_is_read(door: Path) -> None:
    heard: list[int] = []
    with Traces(door / "other.traces") as store:
        assert import_file(door / "door.csv", store, progress=heard.append) == 1200
    assert heard[-1] == 1200


def test_a_bar_shows_rows_until_a_share_is_known() -> None:
    progress = Progress(console=Console(file=io.StringIO()))
    bar = Bar(progress, "import")
    bar.rows(65_536)
    task = progress.tasks[0]
    assert (task.total, task.fields["text"], task.visible) == (None, "65,536 rows", False)
    bar(0.5, "reading")
    assert (task.total, task.completed) == (1.0, 0.5)


def test_a_log_shifted_by_a_step_is_said_to_be(run: Callable, door: Path) -> None:
    """Each row says that its own place follows."""
    header, *rows = (door / "door.csv").read_text().splitlines()
    places = [row.split(",")[2] for row in rows]
    shifted = [f"{row.rpartition(',')[0]},{place}" for row, place in zip(rows, places, strict=True)]
    (door / "door.csv").write_text("\n".join([header, *shifted]) + "\n")

    said = run("fit", "door.yaml", "--explain").out

    told = re.search(
        r"^     ([\d,]+) of \1 rows in which something changes say something else comes next", said, re.MULTILINE
    )
    assert told is not None
    assert f"  {told[1]} of these repeat their own state: is what follows shifted by a step?" in said
    assert "is said to be" in said
    assert "     ready: no   rows contradict each other" in said
