"""The JSON document that `dockcred` prints about registries: see docs/json.md.

No part of it ever holds a secret.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dockcred.commands.console import moment

if TYPE_CHECKING:
    from dockcred.errors import DockcredError

VERSION = 1
"""The version of the document's form.

It changes if a reader of the old form would fail.
"""

(
    CACHED,
    ANSWERED,
    OVER,
    CONFIGURED,
    MACHINE,
    KEPT,
    IN_CLEAR,
    OTHERS,
    NOBODY,
    BROKEN,
) = (
    "cached",
    "answered",
    "over",
    "configured",
    "machine",
    "kept",
    "in-clear",
    "others",
    "nobody",
    "broken",
)
"""cached      a `get` is answered from the cache
answered    an identity has just been asked and has answered; nothing of it is cached
over        the credential in the cache has ended: the next `get` mints another
configured  an identity is configured, and was not asked yet
machine     nothing is configured: the machine's own identity, if it has one, is
            asked at the next `get`
kept        a login is in the keychain
in-clear    a client's file has the login, readable
others      a helper that is not ours answers
nobody      nobody answers
broken      what is configured cannot work"""


def problem_of(error: DockcredError) -> dict[str, str]:
    """Return an error's cause and remedy for a document."""
    return {"cause": error.cause, "remedy": error.remedy}


def life(expires_at: float | None, now: float) -> dict[str, Any]:
    """Return an expiry for a document: the time, and the seconds until then.

    `expires_at` and `now` are seconds since the epoch.
    """
    if expires_at is None:
        return {"expires": None, "expires_in": None}
    return {"expires": moment(expires_at), "expires_in": int(expires_at - now)}


def document(**parts: Any) -> str:
    """Return a document as JSON: always with all parts; a part may be empty."""
    whole: dict[str, Any] = {
        "version": VERSION,
        "time": moment(time.time()),
        "registries": [],
        "keychain": None,
        "caches": [],
        "targets": [],
        "problems": [],
    }
    return json.dumps(whole | parts, indent=2)


@dataclass
class Answerer:
    """Who answers, as whom and until when; times are seconds since the epoch."""

    source: str
    user: str = ""
    who: dict[str, str] = field(default_factory=dict)
    issued_at: float | None = None
    expires_at: float | None = None

    def said(self) -> str:
        """Return source and identity in words."""
        who = ", ".join(f"{name} {value}" for name, value in self.who.items())
        return f"{self.source}: {who}" if who else self.source

    def document(self, now: float) -> dict[str, Any]:
        """Return this answerer for a document."""
        issued = moment(self.issued_at) if self.issued_at else None
        return {
            "user": self.user or None,
            "source": self.source or None,
            "who": self.who,
            "issued": issued,
            **life(self.expires_at, now),
        }


BY_DEFAULT = "by default"
"""The key of a helper that docker asks although no file names it."""


@dataclass(frozen=True)
class ClientUse:
    """What one client does for a registry: the helper that it asks, or the login."""

    client: str
    file: str
    key: str
    helper: str = ""
    user: str = ""
    is_ours: bool = False
    is_installed: bool = True

    def document(self) -> dict[str, Any]:
        """Return this use for a document."""
        return {
            "client": self.client,
            "helper": self.helper or None,
            "user": self.user or None,
            "file": self.file,
            "key": self.key,
            "ours": self.is_ours,
            "installed": self.is_installed,
        }


@dataclass
class Known:
    """What is known of one registry.

    `others` are cached for other identities than the current one.
    """

    registry: str
    state: str = NOBODY
    answerer: Answerer = field(default_factory=lambda: Answerer(""))
    clients: list[ClientUse] = field(default_factory=list)
    others: list[Answerer] = field(default_factory=list)
    problem: DockcredError | None = None
    failure: tuple[str, float] | None = None

    def document(self, now: float) -> dict[str, Any]:
        """Return this registry for a document."""
        failure = None
        if self.failure:
            cause, when = self.failure
            failure = {"cause": cause, "time": moment(when)}
        return {
            "registry": self.registry,
            "state": self.state,
            **self.answerer.document(now),
            "clients": [client.document() for client in self.clients],
            "others": [other.document(now) for other in self.others],
            "problem": problem_of(self.problem) if self.problem else None,
            "last_failure": failure,
        }
