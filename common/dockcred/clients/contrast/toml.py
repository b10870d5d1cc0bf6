"""Render and check contrast-imagepuller.toml, with which Contrast's guests pull images.

Each registry is a table: its quoted name is the host with a dot at the end, and it has
only `auth`. The image puller sends a host's credential to all its subdomains too. So we
refuse a domain in which other customers of a cloud have registries.
"""

from __future__ import annotations

import ipaddress
import itertools
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tomlkit

from dockcred.clients import entries, findings
from dockcred.clients.entries import Fault, Login, decode_auth
from dockcred.clients.findings import (
    ENTRY,
    KEY,
    Consequences,
    Finding,
    Severity,
    error,
    note,
    warning,
)
from dockcred.clients.formats import Options
from dockcred.clients.kubelet import is_shared
from dockcred.clients.reference import HUB, HUB_INDEX
from dockcred.errors import InvalidInputError

FILE = "contrast-imagepuller.toml"
OPTIONS = ("ca_certs", "insecure", "extra_env")
CONSUMERS: tuple[str, ...] = ()
EXTRA_ENV = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
HUB_KEYS = (HUB_INDEX,)


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Return the file: [extra-env], and one [registries."HOST."] for each login."""
    entries.refuse_tokens(logins, "Contrast's image puller")
    tables = entries.by_key(entries.by_host(logins, HUB_KEYS))
    named = {login.registry for login in logins}
    for registry in (*options.ca_certs, *options.insecure):
        if registry not in named:
            raise InvalidInputError(
                f"{registry!a} is none of the registries", "name it with --registry too"
            )
    document = tomlkit.document()
    if options.extra_env:
        document["extra-env"] = _checked(options)
    registries = tomlkit.table(is_super_table=True)
    for host, login in tables.items():
        refuse_host(host)
        registries[f"{host}."] = _table(login, options)
    document["registries"] = registries
    return tomlkit.dumps(document).encode()


def cautions(logins: Sequence[Login]) -> Iterator[str]:
    """Return warnings about what works today but is not documented."""
    for host, _ in entries.by_host(logins, HUB_KEYS):
        if ":" in host:
            yield f"{host}: Contrast does not document registries with a port"


def refuse_host(host: str) -> None:
    """Raise InvalidInputError for a host whose credential others would get too.

    And for an IP address: the image puller compares labels of names, from the right.
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if is_address(name):
        raise InvalidInputError(
            f"{host} is an address, and Contrast finds registries by name", "name one"
        )
    if is_shared(name):
        raise InvalidInputError(
            f"{name} is a domain of many registries, and each of them would get the"
            " credential",
            "name the registry itself",
        )


