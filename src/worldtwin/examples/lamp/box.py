"""The real lamp: a program of its own. For each line of JSON that it is asked, it answers with one.

echo '{"knob": "high", "voltage": 230}' | python box.py
"""

from __future__ import annotations

import json
import sys

SHARE = {"off": 0.0, "low": 0.55, "high": 1.0}


def answer(knob: str, voltage: float) -> dict[str, object]:
    """What an incandescent lamp does: power grows with the voltage to the 1.6, light to the 3.4."""
    share, over = SHARE[knob], voltage / 230.0
    power, brightness = 60.0 * share * over**1.6, 710.0 * share * over**3.4
    return {"lit": "yes" if power > 0 else "no", "brightness": brightness, "power": power}


def main() -> None:
    """Answer until nobody asks."""
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(json.dumps(answer(asked["knob"], asked["voltage"])) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
