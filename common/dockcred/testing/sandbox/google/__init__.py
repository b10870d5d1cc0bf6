"""Google in the sandbox: its principals, its services, its identities."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.google import sts
from dockcred.testing.sandbox.google.iam import IamCredentials
from dockcred.testing.sandbox.google.identities import IDENTITIES
from dockcred.testing.sandbox.google.metadata import Metadata
from dockcred.testing.sandbox.google.oauth import OAuth
from dockcred.testing.sandbox.google.principals import (
    CLOUD_PLATFORM,
    PROJECT,
    Principals,
    email,
)
from dockcred.testing.sandbox.google.subject import SubjectTokens
from dockcred.testing.sandbox.google.workplace import Workplace
from dockcred.testing.sandbox.service import Minted, Service, Subject

if TYPE_CHECKING:
    from dockcred.testing.sandbox.aws import Aws

MAX_LIFE_S = 3600
REGISTRY = re.compile(
    r"(?:[a-z0-9-]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev"
    r"|docker\.[a-z0-9-]+\.rep\.pkg\.dev"
)
TOKEN_USER = re.compile(r"oauth2accesstoken|_token|_dcgcloud_token|_dcgcr_\w+_token")
KEY_USER = "_json_key"
REACHES_REGISTRIES = frozenset(
    {
        "cloud-platform",
        "cloud-platform.read-only",
        "devstorage.read_only",
        "devstorage.read_write",
        "devstorage.full_control",
    }
)


class Google:
    """The state that the Google services share.

    `machine_account` and `machine_scopes` are the instance's from now on; an empty
    account means none. `life_s` is the life of a token in seconds. `tells_expiry` says
    whether STS returns it. `identity_token` issues the metadata server's ID token for
    an audience. `universe` is the domain of all services, "" for a metadata server
    without it.
    """

    identities = IDENTITIES
    subject = Subject(
        provider="google",
        hosts=(
            "gcr.io",
            "eu.gcr.io",
            "europe-west1-docker.pkg.dev",
        ),
        nobody="google-nobody",
        somebody="google-metadata",
    )
    needs_tls = True

    def __init__(self, expires_s: float, aws: Aws) -> None:
        # Needs cryptography, which the extra `sandbox` installs.
        from dockcred.testing.sandbox.identity_tokens import Issuer  # noqa: PLC0415

        self.life_s = min(expires_s, MAX_LIFE_S)
        self.tells_expiry = True
        self.universe = "googleapis.com"
        self.machine_account = email("machine")
        self.machine_scopes = [CLOUD_PLATFORM]
        self.aws = aws
        self.issuer = Issuer("https://token.actions.sandbox.example")
        self.identity_token: Callable[[str], str] = lambda _: ""
        self.subject_secret = secrets.token_hex(16)
        self.principals = Principals()
        self.services: tuple[Service, ...] = (
            Metadata(self),
            OAuth(self),
            sts.Sts(self),
            IamCredentials(self),
            SubjectTokens(self),
        )

    def subject_token(self, subject: str, now: float, lifetime_s: float = 600) -> str:
        """Return another issuer's token for the sandbox's pool."""
        return self.issuer.issue(
            subject=subject,
            audience=f"https:{sts.PROVIDERS['oidc']}",
            issued_at=now,
            lifetime_s=lifetime_s,
        )

    def environment(
        self, identity: str, *, home: Path, url: str, tls: bool
    ) -> dict[str, str]:
        """Write the identity's files below `home` and return its variables."""
        return IDENTITIES[identity](Workplace(self, home, url, tls=tls))

    def minted(self, password: str) -> Minted | None:
        """Return what a registry password was issued for; None if it is unknown."""
        held = self.principals.find(password)
        if held is None:
            return None
        return Minted("google", "", "", PROJECT, held.principal, "", held.expires_at)

    def admits(self, username: str, password: str, host: str, now: float) -> bool:
        """Return whether the registry at this host would accept the password."""
        if REGISTRY.fullmatch(host.lower().partition(":")[0]) is None:
            return False
        if username == KEY_USER:
            return self.principals.has_key_file(password)
        held = self.principals.find(password)
        return (
            TOKEN_USER.fullmatch(username) is not None
            and held is not None
            and now < held.expires_at
            and not held.scopes.isdisjoint(REACHES_REGISTRIES)
        )
