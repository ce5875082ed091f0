"""One canonical encoding: deterministic CBOR (RFC 8949, section 4.2.1) without floats, and the digest over it.

A float is written as its exact hexadecimal text, an array as its type, shape and little-endian bytes.
"""

from __future__ import annotations

import hashlib
import math
from io import BytesIO
from typing import Any, Final, TypeAlias, TypeVar, get_origin

import cbor2
import msgspec
import numpy as np
from numpy.typing import NDArray

from worldtwin.errors import InvalidFile

FORMAT: Final = 1
MAX_BYTES: Final = 1 << 30
MAX_DEPTH: Final = 24
_DTYPES: Final = ("<i8", "<u8", "<i4", "<i2", "|i1", "|b1")

Plain: TypeAlias = bool | int | str | bytes | list["Plain"] | dict[str, "Plain"] | None
T = TypeVar("T")


def canonical(value: object) -> bytes:
    """The one byte string of `value`: a `Struct`, an array, or plain data."""
    return cbor2.dumps(plain(value), canonical=True)


def digest(value: object) -> str:
    """The identity of `value`: SHA-256 of its type, format number and canonical bytes, in hexadecimal.

    A value that has a `digest` of its own (a simulator leaves its report out) answers with that.
    """
    own = getattr(value, "digest", None)
    if isinstance(own, str):
        return own
    return digest_of(type(value).__name__, canonical(value))


def digest_of(kind: str, body: bytes) -> str:
    """SHA-256 over the tag `worldtwin/KIND/FORMAT` and `body`, in hexadecimal."""
    tag = f"worldtwin/{kind.lower()}/{FORMAT}".encode()
    return hashlib.sha256(len(tag).to_bytes(1, "big") + tag + body).hexdigest()


def plain(value: object) -> Plain:
    """`value` as maps, lists, texts, integers and bytes; a set as a list in order."""
    kept = (bytes, float)
    return _without_floats(
        msgspec.to_builtins(value, builtin_types=kept, enc_hook=_array_out, str_keys=True, order="deterministic")
    )


def typed(value: Plain, kind: type[T]) -> T:
    """The value of type `kind` that `plain` wrote. Raises `InvalidFile` saying what does not fit."""
    try:
        return msgspec.convert(_with_floats(value), type=kind, strict=True, dec_hook=_array_in)
    except (msgspec.ValidationError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidFile(f"not a {kind.__name__.lower()}: {error}") from error


def decode_canonical(body: bytes) -> Plain:
    """The plain data of canonical bytes, bounded in size and depth. Raises `InvalidFile`."""
    if len(body) > MAX_BYTES:
        raise InvalidFile(f"{len(body)} bytes are more than the {MAX_BYTES} allowed")
    try:
        stream = BytesIO(body)
        value = cbor2.CBORDecoder(stream).decode()
        whole = stream.tell() == len(body) or not stream.read(1)
        _require_plain(value, 0, len(body))
        if not whole or cbor2.dumps(value, canonical=True) != body:
            raise InvalidFile("the bytes are not in canonical form")
    except InvalidFile:
        raise
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError, EOFError) as error:
        raise InvalidFile(f"the bytes are not canonical CBOR: {type(error).__name__}") from error
    return value


def _array_out(value: object) -> object:
    if isinstance(value, np.ndarray):
        array: NDArray[Any] = value  # pyright: ignore[reportUnknownVariableType] - the element type is checked below
        little = array.dtype.newbyteorder("<").str
        if little not in _DTYPES:
            raise TypeError(f"arrays of {array.dtype} have no canonical form")
        return {"$a": [little, list(array.shape), np.ascontiguousarray(array, dtype=little).tobytes()]}
    if type(value) is np.int64:
        return int(value)
    raise TypeError(f"a {type(value).__name__} has no canonical form")


def _array_in(kind: type, value: object) -> object:
    if isinstance(value, get_origin(kind) or kind):
        return value
    raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")


def _without_floats(value: Any) -> Plain:  # noqa: ANN401 - any plain data
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"{value} has no canonical form")
        return {"$f": (value + 0.0).hex()}
    if isinstance(value, dict):
        return {str(key): _without_floats(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple):
        return [_without_floats(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def _with_floats(value: Plain) -> Any:  # noqa: ANN401 - plain data, floats and arrays
    if isinstance(value, dict):
        if set(value) == {"$f"}:
            return _float_in(value["$f"])
        if set(value) == {"$a"}:
            return _array_from(value["$a"])
        return {key: _with_floats(item) for key, item in value.items()}
    return [_with_floats(item) for item in value] if isinstance(value, list) else value


def _float_in(text: Plain) -> float:
    number = float.fromhex(text) if isinstance(text, str) and len(text) <= 32 else math.nan
    if not math.isfinite(number) or number.hex() != text:
        raise InvalidFile(f"{text!r:.40} is not a number in canonical form")
    return number


def _array_from(parts: Plain) -> NDArray[Any]:
    match parts:
        case [str(kind), [*shape], bytes(body)] if kind in _DTYPES and len(shape) <= 4:
            sizes = [size for size in shape if type(size) is int and 0 <= size <= MAX_BYTES]
            if len(sizes) != len(shape) or math.prod(sizes) * np.dtype(kind).itemsize != len(body):
                raise InvalidFile(f"an array of shape {shape} does not have {len(body)} bytes")
            array = np.frombuffer(body, dtype=kind).reshape(sizes)
            return array.astype(array.dtype.newbyteorder("="), copy=True)
        case _:
            raise InvalidFile("an array needs a type, a shape and bytes")


def _require_plain(value: object, depth: int, left: int) -> int:
    """How many of the `left` bytes remain after `value`, one for each item and character.

    Plain data never needs more bytes than it was read from; references to its own parts do, without end.
    """
    if depth > MAX_DEPTH:
        raise InvalidFile(f"nested deeper than {MAX_DEPTH}")
    left -= 1 + (len(value) if isinstance(value, str | bytes) else 0)
    if left < 0:
        raise InvalidFile("the bytes are not in canonical form: they repeat parts of themselves")
    if isinstance(value, dict):
        for key, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            if type(key) is not str:  # pyright: ignore[reportUnknownArgumentType]
                raise InvalidFile("a map has a key that is no text")
            left = _require_plain(item, depth + 1, left - 1 - len(key))  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            left = _require_plain(item, depth + 1, left)  # pyright: ignore[reportUnknownArgumentType]
    elif not (value is None or type(value) in (bool, int, str, bytes)) or (type(value) is int and abs(value) >= 2**63):
        raise InvalidFile(f"a {type(value).__name__} is not allowed here")
    return left
