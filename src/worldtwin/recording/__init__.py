"""From the world to traces: calls of a function, environments, files, and made-up data; and a first spec from them."""

from worldtwin.recording.calls import RecordedFunction, recorded
from worldtwin.recording.drafting.draft import Draft, draft_spec
from worldtwin.recording.environment import RecordEnv
from worldtwin.recording.gaps import gaps, gaps_csv
from worldtwin.recording.synthetic import add_synthetic, synthetic_file, synthetic_rules
from worldtwin.recording.tables.importing import import_file, open_traces
from worldtwin.recording.vector import RecordVectorEnv

__all__ = [
    "Draft", "RecordEnv", "RecordVectorEnv", "RecordedFunction", "add_synthetic", "draft_spec", "gaps", "gaps_csv",
    "import_file", "open_traces", "recorded", "synthetic_file", "synthetic_rules",
]  # fmt: skip
