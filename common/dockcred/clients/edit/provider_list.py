"""Change one provider in kubelet's list (JSON or YAML), and keep all other text.

YAML is read line by line, in the form that people and programs write: `providers:` with
a list below it. We write a provider as JSON on one line, which is valid YAML too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from dockcred.clients.edit import ABSENT, Path, WholeText, json_text
from dockcred.errors import InvalidInputError

_LIST = "providers"
_HEAD = re.compile(r"""(?:providers|"providers"|'providers'):[ \t]*(?:#.*)?""")
_ITEM = re.compile(r"( *)-( +)\S")
_SPACE = re.compile(r"\s*")


class _Item(NamedTuple):
    """An item of the list: the provider's name, and its start and end in the text."""

    name: str
    start: int
    end: int


class ProviderList(WholeText):
    """The syntax of a path ("providers", NAME); the empty path is the whole text."""

    def get(self, text: str, path: Path, /) -> Any:
        """Return a provider as an object, or as text if it is not JSON; or ABSENT."""
        if not path:
            return super().get(text, path)
        for item in _items(text):
            if item.name == path[-1]:
                written = text[item.start : item.end]
                try:
                    return json.loads(written)
                except ValueError:
                    return written
        return ABSENT

    def put(self, text: str, path: Path, value: Any, /) -> str:
        """Return the text with a provider replaced, or added after the last one.

        Raises InvalidInputError if the text has no list of providers.
        """
        if not path:
            return super().put(text, path, value)
        there = list(_items(text))
        if not there:
            raise InvalidInputError(
                "it has no list of providers", "name the file that kubelet reads"
            )
        written = value if isinstance(value, str) else json.dumps(value)
        for item in there:
            if item.name == path[-1]:
                return text[: item.start] + written + text[item.end :]
        last = there[-1]
        return text[: last.end] + _between(text, there) + written + text[last.end :]

    def drop(self, text: str, path: Path, /) -> str:
        """Return the text without a provider, which must be there.

        Raises InvalidInputError if it is the only one: kubelet does not start with an
        empty list.
        """
        if not path:
            return super().drop(text, path)
        there = list(_items(text))
        if len(there) == 1:
            raise InvalidInputError(
                "our provider is the only one left", "remove the file, or add another"
            )
        index = next(n for n, item in enumerate(there) if item.name == path[-1])
        if index:
            return text[: there[index - 1].end] + text[there[index].end :]
        return text[: there[0].start] + text[there[1].start :]


def _items(text: str) -> Iterator[_Item]:
    return _of_json(text) if text.lstrip().startswith("{") else _of_yaml(text)


def _between(text: str, there: list[_Item]) -> str:
    """Return the text to put between two items of this list."""
    last = there[-1]
    if text.lstrip().startswith("{"):
        opened = text.rindex("[", 0, last.start) if len(there) == 1 else None
        start = there[-2].end if opened is None else opened + 1
        gap = text[start : last.start].replace(",", "")
        return f",{gap}"
    line = text.rindex("\n", 0, last.start) + 1
    newline = "\r\n" if text[line - 2 : line] == "\r\n" else "\n"
    return newline + text[line : last.start]


def _of_json(text: str) -> Iterator[_Item]:
    found = json_text.get(text, (_LIST,))
    if not isinstance(found, list):
        return
    named = [
        member
        for member in json_text.members(text, text.index("{"))
        if member.name.casefold() == _LIST
    ]
    at = named[-1].value + 1
    for provider in found:
        start = _skip(text, at)
        _, end = json.JSONDecoder().raw_decode(text, start)
        name = provider.get("name") if isinstance(provider, dict) else None
        yield _Item(name if isinstance(name, str) else "", start, end)
        at = _skip(text, end) + 1


def _of_yaml(text: str) -> Iterator[_Item]:
    """Yield the items of a YAML block list; each begins after its dash."""
    at, indent, begun = 0, None, None
    in_list = False
    end = 0
    for line in text.splitlines(keepends=True):
        start, at = at, at + len(line)
        said = line.strip()
        if not in_list:
            in_list = bool(_HEAD.fullmatch(line.rstrip()))
            continue
        if not said or said.startswith("#"):
            continue
        begins = _ITEM.match(line)
        if begins and (indent is None or len(begins[1]) == indent):
            if begun is not None:
                yield _named(text, begun, end)
            indent, begun = len(begins[1]), start + begins.end() - 1
        elif indent is None or len(line) - len(line.lstrip(" ")) <= indent:
            break
        end = start + len(line.rstrip())
    if begun is not None:
        yield _named(text, begun, end)


def _named(text: str, start: int, end: int) -> _Item:
    """Return an item with its name, a key at the same indentation as the first key."""
    item = text[start:end]
    try:
        found = json.loads(item)
        return _Item(found["name"], start, end)
    except (ValueError, KeyError, TypeError):
        pass
    depth = start - text.rindex("\n", 0, start) - 1
    key = rf"(?:\A|\n {{{depth}}})(?:name|\"name\"|'name'): +[\"']?([^\s\"'#]+)"
    said = re.search(key, item)
    return _Item(said[1] if said else "", start, end)


def _skip(text: str, at: int) -> int:
    blank = _SPACE.match(text, at)
    return blank.end() if blank else at
