"""Read and check config.toml, and match its patterns of hosts and paths."""

from __future__ import annotations

from dockcred import system
from dockcred.credential import ServerURL
from dockcred.errors import InvalidInputError
from dockcred.identity.config.settings import (
    COMMANDS,
    DEFAULTS,
    IDENTITIES,
    OF_ANY_HOST,
    OF_ROUTING,
    PASSWORDS,
    SECRET,
    SHARED_DOMAINS,
    USERNAMES,
    VARIABLES,
)
from dockcred.system.private_file import check_owner
from dockcred.system.toml_table import BrokenTOMLError, Table, ValueKind, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class ConfigEntry:
    """One [[registry]] table: its pattern, its settings, and its file and line."""

    __slots__ = ("line", "path", "pattern", "settings")

    def __init__(
        self, pattern: Pattern, settings: dict[str, str], path: str, line: int
    ) -> None:
        self.pattern = pattern
        self.settings = settings
        self.path = path
        self.line = line

    @property
    def place(self) -> str:
        """Return `FILE:LINE`, as compilers write it."""
        return f"{self.path}:{self.line}"


def read(path: str) -> tuple[dict[str, str], list[ConfigEntry]]:
    """Return a file's defaults and entries; InvalidInputError tells file and line."""
    try:
        with open(path, "rb") as file:
            check_owner(path, system.fstat(file.fileno()))
            text = file.read().decode("utf-8", "replace")
    except OSError as error:
        raise InvalidInputError(
            f"{path} cannot be read: {error.strerror}", _opening(path)
        ) from None
    return parse(text, path)


def parse(text: str, path: str) -> tuple[dict[str, str], list[ConfigEntry]]:
    """Return a text's defaults and entries; raises InvalidInputError as `read` does."""
    try:
        content = loads(text)
    except BrokenTOMLError as error:
        raise InvalidInputError(f"{path} is not TOML: {error}", "fix it") from None
    lines = text.split("\n")
    registries = content.pop("registry", [])
    if not isinstance(registries, list) or not all(
        isinstance(each, dict) for each in registries
    ):
        raise InvalidInputError(
            f"{path}:{_line_of(lines, 'registry')}: registry is not a list",
            "write [[registry]]",
        )
    defaults = SettingTable(content, path, lines, 0).settings(DEFAULTS)
    entries = []
    starts = [n for n, line in enumerate(lines, 1) if _is_header(line)]
    for number, written in enumerate(registries):
        start = starts[number] if number < len(starts) else 0
        entries.append(_entry(written, path, lines, start))
    return defaults, entries


def _slip(word: str, names: Iterable[str]) -> str:
    from dockcred.identity.misspelt import slip  # noqa: PLC0415 - a failure only

    return slip(word, names)


def _opening(path: str) -> str:
    """Return the remedy that lets this user read the file."""
    from dockcred.system import environment, file_lock  # noqa: PLC0415 - a failure only

    place = file_lock.obstacle(path) or path
    fix, words = file_lock.opening(place, environment.current())
    return f"run: {fix}" if fix else words


def _entry(written: Any, path: str, lines: list[str], start: int) -> ConfigEntry:
    known = OF_ROUTING | VARIABLES.keys()
    settings = SettingTable(written, path, lines, start).settings(known)
    if "match" not in settings:
        raise InvalidInputError(
            f"{path}:{start}: the entry matches nothing", 'write match = "HOST"'
        )
    try:
        pattern = Pattern(settings.pop("match"))
        if target := settings.get("registry"):
            ServerURL.parse(target)
        if not settings.keys().isdisjoint(OF_ANY_HOST):
            _refuse_strangers(pattern)
    except InvalidInputError as error:
        line = _line_of(lines, "match", start)
        raise InvalidInputError(f"{path}:{line}: {error.cause}", error.remedy) from None
    try:
        _check_secret(settings)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"{path}:{start}: {error.cause}", error.remedy
        ) from None
    if settings.get("identity", "oidc") not in IDENTITIES:
        line = _line_of(lines, "identity", start)
        raise InvalidInputError(
            f"{path}:{line}: there is no identity {settings['identity']!a} to choose",
            _slip(settings["identity"], IDENTITIES)
            or f"choose of {', '.join(sorted(IDENTITIES))}; clouds are chosen by host",
        )
    return ConfigEntry(pattern, settings, path, start)


def _check_secret(settings: dict[str, str]) -> None:
    """Set a password entry's identity; raise InvalidInputError if settings conflict."""
    passwords = [name for name in PASSWORDS if name in settings]
    users = [name for name in USERNAMES if name in settings]
    if passwords:
        settings.setdefault("identity", SECRET)
    if settings.get("identity") == SECRET:
        for names in (passwords, users):
            if names[1:]:
                raise InvalidInputError(
                    f"{names[0]} and {names[1]} are two places of one secret",
                    "take one of them away",
                )
    elif passwords or users[1:] or (users and users[0] != "username"):
        named = (passwords or [name for name in users if name != "username"])[0]
        raise InvalidInputError(
            f"{named} says where a secret is, and no entry like this one has its"
            " password there",
            "write one of password_command, password_file and password_variable, and"
            " no other identity",
        )


