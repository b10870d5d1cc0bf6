"""What is to be kept fresh: a format, its registries, and the places it goes to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dockcred.api import Policy
from dockcred.delivery.record import Record
from dockcred.rendering import formats
from dockcred.rendering.login import Login
from dockcred.rendering.options import Options, read_pem


class Place(Protocol):
    """One file, one Secret in one namespace, or one program's stdin.

    All of these raise DockcredError or OSError.
    """

    @property
    def name(self) -> str:
        """Answer what messages call it."""

    def look(self) -> Record | None:
        """Answer what is known of what is there; None where nothing is."""

    def deliver(self, content: bytes, record: Record) -> Record:
        """Put it there unless what is there ends later; answer what is there now."""

    def settle(self, there: Record) -> None:
        """See to it that those who read the place take notice; nothing if they have."""


class Destination(Protocol):
    """Where a target's rendering goes."""

    @property
    def name(self) -> str:
        """Answer what messages call all of it."""

    def overlaps(self, other: Destination) -> bool:
        """Tell whether the two have a place in common, or may come to have one."""

    @property
    def grows(self) -> bool:
        """Tell whether there may be new places without any change to the target."""

    def places(self) -> Sequence[Place]:
        """Answer the places as they are now; raise DockcredError if nobody can tell."""


@dataclass(frozen=True)
class Target:
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
        """Answer a digest of all that a rendering depends on but the credentials."""
        parts = (self.format, self.registries, self.policy.order, self.options)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def render(self, logins: Sequence[Login]) -> bytes:
        """Write the logins in the target's format."""
        texts = {host: read_pem(path) for host, path in self.options.ca_certs.items()}
        return formats.render(
            self.format, logins, replace(self.options, ca_certs=texts)
        )
