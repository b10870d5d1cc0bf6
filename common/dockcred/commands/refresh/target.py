"""One target: its logins, the record of its last rendering, and when to renew it."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from dockcred import credential
from dockcred.api.many import resolve_logins
from dockcred.api.resolve import Policy
from dockcred.clients import formats
from dockcred.clients.entries import Login
from dockcred.clients.formats import Options, read_pem
from dockcred.commands.console import moment, until
from dockcred.errors import DockcredError
from dockcred.system import environment

Report = Callable[[str], object]
"""A function that shows one line to the user."""


@dataclass(frozen=True, slots=True)
class RenderingRecord:
    """What is known of a rendering; times in whole seconds since the epoch.

    made_for    a digest of the format, the registries and the options; empty if
                another program wrote the place
    issued_at   when the credential that expires first was issued; if unknown, when
                the rendering was written
    expires_at  when that credential expires; None if none expires
    """

    made_for: str
    issued_at: int
    expires_at: int | None

    @classmethod
    def of(cls, made_for: str, logins: list[Login], now: float) -> RenderingRecord:
        """Return the record of a rendering of these logins."""
        ending = [
            (login.credential.expires_at, login.credential.issued_at)
            for login in logins
            if login.credential.expires_at is not None
        ]
        if not ending:
            return cls(made_for, int(now), None)
        expires_at, issued_at = min(ending)
        return cls(made_for, int(issued_at or now), int(expires_at))

    def is_older_than(self, there: RenderingRecord) -> bool:
        """Return whether this rendering expires before the one in its place.

        It is False if the place was written for other settings: the target has changed
        since.
        """
        if there.expires_at is None or self.expires_at is None:
            return False
        if there.made_for and there.made_for != self.made_for:
            return False
        return self.expires_at < there.expires_at

    def ends(self, now: float) -> str:
        """Return until when the rendering is valid, or since when it is not."""
        if self.expires_at is None:
            return "has no end"
        if self.expires_at <= now:
            return f"ended at {moment(self.expires_at)}"
        return f"is good until {until(self.expires_at)}"


def seconds(text: str) -> int | None:
    """Read a time in RFC 3339; return None for other text or without an offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(moment.timestamp()) if moment.tzinfo else None


EARLIEST, LATEST = 0.5, 0.75
"""A credential is renewed between these two parts of its life."""

RECHECK_S = 3600.0
"""Seconds between renewals of a credential without expiry, as it may have changed."""

NEW_PLACES_S = 60.0
"""Seconds between two searches for new namespaces."""

SOONEST_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 300.0

_chance = random.SystemRandom()


def draw() -> float:
    """Draw the part of a life after which to renew."""
    return _chance.uniform(EARLIEST, LATEST)


def is_due(record: RenderingRecord, now: float, part: float) -> bool:
    """Return whether `part` of the life is over; always True without an expiry."""
    if record.expires_at is None:
        return True
    return now >= record.issued_at + part * (record.expires_at - record.issued_at)


def seconds_until_due(record: RenderingRecord, now: float, part: float) -> float:
    """Return the seconds until is_due is True, SOONEST_S at least."""
    if record.expires_at is None:
        return RECHECK_S * part
    life = record.expires_at - record.issued_at
    return max(SOONEST_S, record.issued_at + part * life - now)


def pause_s(failures: int) -> float:
    """Return the seconds to wait after this many failures in a row.

    The longest wait doubles with each failure, up to five minutes. Half of it is fixed,
    the other half is random.
    """
    longest = min(FIRST_PAUSE_S * 2.0 ** min(failures, 32), LONGEST_PAUSE_S)
    return _chance.uniform(longest / 2, longest)


