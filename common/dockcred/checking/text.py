"""JSON and TOML as their readers take them, and what they pass over in silence."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from dockcred.doctor.finding import Finding, note, warning
from dockcred.errors import InvalidInputError

KEY = "key"
ENTRY = "entry"


def read_json(data: bytes) -> tuple[dict[str, Any], list[str]]:
    """Answer a JSON object, and the names that stand twice in one of its objects.

    Raises InvalidInputError that says where it breaks, and quotes nothing of it.
    """
    twice: list[str] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in members]
        twice.extend(sorted({name for name in names if names.count(name) > 1}))
        return dict(members)

    try:
        found = json.loads(data.decode(), object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise _broken("JSON", f" at line {error.lineno}") from None
    except (ValueError, RecursionError):
        raise _broken("JSON", "") from None
    if not isinstance(found, dict):
        raise _broken("a JSON object", "")
    return found, twice


def read_toml(data: bytes) -> dict[str, Any]:
    """Answer a TOML document; raise InvalidInputError as `read_json` does."""
    try:
        return tomllib.loads(data.decode())
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line \d+", str(error))
        raise _broken("TOML", f" {place[0]}" if place else "") from None
    except (ValueError, RecursionError):
        raise _broken("TOML", "") from None


def unknown(
    where: str, names: Collection[str], known: Collection[str], reader: str
) -> Iterator[Finding]:
    """Warn of names that a reader passes over; `known` are in lower case.

    Go's decoders take a name in any case.
    """
    for name in names:
        if name.lower() in known:
            continue
        text = f"{where}{shown(name)} is no key of {reader}'s and is passed over"
        meant = get_close_matches(name.lower().replace("_", "-"), known, 1, 0.7)
        if meant:
            yield warning(KEY, text, f"write {meant[0]}")
        else:
            yield note(KEY, text)


def twice_there(names: Iterable[str]) -> Iterator[Finding]:
    """Warn of names that stand twice in one object."""
    for name in names:
        yield warning(KEY, f"{shown(name)} stands twice: the last one counts")


def entries(found: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Answer each entry of `auths`: where it stands, its key, and what it holds."""
    for key, entry in table(found.get("auths")).items():
        yield f'auths["{shown(key)}"]', key, table(entry)


def table(value: object) -> Mapping[str, Any]:
    """Answer an object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def shown(key: str) -> str:
    """Answer a key fit to be shown: of user:password@host the host alone."""
    return ascii(key.rpartition("@")[2])[1:-1][:200]


def word(value: object) -> str:
    """Answer a value fit to be shown: a short name, and nothing that may be secret."""
    is_name = isinstance(value, str) and re.fullmatch(r"[\w./-]{1,60}", value, re.ASCII)
    return str(value) if is_name else "…"


def _broken(what: str, where: str) -> InvalidInputError:
    return InvalidInputError(f"it is not {what}{where}", "mend it first")
