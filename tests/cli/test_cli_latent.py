"""A log that hides something, on the command line: what is said, what to add, and what it is worth then."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Run = Callable[..., Any]

SHOWN = ("ok", "ok", "ok", "ok", "coffee", "error")
AFTER = {
    "water": (1, 1, 3, 3, 5, 5),
    "pod": (2, 3, 2, 3, 5, 5),
    "button": (5, 5, 5, 4, 5, 5),
    "clean": (0, 0, 0, 0, 0, 5),
}
GOAL = """\
reward: 'next.display == "coffee"'
returns: [0, 1]
"""


def log(path: Path, episodes: int) -> None:
    """A coffee machine that needs water and a pod before its button, and shows neither."""
    chance = np.random.default_rng(1)
    lines = ["episode,step,state.display,action.press,next.display"]
    for episode in range(episodes):
        state = 0
        for step, press in enumerate(chance.choice(list(AFTER), size=20)):
            after = AFTER[press][state]
            lines.append(f"{episode},{step},{SHOWN[state]},{press},{SHOWN[after]}")
            state = after
    path.write_text("\n".join(lines) + "\n")


def test_a_log_that_hides_something_is_explained_and_used(run: Run, folder: Path) -> None:
    log(folder / "press.csv", 300)
    drafted = folder / "press.yaml"
    drafted.write_text(run("new", "--from", "press.csv").out)

    suggested = run("fit", "press.yaml").out
    assert (
        "press is not predictable from these fields alone: after (ok, button) the `press` 2 steps before" in suggested
    )
    assert "latent: auto found a machine of 6 states that explains it (held-out loss 0.025 → 0.00" in suggested
    assert "add `latent: auto` to accept" in suggested

    goal = drafted.read_text().replace('ends: "False"', "ends: 'next.display == \"coffee\"'")
    drafted.write_text(goal + GOAL + "latent: auto\n")
    stale = run("run", "table", "press.yaml", "--key", "1")
    assert stale.code == 2
    assert "press.wts was learned from an older press.yaml: run `worldtwin fit press.yaml` again" in stale.err

    assert "a machine of 6 hidden states explains press (held-out loss" in run("fit", "press.yaml").out
    lines = run("session", "press.yaml", "water", "pod", "button", "state", "--key", "1").out.splitlines()
    assert "coffee" in lines[2]
    assert lines[3].split() == ["3", "(display='coffee')"]
    assert run("improve", "table", "press.yaml", "--key", "1", "-o", "best.wtt", "--json").json["better"]
    assert run("run", "best.wtt", "press.yaml", "--key", "2", "--json").json["return"] == 1.0
