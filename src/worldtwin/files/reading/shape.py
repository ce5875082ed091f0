"""What is wrong with the shape of a tree of values: a JSON Schema decides, and these are our words for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from worldtwin.files.reading.complaints import Complaint, Schema, complaints
from worldtwin.files.reading.found import Found, shown
from worldtwin.world import hint

_UNKNOWN: Final = "unknown key"
_MISSING: Final = "is missing"
_KINDS: Final = {
    "integer": "a whole number", "number": "a number", "string": "a text", "boolean": "true or false",
    "array": "a list like [a, b]", "object": "a mapping like {key: value}", "null": "nothing",
}  # fmt: skip


def shape_mistakes(data: object, schema: Schema) -> list[Found]:
    """Everything about `data` that `schema` forbids, in plain words."""
    return list(dict.fromkeys(found for complaint in complaints(data, schema) for found in _explained(complaint)))


def is_unknown_key(found: Found) -> bool:
    """Whether a mistake is only a key too many."""
    return found.message.startswith(_UNKNOWN)


def without_echoes(mistakes: Sequence[Found], read: Sequence[Found]) -> list[Found]:
    """`mistakes` without those that others explain.

    A missing key is explained by an unknown one beside it that was meant to be it, and anything by what was found in
    the same place when the file was `read`.
    """
    meant = {
        (*each.steps[:-1], each.message.split("`")[1])
        for each in mistakes
        if is_unknown_key(each) and "did you mean" in each.message
    }
    explained = {each.steps for each in read}
    return [
        each
        for each in mistakes
        if not (each.message.startswith(_MISSING) and each.steps in meant)
        and not any(each.steps[:length] in explained for length in range(len(each.steps) + 1))
    ]


def _explained(complaint: Complaint) -> Iterator[Found]:
    match complaint.rule:
        case "additionalProperties":
            known = list(complaint.schema.get("properties", {}))
            for key in complaint.value:
                if key not in known:
                    yield Found((*complaint.steps, key), f"{_UNKNOWN}{hint(key, known)}")
        case "required":
            for name in complaint.expected:
                if name not in complaint.value:
                    yield Found((*complaint.steps, name), _missing(name, complaint.schema))
        case "anyOf":
            yield from _alternatives(complaint)
        case _:
            yield Found(complaint.steps, _said(complaint))


def _missing(name: str, schema: Schema) -> str:
    part: Schema = schema.get("properties", {}).get(name, {})
    examples: Sequence[object] = part.get("examples", ())
    return f"{_MISSING}: write `{name}: {shown(examples[0])}`" if examples else _MISSING


def _said(complaint: Complaint) -> str:
    value, expected = shown(complaint.value), complaint.expected
    match complaint.rule:
        case "type":
            return _wrong_kind(complaint.value, [expected] if isinstance(expected, str) else expected)
        case "enum":
            return f"`{value}` is not known here{hint(value, [shown(item) for item in expected])}"
        case "minItems" | "maxItems":
            least, most = complaint.schema.get("minItems", 0), complaint.schema.get("maxItems", None)
            return f"{value} has {len(complaint.value)} values: give {least if least == most else f'at least {least}'}"
        case "minimum":
            return f"{value} is too small: give at least {shown(expected)}"
        case "exclusiveMinimum":
            return f"{value} is too small: give more than {shown(expected)}"
        case "maximum":
            return f"{value} is too large: give at most {shown(expected)}"
        case _:
            return f"`{value}` is not possible here"


def _wrong_kind(value: object, kinds: Sequence[str]) -> str:
    wanted = " or ".join(_KINDS[kind] for kind in kinds)
    if value is None:
        return f"is empty: expected {wanted}"
    if "string" in kinds and isinstance(value, bool | int | float):
        return f"`{shown(value)}` is no text: put it in quotes"
    if "integer" in kinds and isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"`{value}` is not {wanted}: write `{value:.0f}`"
    return f"`{shown(value)}` is not {wanted}"


def _alternatives(complaint: Complaint) -> Iterator[Found]:
    """The mistakes within the one alternative that was meant, or what all of them together would accept."""
    branches: dict[int, list[Complaint]] = {}
    for each in complaint.inner:
        branches.setdefault(each.branch, []).append(each)
    if "discriminator" in complaint.schema and isinstance(complaint.value, dict):
        yield from _tagged(complaint, branches)
        return
    meant = [inner for inner in branches.values() if not any(_is_of_another_kind(each, complaint) for each in inner)]
    if meant:
        for each in min(meant, key=len):
            yield from _explained(each)
    else:
        yield Found(complaint.steps, _none_of(complaint))


def _tagged(complaint: Complaint, branches: Mapping[int, Sequence[Complaint]]) -> Iterator[Found]:
    """The mistakes within the alternative that the value names itself."""
    tag: str = complaint.schema["discriminator"]["propertyName"]
    known: Mapping[str, str] = complaint.schema["discriminator"]["mapping"]
    name: object = complaint.value.get(tag)
    if tag not in complaint.value:
        yield Found((*complaint.steps, tag), f"{_MISSING}: known are {', '.join(known)}")
    elif not isinstance(name, str) or name not in known:
        yield Found((*complaint.steps, tag), f"unknown {tag} `{shown(name)}`: known are {', '.join(known)}")
    else:
        position = [branch["$ref"] for branch in complaint.schema["anyOf"]].index(known[name])
        for each in branches.get(position, []):
            yield from _explained(each)


def _is_of_another_kind(inner: Complaint, outer: Complaint) -> bool:
    return inner.steps == outer.steps and inner.rule in {"type", "enum"}


def _none_of(complaint: Complaint) -> str:
    """What would have been accepted."""
    value = complaint.value
    kinds = [each.expected for each in complaint.inner if each.rule == "type" and each.expected != "null"]
    words = [shown(word) for each in complaint.inner if each.rule == "enum" for word in each.expected]
    if words and isinstance(value, str):
        return f"`{shown(value)}` is not known here{hint(value, words)}"
    listed = [f"`{word}`" for word in words] + [_KINDS[kind] for kind in dict.fromkeys(kinds)]
    said = "is empty" if value is None else f"`{shown(value)}` is not possible here"
    return f"{said}: expected {' or '.join(listed)}"
