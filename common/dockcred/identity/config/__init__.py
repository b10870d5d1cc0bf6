"""The configuration (config.toml), read from a compiled copy in the cache.

The first `get` after a change parses the TOML and writes the copy. Later ones read it.

load      read and check the TOML files
settings  the settings of an entry, and the environment variable of each
"""

from __future__ import annotations

import os

from dockcred import system
from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dockcred.credential import ServerURL
    from dockcred.identity.cache.files import Cache
    from dockcred.identity.config.load import ConfigEntry
    from dockcred.system.environment import Environment

_NAME = "config"
# The same as cache.ABSENT. Importing the cache costs 0.8 M instructions, and without a
# configuration file nothing else would need it.
_ABSENT = "-"


class Config:
    """The content of the files: defaults, and the entries, the system's first."""

    def __init__(
        self,
        defaults: dict[str, str],
        rows: list[list[str]],
        looks: dict[str, str],
    ) -> None:
        """Hold the defaults and one row of texts for each entry.

        A row is `FILE:LINE`, the pattern, then names and values of settings in turn.
        `looks` maps each file's path to its look (cache.stat_signature), taken before
        the file was read.
        """
        self.defaults = defaults
        self.looks = looks
        self._rows = rows

    def settings_for(self, server: ServerURL) -> dict[str, str]:
        """Return a server's settings: its most specific entry over the defaults.

        If two entries are equally specific, the user's file wins over the system's.
        Raises InvalidInputError, which names both entries, if they are in one file.
        """
        best = self._entry_for(server)
        return self.defaults | dict(_pairs(best[2:])) if best else self.defaults

    def path_for(self, server: ServerURL) -> str:
        """Return the path in the pattern of a server's entry, as `/path`, or ""."""
        best = self._entry_for(server)
        return _path(best[1]) if best else ""

    def place_for(self, server: ServerURL) -> str:
        """Return `FILE:LINE` of a server's entry, or "" if it has none."""
        best = self._entry_for(server)
        return best[0] if best else ""

    def has_path_at(self, server: ServerURL) -> bool:
        """Return whether an entry with a path matches the server's host."""
        from dockcred.identity.config.load import Pattern  # noqa: PLC0415 - with a file only

        return any(
            _path(row[1]) and Pattern(row[1]).matches_host(server) for row in self._rows
        )

    def _entry_for(self, server: ServerURL) -> list[str] | None:
        if not self._rows:
            return None
        from dockcred.identity.config.load import Pattern  # noqa: PLC0415 - with a file only

        best: list[str] | None = None
        weight: tuple[object, ...] = ()
        for row in self._rows:
            pattern = Pattern(row[1])
            if not pattern.matches(server):
                continue
            if best and pattern.weight == weight and _file(best) == _file(row):
                raise InvalidInputError(
                    f"{best[0]} and {row[0]} match {server.host} equally",
                    "make one of them more specific",
                )
            if best is None or pattern.weight >= weight:
                best, weight = row, pattern.weight
        return best

    def every(self) -> list[dict[str, str]]:
        """Return the defaults, then each entry's settings over the defaults."""
        rows = [dict(_pairs(row[2:])) for row in self._rows]
        return [self.defaults, *({**self.defaults, **row} for row in rows)]

    @property
    def has_paths(self) -> bool:
        """Return whether any entry's pattern has a path."""
        return any("/" in row[1] for row in self._rows)

    def hosts(self) -> list[str]:
        """Return the patterns that are plain hosts: no wildcard and no path."""
        written = (row[1].lower() for row in self._rows)
        return [text for text in written if not set(text) & {"*", "?", "/"}]


SYSTEM_FILE = f"{system.SETTINGS}/config.toml"


def files(environment: Environment) -> tuple[str, ...]:
    """Return the paths of the files to read, the system's first; some may be missing.

    If DOCKCRED_CONFIG is set, it names the only file.
    """
    if named := environment.get("DOCKCRED_CONFIG"):
        return (named,)
    base = environment.folder("settings")
    return (SYSTEM_FILE, f"{base}/dockcred/config.toml") if base else (SYSTEM_FILE,)


def open_config(environment: Environment, open_cache: Callable[[], Cache]) -> Config:
    """Return the configuration, from its compiled copy if the files are unchanged.

    Raises InvalidInputError for a wrong file, and if DOCKCRED_CONFIG names none.
    """
    paths = files(environment)
    if not any(os.path.exists(path) for path in paths):
        if environment.get("DOCKCRED_CONFIG"):
            raise InvalidInputError(
                f"DOCKCRED_CONFIG names {paths[0]}, which is not there",
                "fix its path, or run: unset DOCKCRED_CONFIG",
            )
        return Config({}, [], dict.fromkeys(paths, _ABSENT))
    from dockcred.identity import cache as watched  # noqa: PLC0415 - with a file only

    looks = {path: watched.stat_signature(path) for path in paths}
    cache = open_cache()
    head, _, body = cache.read_text(_NAME).partition("\n")
    if head == _signature(looks):
        return _parse(body, looks)
    watched.wait_for_mtime_tick(paths)
    looks = {path: watched.stat_signature(path) for path in paths}
    signature = _signature(looks)
    body = _compile(path for path in paths if os.path.exists(path))
    cache.write_text(_NAME, f"{signature}\n{body}", 2.0**31)
    return _parse(body, looks)


def _signature(looks: dict[str, str]) -> str:
    """Return the first line of the compiled copy: the files with their looks."""
    return "\t".join(
        ["dockcred config 1", *(f"{path}@{seen}" for path, seen in looks.items())]
    )


def _compile(paths: Iterable[str]) -> str:
    from dockcred.identity.config import load  # noqa: PLC0415 - after a change only

    defaults: dict[str, str] = {}
    entries: list[ConfigEntry] = []
    for path in paths:
        more, found = load.read(path)
        defaults |= more
        entries += found
    lines = ["\t".join(["", "", *_flat(defaults)])]
    lines += [
        "\t".join([entry.place, entry.pattern.text, *_flat(entry.settings)])
        for entry in entries
    ]
    return "\n".join((*lines, "end", ""))


def _parse(body: str, looks: dict[str, str]) -> Config:
    rows = [line.split("\t") for line in body.split("\n")[:-2]]
    return Config(dict(_pairs(rows[0][2:])), rows[1:], looks)


def _flat(settings: dict[str, str]) -> list[str]:
    return [text for pair in settings.items() for text in pair]


def _pairs(texts: list[str]) -> zip[tuple[str, str]]:
    return zip(texts[::2], texts[1::2], strict=True)


def _path(pattern: str) -> str:
    """Return the path in a pattern, as `/path`, or "" if it has none."""
    _, slash, path = pattern.partition("/")
    return f"/{path.strip('/')}" if slash and path.strip("/") else ""


def _file(row: list[str]) -> str:
    return row[0].rpartition(":")[0]
