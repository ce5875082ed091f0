"""The page on other libraries runs with Stable-Baselines3: its policy becomes an exact task that is as good."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import gymnasium
import pytest

import worldtwin as wt

PAGE = Path(__file__).resolve().parent.parent / "docs/how-to/other-libraries.md"
BLOCK = re.compile(r"^```(python|python sb3)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_what_ppo_learned_in_the_twin_becomes_an_exact_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, *rest = BLOCK.findall(PAGE.read_text())
    names: dict[str, object] = {}
    printed = io.StringIO()

    with contextlib.redirect_stdout(printed):
        for _, source in [first, *(block for block in rest if block[0] == "python sb3")]:
            exec(compile(source, "documentation", "exec"), names)  # noqa: S102 - our own pages

    told = re.search(r"loss (\S+): a network.*\nin the simulator (\S+) → (\S+) ", printed.getvalue())
    assert told
    loss, policy, task = map(float, told.groups())
    assert loss < 0.03
    assert policy > 400
    assert task > 0.95 * policy
    real = wt.evaluate(wt.load_task("balance.wtt"), gymnasium.make("CartPole-v1"), episodes=20, key=3)
    assert real.returns.mean() > 350
