"""What was recorded: the trace store, and the folder of a run."""

from worldtwin.traces.binding import Source, require_no_pictures, sources, width_of
from worldtwin.traces.columns import PARTS, Columns, coded, column_of
from worldtwin.traces.journal import GENESIS
from worldtwin.traces.run import About, Run, about_run, events_of
from worldtwin.traces.store import SUFFIX, SYNTHETIC, Pending, Recorded, Traces, store_path

__all__ = [
    "GENESIS", "PARTS", "SUFFIX", "SYNTHETIC", "About", "Columns", "Pending", "Recorded", "Run", "Source", "Traces",
    "about_run", "coded", "column_of", "events_of", "require_no_pictures", "sources", "store_path", "width_of",
]  # fmt: skip
