"""The state, action and outputs of a world: what can be read, and stand-ins for what cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict

from worldtwin.files.document.fields import Unreadable, field_of, image_of, stand_in
from worldtwin.files.document.pruning import Pruned
from worldtwin.files.document.sections import ImageSection, StateSection
from worldtwin.files.reading.found import Found, as_mapping
from worldtwin.world import COMPONENT, MAX_COMPONENTS, Field, Image, Real, Space

_DOUBTFUL: Final = Real(low=-1.0, high=1.0, exponent=20)
_RECORDS: Final = {"state": ("state", "next"), "action": ("action",), "outputs": ("outputs",)}


class ReadSpace(Struct, frozen=True, kw_only=True):
    """One space, whether there is one at all, its stand-ins, and the words with which no script can be checked."""

    space: Space
    readable: bool
    stand_ins: frozenset[str]
    unknowable: frozenset[str]
    found: tuple[Found, ...]


def read_space(space: str, sections: Mapping[str, StateSection], left: Pruned) -> ReadSpace:
    """The fields of the section `space` in order; those that cannot be read come last."""
    fields: dict[str, Field | Image] = {}
    doubtful: dict[str, Field | None] = {
        name: stand_in(raw) for (of, name), raw in left.fields.items() if of == space and _is_name(name)
    }
    images = [name for (of, name), raw in left.fields.items() if of == space and as_mapping(raw).get("type") == "image"]
    found: list[Found] = []
    for name, section in sections.items():
        if not _is_name(name):
            found.append(Found((space, name), "cannot be a field's name: use letters, digits and _, a letter first"))
            continue
        try:
            if isinstance(section, ImageSection):
                fields[name] = _apart(image_of(name, section, (space, name)), sections)
            else:
                fields[name] = field_of(section, (space, name))
        except Unreadable as error:
            found += error.found
            images += [name] * isinstance(section, ImageSection)
            doubtful[name] = stand_in({"type": section.__struct_config__.tag, **asdict(section)})
    unknowable = {name for name, field in doubtful.items() if field is None}
    if space in left.spaces:
        unknowable.update(_RECORDS[space])
        doubtful["unreadable"] = None
    doubtful |= {f"{name}_{number}": COMPONENT for name in images for number in range(1, MAX_COMPONENTS + 1)}
    fields |= {name: field or _DOUBTFUL for name, field in doubtful.items()}
    return ReadSpace(
        space=Space.of(fields),
        readable=space not in left.spaces,
        stand_ins=frozenset(doubtful),
        unknowable=frozenset(unknowable),
        found=tuple(found),
    )


def _apart(image: Image, others: Mapping[str, StateSection]) -> Image:
    """`image`, unless another field is called like one of its components. Raises `Unreadable`."""
    for name in image.names:
        if name in others:
            message = f"is what a component of the image `{image.name}` is called: give it another name"
            raise Unreadable([Found(("state", name), message)])
    return image


def _is_name(name: str) -> bool:
    return name.isidentifier() and not name.startswith("_")
