"""The sections of a world's YAML as they are written. The published JSON Schema is made from these.

Where a number has a unit, a text such as `20 cm` is converted when it is read.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct, field

from worldtwin.world import MAX_COMPONENTS, OBJECTIVES

FORMAT: Final = 1

Quantity: TypeAlias = float | str
Pair: TypeAlias = tuple[Quantity, Quantity]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Start: TypeAlias = Quantity | list[Quantity | list[str]]

_Range = Annotated[Pair, Meta(description="the lowest and the highest value", examples=[[-4.8, 4.8]])]
_Unit = Annotated[str, Meta(description="a unit of measurement, such as m, km/h or degC", examples=["m"])]
_Values = Annotated[list[str], Meta(description="the names of all values", examples=[["left", "right"]])]
_Per = Annotated[Literal["shared", "client"], Meta(description="`client`: each client of a shared world has its own")]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping of the YAML, without unknown keys."""


class RealSection(Section, frozen=True, tag_field="type", tag="real"):
    """A number, rounded to a power of two: by default the range / 2^24."""

    range: _Range
    unit: _Unit = ""
    resolution: Annotated[Quantity, Meta(description="the largest rounding that will do")] | None = None
    per: _Per = "shared"


class AngleSection(Section, frozen=True, tag_field="type", tag="angle"):
    """A direction, which wraps exactly."""

    unit: Annotated[str, Meta(description="rad, deg or turn")] = "rad"
    sources: Annotated[tuple[str, str], Meta(description="the two observed numbers it is made from")] | None = field(
        name="from", default=None
    )
    per: _Per = "shared"


class CategorySection(Section, frozen=True, tag_field="type", tag="category"):
    """One of a few named values."""

    values: _Values
    per: _Per = "shared"


class IntegerSection(Section, frozen=True, tag_field="type", tag="integer"):
    """A whole number."""

    range: Annotated[tuple[int, int], Meta(description="the lowest and the highest value", examples=[[0, 40]])]
    unit: _Unit = ""
    per: _Per = "shared"


class SetSection(Section, frozen=True, tag_field="type", tag="set"):
    """Any selection of at most 62 named values."""

    values: _Values
    per: _Per = "shared"


class EncodeSection(Section, frozen=True):
    """How pictures become numbers."""

    pca: Annotated[int, Meta(ge=1, le=MAX_COMPONENTS, description="the most principal components to keep")] = 16


class ImageSection(Section, frozen=True, tag_field="type", tag="image"):
    """Pictures of 8 bits, seen through principal components that are learned with the simulator."""

    shape: Annotated[list[int], Meta(description="height, width and, if several, channels", min_length=2, max_length=3)]
    encode: EncodeSection = EncodeSection()
    per: Literal["shared"] = "shared"


FieldSection: TypeAlias = RealSection | AngleSection | CategorySection | IntegerSection | SetSection
StateSection: TypeAlias = FieldSection | ImageSection


class ClockSection(Section, frozen=True):
    """Time. Left out: the world is driven by events."""

    step: Annotated[str, Meta(description="the duration of a step", examples=["20 ms"])]


class HorizonErrorSection(Section, frozen=True):
    """After `steps` steps on its own, the simulator is off by less than `below` standard deviations."""

    steps: Annotated[int, Meta(ge=1)]
    below: Annotated[float, Meta(gt=0)]


class DoneSection(Section, frozen=True):
    """When the simulator is good enough."""

    known: Annotated[Share | None, Meta(description="share of steps that are no surprise")] = 0.998
    coverage: Annotated[Share | None, Meta(description="share of possible actions that were tried")] = None
    horizon_error: HorizonErrorSection | None = None
    calibration: Annotated[Share | None, Meta(description="how far confidence may be from the truth")] = None
    width: Annotated[
        Share | None,
        Meta(description="half-width (95 %) of a counted probability, a mean over visits", examples=[0.05]),
    ] = None
    plateau: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="nats a step that the second half of the data may gain", examples=[0.005]),
    ] = None


class NeedSection(Section, frozen=True):
    """Another world that this one is to be combined with."""

    name: str
    version: Annotated[str, Meta(description="versions that will do", examples=[">=1,<2"])] = ""


