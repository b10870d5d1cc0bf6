"""Decode JSON and base64 exactly as Go's encoding/json and encoding/base64 do.

A client that is written in Go accepts names in any case. If a name occurs twice, the
last value counts, and two objects are merged. After a value of a wrong type Go decodes
the rest too, and returns an error. Then the client uses what was decoded, and skips its
own work after decoding. A byte-order mark, UTF-16, `NaN` and a truncated text are not
JSON for Go.

A type is TEXT, ANY, a Map or a List of a type, or a dict of the fields of a struct. A
Map or a dict may be wrapped in Raw; then each value is decoded by itself.
"""

from __future__ import annotations

import base64
import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

Place = tuple[str, ...]
TEXT = "text"
ANY = "anything"
_LONGEST_NUMBER = 300
_LARGEST = float("1.7e308")
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_BLANK = re.compile(r"[ \t\r\n]*")
_SURROGATES = re.compile("[\ud800-\udfff]")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


class Map:
    """A Go map from strings to values of one type."""

    def __init__(self, of: Any) -> None:
        self.of = of


class List:
    """A Go slice of values of one type."""

    def __init__(self, of: Any) -> None:
        self.of = of


class Raw:
    """A Go map of json.RawMessage: names are case-sensitive, and the last value counts.

    `of` is the Map, or the dict of fields, as which the values are decoded.
    """

    def __init__(self, of: Any) -> None:
        self.of = of


class Key(str):
    """A step of a place that is a key of a map; other steps are names of fields."""

    __slots__ = ()


class BrokenJSONError(ValueError):
    """A text is not JSON for Go; `place` says where, or is ""."""

    def __init__(self, place: str) -> None:
        super().__init__(f"not JSON at {place}" if place else "not JSON")
        self.place = place


class TooDeepError(BrokenJSONError):
    """A text is nested more deeply than we can read; Go may be able to read it."""


class Decoded:
    """The result of decoding a text as Go does.

    value    the fields of the outermost struct, by their own names
    wrong    the place of each value of a wrong type, and the type it should have; Go
             returns an error, and most callers then skip their work after decoding
    unknown  the place of each name that the types do not have, and its value
    twice    the names that occur twice in an object
    rest     the text after the value, without leading white space

    A place is a tuple of the names and keys that lead to the value.
    """

    __slots__ = ("rest", "twice", "unknown", "value", "wrong")

    def __init__(self) -> None:
        self.value: dict[str, Any] = {}
        self.wrong: list[tuple[Place, str]] = []
        self.unknown: dict[Place, Any] = {}
        self.twice: list[str] = []
        self.rest = ""


def decode(data: bytes, wanted: Any, *, whole: bool) -> Decoded:
    """Return what Go decodes as the type `wanted`.

    With `whole` this is json.Unmarshal, which refuses a second value. Otherwise it is a
    Decoder, which reads only the first value; an empty text is then an empty object.
    Raises BrokenJSONError if the text is not JSON.
    """
    if data.startswith(_MARKS):
        raise BrokenJSONError("line 1, a byte-order mark")
    text = data.decode("utf-8", "surrogateescape")
    start = _end_of_blank(text, 0)
    found = Decoded()
    if start == len(text) and not whole:
        return found
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise BrokenJSONError(f"line {error.lineno}") from None
    except ValueError:
        raise BrokenJSONError("") from None
    except RecursionError:
        raise TooDeepError("") from None
    if whole and _end_of_blank(text, end) != len(text):
        raise BrokenJSONError(f"line {text.count(chr(10), 0, end) + 1}")
    found.rest = text[_end_of_blank(text, end) :]
    try:
        found.value = _Walk(found).value(value, wanted, {}, ()) or {}
    except RecursionError:
        raise TooDeepError("") from None
    return found


class _Members(list["tuple[str, Any]"]):
    """The members of an object as pairs, in their order."""


