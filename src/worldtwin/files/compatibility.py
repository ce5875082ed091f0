"""Whether two worlds can be connected: what each needs, and every outlet of one against every inlet of the other."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from msgspec import Struct

from worldtwin.errors import InvalidValue
from worldtwin.files.reading.found import shown
from worldtwin.files.reading.quantity import convert, convertible
from worldtwin.files.reading.versions import is_within
from worldtwin.world import Angle, Category, Field, Integer, Need, Port, Real, Set, Space, Spec, unit_of

MOST_TICKS: Final = 1000
"""How many common ticks a step may be divided into."""
_HALF_TURN: Final = {"rad": 3.141592653589793, "deg": 180.0, "turn": 0.5}


class Wire(Struct, frozen=True, kw_only=True):
    """One outlet and one inlet: whether they can be wired, and why not, or what happens on the way."""

    source: str
    target: str
    ok: bool
    note: str

    def __str__(self) -> str:
        """`arm.done → belt.start: ok`."""
        return f"{self.source} → {self.target}: {self.note}"


class Compatibility(Struct, frozen=True, kw_only=True):
    """What can be wired between two worlds, what cannot, and which needs are not met."""

    wires: tuple[Wire, ...]
    refused: tuple[Wire, ...]
    unmet: tuple[str, ...]
    met: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether all needs are met and there is something to connect."""
        return not self.unmet and bool(self.wires or self.met)

    @property
    def lines(self) -> tuple[str, ...]:
        """What to tell a person, one line each."""
        lines = (*map(str, (*self.wires, *self.refused)), *self.met, *self.unmet)
        return lines or ("neither declares `ports` or `compatible`: nothing says how to connect them",)


def compatible(first: Spec, second: Spec) -> Compatibility:
    """How the worlds `first` and `second` fit together."""
    names = (first.name, second.name) if first.name != second.name else (f"{first.name} (1)", f"{second.name} (2)")
    pairs = [*_pairs(names[0], first, names[1], second), *_pairs(names[1], second, names[0], first)]
    wires = tuple(wire for wire in pairs if wire.ok)
    ends = {end for wire in wires for end in (wire.source, wire.target)}
    needs = [*_needs(names[0], first, second), *_needs(names[1], second, first)]
    return Compatibility(
        wires=wires,
        refused=tuple(wire for wire in pairs if not wire.ok and wire.target not in ends),
        unmet=tuple(line for met, line in needs if not met),
        met=tuple(line for met, line in needs if met),
    )


def _needs(name: str, world: Spec, other: Spec) -> Iterator[tuple[bool, str]]:
    for need in world.needs:
        wanted = f"{name} needs {need.name} {need.version}".rstrip()
        if need.name != other.name:
            yield False, f"{wanted}: this is {other.name} {other.version}: not compatible"
        elif not _has_version(need, other):
            yield False, f"{wanted}: {other.name} is {other.version}: not compatible"
        else:
            yield True, f"{wanted}: {other.name} is {other.version}: ok"


def _has_version(need: Need, other: Spec) -> bool:
    try:
        return is_within(other.version, need.version)
    except InvalidValue:
        return False


def _pairs(name: str, world: Spec, other_name: str, other: Spec) -> Iterator[Wire]:
    clock = _clock_trouble(world.step_seconds, other.step_seconds)
    for outlet in world.outlets:
        for inlet in other.inlets:
            source, target = _field(outlet, world), _field(inlet, other)
            try:
                note = clock or _note(source, target)
                ok = not clock
            except InvalidValue as error:
                ok, note = False, str(error)
            yield Wire(
                source=f"{name}.{outlet.name}{_shown_unit(source, target)}",
                target=f"{other_name}.{inlet.name}{_shown_unit(target, source)}",
                ok=ok,
                note=note if ok else f"no: {note}",
            )


def _field(port: Port, world: Spec) -> Field:
    spaces: dict[str, Space] = {"action": world.action, "output": world.outputs, "state": world.state}
    return spaces[port.kind].field(port.field)


def _shown_unit(field: Field, other: Field) -> str:
    return f" [{unit_of(field)}]" if unit_of(field) and unit_of(field) != unit_of(other) else ""


def _clock_trouble(first: float | None, second: float | None) -> str:
    """Why two clocks cannot run together; empty when they can."""
    if (first is None) != (second is None):
        return "one has a clock and the other is driven by events"
    if first is None or second is None:
        return ""
    ratio = Fraction(first / second).limit_denominator(MOST_TICKS)
    near = ratio > 0 and abs(float(ratio) * second - first) <= 1e-9 * first
    return (
        ""
        if near and ratio.numerator <= MOST_TICKS
        else f"steps of {first:g} s and {second:g} s have no common divisor"
    )


def _note(source: Field, target: Field) -> str:
    """What happens to values from `source` to `target`. Raises `InvalidValue` saying why they cannot go."""
    match source, target:
        case (Category(), Category()) | (Set(), Set()):
            _require_names(source.values, target.values)
            return "ok"
        case (Integer(), Integer()) | (Real() | Angle() | Integer(), Real() | Angle()):
            return _numbers(source, target)
        case _:
            raise InvalidValue(f"{_kind(source)} does not go into {_kind(target)}")


def _require_names(given: tuple[str, ...], known: tuple[str, ...]) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise InvalidValue(f"`{shown(unknown[0])}` is none of {shown(known)}")


def _numbers(source: Real | Angle | Integer, target: Real | Angle | Integer) -> str:
    units = unit_of(source), unit_of(target)
    if not convertible(*units):
        given, wanted = (unit or "a plain number" for unit in units)
        raise InvalidValue(f"{given} cannot be converted to {wanted}")
    if not isinstance(target, Angle):
        low, high = (convert(value, *units) for value in _range(source))
        least, most = _range(target)
        slack = 1e-9 * (most - least)
        if low < least - slack or high > most + slack:
            raise InvalidValue(
                f"[{low:g}, {high:g}] goes beyond [{least:g}, {most:g}]{f' {units[1]}' if units[1] else ''}"
            )
    return "ok" if units[0] == units[1] else "converted"


def _range(field: Real | Angle | Integer) -> tuple[float, float]:
    return (-_HALF_TURN[field.unit], _HALF_TURN[field.unit]) if isinstance(field, Angle) else (field.low, field.high)


def _kind(field: Field) -> str:
    return {
        "Real": "a number",
        "Angle": "an angle",
        "Integer": "a whole number",
        "Category": "a name",
        "Set": "a set of names",
    }[type(field).__name__]
