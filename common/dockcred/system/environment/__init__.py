"""The names of all variables that the suite reads; only this module reads os.environ.

Each cloud has a module with its variables. Two kinds go into a cache key: VARIABLES
with their values, because they choose the identity or where a request goes; and SECRETS
only as set or not set. An Environment records each name that is read, by an SDK too. A
name that was read and is in no list is a condition of the cache entry (cache.record).
"""

from __future__ import annotations

import os
import sys

from dockcred import system
from dockcred.errors import InvalidInputError, IssueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_TIMEOUT_S = 8.0
_MAX_TOKEN_BYTES = 1024 * 1024
_SHOWN = 4

OURS = (
    "DOCKCRED_TIMEOUT",
    "DOCKCRED_LOG",
    "DOCKCRED_METRICS",
    "DOCKCRED_CACHE",
    "DOCKCRED_CACHE_DIR",
    "DOCKCRED_REFRESH",
    "DOCKCRED_ON_MISS",
    "DOCKCRED_ANONYMOUS",
    "DOCKCRED_LOGIN",
    "DOCKCRED_FLEET",
    "DOCKCRED_INSIDE",
    "DOCKCRED_FORWARD",
    "DOCKCRED_CHILD_VARIABLES",
)
"""Variables of ours that do not choose the identity."""

COMMON = (
    "HOME",
    "XDG_CONFIG_HOME",
    "DOCKCRED_CONFIG",
    "DOCKCRED_ROAD",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
)
"""For every cloud: the road (our own requests or an SDK), proxies, trusted roots."""


class Environment:
    """The variables of one call; one that is set but empty counts as not set.

    `asked` has each name that was read, whether the variable is set or not.
    """

    __slots__ = ("_variables", "asked")

    def __init__(
        self, variables: Mapping[str, str], asked: set[str] | None = None
    ) -> None:
        self._variables = variables
        self.asked: set[str] = set() if asked is None else asked

    def get(self, name: str, default: str = "") -> str:
        """Return the value, or the default where it is empty or not set."""
        self.asked.add(name)
        return self._variables.get(name) or default

    def set_values(self) -> dict[str, str]:
        """Return all variables but the empty ones."""
        return {name: value for name, value in self._variables.items() if value}

    def with_values(self, variables: Mapping[str, str]) -> Environment:
        """Return a copy with some variables set; an empty value hides a variable."""
        return Environment({**self._variables, **variables}, self.asked)

    def with_own_record(self) -> Environment:
        """Return a copy with an `asked` of its own, which is empty."""
        return Environment(self._variables)

    def raw(self, name: str) -> str | None:
        """Return the value as it is, None only where the variable is not set."""
        self.asked.add(name)
        return self._variables.get(name)

    def text(self, name: str) -> str:
        """Return a variable's value; for NAME*, all that begin so, one per line."""
        if not name.endswith("*"):
            return self.get(name)
        found = sorted(self.beginning(name[:-1]).items())
        return "\n".join(f"{name}={value}" for name, value in found)

    def first(self, *names: str) -> str:
        """Return the value of the first of these that is set, else ""."""
        for name in names:
            if value := self.get(name):
                return value
        return ""

    def is_on(self, name: str) -> bool:
        """Return whether a switch says yes, as the SDKs read it."""
        return self.get(name).lower() in {"true", "1", "on", "yes"}

    def home(self) -> str:
        """Return the home directory, from the password database where HOME is not set.

        "" if neither names one: some agents run without both.
        """
        return system.home(self.get)

    def path(self, name: str, below_home: str) -> str:
        """Return the file that a variable names, or the one below the home."""
        return self._place(self.get(name), below_home)

    def folder(self, kind: str) -> str:
        """Return this user's directory for "settings", "cache" or "data".

        "programs" is where other programs keep settings, by the system's rule alone.
        "" without a home.
        """
        names, below_home = system.FOLDERS[kind]
        return self._place(self.first(*names), below_home)

    def _place(self, named: str, below_home: str) -> str:
        if named.startswith("~/"):
            named = self.home() + named[1:]
        if named:
            return named
        home = self.home()
        return f"{home}/{below_home}" if home else ""

    def ends(self, *names: str) -> str:
        """Return both ends of the first value that is set; "" if none is.

        It is for a key's id: its owner recognizes it, and nobody else learns it.
        """
        value = self.first(*names)
        return f"{value[:_SHOWN]}…{value[-_SHOWN:]}" if value else ""

    def token_in(self, name: str) -> str:
        """Return the token in the file that a variable names, without white space.

        Raises IssueError if no token can be read there.
        """
        path = self.get(name)
        try:
            with open(path, encoding="ascii") as file:
                token = file.read(_MAX_TOKEN_BYTES).strip()
        except (OSError, ValueError):
            token = ""
        if not token or not token.isprintable():
            raise IssueError(
                f"{name} names {path}, where no token can be read",
                "see that the file is mounted and readable by this user",
            )
        return token

    def glab_files(self) -> tuple[str, ...]:
        """Return the paths where glab looks for its configuration file, in its order.

        It is not in the provider, which is only loaded if there is such a file.
        """
        if named := self.get("GLAB_CONFIG_DIR"):
            return (f"{named}/config.yml",)
        home, base = self.home(), self.get("XDG_CONFIG_HOME")
        usual = f"{home}/.config" if home else ""
        if sys.platform == "darwin" and home:
            base = base or f"{home}/Library/Application Support"
        found = (f"{each}/glab-cli/config.yml" for each in (usual, base) if each)
        return tuple(dict.fromkeys(found))

    def beginning(self, prefix: str) -> dict[str, str]:
        """Return the variables whose names begin with a prefix, without empty ones."""
        self.asked.add(f"{prefix}*")
        return {n: v for n, v in self._variables.items() if v and n.startswith(prefix)}


def current() -> Environment:
    """Return the process's variables, as they are now."""
    return Environment(dict(os.environ))


def adopt(variables: Mapping[str, str]) -> None:
    """Set variables for an SDK that reads the process's own."""
    os.environ.update(variables)


def become(environment: Environment) -> None:
    """Replace os.environ by an environment, for an SDK that reads os.environ.

    Empty variables are left out, because SDKs take them for values. From now on each
    name that is read from os.environ is recorded in that environment.
    """
    from dockcred.system.environment.sdks import Noting  # noqa: PLC0415 - for an SDK only

    os.environ.__class__ = Noting
    Noting.asked = set()
    os.environ.clear()
    os.environ.update(environment.set_values())
    Noting.asked = environment.asked


def timeout_s(variables: Environment, default_s: float = DEFAULT_TIMEOUT_S) -> float:
    """Return the time limit of one whole call, in seconds.

    Raises InvalidInputError where DOCKCRED_TIMEOUT is not a number above zero.
    """
    text = variables.get("DOCKCRED_TIMEOUT")
    try:
        seconds = float(text) if text else default_s
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:  # noqa: PLR2004 - an hour; also refuses nan and inf
        raise InvalidInputError(
            "DOCKCRED_TIMEOUT is not a number of seconds",
            "set it between 0.1 and 3600, or run: unset DOCKCRED_TIMEOUT",
        )
    return seconds
