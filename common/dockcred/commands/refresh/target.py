"""One target: its logins, what was delivered last, and when the next is due."""

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
"""Says a line to whoever watches."""


@dataclass(frozen=True, slots=True)
class RenderingRecord:
    """What is known of a rendering; times in whole seconds since the epoch.

    made_for    a digest of the format, the registries and the options; nothing for
                what another program has put there
    issued_at   when the credential that ends first was issued, or else when the
                rendering was put there
    expires_at  when that one ends; None where none of them does
    """

    made_for: str
    issued_at: int
    expires_at: int | None

    @classmethod
    def of(cls, made_for: str, logins: list[Login], now: float) -> RenderingRecord:
        """Describe a rendering of these logins."""
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
        """Return whether it ends sooner than what stands in its place.

        What was made for something else has no say: the target was changed since.
        """
        if there.expires_at is None or self.expires_at is None:
            return False
        if there.made_for and there.made_for != self.made_for:
            return False
        return self.expires_at < there.expires_at

    def ends(self, now: float) -> str:
        """Return for how long it is still valid, or since when it is not."""
        if self.expires_at is None:
            return "has no end"
        if self.expires_at <= now:
            return f"ended at {moment(self.expires_at)}"
        return f"is good until {until(self.expires_at)}"


def seconds(text: str) -> int | None:
    """Read a moment in RFC 3339; None for what is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(moment.timestamp()) if moment.tzinfo else None


EARLIEST, LATEST = 0.5, 0.75
"""Parts of a life between which it is renewed."""

RECHECK_S = 3600.0
"""How often to ask for a credential that has no end: somebody may have changed it."""

NEW_PLACES_S = 60.0
"""How often to look for namespaces that are new."""

SOONEST_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 300.0

_chance = random.SystemRandom()


def draw() -> float:
    """Draw the part of a life after which to renew."""
    return _chance.uniform(EARLIEST, LATEST)


def is_due(record: RenderingRecord, now: float, part: float) -> bool:
    """Return whether so much of the life is over; what has no end is always due."""
    if record.expires_at is None:
        return True
    return now >= record.issued_at + part * (record.expires_at - record.issued_at)


def seconds_until_due(record: RenderingRecord, now: float, part: float) -> float:
    """Return how long to leave it alone."""
    if record.expires_at is None:
        return RECHECK_S * part
    life = record.expires_at - record.issued_at
    return max(SOONEST_S, record.issued_at + part * life - now)


def pause_s(failures: int) -> float:
    """Return how long to wait after so many failures in a row: longer, and by chance.

    Half of it is certain and half is drawn, from a second to five minutes.
    """
    longest = min(FIRST_PAUSE_S * 2.0 ** min(failures, 32), LONGEST_PAUSE_S)
    return _chance.uniform(longest / 2, longest)


class Logins:
    """Logins in the first half of their life, or the best that can be had.

    `trouble` is why the last call could not answer all of them so, None if it could.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, Policy], Login] = {}
        self.trouble: DockcredError | None = None

    def fresh(self, registries: Sequence[str], policy: Policy) -> list[Login]:
        """Return a login for each registry; raise DockcredError where there is none.

        dockcred's cache may answer, but not with what is past its half: that is
        minted anew, and answered as it is only where minting fails.
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
        # Nobody needs the cache refreshed as well.
        variables = environment.current().with_values({"DOCKCRED_REFRESH": "off"})
        for login in resolve_logins(
            registries, policy=how, environment=variables.set_values()
        ):
            self._found[login.registry, policy] = login

    def _aged(self, registries: Iterable[str], policy: Policy) -> list[str]:
        """Return those that are unknown, endless, or past the half of their life."""
        # Records are in whole seconds: what is due by them must not pass for fresh.
        soon = time.time() + 1
        return [
            name
            for name in registries
            if (found := self._found.get((name, policy))) is None
            or credential.age(found.credential, soon) != credential.FRESH
        ]


class Place(Protocol):
    """One file, one Secret in one namespace, or one program's stdin.

    All of these raise DockcredError or OSError. Several places of one destination may
    be asked at once.
    """

    @property
    def name(self) -> str:
        """Return what messages call it."""

    @property
    def is_missing(self) -> bool:
        """Return whether it is known, without asking anybody, that nothing is there."""

    def look(self) -> RenderingRecord | None:
        """Return what is known of what is there; None where nothing is."""

    def deliver(self, content: bytes, record: RenderingRecord) -> RenderingRecord:
        """Write it unless what is there ends later; return what is there now."""

    def settle(self, there: RenderingRecord) -> None:
        """Notify those who read the place; nothing if they know."""


class Follower(Protocol):
    """Who hears of a destination's places as they come and go."""

    def places(self) -> Sequence[Place]:
        """Return the places as they are now; raise DockcredError if nobody can tell."""

    def take_news(self) -> bool | None:
        """Return None for none, and else whether what has failed may work again."""

    def stop(self) -> None:
        """Listen no more."""


class Destination(Protocol):
    """Where a target's rendering goes."""

    @property
    def name(self) -> str:
        """Return what messages call all of it."""

    def overlaps(self, other: Destination) -> bool:
        """Return whether the two have a place in common, or may come to have one."""

    @property
    def grows(self) -> bool:
        """Return whether there may be new places without any change to the target."""

    @property
    def is_shared(self) -> bool:
        """Return whether other replicas see the same places."""

    def places(self) -> Sequence[Place]:
        """Return the places as they are now; raise DockcredError if nobody can tell."""

    def follow(self, wake: Callable[[], object], warn: Report) -> Follower | None:
        """Return who calls `wake` when there is news; None where there is never any."""


@dataclass(frozen=True)
class RefreshTarget:
    """One [[target]] of the file.

    The `ca_certs` of its options name files of PEM text, read at each rendering.
    """

    format: str
    registries: tuple[str, ...]
    destination: Destination
    options: Options
    policy: Policy

    @property
    def made_for(self) -> str:
        """Return a digest of all that a rendering depends on but the credentials."""
        parts = (self.format, self.registries, self.policy.order, self.options)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def render(self, logins: Sequence[Login]) -> bytes:
        """Write the logins in the target's format."""
        texts = {host: read_pem(path) for host, path in self.options.ca_certs.items()}
        return formats.render(
            self.format, logins, replace(self.options, ca_certs=texts)
        )
