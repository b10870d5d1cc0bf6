"""Write and parse D-Bus messages, as far as reading a keyring needs it.

https://dbus.freedesktop.org/doc/dbus-specification.html#message-protocol

Types are written as in D-Bus's signatures. A variant is a pair (type, value), an array
of bytes is bytes, an array of {} is a dict, a structure is a tuple. Messages are
little-endian, without doubles and file descriptors. A malformed message raises
ValueError or LookupError.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Call = tuple[Any, ...]
    """Destination, object path, method with its interface, signature, arguments."""
    Body = tuple[Any, ...]
    """The values in an answer."""

_ALIGNMENT = {
    "y": 1, "b": 4, "n": 2, "q": 2, "i": 4, "u": 4, "x": 8, "t": 8,
    "s": 4, "o": 4, "g": 1, "v": 1, "a": 4, "(": 8, "{": 8,
}  # fmt: skip
_NUMBERS, _SIGNED = frozenset("ybnqiuxt"), frozenset("nix")
_HEAD_BYTES = 16  # bytes before the header fields
_LITTLE, _VERSION = ord("l"), 1
_split: dict[str, list[str]] = {}
CALL, RETURN, ERROR = 1, 2, 3
_PATH, _INTERFACE, _MEMBER, _ERROR, _REPLY_TO, _DESTINATION, _TYPES = (
    1, 2, 3, 4, 5, 6, 8
)  # fmt: skip


def call(serial: int, what: Call) -> bytes:
    """Return the message that calls a method."""
    to, path, method, types, *values = what
    interface, _, member = method.rpartition(".")
    body = bytearray()
    _write(body, f"({types})", values)
    # The same bytes as _write(…, "a(yv)", …), in a third of the time.
    fields = bytearray()
    for number, kind, text in (
        (_PATH, b"o", path),
        (_INTERFACE, b"s", interface),
        (_MEMBER, b"s", member),
        (_DESTINATION, b"s", to),
    ):
        _align(fields, 8)
        fields += bytes((number, 1)) + kind + b"\0" + _string(text)
    if types:
        _align(fields, 8)
        fields += bytes((_TYPES, 1)) + b"g\0" + bytes((len(types),))
        fields += types.encode() + b"\0"
    sizes = (
        number.to_bytes(4, "little") for number in (len(body), serial, len(fields))
    )
    _align(fields, 8)
    head = bytes((_LITTLE, CALL, 0, _VERSION))
    return b"".join((head, *sizes, fields, body))


def length(data: bytes) -> int:
    """Return the length in bytes of the first message, 0 if data is too short."""
    if len(data) < _HEAD_BYTES:
        return 0
    if data[0] != _LITTLE:
        raise ValueError("not a little-endian message")
    body, fields = _number(data, 4, 4), _number(data, 12, 4)
    return _HEAD_BYTES + fields + -fields % 8 + body


class Message:
    """A received message: a return, an error, or a signal.

    `reply_to` is the serial number of the call that it answers, or 0.
    """

    __slots__ = ("body", "error", "kind", "reply_to")

    def __init__(self, data: bytes) -> None:
        """Parse a whole message."""
        at, end = _HEAD_BYTES, _HEAD_BYTES + _number(data, 12, 4)
        fields = {}
        while at < end:
            number = data[at]
            (_, fields[number]), at = _read(data, at + 1, "v")
            at += -at % 8
        self.kind: int = data[1]
        self.reply_to: int = fields.get(_REPLY_TO, 0)
        self.error: str = fields.get(_ERROR, "")
        self.body: Body = _read(data, at, f"({fields.get(_TYPES, '')})")[0]


def _align(data: bytearray, boundary: int) -> None:
    data += bytes(-len(data) % boundary)


def _string(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(4, "little") + encoded + b"\0"


def _write(data: bytearray, kind: str, value: Any) -> None:
    first = kind[0]
    _align(data, _ALIGNMENT[first])
    if first in _NUMBERS:
        data += value.to_bytes(_ALIGNMENT[first], "little")
    elif first in "so":
        data += _string(value)
    elif first == "g":
        data += bytes((len(value),)) + value.encode() + b"\0"
    elif first == "v":
        _write(data, "g", value[0])
        _write(data, *value)
    elif first == "a":
        at = len(data)
        data += bytes(4)
        _align(data, _ALIGNMENT[kind[1]])
        start = len(data)
        for item in value.items() if kind[1] == "{" else value:
            _write(data, kind[1:], item)
        data[at : at + 4] = (len(data) - start).to_bytes(4, "little")
    else:
        for part, item in zip(_parts(kind[1:-1]), value, strict=True):
            _write(data, part, item)


def _read(data: bytes, at: int, kind: str) -> tuple[Any, int]:
    """Return the value at an offset, and the offset after it."""
    first = kind[0]
    at += -at % _ALIGNMENT[first]
    if first in _NUMBERS:
        size = _ALIGNMENT[first]
        number = _number(data, at, size, signed=first in _SIGNED)
        if first == "b" and number > 1:
            raise ValueError("neither true nor false")
        return number, at + size
    if first in "so":
        end = at + 4 + _number(data, at, 4)
        return _slice(data, at + 4, end).decode(), end + 1
    if first == "g":
        end = at + 1 + data[at]
        return _slice(data, at + 1, end).decode("ascii"), end + 1
    if first == "v":
        inner, at = _read(data, at, "g")
        value, at = _read(data, at, inner)
        return (inner, value), at
    if first == "a":
        return _read_array(data, at, kind[1:])
    values = []
    for part in _parts(kind[1:-1]):
        value, at = _read(data, at, part)
        values.append(value)
    return tuple(values), at


def _read_array(data: bytes, at: int, kind: str) -> tuple[Any, int]:
    size = _number(data, at, 4)
    at += 4 + -(at + 4) % _ALIGNMENT[kind[0]]
    end = at + size
    if kind == "y":
        return _slice(data, at, end), end
    values = []
    while at < end:
        value, after = _read(data, at, kind)
        if after == at:
            raise ValueError("an array of nothing")
        values.append(value)
        at = after
    if kind[0] != "{":
        return values, at
    try:
        return dict(values), at
    except TypeError:
        raise ValueError("a key of no basic type") from None


def _number(data: bytes, at: int, size: int, *, signed: bool = False) -> int:
    return int.from_bytes(_slice(data, at, at + size), "little", signed=signed)


def _slice(data: bytes, start: int, end: int) -> bytes:
    if end > len(data):
        raise ValueError("the message ends early")
    return data[start:end]


def _parts(types: str) -> list[str]:
    """Split a signature into its complete types."""
    if types in _split:
        return _split[types]
    parts = []
    start = 0
    while start < len(types):
        end = start
        while types[end] == "a":
            end += 1
        depth = 0
        for end in range(end, len(types)):  # noqa: B020 - from where it stands
            depth += (types[end] in "({") - (types[end] in ")}")
            if not depth:
                break
        parts.append(types[start : end + 1])
        start = end + 1
    _split[types] = parts
    return parts
