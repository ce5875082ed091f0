"""An ordinary program: it fires a kiln. `choose` decides each second whether to heat; `@wt.recorded` watches it.

python kiln.py --firings 6 --traces kiln.traces        # production: fire six times, recorded
python kiln.py --firings 20 --task better.wtt          # try another task for real
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable

import worldtwin as wt

SECONDS = 120


def choose(temperature, element, target=wt.param(80.0, low=20.0, high=200.0), lead=wt.param(0.0, low=-1.0, high=2.0)):
    """Heat while the kiln, looking `lead` ahead at its element, is below the target."""
    return "on" if temperature + lead * element < target else "off"


class Kiln:
    """The real thing: an element that warms up, walls that warm up after it, and a room that cools both."""

    def __init__(self, room: float) -> None:
        self.temperature = self.element = room

    def step(self, heat: str) -> None:
        """One second."""
        self.element += (12.0 if heat == "on" else 0.0) - 0.06 * (self.element - self.temperature)
        self.temperature += 0.04 * (self.element - self.temperature) - 0.01 * (self.temperature - 20.0)


def fire(decide: Callable[[float, float], str], room: float, *, watched: bool = False) -> int:
    """One firing: how many seconds the kiln was between 60 and 70 degrees."""
    kiln, good = Kiln(room), 0
    for _ in range(SECONDS):
        kiln.step(decide(kiln.temperature, kiln.element))
        good += 60.0 <= kiln.temperature <= 70.0
    if watched:
        decide(kiln.temperature, kiln.element)
        decide.end()
    return good


def main() -> None:
    """Fire the kiln as often as asked, and print the mean seconds in range."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--firings", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--traces", help="record what `choose` sees and does")
    parser.add_argument("--task", help="a task to use instead of `choose`")
    parser.add_argument("--clumsy", type=float, default=0.0, help="the share of decisions that are made by a coin")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    decide = decision(arguments, chance)
    good = [fire(decide, chance.uniform(15, 25), watched=bool(arguments.traces)) for _ in range(arguments.firings)]
    print(f"{sum(good) / len(good):.1f} of {SECONDS} seconds in range, mean of {len(good)} firings")


def decision(arguments: argparse.Namespace, chance: random.Random) -> Callable[[float, float], str]:
    """Who decides: `choose` as it is, or the task in a file; now and then a coin; watched if asked."""
    steady = choose if arguments.task is None else from_file(arguments.task)

    def decide(temperature: float, element: float) -> str:
        if chance.random() < arguments.clumsy:
            return chance.choice(["on", "off"])
        return steady(temperature, element)

    if not arguments.traces:
        return decide
    return wt.recorded(arguments.traces, state=["temperature", "element"], action="heat")(decide)


def from_file(name: str) -> Callable[[float, float], str]:
    """The task in a file, as a function like `choose`."""
    task = wt.load_task(name, wt.load_spec("kiln.yaml"))
    return lambda temperature, element: task.act({"temperature": temperature, "element": element})[0].heat


if __name__ == "__main__":
    main()
