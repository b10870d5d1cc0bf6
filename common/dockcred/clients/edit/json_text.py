"""Change one key of a JSON text, and keep order, indentation and all other text.

Top-level names are found as Go's encoding/json finds fields: in any case. If a name is
there several times, objects are merged, and of other values the last one counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from dockcred.clients.edit import ABSENT, Path
from dockcred.errors import InvalidInputError

_BLANK = re.compile(r"[ \t\r\n]*")
_VALUE = json.JSONDecoder()
_NotJSON = json.JSONDecodeError


class Member(NamedTuple):
    """A member of an object: its name, and offsets in the text.

    `start` is where the name starts, `value` and `end` where the value starts and ends.
    """

    name: str
    start: int
    value: int
    end: int


class _Pairs(list[tuple[str, Any]]):
    """An object as a list of all its members, in their order."""


def get(text: str, path: Path) -> Any:
    """Return the value at a path, or ABSENT.

    Raises InvalidInputError for a text that is not one JSON object.
    """
    at: Any = _parse(text)
    for depth, name in enumerate(path):
        if not isinstance(at, _Pairs):
            return ABSENT
        named = [value for key, value in at if _same(key, name, depth)]
        if not named:
            return ABSENT
        at = named[-1] if depth else _joined(named)
    return _plain(at)


def put(text: str, path: Path, value: Any) -> str:
    """Return the text with a value at a path; its parent must be an existing object."""
    text = text if text.strip() else "{}\n"
    start, found = _find(text, path)
    written = json.dumps(value)
    if found:
        return text[: found.value] + written + text[found.end :]
    newline, unit, colon = _style(text)
    written = json.dumps(path[-1]) + colon + written
    there = list(members(text, start))
    if there:
        return _after(text, start, there, written, inline=colon.partition(":")[2])
    inner = newline + unit * len(path) if newline else ""
    outer = newline + unit * (len(path) - 1) if newline else ""
    close = text.index("}", start)
    return text[: start + 1] + inner + written + outer + text[close:]


def drop(text: str, path: Path) -> str:
    """Return the text without the key at a path, even if it is there several times."""
    while get(text, path) is not ABSENT:
        text = drop_last(text, path)
    return text


def drop_last(text: str, path: Path) -> str:
    """Return the text without the last member at a path, which is the one that counts.

    An earlier member of the same name counts then. If there is none, the text is
    returned unchanged.
    """
    start, found = _find(text, path)
    if found is None:
        return text
    there = list(members(text, start))
    index = there.index(found)
    if index:
        return text[: there[index - 1].end] + text[found.end :]
    if len(there) > 1:
        return text[: found.start] + text[there[1].start :]
    return text[: start + 1] + text[text.index("}", found.end) :]


def is_blank(text: str) -> bool:
    """Return whether the text is an empty object, or empty."""
    return not _parse(text)


def members(text: str, start: int) -> Iterator[Member]:
    """Yield the members of the object whose opening brace is at offset `start`."""
    at = _skip(text, start + 1)
    while text[at] != "}":
        name, colon = _VALUE.raw_decode(text, at)
        value = _skip(text, _skip(text, colon) + 1)
        _, end = _VALUE.raw_decode(text, value)
        yield Member(name, at, value, end)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _parse(text: str) -> _Pairs:
    try:
        found = json.loads(text, object_pairs_hook=_Pairs) if text.strip() else _Pairs()
    except (ValueError, RecursionError) as error:
        line = f" at line {error.lineno}" if isinstance(error, _NotJSON) else ""
        raise InvalidInputError(f"it is not JSON{line}", "fix it first") from None
    if not isinstance(found, _Pairs):
        raise InvalidInputError("it is not a JSON object", "fix it first")
    return found


def _joined(values: list[Any]) -> Any:
    """Return the last of a name's values; successive objects are merged."""
    found = values[0]
    for value in values[1:]:
        both = isinstance(found, _Pairs) and isinstance(value, _Pairs)
        found = _Pairs([*found, *value]) if both else value
    return found


def _plain(value: Any) -> Any:
    """Return a value with dicts for its objects."""
    if isinstance(value, _Pairs):
        return {name: _plain(each) for name, each in value}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _find(text: str, path: Path) -> tuple[int, Member | None]:
    """Return the offset of a path's parent object, and the path's member, if any."""
    start = _skip(text, 0)
    found = None
    for depth, name in enumerate(path):
        if found:
            start = found.value
        named = [m for m in members(text, start) if _same(m.name, name, depth)]
        found = named[-1] if named else None
        if named[1:] and path[depth + 1 :]:
            # Go merges the objects of one name. So take the last object that has the
            # path's next name.
            having = [m for m in named if _has(text, m, path[depth + 1])]
            found = having[-1] if having else found
    return start, found


def _has(text: str, object_: Member, name: str) -> bool:
    if text[object_.value] != "{":
        return False
    return any(member.name == name for member in members(text, object_.value))


def _same(written: str, name: str, depth: int) -> bool:
    return written == name or (not depth and written.casefold() == name.casefold())


def _after(
    text: str, start: int, there: list[Member], written: str, *, inline: str
) -> str:
    """Return the text with a member added after the last one, with the same spacing."""
    last = there[-1]
    before = text.index(",", there[-2].end) if len(there) > 1 else start
    gap = text[before + 1 : last.start]
    if len(there) == 1 and "\n" not in gap:
        gap = inline
    return f"{text[: last.end]},{gap}{written}{text[last.end :]}"


def _style(text: str) -> tuple[str, str, str]:
    """Return a text's newline ("" if all is on one line), indentation and colon.

    For an object without members, return docker's own style, with tabs.
    """
    start = _skip(text, 0)
    first = next(members(text, start), None)
    if first is None:
        return "\n", "\t", ": "
    colon = text[_VALUE.raw_decode(text, first.start)[1] : first.value].strip("\r\n\t")
    gap = text[start + 1 : first.start]
    newline = "\r\n" if "\r\n" in gap else "\n"
    return (newline, gap.rpartition("\n")[2], colon) if "\n" in gap else ("", "", colon)


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at
