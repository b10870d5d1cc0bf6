"""A user and a password, each from its place, and what an answer in JSON adds."""

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
"""However late an answer ends: who changes a password shall not wait for longer."""


def choose(server: ServerURL, environment: Environment) -> Identity:
    """Return who answers: places that are configured, else a variable by its name."""
    if not environment.first(*PASSWORDS) and (
        found := conventions.find(server, environment)
    ):
        return VariableIdentity(found)
    return SecretIdentity(server, environment)


def known_user(server: ServerURL, environment: Environment) -> str:
    """Return the user where a `get` need not read or run anything to tell."""
    if named := environment.get(_USER):
        return named
    if variable := environment.get(f"{_USER}_VARIABLE"):
        return environment.get(variable)
    found = conventions.find(server, environment)
    return found.user if found else ""


class VariableIdentity(Identity):
    """Whoever a variable by its name is for; nothing of it is kept."""

    sources = ("secret:variable",)

    def __init__(self, found: Convention) -> None:
        """Hold what was found."""
        self._found = found

    def issue(self) -> Credential:
        """Return it."""
        return Credential(self._found.user, self._found.password, time.time())


class SecretIdentity(Identity):
    """Whoever may read the password; nothing of it is kept without an end."""

    def __init__(self, server: ServerURL, environment: Environment) -> None:
        """Check both places; raise what is wrong with one."""
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
        """Read both; raise IssueError for what is no user or no password."""
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
    """What a place has: a password, or besides who it is for and until when."""

    __slots__ = ("expires_at", "password", "username")

    def __init__(
        self, password: str, username: str = "", expires_at: float | None = None
    ) -> None:
        """Hold them; `expires_at` is seconds since the epoch."""
        self.password = password
        self.username = username
        self.expires_at = expires_at


def read_answer(text: str, origin: str) -> Answer:
    """Read a place's text: an object with a `password`, else the password as it is.

    Google's key files are objects too, and passwords as a whole. Raises IssueError for
    an `expiry` that is no time, or a member that is no text.
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
    """Return seconds since the epoch; None for what is neither these nor RFC 3339."""
    from datetime import datetime  # noqa: PLC0415 - an answer in JSON only

    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, str):
            when = datetime.fromisoformat(value)
            # Without its zone a time is another one on each machine.
            return when.timestamp() if when.tzinfo else None
        seconds = float(value) if isinstance(value, (int, float)) else -1.0
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < float("inf") else None
