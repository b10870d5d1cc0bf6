"""The types that Go's decoder wants in config.json, where one other spoils the file.

docker warns and goes on with what it has read by then; oras, helm and crane fail
(docker/cli, cli/config/configfile/file.go and types/authconfig.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dockcred.checking import text
from dockcred.doctor.finding import Finding, error

_NAMES: dict[type, str] = {str: "text", dict: "object"}
_OF_FILE: dict[str, type] = {
    "auths": dict,
    "credHelpers": dict,
    "HttpHeaders": dict,
    "credsStore": str,
}
_OF_ENTRY = (
    *("username", "password", "auth", "email"),
    *("serveraddress", "identitytoken", "registrytoken"),
)


def check(found: Mapping[str, Any]) -> Iterator[Finding]:
    """Find values of another type; null stands for nothing there."""
    for where, value, wanted in _values(found):
        if value is not None and not isinstance(value, wanted):
            yield error(
                text.KEY,
                f"{where} is no {_NAMES[wanted]}: docker warns, and may lose other"
                " logins with it",
            )


def _values(found: Mapping[str, Any]) -> Iterator[tuple[str, Any, type]]:
    for name, wanted in _OF_FILE.items():
        yield name, found.get(name), wanted
    for name, helper in text.table(found.get("credHelpers")).items():
        yield f'credHelpers["{text.shown(name)}"]', helper, str
    for name, entry in text.table(found.get("auths")).items():
        where = f'auths["{text.shown(name)}"]'
        yield where, entry, dict
        for field in _OF_ENTRY:
            yield f"{where}.{field}", text.table(entry).get(field), str
