"""Arithmetic with the same bits on every machine: keys, rounding, tables, polynomials, networks."""

from worldtwin.exact.conformance import require_conformance
from worldtwin.exact.engines import Engines, NumpyEngines
from worldtwin.exact.features import Feature
from worldtwin.exact.forest import Trees
from worldtwin.exact.key import STREAM_MEMBER, STREAM_NOISE, STREAM_START, STREAM_SUCCESSOR, Key, Words, below, draw
from worldtwin.exact.network import Layer, StackedLayer
from worldtwin.exact.polynomial import Basis
from worldtwin.exact.rounding import round_shift
from worldtwin.exact.table import Edges, RowIndex
from worldtwin.exact.trigonometry import cosine, sine

__all__ = [
    "STREAM_MEMBER", "STREAM_NOISE", "STREAM_START", "STREAM_SUCCESSOR", "Basis", "Edges", "Engines", "Feature",
    "Key", "Layer", "NumpyEngines", "RowIndex", "StackedLayer", "Trees", "Words", "below", "cosine", "draw",
    "require_conformance", "round_shift", "sine",
]  # fmt: skip
