"""contrast-imagepuller.toml as Contrast's image puller reads it.

By go-toml: a key that it does not know is passed over without a word, a value of
another type makes it refuse the file. A table is found by the labels of its host, from
the right: it stands for every host below it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dockcred.checking import auth, contrast_hosts, text
from dockcred.checking.auth import Consequences
from dockcred.checking.text import ENTRY, KEY
from dockcred.doctor.finding import Finding, Severity, error, note, warning
from dockcred.lookup.auths import Fault, decode_auth
from dockcred.rendering.contrast_toml import (
    EXTRA_ENV,
    holds_certificates,
)

READER = "Contrast"
_REFUSED = (Severity.ERROR, "the registry refuses it")
_FAULTS: Consequences = {
    **dict.fromkeys(Fault, _REFUSED),
    Fault.EMPTY: (Severity.NOTE, "Contrast pulls anonymously"),
    Fault.TOKEN: (Severity.ERROR, "it belongs into identitytoken"),
}
_TYPES: Mapping[str, type] = {
    "auth": str,
    "ca-certs": str,
    "identitytoken": str,
    "insecure-skip-verify": bool,
    "mirror": str,
    "password": str,
    "registrytoken": str,
    "username": str,
}
_TOP = ("extra-env", "registries")


def check(data: bytes) -> Iterator[Finding]:
    """Go through the file as the image puller does."""
    found = text.read_toml(data)
    yield from text.unknown("", found, _TOP, READER)
    extra = text.table(found.get("extra-env"))
    for name in extra:
        if name not in EXTRA_ENV:
            yield warning(
                KEY,
                f"extra-env: {text.shown(name)} is passed over",
                f"Contrast sets {', '.join(EXTRA_ENV)} alone",
            )
    registries = found.get("registries", {})
    if not isinstance(registries, dict):
        yield error(KEY, "registries is no table: Contrast refuses the file")
        return
    for key, table in registries.items():
        where = f'registries."{text.shown(key)}"'
        if not isinstance(table, dict):
            yield error(KEY, f"{where} is no table: Contrast refuses the file")
        elif _is_torn(table):
            whole = ".".join((key, *_path(table)))
            yield error(
                KEY,
                f"registries.{text.shown(whole)} is not quoted: it is read as a table"
                f" in a table, and Contrast pulls anonymously",
                f'write [registries."{text.shown(whole)}."]',
            )
        else:
            yield from contrast_hosts.check(where, key)
            yield from _table(where, table)
    if not registries:
        yield error(KEY, "it has no registry: Contrast pulls anonymously")


def _is_torn(table: Mapping[str, Any]) -> bool:
    """Tell a host that was split at its dots."""
    return any(isinstance(value, dict) for value in table.values())


def _path(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield key
            yield from _path(value)
            return


def _table(where: str, table: Mapping[str, Any]) -> Iterator[Finding]:
    yield from text.unknown(f"{where}: ", table, _TYPES, READER)
    for name, value in table.items():
        wanted = _TYPES.get(name.lower())
        if wanted and not isinstance(value, wanted):
            yield error(
                ENTRY,
                f"{where}: {name} is no {wanted.__name__}: Contrast refuses the file",
            )
    fields = {name.lower(): value for name, value in table.items()}
    if (pem := fields.get("ca-certs")) is not None and not holds_certificates(str(pem)):
        yield error(
            ENTRY,
            f"{where}: ca-certs holds no certificate, and no server is trusted",
        )
    if fields.get("insecure-skip-verify") is True:
        yield warning(ENTRY, f"{where}: whoever answers for the host gets the password")
    if fields.get("mirror"):
        yield note(ENTRY, f"{where}: mirror is not documented")
    yield from _credential(where, fields)


def _credential(where: str, fields: Mapping[str, Any]) -> Iterator[Finding]:
    for name in ("registrytoken", "identitytoken"):
        if fields.get(name):
            yield note(ENTRY, f"{where}: {name} is not documented; auth is")
            return
    if fields.get("username") and fields.get("password"):
        yield note(ENTRY, f"{where}: username and password are not documented; auth is")
        return
    found = decode_auth(fields.get("auth"))
    yield auth.judge(where, found, _FAULTS)
