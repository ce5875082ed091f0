"""How much of a file is read at most, whatever the file says."""

from __future__ import annotations

from typing import Final

MOST_COLUMNS: Final = 4096
MOST_ROWS: Final = 100_000_000

LONGEST_LINE: Final = 1 << 20
"""Bytes of one line."""

LONGEST_TEXT: Final = 4096
"""Characters of one value that is a text, or of a column's name."""

PIECE_ROWS: Final = 65_536
"""Rows that are in memory at a time."""
