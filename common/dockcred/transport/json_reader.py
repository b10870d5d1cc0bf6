"""Parse the simple JSON of clouds, and a token's claims, without importing json."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BLANK = " \t\r\n"
_WORDS = {"true": True, "false": False, "null": None}


def loads(body: bytes) -> Any:
    """Parse a JSON document; raise ValueError or RecursionError if it is none."""
    try:
        return plain(body)
    except ValueError:
        import json  # noqa: PLC0415 - the unusual, and what is no JSON at all

        return json.loads(body)


def plain(body: bytes) -> Any:
    """Parse JSON in ASCII whose strings have no escapes; ValueError for any other."""
    try:
        return _Reader(body.decode("ascii")).document()
    except (IndexError, RecursionError):
        raise ValueError from None


class _Reader:
    """A position in a text; what is not plain raises ValueError or IndexError."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def document(self) -> Any:
        value = self._value()
        if self._text[self._at :].strip(_BLANK):
            raise ValueError
        return value

    def _value(self) -> Any:
        first = self._next()
        if first == '"':
            return self._string()
        if first == "{":
            return dict(self._members("}", self._pair))
        if first == "[":
            return list(self._members("]", self._value))
        self._at -= 1
        return self._word()

    def _members(self, end: str, read: Any) -> Any:
        if self._skip() == end:
            self._at += 1
            return
        while True:
            yield read()
            separator = self._next()
            if separator == end:
                return
            if separator != ",":
                raise ValueError

    def _pair(self) -> tuple[str, Any]:
        if self._next() != '"':
            raise ValueError
        name = self._string()
        if self._next() != ":":
            raise ValueError
        return name, self._value()

    def _string(self) -> str:
        end = self._text.index('"', self._at)
        text = self._text[self._at : end]
        if "\\" in text or not text.isprintable():
            raise ValueError
        self._at = end + 1
        return text

    def _word(self) -> Any:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in ",]}" + _BLANK:
            self._at += 1
        word = self._text[start : self._at]
        return _WORDS[word] if word in _WORDS else _number(word)

    def _skip(self) -> str:
        while self._text[self._at] in _BLANK:
            self._at += 1
        return self._text[self._at]

    def _next(self) -> str:
        character = self._skip()
        self._at += 1
        return character


def _number(word: str) -> int | float:
    """Parse a number by the grammar of RFC 8259: Python's own accepts more."""
    mantissa, e, exponent = word.lower().partition("e")
    whole, dot, fraction = mantissa.removeprefix("-").partition(".")
    if not whole.isdigit() or (whole[0] == "0" and whole != "0"):
        raise ValueError
    if (dot and not fraction.isdigit()) or (e and not exponent.lstrip("+-").isdigit()):
        raise ValueError
    return float(word) if dot or e else int(word)


_PARTS = 3  # header, claims, signature
_FAR_S = 2.0**40  # some thirty thousand years from now: no clock gets there


def claims_of(token: bytes) -> dict[str, Any]:
    """Return a JWT's claims, unverified; {} if the token is not a JWT."""
    import binascii  # noqa: PLC0415 - a miss, or a token file that has changed

    parts = token.strip().split(b".")
    if len(parts) != _PARTS:
        return {}
    coded = parts[1].replace(b"-", b"+").replace(b"_", b"/")
    try:
        found = loads(binascii.a2b_base64(coded + b"=" * (-len(coded) % 4)))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def seconds(value: object) -> float | None:
    """Return a JSON value as a time in seconds; None if it is no possible time."""
    if isinstance(value, int | float) and 0 < value < _FAR_S:
        return float(value)
    return None


def moment(value: object) -> float:
    """Return a time as `seconds` does; raise ValueError where that returns None."""
    found = seconds(value)
    if found is None:
        raise ValueError("no time")
    return found