def is_address(name: str) -> bool:
    """Return whether a host is an IP address, with or without brackets."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def holds_certificates(pem: str) -> bool:
    """Return whether a text has a certificate. Without one no server is trusted."""
    try:
        ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError):
        return False
    return True


def _table(login: Login, options: Options) -> dict[str, object]:
    table: dict[str, object] = {"auth": entries.auth(login)}
    if pem := options.ca_certs.get(login.registry):
        if not holds_certificates(pem):
            raise InvalidInputError(
                f"the authorities for {login.registry} are no certificates",
                "name a PEM file",
            )
        table["ca-certs"] = tomlkit.string(pem, multiline=True)
    if login.registry in options.insecure:
        table["insecure-skip-verify"] = True
    return table


def _checked(options: Options) -> dict[str, str]:
    for name, value in options.extra_env.items():
        if name not in EXTRA_ENV:
            raise InvalidInputError(
                f"Contrast sets no {name!a}", f"choose of {', '.join(EXTRA_ENV)}"
            )
        if not value:
            raise InvalidInputError(f"{name} is not set", f"write {name}=VALUE")
    return dict(sorted(options.extra_env.items()))


def check_host(where: str, key: str) -> Iterator[Finding]:
    """Return findings for a key that matches nothing, too much, or is undocumented."""
    name = key.removesuffix(".")
    host = name.rpartition(":")[0] if name.rpartition(":")[2].isdigit() else name
    if not name:
        yield warning(
            KEY,
            f"{where} is for every registry that no other table is for",
            "name the registries",
        )
    elif "/" in name or "*" in name:
        yield error(
            KEY, f"{where} is never found: a key is a host", "write the host alone"
        )
    elif is_address(host):
        yield error(KEY, f"{where} is an address: Contrast finds names alone")
    elif is_shared(host.removeprefix(".")):
        yield error(
            KEY,
            f"{where} hands the credential to every registry of that domain, whoever"
            " has it",
            "name the registry itself",
        )
    elif name != name.lower():
        yield error(KEY, f"{where} is never found: hosts are in lower case")
    elif host.endswith("docker.io") and host not in {HUB, HUB_INDEX}:
        yield warning(
            KEY,
            f"{where} is not found: Contrast looks Docker Hub up as {HUB_INDEX}",
            f'write "{HUB_INDEX}."',
        )
    elif name.startswith("."):
        yield note(KEY, f"{where} is for every host below it, and not for itself")
    elif host != name:
        yield warning(KEY, f"{where} has a port, which Contrast does not document")
    elif not key.endswith("."):
        yield note(KEY, f"{where} has no dot at its end, as Contrast documents it")


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
    """Check the file as the image puller reads it."""
    found = findings.read_toml(data)
    yield from findings.unknown("", found, _TOP, READER)
    extra = findings.table(found.get("extra-env"))
    for name in extra:
        if name not in EXTRA_ENV:
            yield warning(
                KEY,
                f"extra-env: {findings.shown(name)} is passed over",
                f"Contrast sets {', '.join(EXTRA_ENV)} alone",
            )
    registries = found.get("registries", {})
    if not isinstance(registries, dict):
        yield error(KEY, "registries is no table: Contrast refuses the file")
        return
    for key, table in registries.items():
        where = f'registries."{findings.shown(key)}"'
        if not isinstance(table, dict):
            yield error(KEY, f"{where} is no table: Contrast refuses the file")
        elif _is_torn(table):
            whole = ".".join((key, *_path(table)))
            yield error(
                KEY,
                f"registries.{findings.shown(whole)} is not quoted: it is read as a"
                f" table in a table, and Contrast pulls anonymously",
                f'write [registries."{findings.shown(whole)}."]',
            )
        else:
            yield from check_host(where, key)
            yield from _check_table(where, table)
    if not registries:
        yield error(KEY, "it has no registry: Contrast pulls anonymously")
    yield from _check_ties(list(registries))


def _check_ties(keys: Sequence[str]) -> Iterator[Finding]:
    """Return findings for two tables between which Contrast chooses by chance.

    Contrast takes the matching table with most labels; a dot at the start counts as an
    empty label. If two have as many, the first in the order of Go's map wins, which is
    random (`registryFor` in contrast's imagepuller/internal/auth/auth.go).
    """
    labels = {key: key.removesuffix(".").split(".") for key in keys}
    for one, other in itertools.combinations(keys, 2):
        first, second = labels[one], labels[other]
        if first[1:] != second[1:]:
            continue
        if first[0] == second[0] or "" in {first[0], second[0]}:
            yield warning(
                KEY,
                f'registries."{findings.shown(one)}" and "{findings.shown(other)}" have'
                f" as many labels: Contrast takes now this, now that, for one host",
                "name each registry, and name it once",
            )


def _is_torn(table: Mapping[str, Any]) -> bool:
    """Return whether an unquoted host was split at its dots into nested tables."""
    return any(isinstance(value, dict) for value in table.values())


def _path(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield key
            yield from _path(value)
            return


def _check_table(where: str, table: Mapping[str, Any]) -> Iterator[Finding]:
    yield from findings.unknown(f"{where}: ", table, _TYPES, READER)
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
    yield findings.judge(where, found, _FAULTS)
