"""Read docker's config.json as docker does, and find what it uses for a registry.

docker looks in this order: credHelpers by the exact key, credsStore, auths by the exact
key, auths by host (docker/cli, cli/config). If the named helper fails, `docker pull`
sends the file's entry; login, buildx and others stop. If the helper has no credential,
nothing is sent from the file.

One value of a wrong type anywhere in the file makes docker decode no `auth` at all. At
an `auth` that is not the base64 of user:password docker stops decoding. It reads the
entries in a random order, so chance decides which others it has decoded.

DOCKER_AUTH_CONFIG comes first, by the exact key. If it has a field other than `auths`
and `auth`, or an entry that cannot be decoded, docker ignores it completely.
"""

from __future__ import annotations

import os

from dockcred import system
from dockcred.clients import docker_directory, findings, go_json
from dockcred.clients.docker import hostname
from dockcred.clients.files import ClientFile, Found, chosen
from dockcred.clients.go_json import TEXT, List, Map

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from dockcred.system.environment import Environment

ENTRY = dict.fromkeys(
    (
        *("username", "password", "auth", "email"),
        *("serveraddress", "identitytoken", "registrytoken"),
    ),
    TEXT,
)
_PROXY = dict.fromkeys(
    ("httpProxy", "httpsProxy", "noProxy", "ftpProxy", "allProxy"), TEXT
)
FIELDS: dict[str, Any] = {
    **dict.fromkeys(
        (
            *("psFormat", "imagesFormat", "networksFormat", "pluginsFormat"),
            *("volumesFormat", "statsFormat", "detachKeys", "credsStore"),
            *("serviceInspectFormat", "servicesFormat", "tasksFormat"),
            *("secretFormat", "configFormat", "nodesFormat", "currentContext"),
            "experimental",
        ),
        TEXT,
    ),
    "auths": Map(ENTRY),
    "HttpHeaders": Map(TEXT),
    "credHelpers": Map(TEXT),
    "pruneFilters": List(TEXT),
    "proxies": Map(_PROXY),
    "cliPluginsExtraDirs": List(TEXT),
    "plugins": Map(Map(TEXT)),
    "aliases": Map(TEXT),
    "features": Map(TEXT),
}
"""The types of docker's fields (docker/cli 28, cli/config/configfile)."""

VARIABLE = "DOCKER_AUTH_CONFIG"
"""The variable that docker 28.3 and later reads before files and helpers."""

_OF_VARIABLE: dict[str, Any] = {"auths": Map({"auth": TEXT})}
_HELPER = "docker-credential-"


def read(data: bytes) -> go_json.Decoded:
    """Return what docker decodes; raise BrokenJSONError if docker ignores the file."""
    return go_json.decode(data, FIELDS, whole=False)


def logins(data: bytes) -> tuple[dict[str, dict[str, Any]], str, dict[str, str]]:
    """Return the entries as docker sends them, the store, and undecoded keys.

    Each of these keys has the reason why docker does not decode its `auth`. Raises
    ValueError if docker reads nothing.
    """
    found = read(data)
    if any(not place for place, _ in found.wrong):
        raise ValueError("no object")
    sent, lost = {}, {}
    for key, entry in (found.value.get("auths") or {}).items():
        problem = _problem(found.wrong, entry.get("auth") or "")
        sent[key] = {k: v for k, v in entry.items() if k != "auth" or not problem}
        if problem:
            lost[key] = problem
    return sent, found.value.get("credsStore") or "", lost


def _problem(wrong: list[tuple[go_json.Place, str]], auth: str) -> str:
    """Return why docker does not decode an `auth`; "" if it does, or may."""
    if auth and wrong:
        where, wanted = wrong[0]
        return f"{findings.place(where)} is no {wanted}: docker decodes no auth"
    if auth and is_refused(auth):
        return "its auth is not the base64 of user:password"
    return ""


def is_refused(auth: str) -> bool:
    """Return whether docker stops decoding at this `auth`."""
    plain = go_json.read_base64(auth)
    return plain is None or plain.find(b":") < 1


def read_variable(text: str) -> go_json.Decoded:
    """Return what docker decodes of DOCKER_AUTH_CONFIG.

    Raises BrokenJSONError if it is not JSON.
    """
    data = text.encode("utf-8", "surrogateescape")
    return go_json.decode(data, _OF_VARIABLE, whole=False)


def has_more(found: go_json.Decoded) -> bool:
    """Return whether docker sees a second value in DOCKER_AUTH_CONFIG."""
    return found.rest[:1] not in {"", "]", "}"}


def passed_over(text: str) -> str:
    """Return why docker ignores the whole of DOCKER_AUTH_CONFIG; "" if it does not."""
    try:
        found = read_variable(text)
    except go_json.BrokenJSONError as broken:
        return str(broken)
    for where, wanted in found.wrong:
        return f"{findings.place(where) or 'it'} is no {wanted}"
    for name in found.unknown:
        return f"{findings.place(name)} is no field of it"
    if has_more(found):
        return "more stands behind the object"
    for key, entry in (found.value.get("auths") or {}).items():
        if not (auth := entry.get("auth")) or is_refused(auth):
            named = f'auths["{findings.shown(key)}"]'
            return f"{named} has no auth that is the base64 of user:password"
    return ""


