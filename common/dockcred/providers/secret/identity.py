"""A user and a password, each from its place, and the fields of a JSON answer."""

from __future__ import annotations

import time

from dockcred.credential import Credential
from dockcred.errors import InvalidInputError, IssueError, MissingIdentityError
from dockcred.identity.provider import Identity
from dockcred.providers.secret import conventions, places
from dockcred.system.environment.secret import PASSWORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dockcred.credential import ServerURL
    from dockcred.providers.secret.conventions import Convention
    from dockcred.system.environment import Environment

_USER = "DOCKCRED_SECRET_USERNAME"
MOST_KEPT_S = 24 * 3600.0
"""The longest life of a cache entry, in seconds, even if the answer expires later. A
person who changes a password need not wait longer."""


def choose(server: ServerURL, environment: Environment) -> Identity:
    """Return the identity: by configured places, else by the variable for a host."""
    if not environment.first(*PASSWORDS) and (
        found := conventions.find(server, environment)
    ):
        return VariableIdentity(found)
    return SecretIdentity(server, environment)


def known_user(server: ServerURL, environment: Environment) -> str:
    """Return the user, if no file or program is needed to tell it; else ""."""
    if named := environment.get(_USER):
        return named
    if variable := environment.get(f"{_USER}_VARIABLE"):
        return environment.get(variable)
    found = conventions.find(server, environment)
    return found.user if found else ""


class VariableIdentity(Identity):
    """The login in a variable with the host's name; it is never kept."""

    sources = ("secret:variable",)

    def __init__(self, found: Convention) -> None:
        """Keep what was found."""
        self._found = found

    def issue(self) -> Credential:
        """Return the user and the password."""
        return Credential(self._found.user, self._found.password, time.time())


class SecretIdentity(Identity):
    """The login in configured places; it is kept only if it has an expiry."""

    def __init__(self, server: ServerURL, environment: Environment) -> None:
        """Check both places; raise the error for one that is not usable."""
        self._host = server.host
        self._user = environment.get(_USER)
        password = places.place("PASSWORD", environment)
        if password is None:
            raise MissingIdentityError(
                f"nothing says where the password for {server.host} is",
                "write password_command, password_file or password_variable at the"
                " registry in config.toml",
            )
        self._password = password
        self._where_user = places.place("USERNAME", environment)
        both = [each for each in (password, self._where_user) if each]
        self.sources = tuple(dict.fromkeys(each.source for each in both))

    def issue(self) -> Credential:
        """Read both; raise IssueError for a wrong user or password."""
        now = time.time()
        found = read_answer(self._password.read(), self._password.origin)
        user = self._user or (self._where_user.read() if self._where_user else "")
        user = user or found.username
        if not user:
            raise InvalidInputError(
                f"nothing says who logs in to {self._host}: there is no username",
                "write username = at the registry in config.toml, or have the answer"
                ' be {"username": …, "password": …}',
            )
        if ":" in user or not user.isprintable():
            raise IssueError(
                f"the username for {self._host} is none: it has a colon, or is not one"
                " line of text",
                "see where it is from: the password may have taken its place",
            )
        ends = found.expires_at
        if ends is not None and ends <= now:
            raise IssueError(
                f"{self._password.origin} is over by this clock",
                "have another one made, or set the clock (NTP)",
            )
        kept = None if ends is None else min(ends, now + MOST_KEPT_S)
        return Credential(user, found.password, now, kept)


class Answer:
    """The content of a place: a password, and perhaps its user and expiry."""

    __slots__ = ("expires_at", "password", "username")

    def __init__(
        self, password: str, username: str = "", expires_at: float | None = None
    ) -> None:
        """Set the fields; `expires_at` is in seconds since the epoch."""
        self.password = password
        self.username = username
        self.expires_at = expires_at


def read_answer(text: str, origin: str) -> Answer:
    """Parse the text of a place: a JSON object with `password`, else just a password.

    Google's key files are JSON objects too, but there the whole text is the password.
    Raises IssueError for an `expiry` that is no time, and for a field that is no text.
    """
    fields = _object(text) if text.startswith("{") else {}
    if "password" not in fields:
        return Answer(text)
    password, user = fields["password"], fields.get("username") or ""
    if not (isinstance(password, str) and password and isinstance(user, str)):
        raise IssueError(
            f"{origin} is JSON whose username or password is no text",
            'it is read as {"username": "…", "password": "…", "expiry": "…"}',
        )
    ends = None
    if fields.get("expiry") not in (None, ""):
        ends = _moment(fields["expiry"])
        if ends is None:
            raise IssueError(
                f"{origin} is JSON whose expiry is no time",
                "write it as 2030-01-31T12:00:00Z, or as seconds since 1970",
            )
    return Answer(password, user, ends)


def _object(text: str) -> dict[str, Any]:
    import json  # noqa: PLC0415 - an answer in JSON only

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _moment(value: object) -> float | None:
    """Return seconds since the epoch; None for neither a number nor RFC 3339."""
    from datetime import datetime  # noqa: PLC0415 - an answer in JSON only

    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, str):
            when = datetime.fromisoformat(value)
            # Without a zone the time would differ from machine to machine.
            return when.timestamp() if when.tzinfo else None
        seconds = float(value) if isinstance(value, (int, float)) else -1.0
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < float("inf") else None