class Logins:
    """Logins in the first half of their life, or the best available.

    `trouble` is the error of the last call that left an older login; None without one.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, Policy], Login] = {}
        self.trouble: DockcredError | None = None

    def fresh(self, registries: Sequence[str], policy: Policy) -> list[Login]:
        """Return a login for each registry; raise DockcredError if one has none.

        dockcred's cache may answer. A credential past half of its life is requested
        anew. The old one is returned only if that fails.
        """
        self.trouble = None
        self._ask(self._aged(registries, policy), policy, policy)
        aged = [
            name
            for name in self._aged(registries, policy)
            if self._found[name, policy].credential.expires_at is not None
        ]
        try:
            self._ask(aged, policy, replace(policy, cache=False))
        except DockcredError as error:
            self.trouble = error
        return [self._found[name, policy] for name in registries]

    def _ask(self, registries: list[str], policy: Policy, how: Policy) -> None:
        if not registries:
            return
        # This command renews by itself, so the cache needs no background refresh.
        variables = environment.current().with_values({"DOCKCRED_REFRESH": "off"})
        for login in resolve_logins(
            registries, policy=how, environment=variables.set_values()
        ):
            self._found[login.registry, policy] = login

    def _aged(self, registries: Iterable[str], policy: Policy) -> list[str]:
        """Return the registries whose login is unknown, endless, or past half."""
        # Records have whole seconds. One more makes a login that they call due aged
        # here.
        soon = time.time() + 1
        return [
            name
            for name in registries
            if (found := self._found.get((name, policy))) is None
            or credential.age(found.credential, soon) != credential.FRESH
        ]


class Place(Protocol):
    """A place for a rendering: one file, one Secret in one namespace, or one command.

    All methods raise DockcredError or OSError. They may be called for several places of
    one destination at once.
    """

    @property
    def name(self) -> str:
        """Return the place's name for messages."""

    @property
    def is_missing(self) -> bool:
        """Return whether it is known, without any request, that the place is empty."""

    def look(self) -> RenderingRecord | None:
        """Return the record of what is there; None if nothing of ours is there."""

    def deliver(self, content: bytes, record: RenderingRecord) -> RenderingRecord:
        """Write the content, unless what is there expires later; return its record."""

    def settle(self, there: RenderingRecord) -> None:
        """Notify the readers of the place; do nothing if they know already."""


class Follower(Protocol):
    """Follows a destination's places as they appear and disappear."""

    def places(self) -> Sequence[Place]:
        """Return the current places; raise DockcredError if they are unknown."""

    def take_news(self) -> bool | None:
        """Return None without news; else whether failed places may work again."""

    def stop(self) -> None:
        """Stop to follow."""


class Destination(Protocol):
    """All places of a target's rendering."""

    @property
    def name(self) -> str:
        """Return the destination's name for messages, all its places together."""

    def overlaps(self, other: Destination) -> bool:
        """Return whether the two have a place in common, or may come to have one."""

    @property
    def grows(self) -> bool:
        """Return whether places may appear without a change to the target."""

    @property
    def is_shared(self) -> bool:
        """Return whether other replicas see the same places."""

    def places(self) -> Sequence[Place]:
        """Return the current places; raise DockcredError if they are unknown."""

    def follow(self, wake: Callable[[], object], warn: Report) -> Follower | None:
        """Return a follower, which calls `wake` for news; None if none ever comes."""


@dataclass(frozen=True)
class RefreshTarget:
    """One [[target]] of the file.

    In `options`, `ca_certs` names PEM files. They are read at each rendering.
    """

    format: str
    registries: tuple[str, ...]
    destination: Destination
    options: Options
    policy: Policy

    @property
    def made_for(self) -> str:
        """Return a digest of all that a rendering depends on, without credentials."""
        parts = (self.format, self.registries, self.policy.order, self.options)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def render(self, logins: Sequence[Login]) -> bytes:
        """Write the logins in the target's format."""
        texts = {host: read_pem(path) for host, path in self.options.ca_certs.items()}
        return formats.render(
            self.format, logins, replace(self.options, ca_certs=texts)
        )
