"""How a spec's fields are found in raw columns, and whether a store belongs to a spec: by names, kinds and units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from worldtwin.errors import InvalidValue, TracesError
from worldtwin.world import Angle, Category, Field, Image, Integer, Real, Set, Space, Spec, unit_of

_UNNAMED: Final = re.compile(r"x(\d+)|action(\d*)")
_FITS: Final = {
    "number": ("whole", "number"),
    "angle": ("whole", "number"),
    "name": ("text", "whole"),
    "names": ("names", "text", "whole", "number"),
    "picture": ("picture",),
}


class Source(Struct, frozen=True):
    """Where a field's values are: a column, the cosine and the sine of an angle, or a column for each value of a set.

    No columns: nowhere.
    """

    columns: tuple[str, ...] = ()


class Binding(Struct, frozen=True):
    """The world that a store was recorded for: its name, and the kind and unit of each field, as `state.NAME`."""

    name: str = ""
    fields: Mapping[str, tuple[str, str]] = {}

    @staticmethod
    def of(spec: Spec) -> Binding:
        """What a store remembers of `spec`."""
        parts = (("state", spec.state), ("action", spec.action), ("outputs", spec.outputs))
        named = {f"{part}.{name}": field for part, space in parts for name, field in _pairs(space)}
        return Binding(spec.name, {name: (_kind(field), _unit(field)) for name, field in named.items()})

    @staticmethod
    def read(text: str) -> Binding:
        """The binding that `written` wrote; none when there was none yet."""
        return msgspec.json.decode(text, type=Binding) if text else Binding()

    def written(self) -> str:
        """The binding as text."""
        return msgspec.json.encode(self).decode()

    def merged(self, spec: Spec, columns: Mapping[str, str], store: str) -> Binding:
        """This binding and that of `spec`. Raises `TracesError` when the store holds data of another world.

        `columns` are the recorded ones and their kinds. What else may differ: ranges, resolutions, values, new outputs.
        """
        wanted = Binding.of(spec)
        if not columns:
            return wanted
        problems = [*_differing(self, wanted), *_missing(spec, columns), *_unfit(spec, columns)]
        if problems:
            known = self.name or ", ".join(name for name in columns if "." in name and not name.startswith("next."))
            raise TracesError(
                f"{store} was recorded for another world ({known}) than `{spec.name}`: {problems[0]}; "
                "use the spec that belongs to it, or another file"
            )
        return Binding(wanted.name, {**self.fields, **wanted.fields})


def sources(space: Space, part: str, columns: Mapping[str, str]) -> dict[str, Source]:
    """Where each field of `space` is among the recorded `columns` of `part`: state, action, next or outputs.

    By its own name. An angle with `from`: by two columns cos_NAME and sin_NAME, NAME_cos and NAME_sin, NAME_0 and
    NAME_1, or P and Q when it is called P_Q. An image is one column, not its components. A recording without names (x0,
    x1, ...; action): in order, an angle with `from` taking two, a set one for each of its values (or, where that are
    too many, all sets one: their bits).
    """
    inside = [name.partition(".")[2] for name in columns if name.startswith(f"{part}.")]
    found = {name: _by_name(name, field, inside) for name, field in _pairs(space)}
    if inside and not all(source.columns for source in found.values()) and _is_unnamed(inside):
        in_order = _in_order(space, sorted(inside, key=_number))
        found = in_order or found
    return {name: Source(tuple(f"{part}.{column}" for column in source.columns)) for name, source in found.items()}


def require_no_pictures(spec: Spec, source: str) -> None:
    """Refuse a `source` of rows for a world with images. Raises `InvalidValue`."""
    for image in spec.state.pictures:
        raise InvalidValue(
            f"{source}: pictures of `{image.name}` are recorded from a Gymnasium environment only (RecordEnv, or "
            "`worldtwin record SPEC gym:ID`), not from rows, rules or calls"
        )


def _by_name(name: str, field: Field | Image, inside: list[str]) -> Source:
    if name in inside:
        return Source((name,))
    if isinstance(field, Angle) and field.sources:
        for column in inside:
            for pair in ((f"cos_{name}", f"sin_{name}"), (f"{name}_cos", f"{name}_sin")):
                if column == pair[0] and pair[1] in inside:
                    return Source(pair)
            if column == f"{name}_0" and f"{name}_1" in inside:
                return Source(_cosine_first((column, f"{name}_1"), field))
            rest = name.removeprefix(f"{column}_")
            if rest != name and rest in inside:
                return Source(_cosine_first((column, rest), field))
    if isinstance(field, Set):
        each = tuple(f"{name}_{number}" for number in range(len(field.values)))
        return Source(each if set(each) <= set(inside) else ())
    return Source()


def _in_order(space: Space, inside: list[str]) -> dict[str, Source] | None:
    widths = [width_of(field) for _, field in _pairs(space)]
    if len(inside) != sum(widths):
        widths = [1 if isinstance(field, Set) else width_of(field) for _, field in _pairs(space)]
    if len(inside) != sum(widths):
        return None
    found, start = dict[str, Source](), 0
    for (name, field), width in zip(_pairs(space), widths, strict=True):
        taken = tuple(inside[start : start + width])
        found[name] = Source(_cosine_first(taken, field) if isinstance(field, Angle) and width == 2 else taken)
        start += width
    return found


def width_of(field: Field | Image) -> int:
    """How many columns a field takes where they have no names."""
    if isinstance(field, Set):
        return len(field.values)
    return 2 if isinstance(field, Angle) and field.sources else 1


def _cosine_first(pair: tuple[str, ...], field: Angle) -> tuple[str, ...]:
    return pair if field.sources[0] == "cos" else pair[::-1]


def _is_unnamed(inside: list[str]) -> bool:
    return all(_UNNAMED.fullmatch(name) for name in inside)


def _number(name: str) -> int:
    return int(re.sub(r"\D", "", name) or 0)


def _pairs(space: Space) -> list[tuple[str, Field | Image]]:
    return list(space.parts.items())


def _unit(field: Field | Image) -> str:
    return field.size if isinstance(field, Image) else unit_of(field)


def _kind(field: Field | Image) -> str:
    match field:
        case Image():
            return "picture"
        case Real() | Integer():
            return "number"
        case Angle():
            return "angle"
        case Category():
            return "name"
        case Set():
            return "names"


def _differing(recorded: Binding, wanted: Binding) -> list[str]:
    found: list[str] = []
    for name, (kind, unit) in wanted.fields.items():
        old_kind, old_unit = recorded.fields.get(name, (kind, unit))
        if old_kind != kind:
            found.append(f"{name} was recorded as {_article(old_kind)}, not as {_article(kind)}")
        elif old_unit != unit:
            found.append(f"{name} was recorded in {old_unit or 'no unit'}, not in {unit or 'no unit'}")
    return found


def _missing(spec: Spec, columns: Mapping[str, str]) -> list[str]:
    return [
        f"{part}.{name} was never recorded"
        for part, space in (("state", spec.state), ("action", spec.action))
        for name, source in sources(space, part, columns).items()
        if not source.columns
    ]


def _unfit(spec: Spec, columns: Mapping[str, str]) -> list[str]:
    return [
        f"{column} holds {columns[column]} values, no {_kind(field).removesuffix('s')}s"
        for part, space in (("state", spec.state), ("action", spec.action), ("outputs", spec.outputs))
        for (_, field), source in zip(_pairs(space), sources(space, part, columns).values(), strict=True)
        for column in source.columns
        if not _has_fitting(columns[column], field)
    ]


def _has_fitting(kinds: str, field: Field | Image) -> bool:
    """Whether some of the values are of a kind that `field` takes; others are wrong readings."""
    return not set(_FITS[_kind(field)]).isdisjoint(kinds.split("+"))


def _article(kind: str) -> str:
    return {"angle": "an angle", "names": "a set of names"}.get(kind, f"a {kind}")
