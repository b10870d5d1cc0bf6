"""A Nomad variable for one task's `auth` block, as `nomad var put -in=json -` reads.

Its items are server_address, username and password; --name is its path, such as
nomad/jobs/app. The docker plugin's own `auth { config }` reads docker-config.
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterator, Sequence

from dockcred.clients import entries, findings
from dockcred.clients.entries import TOKEN, Login
from dockcred.clients.findings import ENTRY, Finding, error, fine
from dockcred.clients.formats import Options
from dockcred.clients.reference import HUB_KEY
from dockcred.errors import InvalidInputError

HUB = (HUB_KEY,)
PLUGIN_FILE = "dockcred.hcl"

_BLOCK = """\
plugin "docker" {
  config {
    auth {
      config = CONFIG
    }
  }
}
"""
_PLUGIN = {
    "hcl": re.compile(r'^[ \t]*plugin[ \t]+"?docker"?[ \t]*\{', re.MULTILINE),
    "json": re.compile(r'"plugin"\s*:.*"docker"\s*:', re.DOTALL),
}


def plugin_block(config: str) -> str:
    """Write the agent's block; `config` is the absolute path of the config.json.

    Raises InvalidInputError for a path that HCL would not take as it is.
    """
    if not (config.isascii() and config.isprintable()) or set(config) & set('"\\${}%'):
        raise InvalidInputError(f"HCL cannot name {config!a}", "take a plainer path")
    return _BLOCK.replace("CONFIG", f'"{config}"')


def other_block(directory: str) -> str:
    """Return another file with a plugin block: Nomad merges none, so one is lost."""
    for syntax, block in _PLUGIN.items():
        for path in sorted(glob.glob(f"{glob.escape(directory)}/*.{syntax}")):
            if os.path.basename(path) != PLUGIN_FILE:
                with open(path, encoding="utf-8", errors="replace") as file:
                    if block.search(file.read()):
                        return path
    return ""


FILE = "spec.nv.json"
OPTIONS = ("name",)
CONSUMERS: tuple[str, ...] = ()
_PATH = re.compile(r"[A-Za-z0-9_~/-]{1,128}")


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Write the variable; without a name its path is given to nomad."""
    entries.refuse_tokens(logins, "Nomad's docker driver")
    login = entries.only(logins, "an auth block")
    variable: dict[str, object] = {}
    if options.name:
        if not _PATH.fullmatch(options.name):
            raise InvalidInputError(
                f"{options.name!a} is no path of a variable",
                "use letters, digits, -, _, ~ and /",
            )
        variable["Path"] = options.name
    variable["Items"] = {
        "server_address": login.reference.containers_key,
        "username": login.credential.username,
        "password": login.credential.secret,
    }
    return (json.dumps(variable, indent=2) + "\n").encode()


READER = "Nomad"
_ITEMS = ("server_address", "username", "password")


def check(data: bytes) -> Iterator[Finding]:
    """Check the variable's items."""
    found, _ = findings.read_json(data)
    yield from findings.unknown("", found, {"path", "namespace", "items"}, READER)
    items = findings.table(found.get("Items", found.get("items")))
    for name, value in items.items():
        if not isinstance(value, str):
            yield error(
                ENTRY, f"{findings.shown(name)} is no text: Nomad refuses the variable"
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
        yield fine(ENTRY, f"the user {findings.shown(str(items.get('username', '')))}")