class _Walk:
    """Converts parsed JSON to Go's types, and fills in one Decoded."""

    def __init__(self, found: Decoded) -> None:
        self._found = found

    def _struct(
        self,
        members: _Members,
        fields: Mapping[str, Any],
        into: dict[str, Any],
        where: Place,
    ) -> None:
        self._note_twice(folded(name) for name, _ in members)
        by_folded = {folded(name): name for name in fields}
        for name, value in members:
            field = name if name in fields else by_folded.get(folded(name))
            if field is None:
                self._found.unknown[*where, name] = plain(value)
            else:
                before = into.get(field)
                into[field] = self.value(value, fields[field], before, (*where, field))

    def value(self, value: Any, wanted: Any, before: Any, where: Place) -> Any:
        """Return a value as a type; for a value of a wrong type, return `before`."""
        if wanted is ANY:
            return plain(value)
        if value is None:
            return None if isinstance(wanted, Map | List | Raw) else before
        if wanted is TEXT:
            if isinstance(value, str):
                return clean(value)
        elif isinstance(wanted, List):
            if isinstance(value, list) and not isinstance(value, _Members):
                return [self.value(one, wanted.of, None, where) for one in value]
        elif isinstance(value, _Members):
            if isinstance(wanted, Raw):
                return self._raw(value, wanted.of, where)
            return self._object(value, wanted, before, where)
        self._found.wrong.append((where, _name(wanted)))
        return before

    def _object(self, value: _Members, wanted: Any, before: Any, where: Place) -> Any:
        into: dict[str, Any] = before if before is not None else {}
        if not isinstance(wanted, Map):
            self._struct(value, wanted, into, where)
            return into
        self._note_twice(name for name, _ in value)
        for name, one in value:
            key = clean(name)
            fresh: Any = {} if isinstance(wanted.of, dict) else None
            into[key] = self.value(one, wanted.of, fresh, (*where, Key(key)))
        return into

    def _raw(self, value: _Members, wanted: Any, where: Place) -> Any:
        self._note_twice(name for name, _ in value)
        last = _Members(dict(value).items())
        if isinstance(wanted, Map):
            return self._object(last, wanted, None, where)
        into = {}
        for name, one in last:
            if name in wanted:
                into[name] = self.value(one, wanted[name], None, (*where, name))
            else:
                self._found.unknown[*where, name] = plain(one)
        return into

    def _note_twice(self, names: Any) -> None:
        seen: set[str] = set()
        for name in names:
            if name in seen and name not in self._found.twice:
                self._found.twice.append(name)
            seen.add(name)


def plain(value: Any) -> Any:
    """Return a value with dicts for its objects."""
    if isinstance(value, _Members):
        return {clean(name): plain(one) for name, one in value}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return clean(value) if isinstance(value, str) else value


def read_base64(text: str) -> bytes | None:
    """Return what Go's base64.StdEncoding decodes, or None if it refuses the text.

    It ignores line ends, and requires exactly the correct padding.
    """
    text = text.replace("\r", "").replace("\n", "")
    return base64.b64decode(text) if _BASE64.fullmatch(text) else None


def as_text(data: bytes) -> str:
    """Return bytes as Go writes them in JSON: U+FFFD for each invalid UTF-8 byte."""
    return clean(data.decode("utf-8", "surrogateescape"))


def _name(wanted: Any) -> str:
    if wanted == TEXT:
        return "text"
    return "list" if isinstance(wanted, List) else "object"


def folded(name: str) -> str:
    """Return a name as Go compares it: simple case folding, also of the long s."""
    return name.replace("\u017f", "s").lower()


def clean(text: str) -> str:
    """Return a text with U+FFFD for each lone surrogate, as Go decodes it."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def _end_of_blank(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < _LONGEST_NUMBER else _finite(digits)


def _finite(digits: str) -> float:
    """Return a finite number, which JSON can have; the largest one for infinity."""
    return max(-_LARGEST, min(float(digits), _LARGEST))


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Members,
    parse_constant=_refuse,
    parse_int=_integer,
    parse_float=_finite,
)
