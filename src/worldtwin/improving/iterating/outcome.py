"""What an iteration came to: its rounds, the gap between simulator and reality in each, and what reality says."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from worldtwin.improving.iterating.comparison import Comparison, Finding
from worldtwin.simulation import Simulator
from worldtwin.tasks import LocalTask, Task
from worldtwin.world import shown


class Ending(StrEnum):
    """Why the rounds ended."""

    DONE = "the simulator was as good as the spec asks (`done`)"
    PLATEAU = "two rounds in a row brought nothing better in reality"
    STEPS = "the real steps for learning were used up"
    ROUNDS = "all rounds were done"
    INTERRUPTED = "it was interrupted"


class Round(Struct, frozen=True, kw_only=True):
    """One round: mean returns of its task in the simulator and over real `episodes`, None when none was whole.

    `found` is False when the simulator knew nothing better than the task of the round before, `ahead` True when its
    real mean was the highest so far; `proposed` names the proposal that it is, or began with; `refused` says what was
    wrong with others. `alarm` is True when the simulator promised far more than reality gave.
    """

    found: bool
    simulated: float
    real: float | None
    episodes: int
    real_steps: int
    ahead: bool = False
    alarm: bool = False
    proposed: str = ""
    refused: tuple[str, ...] = ()

    @property
    def gap(self) -> float | None:
        """How much the simulator promised beyond what reality gave."""
        return None if self.real is None else self.simulated - self.real

    @property
    def text(self) -> str:
        """`simulated 480, real 455 over 3 episodes, gap 25 (1,365 real steps)`, and what is worth a word."""
        real, gap = self.real, self.gap
        measured = (
            "no whole real episode"
            if real is None or gap is None
            else f"real {shown(real)} over {self.episodes:,} {_episodes(self.episodes)}, gap {shown(gap)}"
        )
        words = [f"simulated {shown(self.simulated)}, {measured} ({self.real_steps:,} real steps)"]
        if self.proposed:
            words.append(f"from {self.proposed}")
        if not self.found:
            words.append("the simulator knew nothing better")
        if self.alarm:
            words.append("far less than the simulator promised: what was recorded now corrects it")
        return " · ".join([*words, *(f"refused {reason}" for reason in self.refused)])


class Iteration(Struct, frozen=True, kw_only=True, eq=False):
    """What came of it: `task` is the best one in reality as far as anyone can tell, or the one it began with.

    It is `better` only when reality gave the evidence; `comparison` says so, and how sure that is. `real_steps` were
    used in all.
    """

    task: Task | LocalTask
    simulator: Simulator
    rounds: tuple[Round, ...]
    comparison: Comparison
    real_steps: int
    stop: Ending

    @property
    def better(self) -> bool:
        """Whether there is evidence from reality that `task` is better than the given one."""
        return self.comparison.finding is Finding.BETTER

    @property
    def before(self) -> float | None:
        """The given task's mean real return; None when no episode was whole."""
        return self.comparison.before

    @property
    def after(self) -> float | None:
        """The best task's mean real return."""
        return self.comparison.after

    @property
    def text(self) -> str:
        """Some lines for people, the outcome last."""
        lines = [f"round {number}: {one.text}" for number, one in enumerate(self.rounds, start=1)]
        return "\n".join([*lines, f"{self.stop} · {self.real_steps:,} real steps in all", self.comparison.text])


def _episodes(count: int) -> str:
    return "episode" if count == 1 else "episodes"
