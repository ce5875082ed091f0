"""The vocabulary: spec, space, field, state, action, transitions, and the digest that names a value."""

from worldtwin.world.canonical import Plain, canonical, decode_canonical, digest, digest_of, plain, typed
from worldtwin.world.field import (
    TURN_BITS,
    Angle,
    Category,
    Field,
    Integer,
    Real,
    Set,
    bounds,
    is_discrete,
    real,
    size,
    unit_of,
)
from worldtwin.world.image import COMPONENT, MAX_COMPONENTS, MAX_VALUES, MEAN_BITS, Codec, Image
from worldtwin.world.lattice import (
    Lattice,
    Value,
    decode,
    decode_column,
    encode,
    encode_column,
    hint,
    physical_column,
    wrap,
    wrap_column,
)
from worldtwin.world.plan import Learn, Plan, Synthetic
from worldtwin.world.sealing import seal
from worldtwin.world.space import Action, Outputs, Point, Space, State
from worldtwin.world.spec import (
    LATENT,
    MAX_HIDDEN,
    OBJECTIVES,
    Clients,
    Done,
    HorizonError,
    Need,
    Port,
    Spec,
    Start,
    StartRange,
    StartValues,
)
from worldtwin.world.transitions import Transitions
from worldtwin.world.wording import invisible, shown

__all__ = [
    "COMPONENT", "LATENT", "MAX_COMPONENTS", "MAX_HIDDEN", "MAX_VALUES", "MEAN_BITS", "OBJECTIVES", "TURN_BITS",
    "Action", "Angle", "Category", "Clients", "Codec", "Done", "Field", "HorizonError", "Image", "Integer",
    "Lattice", "Learn", "Need", "Outputs", "Plain", "Plan", "Point", "Port", "Real", "Set", "Space", "Spec",
    "Start", "StartRange", "StartValues", "State", "Synthetic", "Transitions", "Value", "bounds", "canonical",
    "decode", "decode_canonical", "decode_column", "digest", "digest_of", "encode", "encode_column", "hint",
    "invisible", "is_discrete", "physical_column", "plain", "real", "seal", "shown", "size", "typed", "unit_of",
    "wrap", "wrap_column",
]  # fmt: skip
