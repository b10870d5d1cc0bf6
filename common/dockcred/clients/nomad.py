"""Render and check a Nomad variable for a task's `auth` block, and read agent files.

`nomad var put -in=json -` reads the variable. Its items are server_address, username
and password. --name is its path, such as nomad/jobs/app. The docker plugin's own block
`auth { config }` names a file in the format docker-config.
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dockcred.clients import entries, findings
from dockcred.clients.entries import TOKEN, Login
from dockcred.clients.findings import ENTRY, Finding, error, fine
from dockcred.clients.formats import Options
from dockcred.clients.reference import HUB_KEY
from dockcred.errors import InvalidInputError

HUB = (HUB_KEY,)
PLUGIN_FILE = "dockcred.hcl"
FOR_ALL = "helper"
"""The setting in the docker block that names the helper for every image."""

_BLOCK = """\
plugin "docker" {
  config {
    auth {
      config = CONFIG
    }
  }
}
"""


def plugin_block(config: str) -> str:
    """Return the agent's block; `config` is the absolute path of the config.json.

    Raises InvalidInputError for a path that needs escapes in HCL.
    """
    if not (config.isascii() and config.isprintable()) or set(config) & set('"\\${}%'):
        raise InvalidInputError(f"HCL cannot name {config!a}", "take a plainer path")
    return _BLOCK.replace("CONFIG", f'"{config}"')


class OtherBlock(NamedTuple):
    """A docker plugin block in one of the agent's files.

    `config` is the absolute path of the docker config.json that it names, or "".
    `helper` is the helper that it names for every image, or "".
    """

    path: str
    config: str
    helper: str = ""


def other_block(directory: str) -> OtherBlock | None:
    """Return the last block in files other than ours, or None.

    Nomad does not merge two blocks of a plugin: it keeps that of the last file by name.
    """
    others = (b for b in _blocks(directory) if os.path.basename(b.path) != PLUGIN_FILE)
    return max(others, default=None)


def block_in_force(directory: str) -> OtherBlock | None:
    """Return the block that Nomad keeps, ours or another, or None."""
    return max(_blocks(directory), default=None)


def _blocks(directory: str) -> Iterator[OtherBlock]:
    """Yield the block of each file that has one."""
    files = [
        path
        for syntax in ("hcl", "json")
        for path in glob.glob(f"{glob.escape(directory)}/*.{syntax}")
    ]
    for path in files:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        settings = dict(_in_json(text) if path.endswith("json") else _in_hcl(text))
        if _BLOCK_PATH in settings:
            auth = (*_BLOCK_PATH, "config", "auth")
            config = settings.get((*auth, "config"), "")
            helper = settings.get((*auth, FOR_ALL), "")
            yield OtherBlock(path, config if config.startswith("/") else "", helper)


_BLOCK_PATH = ("plugin", "docker")
_WORD = re.compile(
    r'"(?:[^"\\\n]|\\.)*"'
    r"|(?P<comment>#[^\n]*|//[^\n]*|/\*.*?\*/|<<-?(?P<end>\w+)\n.*?^[ \t]*(?P=end)$)"
    r"|[A-Za-z_][\w.-]*|[{}=\n]",
    re.DOTALL | re.MULTILINE,
)

Setting = tuple[tuple[str, ...], str]


def _in_hcl(text: str) -> Iterator[Setting]:
    """Yield the path of each block with "", and of each attribute with its text."""
    stack: list[tuple[str, ...]] = []
    words: list[str] = []
    for match in _WORD.finditer(text):
        word = match[0]
        if match["comment"]:
            continue
        if word == "{":
            stack.append(tuple(name for name in words if name != "="))
            yield sum(stack, ()), ""
        elif word == "}":
            del stack[-1:]
        elif word[0] == '"' and words[1:] == ["="]:
            yield (*sum(stack, ()), words[0]), word[1:-1]
        elif word != "\n":
            words.append(word.strip('"'))
            continue
        words = []


def _in_json(text: str) -> Iterator[Setting]:
    """Yield the same as `_in_hcl` for HCL in JSON; nothing if it is not JSON."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return iter(())
    return _within(found, ())


def _within(value: object, path: tuple[str, ...]) -> Iterator[Setting]:
    if isinstance(value, list):
        for each in value:
            yield from _within(each, path)
    elif isinstance(value, dict):
        yield path, ""
        for name, each in value.items():
            yield from _within(each, (*path, name))
    elif isinstance(value, str):
        yield path, value


FILE = "spec.nv.json"
OPTIONS = ("name",)
CONSUMERS: tuple[str, ...] = ()
_PATH = re.compile(r"[A-Za-z0-9_~/-]{1,128}")


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Return the variable; without a name, the user gives its path to nomad."""
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