class CompatibleSection(Section, frozen=True):
    """What this world needs from others."""

    needs: list[NeedSection] = []


class InletSection(Section, frozen=True):
    """Where another world can feed this one."""

    action: Annotated[str, Meta(description="the action field that it sets")]


class OutletSection(Section, frozen=True):
    """What this world offers to others: an output or a state field."""

    output: str | None = None
    state: str | None = None


class PortsSection(Section, frozen=True):
    """Where other worlds can be connected."""

    inlets: dict[str, InletSection] = field(name="in", default_factory=dict[str, InletSection])
    outlets: dict[str, OutletSection] = field(name="out", default_factory=dict[str, OutletSection])


class ClientsSection(Section, frozen=True):
    """Shared worlds: what a silent client does, and when a tick ends."""

    idle: dict[str, Quantity | list[str]] = {}
    deadline: Annotated[str, Meta(examples=["50 ms"])] | None = None


class SyntheticSection(Section, frozen=True):
    """One source of synthetic data: a file of rules (a Python file) or of rows."""

    rules: str | None = None
    file: str | None = None
    share: Annotated[Share | None, Meta(description="the largest share of the transitions it may be")] = None


class LearnSection(Section, frozen=True):
    """What to learn from, and the key of whatever chance the learning needs."""

    sources: Literal["auto", "recorded", "synthetic"] = "auto"
    key: Annotated[int, Meta(ge=0)] = 1


class WorldSection(Section, frozen=True, kw_only=True):
    """A world, and the plan of how to get to a good simulator of it."""

    worldtwin: Annotated[Literal[1], Meta(description="the number of this format", examples=[1])]
    name: Annotated[str, Meta(description="the world's name", examples=["cart-pole"])]
    version: Annotated[str, Meta(description="three numbers", examples=["1.0.0"])]
    clock: ClockSection | None = None
    stateless: Annotated[bool, Meta(description="true: the answer depends on the input alone")] = False
    state: Annotated[dict[str, StateSection], Meta(description="what the next state depends on")]
    action: Annotated[dict[str, FieldSection], Meta(description="what the task decides")]
    outputs: Annotated[
        dict[str, FieldSection], Meta(description="measured at each step, not part of the next state")
    ] = {}
    possible: Annotated[str, Meta(description="the set field that lists the possible actions")] = ""
    history: Annotated[int, Meta(description="past steps that belong to the state")] = 0
    latent: Annotated[
        Literal["none", "auto"],
        Meta(description="`auto`: learn hidden states where the fields are not all that matters"),
    ] = "none"
    start: Annotated[
        Literal["recorded"] | dict[str, Start], Meta(description="a value, a range or a list for each field")
    ] = "recorded"
    reward: Annotated[str | float, Meta(description="what a step pays: over state, action, next, outputs")] | None = (
        None
    )
    ends: Annotated[str | bool, Meta(description="whether a step ends the episode: the same records")] = "False"
    horizon: Annotated[int, Meta(description="most steps of an episode", examples=[500])] = 1000
    returns: (
        Annotated[tuple[float, float], Meta(description="bounds of an episode's return", examples=[[0, 500]])] | None
    ) = None
    objective: Annotated[tuple[str, ...], Meta(description="what better means: the first that differs decides")] = (
        OBJECTIVES
    )
    unknown: Annotated[Literal["guess", "error"], Meta(description="what to do where nothing is known")] = "guess"
    done: DoneSection = DoneSection()
    compatible: CompatibleSection = CompatibleSection()
    ports: PortsSection = PortsSection()
    clients: ClientsSection = ClientsSection()
    traces: Annotated[str, Meta(description="recorded data; default NAME.traces beside NAME.yaml")] = ""
    synthetic: list[SyntheticSection] = []
    cases: Annotated[str, Meta(description="a file of cases", examples=["cases.yaml"])] = ""
    learn: LearnSection = LearnSection()
    streams: Annotated[dict[str, Any], Meta(description="not read by this version")] = {}
    chain: Annotated[dict[str, Any], Meta(description="not read by this version")] = {}


def world_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a world's YAML."""
    schema = msgspec.json.schema(WorldSection)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A world of Worldtwin", **schema}
