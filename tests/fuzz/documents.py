"""Targets: files of docker, podman, Nomad and Kubernetes, and our own."""

from __future__ import annotations

import fnmatch
import json as theirs
import os
import tempfile
import tomllib

from dockcred.clients import edit, formats, nomad
from dockcred.clients.containers import read as containers
from dockcred.clients.docker import read as docker
from dockcred.clients.edit import json_text
from dockcred.commands.refresh import targets_file as targets
from dockcred.commands.token_service import settings_file
from dockcred.credential import ServerURL
from dockcred.errors import DockcredError
from dockcred.identity.config import load
from dockcred.transport import json_reader

ERRORS = (DockcredError,)
_HERE = tempfile.TemporaryDirectory(prefix="dockcred-fuzz-", dir=None)
_SERVERS = [
    ServerURL.parse(text)
    for text in (
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "registry.example.com:5000/team/app",
        f"{'a' * 63}.example.com",
    )
]
_FORMATS = sorted(formats.CHECKERS)


def in_file(data: bytes, name: str = "file") -> str:
    """Write a file with these bytes that only its owner can read; return its path."""
    path = os.path.join(_HERE.name, name)
    with open(path, "wb", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
        file.write(data)
    return path


def json(data: bytes) -> str:
    """Read the bytes with our own JSON reader; Python's json must agree."""
    try:
        ours = json_reader.plain(data)
    except ValueError:
        ours = ...
    if ours is not ...:
        assert repr(ours) == repr(theirs.loads(data)), "json reads something else"
    try:
        json_reader.loads(data)
    except (ValueError, RecursionError):
        assert ours is ...
    return str(json_reader.claims_of(data))[:0]


def checked_file(data: bytes) -> str:
    """Check the bytes as a file of one format, which the first byte selects."""
    name = _FORMATS[data[0] % len(_FORMATS)] if data else _FORMATS[0]
    found = formats.check(name, data[1:])
    return " ".join(f"{each.text} {each.remedy}" for each in found)


def docker_variable(data: bytes) -> str:
    text = data.decode("utf-8", "surrogateescape").replace("\0", "")
    reason = docker.passed_over(text)
    try:
        _, store, lost = docker.logins(data)
    except ValueError:
        return reason
    return f"{reason} {store} {lost}"


def edited_json(data: bytes) -> str:
    """Edit a JSON text: add and remove a member; the result must be valid JSON."""
    text = data.decode("utf-8", "replace")
    path = ("credHelpers", "registry.example.com")
    if json_text.get(text, path[:1]) is edit.ABSENT:
        text = json_text.put(text, path[:1], {})
    elif not isinstance(json_text.get(text, path[:1]), dict):
        return ""
    changed = json_text.put(text, path, "auto")
    assert json_text.get(changed, path) == "auto", "what was put is not there"
    theirs.loads(changed)
    left = json_text.drop(changed, path)
    theirs.loads(left)
    assert json_text.get(left, path) is edit.ABSENT, "what was dropped is there"
    return ""


def registries_conf(data: bytes) -> str:
    content, reason = containers.parse_registries(in_file(data))
    containers.helpers_in(content)
    return reason


def nomad_agent(data: bytes) -> str:
    kind = ("hcl", "json")[data[:1] == b"{"]
    directory = os.path.join(_HERE.name, "agent")
    os.makedirs(directory, exist_ok=True)
    path = in_file(data, f"agent/one.{kind}")
    try:
        return str(nomad.block_in_force(directory))
    finally:
        os.unlink(path)


def config_toml(data: bytes) -> str:
    """Parse config.toml; fnmatch must agree with its patterns, label by label."""
    text = data.decode("utf-8", "replace")
    defaults, entries = load.parse(text, "config.toml")
    for entry in entries:
        for server in _SERVERS:
            labels, wanted = server.host.split("."), entry.pattern.labels
            theirs = len(labels) == len(wanted) and all(
                fnmatch.fnmatchcase(label, glob.replace("[", "[[]"))
                for label, glob in zip(labels, wanted, strict=True)
            )
            port = entry.pattern.port
            theirs = theirs and (not port or port == server.port)
            assert entry.pattern.matches_host(server) == theirs, "fnmatch disagrees"
            entry.pattern.matches(server)
    assert isinstance(tomllib.loads(text), dict)
    return f"{defaults} {[entry.settings for entry in entries]}"


def targets_file(data: bytes) -> str:
    return str(len(targets.read(in_file(data))))


def service_settings(data: bytes) -> str:
    settings_file.parse(data.decode("utf-8", "replace"), "/keys")
    return ""
