"""How many keys a test of rates goes through: a few usually, all of them with WORLDTWIN_ALL_KEYS=1."""

from __future__ import annotations

import os


def keys(usual: int, most: int) -> range:
    """The keys from 0 on."""
    return range(most if os.environ.get("WORLDTWIN_ALL_KEYS") else usual)