class DockerFile(ClientFile):
    """config.json as docker decodes it.

    `wrong` are the places with a value of a wrong type. `refused` are the keys of
    entries whose `auth` makes docker stop decoding. `others` are the names that docker
    does not know. `first` are the entries of DOCKER_AUTH_CONFIG, which come first.
    """

    __slots__ = ("first", "others", "refused", "search_path", "wrong")
    fields = FIELDS

    def __init__(self, path: str, search_path: str = "", variable: str = "") -> None:
        """Read the file; `search_path` is a PATH, to search for a default store."""
        self.search_path = search_path
        self.first: Mapping[str, Any] = {}
        if variable and not passed_over(variable):
            self.first = read_variable(variable).value.get("auths") or {}
        self.wrong: list[tuple[go_json.Place, str]] = []
        self.refused: list[str] = []
        self.others: Mapping[str, Any] = {}
        super().__init__(path)

    def parse(self, data: bytes) -> Mapping[str, Any]:
        """Return the fields under docker's names; raise BrokenJSONError if not JSON."""
        found = go_json.decode(data, self.fields, whole=False)
        self.wrong = found.wrong
        self.others = {
            place[0]: value for place, value in found.unknown.items() if not place[1:]
        }
        content = {name: v for name, v in found.value.items() if v is not None}
        self.refused = [
            key
            for key, entry in (content.get("auths") or {}).items()
            if (auth := entry.get("auth")) and is_refused(auth)
        ]
        return content

    @property
    def store(self) -> str:
        """Return the store for registries that are not in credHelpers.

        If the file has no login and no helper at all, docker looks for one on PATH.
        """
        if any(self.content.get(name) for name in ("credsStore", "credHelpers")):
            return self.text("credsStore")
        if self.table("auths") or not self.search_path:
            return ""
        return default_store(self.search_path)

    def states(self, name: str) -> list[dict[str, Any]]:
        """Return what docker may decode of an entry; if two, chance decides."""
        entry: dict[str, Any] = dict(self.table("auths")[name])
        undecoded = {key: value for key, value in entry.items() if key != "auth"}
        if not entry.get("auth") or self.wrong or name in self.refused:
            return [undecoded]
        return [entry, undecoded] if self.refused else [entry]


def default_store(search_path: str) -> str:
    """Return the store that docker uses without being told; "" without its helper."""
    name = "pass" if chosen("pass", search_path) else "secretservice"
    name = system.KEYCHAIN or name
    return name if chosen(_HELPER + name, search_path) else ""


directory = docker_directory


def config_file(environment: Environment) -> DockerFile:
    """Return docker's config.json, read."""
    path = os.path.join(directory(environment), "config.json")
    return DockerFile(path, environment.get("PATH"), environment.get(VARIABLE))


def names_of(file: DockerFile, key: str) -> list[str]:
    """Return the entries that docker may use for a key; if several, by chance."""
    auths = file.table("auths")
    if key in auths:
        return [key]
    return [name for name in auths if hostname(name) == key]


def entry_of(file: DockerFile, key: str) -> Found | None:
    """Return the entry of `auths` that docker uses for a key, or None.

    `entry` has no `auth` if docker decodes none. `others` are what docker may use
    another time, by chance.
    """
    names = names_of(file, key)
    if not names:
        return None
    return one_of(file.path, names[0], [s for name in names for s in file.states(name)])


def one_of(path: str, name: str, states: Sequence[Mapping[str, Any]]) -> Found:
    """Return what a file has in `auths`; states after the first become `others`."""
    found = Found(path, f'auths["{name}"]', entry=states[0])
    found.others = list(states[1:])
    return found


def is_default(file: DockerFile, found: Found) -> bool:
    """Return whether the helper is docker's default, which no file names."""
    return found.key == "credsStore" and not file.text("credsStore")


def look_up(file: DockerFile, key: str) -> Found | None:
    """Return what docker uses for a key; None if it goes on anonymously.

    If there is a helper, `entry` is what `docker pull` sends when the helper fails.
    """
    if key in file.first:
        return Found(VARIABLE, f'auths["{key}"]', entry=file.first[key])
    in_file = entry_of(file, key)
    helpers = file.table("credHelpers")
    # credHelpers["HOST"] = "" means: for this host use the file.
    where = f'credHelpers["{key}"]' if key in helpers else "credsStore"
    helper = helpers.get(key, file.store)
    if not helper:
        return in_file
    found = Found(file.path, where, helper=str(helper))
    if in_file:
        found.entry, found.others = in_file.entry, in_file.others
    return found


def undecoded(file: DockerFile, key: str) -> str:
    """Return why docker decodes no `auth` for a key; "" if it may decode one."""
    names = names_of(file, key)
    coded = [name for name in names if file.table("auths")[name].get("auth")]
    if not coded or key in file.first or any(_is_sent(file, name) for name in names):
        return ""
    if file.wrong:
        return _problem(file.wrong, "some")
    if all(name in file.refused for name in coded):
        return f'auths["{findings.shown(coded[0])}"] is not the base64 of user:password'
    return ""


def _is_sent(file: DockerFile, name: str) -> bool:
    """Return whether docker sends an entry's other fields, without its `auth`."""
    fields = ("username", "password", "identitytoken", "registrytoken")
    return any(map(file.states(name)[-1].get, fields))
