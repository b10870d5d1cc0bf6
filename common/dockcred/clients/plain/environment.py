"""Render and check environment variables with logins.

They are DOCKER_AUTH_CONFIG, and for a single registry REGISTRY, REGISTRY_USER and
REGISTRY_PASSWORD. They are written for `eval` in a shell, or with --for dotenv as plain
lines NAME=VALUE: for $GITHUB_ENV, GitLab's dotenv reports and --env-file. docker since
28.3, GitLab Runner and Testcontainers read DOCKER_AUTH_CONFIG.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from dockcred.clients import entries, findings, go_json
from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.docker import read as docker_read
from dockcred.clients.entries import Fault, Login, decode_auth
from dockcred.clients.findings import (
    ENTRY,
    KEY,
    Consequences,
    Finding,
    Severity,
    error,
    fine,
    note,
)
from dockcred.clients.formats import Options
from dockcred.errors import InvalidInputError

FILE = "registry.env"
OPTIONS: tuple[str, ...] = ()
DOTENV = "dotenv"
CONSUMERS: tuple[str, ...] = (DOTENV,)


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Return a line for each variable."""
    entries.refuse_tokens(logins, "DOCKER_AUTH_CONFIG")
    write = _plain if options.consumer == DOTENV else _exported
    return "".join(write(*pair) for pair in _variables(logins, options)).encode()


def _variables(logins: Sequence[Login], options: Options) -> Iterator[tuple[str, str]]:
    yield "DOCKER_AUTH_CONFIG", docker_edit.render(logins, options).decode()
    if len(logins) == 1:
        (login,) = logins
        yield "REGISTRY", login.reference.containers_key
        yield "REGISTRY_USER", login.credential.username
        yield "REGISTRY_PASSWORD", login.credential.secret


def _exported(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}\n"


def _plain(name: str, value: str) -> str:
    entries.refuse_lines(value, name)
    return f"{name}={value}\n"


READER = "docker"
NAME = "DOCKER_AUTH_CONFIG"
_ASSIGNED = re.compile(r"(?:export )?([A-Za-z_]\w*)=(.*)", re.ASCII | re.DOTALL)
_PASSED_OVER = (Severity.ERROR, f"docker passes over all of {NAME}")
_FAULTS: Consequences = {
    **dict.fromkeys(Fault, _PASSED_OVER),
    Fault.NOT_TEXT: (Severity.WARNING, "no registry is known to take it"),
    Fault.NEWLINE: (Severity.ERROR, "the registry refuses it"),
    Fault.TOKEN: (Severity.ERROR, "docker takes it for a user and a password"),
}


def check(data: bytes) -> Iterator[Finding]:
    """Check the variables."""
    found = _read_variables(data)
    for name in found:
        if name == "REGISTRY_PASSWORD":
            yield fine(ENTRY, f"{name} is set")
        elif name != NAME and not name.startswith("REGISTRY"):
            yield note(KEY, f"{findings.shown(name)} is none of ours")
    if NAME in found:
        yield from _config(found[NAME])
    elif "REGISTRY_PASSWORD" not in found:
        yield error(ENTRY, f"it sets neither {NAME} nor REGISTRY_PASSWORD")


def _read_variables(data: bytes) -> dict[str, str]:
    """Return the variables. With `export`, the text is parsed as a shell's."""
    try:
        lines = data.decode()
        if re.search(r"^export ", lines, re.MULTILINE):
            words = [w for w in shlex.split(lines, comments=True) if w != "export"]
        else:
            words = lines.splitlines()
    except ValueError:
        raise InvalidInputError("it is no file of variables", "fix it first") from None
    matches = (_ASSIGNED.fullmatch(word) for word in words)
    return {match[1]: match[2] for match in matches if match}


def _config(text: str) -> Iterator[Finding]:
    try:
        config = docker_read.read_variable(text)
    except go_json.BrokenJSONError as broken:
        raise findings.refusal(broken) from None
    for place, wanted in config.wrong:
        where = findings.place(place) or NAME
        yield error(KEY, f"{where} is no {wanted}: {_PASSED_OVER[1]}")
    for place in config.unknown:
        yield error(KEY, f"{findings.place(place)}: {_PASSED_OVER[1]}")
    if docker_read.has_more(config):
        yield error(KEY, f"more stands behind the object: {_PASSED_OVER[1]}")
    for where, _, fields in findings.entries(config.value):
        found = decode_auth(fields.get("auth"))
        if found.fault is None and not found.username:
            found.fault = Fault.NO_COLON
        yield findings.judge(where, found, _FAULTS)
