"""DOCKER_AUTH_CONFIG in a file of variables, as a shell or a dotenv reader takes it.

docker reads it strictly (docker/cli, cli/config/configfile/file.go, parseEnvConfig):
one field that it does not know, and it passes over the whole variable.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from dockcred.checking import auth, text
from dockcred.checking.auth import Consequences
from dockcred.checking.text import ENTRY, KEY
from dockcred.doctor.finding import Finding, Severity, error, fine, note
from dockcred.errors import InvalidInputError
from dockcred.lookup.auths import Fault, decode_auth

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
    """Go through the variables."""
    found = _variables(data)
    for name in found:
        if name == "REGISTRY_PASSWORD":
            yield fine(ENTRY, f"{name} is set")
        elif name != NAME and not name.startswith("REGISTRY"):
            yield note(KEY, f"{text.shown(name)} is none of ours")
    if NAME in found:
        yield from _config(found[NAME].encode())
    elif "REGISTRY_PASSWORD" not in found:
        yield error(ENTRY, f"it sets neither {NAME} nor REGISTRY_PASSWORD")


def _variables(data: bytes) -> dict[str, str]:
    """Read the assignments; with `export` they are a shell's, and quoted."""
    try:
        lines = data.decode()
        if re.search(r"^export ", lines, re.MULTILINE):
            words = [w for w in shlex.split(lines, comments=True) if w != "export"]
        else:
            words = lines.splitlines()
    except ValueError:
        raise InvalidInputError("it is no file of variables", "mend it first") from None
    matches = (_ASSIGNED.fullmatch(word) for word in words)
    return {match[1]: match[2] for match in matches if match}


def _config(data: bytes) -> Iterator[Finding]:
    config, _ = text.read_json(data)
    for name in config:
        if name != "auths":
            yield error(KEY, f"{text.shown(name)}: {_PASSED_OVER[1]}")
    for where, _, fields in text.entries(config):
        for name in fields:
            if name != "auth":
                yield error(ENTRY, f"{where}: {text.shown(name)}: {_PASSED_OVER[1]}")
        found = decode_auth(fields.get("auth"))
        yield auth.judge(where, found, _FAULTS)