def _refuse_strangers(pattern: Pattern) -> None:
    """Raise InvalidInputError if the pattern would match other owners' domains."""
    if not pattern.names_a_domain:
        raise InvalidInputError(
            f"{pattern.text!a} matches strangers' hosts, and all would be answered",
            "write its last two labels out, and a third before jfrog.io",
        )


class SettingTable(Table):
    """The settings of one entry, or the file's defaults if `start` is 0.

    `lines` are those of the whole file; `start` is the line of the entry's header.
    """

    def __init__(
        self, fields: dict[str, Any], path: str, lines: list[str], start: int
    ) -> None:
        super().__init__(fields)
        self._path = path
        self._lines = lines
        self._start = start

    def wrong(self, name: str, kind: ValueKind) -> InvalidInputError:
        """Return the error for a value that is not a string, or not a list of them."""
        line = _line_of(self._lines, name, self._start)
        if kind is ValueKind.TEXTS:
            return InvalidInputError(
                f"{self._path}:{line}: {name} is not a list of texts",
                f'write it as {name} = ["PROGRAM", "ARGUMENT"], which no shell reads',
            )
        return InvalidInputError(
            f"{self._path}:{line}: {name} is not a text", "write it in quotes"
        )

    def unknown(self, name: str, known: list[str]) -> InvalidInputError:
        """Return the error for a setting that does not exist."""
        line = _line_of(self._lines, name, self._start)
        return InvalidInputError(
            f"{self._path}:{line}: there is no setting {name!a}",
            _slip(name, known) or f"choose of {', '.join(known)}",
        )

    def is_text(self, value: Any) -> bool:
        """Return whether a value is a string of one line."""
        return super().is_text(value) and value.isprintable()

    def settings(self, known: Iterable[str]) -> dict[str, str]:
        """Return all settings as strings: booleans as true or false, lists as JSON."""
        self.refuse_others(known)
        return {name: self._as_text(name) for name in self.fields}

    def _as_text(self, name: str) -> str:
        value = self.fields[name]
        if name in COMMANDS:
            import json  # noqa: PLC0415 - once per change of the file

            return json.dumps(self.texts(name))
        return str(value).lower() if isinstance(value, bool) else self.text(name, "")


def _line_of(lines: list[str], name: str, start: int = 0) -> int:
    """Return a setting's line number after a header; the TOML parser has none."""
    for number, line in enumerate(lines[start:], start + 1):
        if _is_header(line) and number > start + 1 and start:
            break
        key = line.partition("=")[0].strip().strip("\"'")
        if key == name:
            return number
    return start


def _is_header(line: str) -> bool:
    return "".join(line.split()).startswith("[[registry]]")


_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_*?")


class Pattern:
    """One parsed pattern; a more specific pattern has a greater `weight`."""

    __slots__ = ("labels", "path", "port", "text", "weight")

    def __init__(self, text: str) -> None:
        """Parse a pattern; raise InvalidInputError if it is wrong or matches all."""
        self.text = text
        host = text.lower().partition("/")[0]
        host, _, self.port = host.partition(":")
        self.labels = host.split(".")
        self.path = [
            segment for segment in text.partition("/")[2].split("/") if segment
        ]
        for label in self.labels:
            if not label or not _CHARACTERS.issuperset(label):
                raise InvalidInputError(
                    f"{text!a} is not a pattern",
                    "write a host with * or ? in its labels",
                )
        literal = [label for label in self.labels if not set(label) & {"*", "?"}]
        if not literal:
            raise InvalidInputError(
                f"{text!a} would match every host", "name at least one label in full"
            )
        written = sum(len(label.strip("*?")) for label in self.labels)
        self.weight = (len(self.path), len(literal), written, bool(self.port))

    @property
    def names_a_domain(self) -> bool:
        """Return whether the pattern spells out a domain that has one owner."""
        shared = ".".join(self.labels[-2:]) in SHARED_DOMAINS
        return not set("".join(self.labels[-3 if shared else -2 :])) & {"*", "?"}

    def matches(self, server: ServerURL) -> bool:
        """Return whether the pattern matches a server's host, port and path."""
        segments = [segment for segment in server.path.split("/") if segment]
        return self.matches_host(server) and segments[: len(self.path)] == self.path

    def matches_host(self, server: ServerURL) -> bool:
        """Return whether the pattern matches a server's host and port."""
        labels = server.host.split(".")
        return (
            len(labels) == len(self.labels)
            and all(map(_is_like, labels, self.labels))
            and (not self.port or self.port == server.port)
        )


def _is_like(label: str, glob: str) -> bool:
    """Match one label. Not with fnmatch: importing re costs as much as a cached get.

    After a mismatch only the last `*` takes one more character, no earlier one.
    """
    at, place, star, taken = 0, 0, -1, -1
    while at < len(label):
        wanted = glob[place : place + 1]
        if wanted == "*":
            star, taken, place = place, at, place + 1
        elif wanted in {"?", label[at]}:
            at, place = at + 1, place + 1
        elif star < 0:
            return False
        else:
            taken += 1
            at, place = taken, star + 1
    return not glob[place:].strip("*")
