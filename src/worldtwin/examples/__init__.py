"""Small bundled worlds and what can be done with them: cart-pole, maze, lamp, batching."""

from worldtwin.examples.demo import DEMOS, demo, world
from worldtwin.examples.stage import DemoResult

__all__ = ["DEMOS", "DemoResult", "demo", "world"]
