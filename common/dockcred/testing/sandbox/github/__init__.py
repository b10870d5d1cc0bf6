"""GitHub in the sandbox: its tokens, its App, its API, its identities."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.github.api import Api
from dockcred.testing.sandbox.github.identities import IDENTITIES, Workplace
from dockcred.testing.sandbox.github.tokens import Tokens
from dockcred.testing.sandbox.service import Minted, Service, Subject

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

MAX_LIFE_S = 3600
REGISTRIES = frozenset({"ghcr.io", "docker.pkg.github.com"})


class GitHub:
    """The state that GitHub's API and registries share.

    `app_packages` is the App's permission on packages: read, write or none. `life_s` is
    the life of an installation's token in seconds.
    """

    identities = IDENTITIES
    subject = Subject(
        provider="github",
        hosts=(
            "ghcr.io",
            "docker.pkg.github.com",
        ),
        nobody="github-nobody",
        somebody="github-gh-token",
    )
    needs_tls = False

    def __init__(self, expires_s: float) -> None:
        self.life_s = min(expires_s, MAX_LIFE_S)
        self.app = "123456"
        self.installation = "87654321"
        self.app_packages = "write"
        self.tokens = Tokens()
        self.services: tuple[Service, ...] = (Api(self),)

    @cached_property
    def app_key(self) -> RSAPrivateKey:
        """Return the App's private key; it is made at the first use."""
        from dockcred.testing.sandbox import rs256  # noqa: PLC0415 - needs cryptography

        return rs256.new_key()

    def environment(
        self, identity: str, *, home: Path, url: str, tls: bool
    ) -> dict[str, str]:
        """Write the identity's files below `home` and return its variables."""
        endpoint = {} if tls else {"GITHUB_API_URL": url}
        return endpoint | IDENTITIES[identity](Workplace(self, home))

    def minted(self, password: str) -> Minted | None:
        """Return what a registry password was issued for; None if it is unknown."""
        token = self.tokens.find(password, time.time())
        if token is None:
            return None
        ends = token.expires_at or float("inf")
        return Minted("github", "", "ghcr.io", "", token.login, "", ends)

    def admits(self, username: str, password: str, host: str, now: float) -> bool:
        """Return whether the registry at this host would accept the password."""
        token = self.tokens.find(password, now)
        return (
            bool(username)
            and host.lower().partition(":")[0] in REGISTRIES
            and token is not None
            and token.opens_packages
        )

    @staticmethod
    def timestamp(epoch: float) -> str:
        """Format epoch seconds as GitHub does: whole seconds, Z."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))
