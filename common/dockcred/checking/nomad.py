"""A Nomad variable for an `auth` block: texts under names that a template can reach."""

from __future__ import annotations

from collections.abc import Iterator

from dockcred.checking import text
from dockcred.checking.text import ENTRY
from dockcred.doctor.finding import Finding, error, fine
from dockcred.lookup.auths import TOKEN

READER = "Nomad"
_ITEMS = ("server_address", "username", "password")


def check(data: bytes) -> Iterator[Finding]:
    """Go through the variable's items."""
    found, _ = text.read_json(data)
    yield from text.unknown("", found, {"path", "namespace", "items"}, READER)
    items = text.table(found.get("Items", found.get("items")))
    for name, value in items.items():
        if not isinstance(value, str):
            yield error(
                ENTRY, f"{text.shown(name)} is no text: Nomad refuses the variable"
            )
    for name in _ITEMS:
        if not items.get(name):
            yield error(ENTRY, f"{name} is not there: the task's auth block is empty")
    if items.get("username") == TOKEN:
        yield error(
            ENTRY,
            "it has an identity token, and Nomad's docker driver takes a user and a"
            " password alone",
        )
    elif str(items.get("password", "")).endswith(("\n", "\r")):
        yield error(
            ENTRY,
            "the password ends in a newline: the registry refuses it",
            "cut it",
        )
    else:
        yield fine(ENTRY, f"the user {text.shown(str(items.get('username', '')))}")
